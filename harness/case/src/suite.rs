//! The suite: requirements, procedure, profile and cases, read together.

use std::collections::BTreeMap;
use std::sync::Arc;

use dmconform_model::requirement::OpenQuestion;
use dmconform_model::{CaseId, Deviation, Diagnostic, Oddity, Requirement, RequirementId, Role};

use crate::embedded::FILES;
use crate::procedure::Procedure;
use crate::profile::Profile;
use crate::read::{self, Known, Source};
use crate::test_case::{TestCase, What};

/// The name of the requirements inside the suite.
pub const REQUIREMENTS: &str = "cases/requirements.yaml";
/// The name of the deviations and oddities inside the suite.
pub const DEVIATIONS: &str = "cases/deviations.yaml";
/// The name of the procedure inside the suite.
pub const PROCEDURE: &str = "cases/procedure/bootstrap-server-url.yaml";
/// The name of the profile inside the suite.
pub const PROFILE: &str = "fixtures/profiles/default.yaml";

/// Everything that cases are made of. What every transcript repeats is shared, not copied.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The requirements.
    pub requirements: Arc<BTreeMap<RequirementId, Requirement>>,
    /// What is not tested because no requirement states it.
    pub open_questions: Vec<OpenQuestion>,
    /// The procedure.
    pub procedure: Arc<Procedure>,
    /// The profile.
    pub profile: Arc<Profile>,
    /// What products do wrong, in the order of the steps.
    pub deviations: Vec<Deviation>,
    /// What products do otherwise and rightly so.
    pub oddities: Vec<Oddity>,
    /// The cases, by identifier in the order of the procedure.
    pub cases: Vec<TestCase>,
}

impl Suite {
    /// Reads a suite from its files: name and text.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<Diagnostic>> {
        Self::load_named(files, None)
    }

    /// The same, where the text under the name of the profile comes from the file `profile`.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn load_named<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        profile: Option<&str>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let files: BTreeMap<&str, &str> = files.into_iter().collect();
        let source = |name: &'static str| Source {
            name: profile.filter(|_| name == PROFILE).unwrap_or(name),
            text: files.get(name).copied().unwrap_or(""),
        };
        // Each is read whatever is wrong with the other, so that one pass shows what is wrong with both.
        let ((requirements, open_questions), profile) = match (
            read::requirements(source(REQUIREMENTS)),
            read::profile(source(PROFILE)),
        ) {
            (Ok(requirements), Ok(profile)) => (requirements, profile),
            (requirements, profile) => {
                let problems = requirements.err().into_iter().chain(profile.err());
                return Err(problems.flatten().collect());
            }
        };
        let (procedure, departures) = match (
            read::procedure(source(PROCEDURE), &requirements),
            read::deviations(source(DEVIATIONS), &requirements),
        ) {
            (Ok(procedure), Ok(departures)) => (procedure, departures),
            (procedure, departures) => {
                let problems = procedure.err().into_iter().chain(departures.err());
                return Err(problems.flatten().collect());
            }
        };
        let known = Known {
            requirements: &requirements,
            procedure: &procedure,
            profile: &profile,
            deviations: &departures.deviations,
        };
        let mut cases: Vec<TestCase> = Vec::new();
        let mut problems = Vec::new();
        let fixed = [REQUIREMENTS, DEVIATIONS, PROCEDURE, PROFILE];
        let files_of_cases = files.iter().filter(|(name, _)| !fixed.contains(*name));
        for read in read_side_by_side(files_of_cases.map(|(name, text)| Source { name, text }), known) {
            match read {
                Ok(found) => cases.extend(found),
                Err(found) => problems.extend(found),
            }
        }
        cases.sort_by_key(|case| (order(&case.id), case.id.clone()));
        for pair in cases.windows(2) {
            if let [first, second] = pair
                && first.family() == second.family()
                && (first.id == second.id || first.file != second.file)
            {
                problems.push(same_id(first, second, files.get(second.file.as_str()).copied()));
            }
        }
        if problems.is_empty() {
            Ok(Self {
                requirements: Arc::new(requirements),
                open_questions,
                procedure: Arc::new(procedure),
                profile: Arc::new(profile),
                deviations: departures.deviations,
                oddities: departures.oddities,
                cases,
            })
        } else {
            Err(problems)
        }
    }

    /// The suite that is built in.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn embedded() -> Self {
        Self::load(embedded_files()).expect("the embedded suite is tested to be readable")
    }

    /// A case by its identifier, or the variants of one.
    pub fn family<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a TestCase> {
        let is_meant = move |case: &&TestCase| case.id.0 == id || case.family().0 == id;
        self.cases.iter().filter(is_meant)
    }

    /// A case by its identifier.
    pub fn case(&self, id: &str) -> Option<&TestCase> {
        self.cases.iter().find(|case| case.id.0 == id)
    }

    /// A deviation by its name.
    pub fn deviation(&self, name: &str) -> Option<&Deviation> {
        self.deviations.iter().find(|deviation| deviation.name == name)
    }

    /// What the names in a case file refer to.
    pub fn known(&self) -> Known<'_> {
        Known {
            requirements: &self.requirements,
            procedure: &self.procedure,
            profile: &self.profile,
            deviations: &self.deviations,
        }
    }

    /// The case that owns a requirement for a role: the first that is made for it alone.
    pub fn owners(&self) -> BTreeMap<(&RequirementId, Role), &CaseId> {
        let mut owners: BTreeMap<(&RequirementId, Role), &TestCase> = BTreeMap::new();
        for case in self.cases.iter().filter(|case| case.withdrawn.is_none()) {
            let mut expectations = case.expect.iter();
            if expectations.any(|expectation| expectation.what == What::Procedure) {
                continue;
            }
            for expectation in &case.expect {
                for role in &case.iut {
                    let owner = owners.entry((&expectation.requirement, *role)).or_insert(case);
                    // Of those for fewer roles, the first.
                    if case.iut.len() < owner.iut.len() {
                        *owner = case;
                    }
                }
            }
        }
        owners.into_iter().map(|(of, case)| (of, &case.id)).collect()
    }
}

