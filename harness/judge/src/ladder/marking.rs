//! Marks in a ladder where the findings are, which the first breach is, and what only follows from that.

use dmconform_model::ladder::{Row, Standing};
use dmconform_model::{CaseResult, Finding, FindingCode, Step, Verdict};

use crate::header::Header;
use crate::observed::Observed;
use crate::root_cause;

/// Marks the findings, the first breach, and what follows from it; tells the row of that.
pub(super) fn mark(
    header: &Header,
    observed: &Observed,
    result: &CaseResult,
    rows: &mut [Row],
) -> Option<usize> {
    if matches!(result.verdict, Verdict::Pass | Verdict::NotApplicable) {
        return None;
    }
    let mut marked = Vec::new();
    for (number, finding) in result.findings.iter().enumerate() {
        let Some(index) = row_of(rows, finding) else {
            continue;
        };
        marked.push(index);
        match &mut rows[index] {
            Row::Message(row) => row.findings.push(number),
            Row::Happening(happening) => happening.findings.push(number),
        }
    }
    let root = root_cause::find(header, observed).and_then(|cause| row_of_record(rows, cause.seq));
    let departing = || rows.iter().position(departs);
    // What does no whole delegation to begin with is tried with nothing else.
    let unwell = || {
        let mut health = observed.health.iter();
        let (record, ..) = health.find(|(_, _, whole, _)| !whole)?;
        row_of_record(rows, *record)
    };
    let first = marked
        .iter()
        .copied()
        .chain(root)
        .min()
        .or_else(departing)
        .or_else(unwell)?;
    for index in marked.into_iter().chain([first]) {
        // It came, where it was expected or where it may, and yet something is wrong with it.
        if let Row::Message(row) = &mut rows[index] {
            row.standing = match row.standing {
                Standing::Matched | Standing::Refused => Standing::Differs,
                Standing::Besides => Standing::Unexpected,
                other => other,
            };
        }
    }
    for row in rows.iter_mut().skip(first + 1) {
        if let Row::Message(row) = row
            && row.findings.is_empty()
            && (row.standing.departs() || matches!(row.standing, Standing::NotReached | Standing::Refused))
        {
            row.follows.get_or_insert(first);
        }
    }
    Some(first)
}

fn departs(row: &Row) -> bool {
    matches!(row, Row::Message(row) if row.standing.departs())
}

/// The row that a finding is about: of its proof the first that departs from what was expected, or else the last; for
/// what is missing, its own row.
fn row_of(rows: &[Row], finding: &Finding) -> Option<usize> {
    let missing = |step: Step| {
        rows.iter().position(|row| {
            matches!(row, Row::Message(row) if row.message.step == step && row.standing == Standing::Missing)
        })
    };
    let is_absence = matches!(
        FindingCode::from_name(&finding.code),
        Some(FindingCode::Missing | FindingCode::NoAnswer)
    );
    let absent = finding.step.filter(|_| is_absence).and_then(missing);
    let proves = |row: &Row| {
        row.record()
            .is_some_and(|record| finding.evidence.records.contains(&record))
    };
    let proven = || (0..rows.len()).filter(|index| proves(&rows[*index]));
    absent
        .or_else(|| proven().find(|index| departs(&rows[*index])))
        .or_else(|| proven().next_back())
}

/// The row of a record. A limit that passed stands right before the row of what did not come.
fn row_of_record(rows: &[Row], record: u64) -> Option<usize> {
    let index = rows.iter().position(|row| row.record() == Some(record))?;
    let is_missing = |row: &Row| matches!(row, Row::Message(row) if row.standing == Standing::Missing);
    match (&rows[index], rows.get(index + 1)) {
        (Row::Happening(_), Some(next)) if is_missing(next) => Some(index + 1),
        _ => Some(index),
    }
}
