//! Two runs compared, case by case: what fails now, what was mended, what fails for another reason.

use std::collections::BTreeMap;

use dmconform_model::{CaseId, CaseResult, RunRecord, Verdict};
use serde::Serialize;

use crate::markdown::escape;
use crate::wording;

/// How much of a reason is shown, in characters.
const REASON: usize = 300;
/// How many cases of a kind a pull request shows: its comments have an end.
const SHOWN: usize = 30;

/// What is different between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The version of this form.
    pub schema_version: u32,
    /// The earlier run, by its identifier.
    pub before: String,
    /// The later run, by its identifier.
    pub after: String,
    /// What makes the two hard to compare.
    pub remarks: Vec<String>,
    /// Every case that is not as it was, and those that still fail; the worst first.
    pub changes: Vec<Change>,
    /// How many cases are as they were, and fail in neither.
    pub unchanged: usize,
    /// Whether the later run has judged all that it was to judge.
    #[serde(skip)]
    is_whole: bool,
    /// Whether the later run has judged anything.
    #[serde(skip)]
    is_judged: bool,
}

/// One case in both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What has become of it.
    pub kind: Kind,
    /// The implementation, by its name in the later run, or in the earlier if it is not there any more.
    pub implementation: String,
    /// The case.
    pub case: CaseId,
    /// Its title.
    pub title: String,
    /// Its verdict in the earlier run, if it was there.
    pub before: Option<Verdict>,
    /// Its verdict in the later run, if it is there.
    pub after: Option<Verdict>,
    /// What was found in the earlier run.
    pub found_before: Vec<String>,
    /// What was found in the later run.
    pub found_after: Vec<String>,
}

/// What has become of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It did not fail, or was not there, and does now.
    NewFailure,
    /// It fails as before, for another reason.
    ChangedReason,
    /// It fails as before.
    StillFailing,
    /// It failed, and is not judged any more: that is no improvement.
    NoLongerJudged,
    /// It failed, and passes now.
    Fixed,
    /// It fails in neither, and its verdict is another.
    ChangedVerdict,
    /// It was not there, and does not fail.
    Added,
    /// It is not there any more.
    Removed,
}

impl Kind {
    /// Every kind, in the order in which reports show them.
    pub const ALL: [Self; 8] = [
        Self::NewFailure,
        Self::ChangedReason,
        Self::StillFailing,
        Self::NoLongerJudged,
        Self::Fixed,
        Self::ChangedVerdict,
        Self::Added,
        Self::Removed,
    ];

    /// As it is said over those that it is of.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NewFailure => "fails now",
            Self::ChangedReason => "fails for another reason",
            Self::StillFailing => "still fails",
            Self::NoLongerJudged => "failed, and is not judged any more",
            Self::Fixed => "passes now",
            Self::ChangedVerdict => "has another verdict",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// Compares two runs. Cases are the same by implementation and identifier; where each run is of one implementation, by
/// identifier alone, so that two products can be compared.
pub fn compare(before: &RunRecord, after: &RunRecord) -> Comparison {
    let by_name = before.run.targets.len() != 1 || after.run.targets.len() != 1;
    let key = |case: &CaseResult| {
        let implementation = by_name.then(|| case.implementation.clone());
        (implementation, case.id.clone())
    };
    let old: BTreeMap<_, &CaseResult> = before.cases.iter().map(|case| (key(case), case)).collect();
    let new: BTreeMap<_, &CaseResult> = after.cases.iter().map(|case| (key(case), case)).collect();
    let mut changes = Vec::new();
    let mut unchanged = 0;
    for (key, after) in &new {
        match change(old.get(key).copied(), Some(after)) {
            Some(change) => changes.push(change),
            None => unchanged += 1,
        }
    }
    for (key, before) in &old {
        if !new.contains_key(key) {
            changes.extend(change(Some(before), None));
        }
    }
    changes.sort_by(|one, other| {
        let key = |change: &Change| (change.kind, change.implementation.clone(), change.case.clone());
        key(one).cmp(&key(other))
    });
    Comparison {
        schema_version: 1,
        before: before.run.id.clone(),
        after: after.run.id.clone(),
        remarks: remarks(before, after),
        changes,
        unchanged,
        is_whole: after.problems.is_empty() && after.not_run.is_empty(),
        is_judged: after
            .cases
            .iter()
            .any(|case| case.verdict != Verdict::NotApplicable),
    }
}

/// What fails a comparison: everything but what passes, warns, or does not apply.
const fn is_failure(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Inconclusive | Verdict::Error)
}

