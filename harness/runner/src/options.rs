//! What a run is asked to do.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dmconform_case::Suite;
use dmconform_case::implementation::Implementation;
use dmconform_case::pattern::GlobSet;
use dmconform_model::{CaseId, CaseResult, Role, Target, Verdict};
use dmconform_oddity::{Oddities, Oddity};
use dmconform_roles::Captured;

use crate::gating::Gating;
use crate::operator::Operator;

/// An implementation to be tested.
#[derive(Clone, Debug)]
pub struct TargetFile {
    /// A short name, unique within the run: the file's name without its extension.
    pub name: String,
    /// The file as the user named it, for the commands in reports; absent for a bundled one.
    pub path: Option<PathBuf>,
    /// What is in it.
    pub implementation: Implementation,
    /// The suite, with the profile that this implementation speaks.
    pub suite: Arc<Suite>,
    /// The products that it is made of, where several are observed; one otherwise, and then none is named here.
    pub parts: Vec<Self>,
}

impl TargetFile {
    /// The implementation as results name it.
    pub(crate) fn target(&self) -> Target {
        let of_parts = self.parts.iter().flat_map(|part| {
            let roles = part.implementation.plays.iter();
            roles.map(|role| (*role, part.name.clone()))
        });
        Target {
            name: self.name.clone(),
            product: match self.parts.is_empty() {
                true => self.implementation.implementation.to_string(),
                false => {
                    let names = self
                        .parts
                        .iter()
                        .map(|part| part.implementation.implementation.to_string());
                    names.collect::<Vec<_>>().join(" with ")
                }
            },
            plays: self.implementation.plays.clone(),
            products: of_parts.collect(),
            full_names: self
                .parts
                .iter()
                .map(|part| (part.name.clone(), part.implementation.implementation.to_string()))
                .collect(),
            claims: Vec::new(),
        }
    }

    /// How many of it may run beside each other: as many as every product of it allows.
    pub(crate) fn instances(&self) -> u32 {
        let starts = self
            .members()
            .iter()
            .map(|part| part.implementation.start.as_ref());
        let instances = starts.map(|start| start.map_or(1, |start| start.instances));
        instances.min().unwrap_or(1)
    }

    /// The products that the harness starts and configures one by one.
    pub(crate) fn members(&self) -> &[Self] {
        if self.parts.is_empty() {
            std::slice::from_ref(self)
        } else {
            &self.parts
        }
    }
}

/// Which transcripts of a run are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of them: they are the evidence.
    All,
    /// Those of cases that did not pass.
    NotPassed,
    /// Those of these cases.
    Of(BTreeSet<CaseId>),
}

impl Kept {
    pub(crate) fn keeps(&self, result: &CaseResult) -> bool {
        match self {
            Self::All => true,
            Self::NotPassed => result.verdict != Verdict::Pass,
            Self::Of(cases) => cases.contains(&result.id),
        }
    }
}

/// How closely cases are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How often it is looked whether something is overdue.
    pub tick: Duration,
    /// How often a mock client asks DMS-1 for something new; an eighth of the window if absent.
    pub poll: Option<Duration>,
    /// How many sessions mock clients hold at once, where they close their connections with each of them; absent where they keep them.
    pub sessions: Option<usize>,
    /// Whether transcripts wait in files, and not in memory, until it is known whether they are kept.
    pub spools: bool,
    /// How many connections a listener of a mock role holds open at once, where it is not its usual number.
    pub connections: Option<usize>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(10),
            poll: None,
            sessions: None,
            spools: false,
            connections: None,
        }
    }
}

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The identifier of the run.
    pub id: String,
    /// When it begins: RFC 3339, UTC.
    pub started: String,
    /// The suite.
    pub suite: Arc<Suite>,
    /// The implementations.
    pub targets: Vec<TargetFile>,
    /// Only cases that judge one of these roles; all if empty.
    pub roles: Vec<Role>,
    /// Only cases whose identifier matches; all if absent.
    pub cases: Option<GlobSet>,
    /// How many cases run at once.
    pub jobs: u32,
    /// What fixes the order of the cases, and what oddities leave open.
    pub seed: u64,
    /// Whether warnings fail.
    pub strict: bool,
    /// The deviations that the reference implementation is given.
    pub deviations: Vec<String>,
    /// The oddities that the reference implementation is given. What they leave open, the seed decides.
    pub oddities: Vec<Oddity>,
    /// The oddities of mock roles.
    pub peer_oddities: Vec<Oddity>,
    /// Where the certification authority is that products were configured with before; a new one if absent.
    pub certificates: Option<PathBuf>,
    /// The options that lead to this suite, for the commands in reports.
    pub suite_options: Vec<String>,
    /// How the command begins that runs one case again, where it is not `run` with the product.
    pub rerun: Option<String>,
    /// Which transcripts are kept.
    pub kept: Kept,
    /// What is kept of what passes over connections, beside the transcripts.
    pub captured: Captured,
    /// How closely cases are followed.
    pub pace: Pace,
    /// Which part of the cases it is, when it stops, what is known to fail.
    pub gating: Gating,
    /// Whether private keys, and product files with secrets in them, stay in the working directories after the run.
    pub keep_work: bool,
    /// The run's directory.
    pub directory: PathBuf,
    /// Whom prompts go to.
    pub operator: Operator,
    /// This program, for products that are started through it.
    pub program: PathBuf,
}

/// The options that turn verdicts, and that a run which is gone on with has to share with its beginning.
const TURNING: [&str; 4] = [" --strict", " --deviation ", " --oddity ", " --peer-oddity "];

impl RunOptions {
    /// The options that turn verdicts, as they stand at the end of the command that runs a case again.
    pub(crate) fn what_turns_verdicts(&self) -> String {
        let mut command = String::new();
        if self.strict {
            command.push_str(" --strict");
        }
        for deviation in &self.deviations {
            command = format!("{command} --deviation {deviation}");
        }
        for oddity in &self.oddities {
            command = format!("{command} --oddity {oddity}");
        }
        for oddity in &self.peer_oddities {
            command = format!("{command} --peer-oddity {oddity}");
        }
        if !(self.oddities.is_empty() && self.peer_oddities.is_empty()) {
            command = format!("{command} --seed {}", self.seed);
        }
        command
    }

    /// Whether what turns verdicts is the same in a command that runs a case again.
    pub fn turn_verdicts_as(&self, rerun: &str) -> bool {
        turns_alike(rerun, &self.what_turns_verdicts())
    }

    pub(crate) fn of_peers(&self) -> Oddities {
        Oddities::new(self.peer_oddities.iter().copied(), self.seed)
    }
}

/// Whether a command ends with these options, and has no others that turn verdicts.
fn turns_alike(command: &str, options: &str) -> bool {
    let rest = command.strip_suffix(options);
    rest.is_some_and(|rest| !TURNING.iter().any(|option| rest.contains(option)))
}

/// The present moment: RFC 3339, UTC, to the second.
pub fn timestamp() -> String {
    dmconform_tls::timestamp()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::turns_alike;

    #[rstest]
    #[case("", true)]
    #[case(" --strict", false)]
    #[case(" --deviation acl-wildcard", false)]
    #[case(" --peer-oddity chunked-body --seed 7", false)]
    fn a_run_goes_on_under_the_options_that_it_began_with(#[case] options: &str, #[case] without: bool) {
        let command = format!("dmconform run --case DEL-BS-5-010 --implementation acme.yaml{options}");
        assert!(turns_alike(&command, options));
        assert_eq!(turns_alike(&command, ""), without);
        assert!(!turns_alike(&command, " --deviation another"));
    }
}
