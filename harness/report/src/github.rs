//! Annotations of GitHub Actions: workflow commands, which a job prints and the pages of a change show.

use dmconform_model::result::Problem;
use dmconform_model::{CaseResult, Finding, RunRecord, Verdict};

use crate::{gate, wording};

/// How many annotations of a level GitHub shows of a step.
const SHOWN: usize = 10;
/// How long a message may be, in characters: what is shown is a few lines.
const LONGEST: usize = 1_000;

/// Which files of a run are in the repository whose change is looked at, and where it is.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The files, as they were named when they were read.
    pub own: Vec<String>,
    /// The folder of the repository, which places are relative to; absent if it is not known.
    pub workspace: Option<String>,
}

impl Files {
    /// The place of a file in the repository; nothing if it is not the user's own.
    fn place(&self, file: &str) -> Option<String> {
        if !self.own.iter().any(|own| own == file) {
            return None;
        }
        let workspace = self.workspace.as_deref();
        let inside =
            workspace.and_then(|folder| file.strip_prefix(folder.trim_end_matches('/'))?.strip_prefix('/'));
        Some(inside.unwrap_or(file).trim_start_matches("./").to_owned())
    }
}

/// How much an annotation weighs, as GitHub has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

struct Annotation {
    level: Level,
    /// File, line and column, as far as they are known.
    place: Option<(String, u32, u32)>,
    title: String,
    message: String,
}

/// The annotations of a run, a line each: what failed first, and as many of a level as are shown, the last of which
/// counts the others.
pub fn annotations(record: &RunRecord, files: &Files) -> String {
    let all = all(record, files);
    let mut lines = Vec::new();
    for level in Level::ALL {
        let of_level: Vec<&Annotation> = all.iter().filter(|one| one.level == level).collect();
        let shown = match of_level.len() > SHOWN {
            true => SHOWN - 1,
            false => of_level.len(),
        };
        lines.extend(of_level[..shown].iter().map(|one| line(one)));
        let more = of_level.len() - shown;
        if more > 0 {
            lines.push(line(&Annotation {
                level,
                place: None,
                title: format!("{more} more"),
                message: format!("{more} more are in the summary of the job and in its reports"),
            }));
        }
    }
    lines.concat()
}

fn all(record: &RunRecord, files: &Files) -> Vec<Annotation> {
    let mut failed: Vec<&CaseResult> = record.unexpected().collect();
    let order = |case: &&CaseResult| match case.verdict {
        Verdict::Fail => 0,
        Verdict::Error => 1,
        _ => 2,
    };
    failed.sort_by_key(order);
    let failed = failed
        .into_iter()
        .flat_map(|case| of_case(case, Level::Error, files));
    let problems = record.problems.iter().map(problem);
    let faults = record.gate.iter().flat_map(|gate| gate.faults());
    let faults = faults.map(|(place, fault)| Annotation {
        level: Level::Error,
        place: files
            .place(&place.file)
            .map(|file| (file, place.line, place.column)),
        title: "not as the known failures say".to_owned(),
        message: fault,
    });
    let is_unexpected = |case: &CaseResult| record.unexpected().any(|other| std::ptr::eq(other, case));
    let warned = record.cases.iter().filter(|case| {
        let is_noteworthy = !matches!(case.verdict, Verdict::Pass | Verdict::NotApplicable);
        is_noteworthy && !is_unexpected(case) && record.known(case).is_none()
    });
    let warned = warned.flat_map(|case| of_case(case, Level::Warning, files));
    let known = gate::known(record).into_iter().map(|(case, known)| Annotation {
        level: Level::Notice,
        place: files
            .place(&known.place.file)
            .map(|file| (file, known.place.line, known.place.column)),
        title: format!("known: {}", title(case)),
        message: gate::why(known),
    });
    problems
        .chain(failed)
        .chain(faults)
        .chain(warned)
        .chain(known)
        .collect()
}

/// One for each thing that was found in a case, or one for the case.
fn of_case(case: &CaseResult, level: Level, files: &Files) -> Vec<Annotation> {
    let whole = files.place(&case.file).map(|file| (file, 0, 0));
    if case.findings.is_empty() || case.is_flaky() {
        let attempts = gate::attempts(case).map(|attempts| format!("attempts: {attempts}"));
        let reason = case.reason.clone().unwrap_or_default();
        return vec![Annotation {
            level,
            place: whole,
            title: title(case),
            message: [Some(reason), attempts]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n"),
        }];
    }
    let findings = case.findings.iter().map(|finding| Annotation {
        level,
        place: finding
            .place
            .as_ref()
            .and_then(|place| Some((files.place(&place.file)?, place.line, place.column)))
            .or_else(|| whole.clone()),
        title: title(case),
        message: message(case, finding),
    });
    findings.collect()
}

fn title(case: &CaseResult) -> String {
    format!("{} {} [{}]", case.verdict, case.id, case.implementation)
}

fn message(case: &CaseResult, finding: &Finding) -> String {
    let is_told = |label: &str| {
        matches!(
            label,
            "requirement" | "purpose" | "expected" | "observed" | "blame" | "run again"
        )
    };
    let lines = wording::finding(case, finding).into_iter();
    let lines = lines
        .filter(|(label, _)| is_told(label))
        .map(|(label, text)| format!("{label}: {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn problem(problem: &Problem) -> Annotation {
    Annotation {
        level: Level::Error,
        place: None,
        title: format!("{} could not be tested", problem.implementation),
        message: format!("failed to {}", problem.message),
    }
}

/// An annotation as a workflow command.
fn line(annotation: &Annotation) -> String {
    let mut properties = Vec::new();
    if let Some((file, line, column)) = &annotation.place {
        properties.push(format!("file={}", property(file)));
        for (name, number) in [("line", line), ("col", column)] {
            if *number > 0 {
                properties.push(format!("{name}={number}"));
            }
        }
    }
    properties.push(format!("title={}", property(&annotation.title)));
    let message = wording::shortened(&annotation.message, LONGEST);
    let lines: Vec<String> = message.lines().map(wording::clean).collect();
    format!(
        "::{} {}::{}\n",
        annotation.level.as_str(),
        properties.join(","),
        data(&lines.join("\n"))
    )
}

/// A message as the runner reads it: an end of line would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, in which a colon and a comma would end it.
fn property(text: &str) -> String {
    data(&wording::clean(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// From here the runner takes nothing for a command, whatever a product says. `token` must be one that no product can know.
pub fn stop_commands(token: &str) -> String {
    format!("::stop-commands::{token}\n")
}

/// From here it takes commands again.
pub fn resume_commands(token: &str) -> String {
    format!("::{token}::\n")
}