fn change(before: Option<&CaseResult>, after: Option<&CaseResult>) -> Option<Change> {
    let case = after.or(before)?;
    let verdicts = (before.map(|case| case.verdict), after.map(|case| case.verdict));
    let (found_before, found_after) = (found(before), found(after));
    let kind = match verdicts {
        (_, None) => Kind::Removed,
        (Some(old), Some(new)) if is_failure(old) && is_failure(new) => {
            if old == new && reasons(before) == reasons(after) {
                Kind::StillFailing
            } else {
                Kind::ChangedReason
            }
        }
        (_, Some(new)) if is_failure(new) => Kind::NewFailure,
        (Some(old), Some(Verdict::NotApplicable)) if is_failure(old) => Kind::NoLongerJudged,
        (Some(old), Some(_)) if is_failure(old) => Kind::Fixed,
        (Some(old), Some(new)) if old != new => Kind::ChangedVerdict,
        (Some(_), Some(_)) => return None,
        (None, Some(_)) => Kind::Added,
    };
    Some(Change {
        kind,
        implementation: case.implementation.clone(),
        case: case.id.clone(),
        title: case.title.clone(),
        before: verdicts.0,
        after: verdicts.1,
        found_before,
        found_after,
    })
}

/// Why a case failed, without what differs from run to run: times, ports, sessions.
fn reasons(case: Option<&CaseResult>) -> Vec<String> {
    let findings = case.map(|case| case.findings.as_slice()).unwrap_or_default();
    let mut reasons: Vec<String> = findings
        .iter()
        .map(|finding| {
            // What could not be judged is told apart by what happened only.
            let happened = match finding.verdict {
                Verdict::Inconclusive | Verdict::Error => without_values(&finding.observed),
                _ => String::new(),
            };
            format!(
                "{} {:?} {:?} {:?} {} {happened}",
                finding.code,
                finding.requirement,
                finding.step,
                finding.blame,
                without_names(&finding.expected)
            )
        })
        .collect();
    reasons.sort();
    reasons.dedup();
    reasons
}

/// A text without the names that the harness gives to delegations (`1a2b3c4d-17-del-dms1-8-010`), of which none is given twice: the
/// eight hexadecimal digits of the run, and the number.
fn without_names(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('-') {
        let of_run = before
            .len()
            .checked_sub(8)
            .and_then(|at| before.split_at_checked(at));
        let number = after
            .split_once('-')
            .filter(|(number, _)| is_all(number, u8::is_ascii_digit));
        match (of_run, number) {
            (Some((kept_before, run)), Some((_, after))) if is_all(run, u8::is_ascii_hexdigit) => {
                kept.push_str(kept_before);
                rest = after;
            }
            _ => {
                kept.push_str(before);
                kept.push('-');
                rest = after;
            }
        }
    }
    kept + rest
}

/// A text without what differs from run to run: numbers, and what is quoted.
fn without_values(text: &str) -> String {
    let unquoted = text.split('`').step_by(2);
    let plain = unquoted.map(|part| part.replace(|character: char| character.is_ascii_digit(), ""));
    plain.collect::<Vec<_>>().join("`")
}

fn is_all(text: &str, is: fn(&u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|octet| is(&octet))
}

/// What was found, in words.
fn found(case: Option<&CaseResult>) -> Vec<String> {
    let Some(case) = case else {
        return Vec::new();
    };
    let findings = case.findings.iter().map(|finding| {
        let requirement = finding.requirement.as_ref().map(|id| format!("{id}: "));
        format!(
            "{}{} ({})",
            requirement.unwrap_or_default(),
            finding.observed,
            finding.code
        )
    });
    findings.collect()
}

fn remarks(before: &RunRecord, after: &RunRecord) -> Vec<String> {
    let (old, new) = (&before.run, &after.run);
    let mut remarks = Vec::new();
    let mut differs = |is_so: bool, what: String| {
        if is_so {
            remarks.push(what);
        }
    };
    differs(
        old.harness != new.harness,
        format!("the harness was {}, and is {}", old.harness, new.harness),
    );
    differs(
        old.strict != new.strict,
        "only one of the runs is strict: warnings weigh differently".to_owned(),
    );
    differs(
        old.own_readings != new.own_readings,
        "messages were read by different profiles".to_owned(),
    );
    for (record, name) in [(before, "earlier"), (after, "later")] {
        differs(
            record.run.cancelled,
            format!("the {name} run was broken off: what is missing in it was not tried"),
        );
        let left = record.not_run.len();
        differs(
            left > 0,
            format!("in the {name} run {left} cases were selected and not judged"),
        );
        differs(
            !record.problems.is_empty(),
            format!("in the {name} run not everything could be tested"),
        );
    }
    remarks
}

