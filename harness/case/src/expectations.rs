//! Failures that are known, held against what a run came to.

use dmconform_model::gate::{CaseOf, Entry, Gate, KnownFailure, Missing};
use dmconform_model::{CaseId, CaseResult, Date, Finding, RequirementId, RunRecord, Verdict};

use crate::pattern::{GlobMatcher, glob, has_part};
use crate::read::nearest;

/// What the identifiers of observed delegations begin with: `dmconform run` has no such cases, and `observe` no others.
const OBSERVED: &str = "OBS-";

/// The failures that are known, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    pub(crate) entries: Vec<Expected>,
}

/// One of them, with its patterns.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) known: KnownFailure,
    pub(crate) case: GlobMatcher,
    pub(crate) implementation: Option<GlobMatcher>,
}

impl Expectations {
    /// Whether nothing is found in a case but what is known on a day.
    pub fn excuse(&self, case: &CaseResult, day: Date) -> bool {
        let valid: Vec<&Expected> = self
            .entries
            .iter()
            .filter(|entry| day <= entry.known.expires && entry.is_about(case))
            .collect();
        let found = found(case);
        let is_known = |found: &Found<'_>| valid.iter().any(|entry| entry.means(case, found));
        !found.is_empty() && found.iter().all(is_known)
    }

    /// Holds them against a run. `cases` are all that there are, whether they were selected or not.
    pub fn judge(&self, record: &RunRecord, cases: &[&CaseId], day: Date) -> Gate {
        let known = record.cases.iter().filter(|case| self.excuse(case, day));
        Gate {
            day,
            known: known.map(CaseOf::result).collect(),
            entries: self
                .entries
                .iter()
                .map(|entry| entry.judge(record, cases, day))
                .collect(),
        }
    }
}

/// Holds known failures against a whole whose parts were held against the same before. `cases` are those of the suite.
///
/// # Errors
/// A pattern that cannot be read: the parts were not written by this program.
pub fn judge_whole(parts: &[&Gate], whole: &RunRecord, cases: &[&CaseId]) -> Result<Option<Gate>, String> {
    let Some(first) = parts.first() else {
        return Ok(None);
    };
    let mut entries = Vec::new();
    for entry in &first.entries {
        let known = entry.known.clone();
        entries.push(Expected {
            case: glob(&known.case)?,
            implementation: known.implementation.as_deref().map(glob).transpose()?,
            known,
        });
    }
    // What one part knew as the name of a case is one, though the case be of the user's own and was not run.
    let named = first.entries.iter().enumerate().filter(|(number, _)| {
        let mut same = parts.iter().filter_map(|part| part.entries.get(*number));
        same.any(|entry| entry.unused.is_none())
    });
    let named: Vec<CaseId> = named.map(|(_, entry)| CaseId(entry.known.case.clone())).collect();
    let cases: Vec<&CaseId> = cases.iter().copied().chain(&named).collect();
    let day = parts.iter().fold(first.day, |day, part| day.max(part.day));
    Ok(Some(Expectations { entries }.judge(whole, &cases, day)))
}

/// What is found in a case that did not pass: a finding, or the reason where there is none.
enum Found<'a> {
    Finding(&'a Finding),
    Reason(&'a str),
}

/// Everything that makes a case what it came to; nothing where that can be no known failure.
fn found(case: &CaseResult) -> Vec<Found<'_>> {
    if !matches!(case.verdict, Verdict::Fail | Verdict::Inconclusive) {
        return Vec::new();
    }
    let findings = case.findings.iter();
    let found: Vec<Found<'_>> = findings
        .filter(|finding| finding.verdict == case.verdict)
        .map(Found::Finding)
        .collect();
    if found.is_empty() {
        return vec![Found::Reason(case.reason.as_deref().unwrap_or_default())];
    }
    found
}

impl Expected {
    /// Whether a case is meant, whatever it came to.
    fn is_about(&self, case: &CaseResult) -> bool {
        self.names(&case.id) && self.is_of(&case.implementation)
    }

