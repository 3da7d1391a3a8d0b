//! Keeps a ladder readable where a product floods the case: of rows that nothing hangs on, the first and the last are shown.

use std::collections::BTreeMap;

use dmconform_model::Role;
use dmconform_model::ladder::{Happening, Row};

/// How many rows that nothing hangs on are shown at the beginning, and how many at the end. A whole delegation has some thirty rows.
const MOST_FIRST: usize = 150;
const MOST_LAST: usize = 20;

/// The rows with a word in place of those that are left out, and the first breach where it is now.
pub(super) fn bounded(rows: Vec<Row>, first_divergence: Option<usize>) -> (Vec<Row>, Option<usize>) {
    let matters = |index: usize| first_divergence == Some(index) || does_matter(&rows[index]);
    let idle: Vec<usize> = (0..rows.len()).filter(|index| !matters(*index)).collect();
    if idle.len() <= MOST_FIRST + MOST_LAST + 1 {
        return (rows, first_divergence);
    }
    let left_out = idle[MOST_FIRST]..=idle[idle.len() - MOST_LAST - 1];
    let mut kept: Vec<Row> = Vec::new();
    // Where a row was → where it is.
    let mut moved: BTreeMap<usize, usize> = BTreeMap::new();
    let mut run: Vec<Row> = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        if left_out.contains(&index) && first_divergence != Some(index) && !does_matter(&row) {
            run.push(row);
            continue;
        }
        kept.extend(word_for(&std::mem::take(&mut run)));
        moved.insert(index, kept.len());
        kept.push(row);
    }
    for row in &mut kept {
        if let Row::Message(row) = row {
            row.follows = row.follows.and_then(|index| moved.get(&index).copied());
        }
    }
    (
        kept,
        first_divergence.and_then(|index| moved.get(&index).copied()),
    )
}

/// Whether a row is shown however many there are: it was expected, or something was found in it.
fn does_matter(row: &Row) -> bool {
    match row {
        Row::Message(row) => row.expected.is_some() || !row.findings.is_empty(),
        Row::Happening(happening) => !happening.findings.is_empty(),
    }
}

fn word_for(left_out: &[Row]) -> Option<Row> {
    let (record, at_us) = left_out.iter().find_map(seen)?;
    let what = if left_out.len() == 1 { "row" } else { "rows" };
    Some(Row::Happening(Happening {
        over: (Role::DmClient, Role::BootstrapServer),
        text: format!(
            "{} more {what} that nothing was found in: the transcript has them",
            left_out.len()
        ),
        record,
        at_us,
        findings: Vec::new(),
    }))
}

/// The record of a row, and when that was.
fn seen(row: &Row) -> Option<(u64, u64)> {
    match row {
        Row::Message(row) => row.observed.as_ref().map(|seen| (seen.record, seen.at_us)),
        Row::Happening(happening) => Some((happening.record, happening.at_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happening(record: u64, findings: Vec<usize>) -> Row {
        Row::Happening(Happening {
            over: (Role::Dms1, Role::Dms2),
            text: "a connection was refused".to_owned(),
            record,
            at_us: 0,
            findings,
        })
    }

    #[test]
    fn what_a_flood_repeats_is_counted_and_what_was_found_in_it_is_shown() {
        let rows: Vec<Row> = (0..20_000_u64)
            .map(|record| happening(record, if record == 10_000 { vec![0] } else { Vec::new() }))
            .collect();
        let (kept, first) = bounded(rows, Some(10_000));
        assert_eq!(kept.len(), MOST_FIRST + MOST_LAST + 3);
        let first = first.expect("it is still there");
        assert_eq!(kept[first].record(), Some(10_000));
        let texts = kept.iter().filter_map(|row| match row {
            Row::Happening(happening) if happening.text.contains("more rows") => {
                Some(happening.text.as_str())
            }
            _ => None,
        });
        let texts: Vec<&str> = texts.collect();
        assert_eq!(
            texts,
            [
                "9850 more rows that nothing was found in: the transcript has them",
                "9979 more rows that nothing was found in: the transcript has them"
            ]
        );
    }

    #[test]
    fn a_ladder_that_can_be_read_is_left_as_it_is() {
        let rows: Vec<Row> = (0..100).map(|record| happening(record, Vec::new())).collect();
        assert_eq!(bounded(rows.clone(), Some(3)), (rows, Some(3)));
    }
}