impl Comparison {
    /// The exit code: that of what fails now and did not, or fails for another reason. Where that is nothing, 5 if the later run
    /// could not judge all that it was to judge, and 4 if it has judged nothing, or there is nothing to compare.
    pub fn exit_code(&self) -> u8 {
        let worse = self
            .changes
            .iter()
            .filter(|change| matches!(change.kind, Kind::NewFailure | Kind::ChangedReason));
        let verdicts: Vec<Verdict> = worse.filter_map(|change| change.after).collect();
        match verdicts.is_empty() {
            false => RunRecord::code_of(&verdicts),
            true if !self.is_whole => 5,
            true if !self.is_judged => 4,
            true => 0,
        }
    }

    /// In one line.
    fn summary(&self) -> String {
        let counts = Kind::ALL.into_iter().filter_map(|kind| {
            let count = self.of(kind).count();
            (count > 0).then(|| format!("{count} {}", kind.title()))
        });
        let unchanged = format!("{} as before", self.unchanged);
        counts.chain([unchanged]).collect::<Vec<_>>().join(", ")
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.kind == kind)
    }
}

/// For programs.
///
/// # Panics
/// Never: a comparison holds only what JSON can.
pub fn json(comparison: &Comparison) -> String {
    let text = serde_json::to_string_pretty(comparison);
    let mut text = text.expect("a comparison has text keys and finite numbers only");
    text.push('\n');
    text
}

/// For a terminal.
pub fn text(comparison: &Comparison) -> String {
    let mut lines = vec![format!(
        "{} → {}: {}",
        wording::clean(&comparison.before),
        wording::clean(&comparison.after),
        comparison.summary()
    )];
    lines.extend(
        comparison
            .remarks
            .iter()
            .map(|remark| format!("note: {}", wording::clean(remark))),
    );
    for kind in Kind::ALL {
        if comparison.of(kind).next().is_some() {
            lines.push(format!("\n{}", kind.title()));
        }
        for change in comparison.of(kind) {
            lines.push(wording::clean(&format!("  {}", headline(change))));
            lines.extend(reason(change).map(|reason| wording::clean(&format!("      {reason}"))));
        }
    }
    format!("{}\n", lines.join("\n"))
}

/// For a pull request.
pub fn markdown(comparison: &Comparison) -> String {
    let mut parts = vec![format!(
        "# {} compared with {}\n\n{}.",
        escape(&comparison.after),
        escape(&comparison.before),
        comparison.summary()
    )];
    parts.extend(
        comparison
            .remarks
            .iter()
            .map(|remark| format!("> {}", escape(remark))),
    );
    for kind in Kind::ALL {
        let mut items: Vec<String> = comparison
            .of(kind)
            .take(SHOWN)
            .map(|change| {
                let reasons: String = reason(change)
                    .map(|reason| format!("\n  - {}", escape(&reason)))
                    .collect();
                format!("- {}{reasons}", escape(&headline(change)))
            })
            .collect();
        let more = comparison.of(kind).count() - items.len();
        if more > 0 {
            items.push(format!("- and {more} more"));
        }
        if !items.is_empty() {
            parts.push(format!(
                "## {}\n\n{}",
                wording::capitalised(kind.title()),
                items.join("\n")
            ));
        }
    }
    format!("{}\n", parts.join("\n\n"))
}

fn headline(change: &Change) -> String {
    let verdict = |verdict: Option<Verdict>| verdict.map_or("–", Verdict::as_str);
    format!(
        "{} [{}] {} → {}: {}",
        change.case,
        change.implementation,
        verdict(change.before),
        verdict(change.after),
        change.title
    )
}

/// Why, where that is what somebody asks.
fn reason(change: &Change) -> impl Iterator<Item = String> {
    let was = match change.kind {
        Kind::ChangedReason | Kind::NoLongerJudged => change.found_before.as_slice(),
        _ => &[],
    };
    let is = match change.kind {
        Kind::NewFailure | Kind::ChangedReason | Kind::StillFailing | Kind::ChangedVerdict => {
            change.found_after.as_slice()
        }
        _ => &[],
    };
    let was = was.iter().map(|found| format!("was: {found}"));
    was.chain(is.iter().map(|found| format!("is: {found}")))
        .map(|reason| wording::shortened(&reason, REASON))
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn what_happened_is_the_same_whatever_the_numbers_and_the_names_in_it() {
        let one = without_values("nothing within 5s; the product ended: `exit 1` at 127.0.0.1:80");
        assert_eq!(
            one,
            without_values("nothing within 15s; the product ended: `exit 13` at 127.0.0.1:4711")
        );
        assert_ne!(one, without_values("nothing within 5s"));
    }
}
