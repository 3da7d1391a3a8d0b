//! The ledger of requirements on the page.

use dmconform_model::ledger::{Coverage, State};
use dmconform_model::{CaseId, LedgerEntry, RunRecord, Verdict, Weight};

use super::case::Cases;
use super::chip;
use crate::markup::escape;
use crate::wording;

/// Every requirement and role that anything is known of.
pub(super) fn section(record: &RunRecord, cases: &Cases<'_>) -> String {
    if record.ledger.is_empty() {
        return String::new();
    }
    let (known, left_out): (Vec<&LedgerEntry>, Vec<&LedgerEntry>) = record
        .ledger
        .iter()
        .partition(|entry| wording::is_known(record, entry));
    let rows: String = known.iter().map(|entry| row(entry, cases)).collect();
    let left_out = match left_out.len() {
        0 => String::new(),
        count => format!(
            "<p class=\"faint\">{count} more were not run: their cases were not selected, or nobody played the role.</p>\n"
        ),
    };
    format!(
        "<p>Positive: the peers keep to the procedure. Negative: a peer departs from it, and the product must not follow.</p>\n\
         <details open><summary>{} by role</summary>\n\
         <div class=\"scroll\" role=\"region\" aria-label=\"Requirements\" tabindex=\"0\"><table>\
         <thead><tr><th scope=\"col\">requirement</th><th scope=\"col\">of</th><th scope=\"col\">verdict</th>\
         <th scope=\"col\">positive</th><th scope=\"col\">negative</th></tr></thead>\n<tbody>{rows}</tbody></table></div></details>\n{left_out}",
        wording::count(known.len(), "requirement")
    )
}

fn row(entry: &LedgerEntry, cases: &Cases<'_>) -> String {
    let weight = match entry.weight {
        Some(Weight::Warn) => " <span class=\"faint\">(warns)</span>",
        Some(Weight::FailIfClaimed) => " <span class=\"faint\">(if claimed)</span>",
        Some(Weight::Robustness) => " <span class=\"faint\">(robustness)</span>",
        Some(Weight::Fail) | None => "",
    };
    format!(
        "<tr><th scope=\"row\"><span class=\"id\">{}</span>{weight}<br><span class=\"faint\">{}</span></th><td class=\"id\" data-h=\"of\">{}</td>\
         <td>{}</td><td data-h=\"positive\">{}</td><td data-h=\"negative\">{}</td></tr>\n",
        escape(&entry.requirement.0),
        escape(&entry.words),
        entry.role,
        chip(entry.verdict),
        covered(&entry.positive, cases),
        covered(&entry.negative, cases)
    )
}

fn covered(coverage: &Coverage, all: &Cases<'_>) -> String {
    let why = coverage.why.as_ref().map(|why| format!(": {}", escape(why)));
    let cases = match coverage.state {
        State::Held => format!(" ({})", coverage.cases.len()),
        State::Broken | State::Open => {
            let cases: Vec<String> = coverage.cases.iter().map(|case| linked(case, all)).collect();
            format!(" ({})", cases.join(", "))
        }
        State::NotRun | State::NotTested => String::new(),
    };
    format!("{}{cases}{}", coverage.state, why.unwrap_or_default())
}

/// A case, with a link to where it did not pass.
fn linked(id: &CaseId, cases: &Cases<'_>) -> String {
    let own = cases.all().filter(|(_, case)| case.id == *id);
    let worst = own.max_by_key(|(_, case)| (case.verdict != Verdict::Pass, case.verdict));
    match worst {
        Some((anchor, _)) => format!("<a href=\"#{anchor}-in\">{}</a>", escape(&id.0)),
        None => escape(&id.0),
    }
}