    /// Whether a case is named, by itself or by its family.
    fn names(&self, id: &CaseId) -> bool {
        let family = id.0.split('.').next().unwrap_or_default();
        self.case.is_match(&id.0) || self.case.is_match(family)
    }

    fn is_of(&self, implementation: &str) -> bool {
        let pattern = self.implementation.as_ref();
        pattern.is_none_or(|pattern| pattern.is_match(implementation))
    }

    /// Whether something that is found in a case is what is known.
    fn means(&self, case: &CaseResult, found: &Found<'_>) -> bool {
        let known = &self.known;
        if case.verdict != Verdict::from(known.verdict) {
            return false;
        }
        let (requirement, texts) = match found {
            Found::Finding(finding) => (
                finding.requirement.as_ref(),
                [&finding.statement, &finding.expected, &finding.observed].map(String::as_str),
            ),
            Found::Reason(reason) => (None, [*reason; 3]),
        };
        let wanted = known.requirement.as_ref();
        // What came to nothing is of all that its case covers, and says none of it.
        let is_of_case = |wanted: &RequirementId| {
            requirement.is_none() && case.verdict == Verdict::Inconclusive && case.covers.contains(wanted)
        };
        let is_part = |part: &String| texts.iter().any(|text| has_part(text, part));
        let is_wanted = wanted.is_none_or(|wanted| requirement == Some(wanted) || is_of_case(wanted));
        is_wanted && known.message.as_ref().is_none_or(is_part)
    }

    fn judge(&self, record: &RunRecord, cases: &[&CaseId], day: Date) -> Entry {
        let mut entry = Entry {
            known: self.known.clone(),
            expired: day > self.known.expires,
            happened: Vec::new(),
            missing: Vec::new(),
            unused: None,
        };
        let meant = record.cases.iter().filter(|case| self.is_about(case));
        for case in meant
            .clone()
            .filter(|case| case.verdict != Verdict::NotApplicable)
        {
            let of = CaseOf::result(case);
            if found(case).iter().any(|found| self.means(case, found)) {
                entry.happened.push(of);
            } else {
                let instead = instead(case);
                entry.missing.push(Missing { case: of, instead });
            }
        }
        if entry.happened.is_empty() && entry.missing.is_empty() {
            let does_not_apply = meant.clone().next();
            entry.unused = self.unused(record, cases, does_not_apply);
        }
        entry
    }

    /// Why no case is meant, unless the run was not about it.
    fn unused(
        &self,
        record: &RunRecord,
        cases: &[&CaseId],
        does_not_apply: Option<&CaseResult>,
    ) -> Option<String> {
        let run = &record.run;
        if !run.targets.iter().any(|target| self.is_of(&target.name)) {
            return None;
        }
        let is_observation = run.targets.iter().any(|target| !target.products.is_empty());
        if self.known.case.starts_with(OBSERVED) != is_observation {
            return None;
        }
        if !cases.iter().any(|id| self.names(id)) {
            let near = nearest(&self.known.case, cases.iter().map(|id| id.0.as_str()));
            let help = near.map(|near| format!("; did you mean `{near}`?"));
            return Some(format!("no case has this name{}", help.unwrap_or_default()));
        }
        let is_partial = run.cancelled
            || run.shard.is_some()
            || !run.selection.is_empty()
            || !record.not_run.is_empty()
            || !record.problems.is_empty();
        if is_partial {
            return None;
        }
        Some(match does_not_apply.and_then(|case| case.reason.as_ref()) {
            Some(reason) => format!("it does not apply: {reason}; remove the entry"),
            None => {
                "no product here is tested by it; remove the entry, or name its product in `implementation`"
                    .to_owned()
            }
        })
    }
}

/// What a case came to instead of what is known.
fn instead(case: &CaseResult) -> String {
    let observed = case.reason.as_ref().map(|reason| format!(": {reason}"));
    match case.verdict {
        Verdict::Pass => "it passed".to_owned(),
        Verdict::Fail => format!("it failed for another reason{}", observed.unwrap_or_default()),
        other => format!("it came out as {other}{}", observed.unwrap_or_default()),
    }
}