fn same_id(first: &TestCase, second: &TestCase, text: Option<&str>) -> Diagnostic {
    let source = Source {
        name: &second.file,
        text: text.unwrap_or(""),
    };
    let message = format!("give two cases the identifier {}", second.id);
    let help = Some(format!("{} has it already; choose another number", first.file));
    match source.text.find(&second.id.0) {
        Some(start) => source.error(start..start + second.id.0.len(), message, help),
        None => source.error_in_file(message, help),
    }
}

/// The files that are built in: name and text.
pub fn embedded_files() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().map(|file| (file.name, file.text))
}

/// Reads files of cases on all processors: every command begins with it. The results are in the order of the files.
fn read_side_by_side<'a>(
    files: impl Iterator<Item = Source<'a>>,
    known: Known<'_>,
) -> Vec<Result<Vec<TestCase>, Vec<Diagnostic>>> {
    let files: Vec<Source<'_>> = files.collect();
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = files.len().div_ceil(processors).max(1);
    let read = |files: &[Source<'_>]| {
        let read = files.iter().map(|file| read::cases(*file, known));
        read.collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let parts = files.chunks(share).map(|part| scope.spawn(move || read(part)));
        // All begin before the first is waited for.
        let parts: Vec<_> = parts.collect();
        let joined = parts.into_iter().map(|part| part.join());
        joined
            .flat_map(|read| read.expect("a reader panics at nothing that it reads"))
            .collect()
    })
}

/// Cases by role, then by step, whole delegations first.
fn order(id: &CaseId) -> (u8, usize) {
    let mut parts = id.0.split('-').skip(1);
    let role = match parts.next() {
        Some("CLIENT") => 0,
        Some("DMS1") => 1,
        Some("DMS2") => 2,
        _ => 3,
    };
    let step = parts.next().unwrap_or("");
    let step = dmconform_model::Step::ALL
        .iter()
        .position(|known| known.as_str() == step);
    (role, step.map_or(0, |step| step + 1))
}
