//! `selftest.html`: the kill matrix as a page that needs nothing beside it.

use std::collections::BTreeMap;

use dmconform_model::self_test::{Caught, Row, Trial};
use dmconform_model::{CaseId, Role, SelfTest};

use super::{counts, sections};
use crate::markup::escape;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1b1f24;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}\
.matrix{overflow:auto;max-height:85vh;border:1px solid #d0d7de}\
table{border-collapse:collapse;font-size:12px}\
th,td{border:1px solid #eaeef2;padding:2px 5px;text-align:center}\
th{background:#f6f8fa;font-weight:500}\
thead th{position:sticky;top:0;z-index:1;vertical-align:bottom}\
thead th span{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap}\
tbody th{position:sticky;left:0;text-align:left;white-space:nowrap}\
.named{background:#2da44e;color:#fff}.also{background:#b7e4c3}.stumbled{background:#fff1c2}\
.missed{background:#cf222e;color:#fff}\
@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th{background:#161b22}\
th,td,.matrix{border-color:#30363d}.also,.stumbled{color:#1b1f24}}";

/// The whole self-test as a page.
pub fn write(found: &SelfTest) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>dmconform self-test {id}</title>\n\
         <style>{STYLE}</style>\n<h1>dmconform self-test {id}</h1>\n<p>{counts}. Began {started}.</p>\n",
        id = escape(&found.id),
        counts = escape(&counts(found)),
        started = escape(&found.started),
    );
    for section in sections(found) {
        page = format!("{page}<h2>{}</h2>\n", escape(section.title));
        if section.items.is_empty() {
            page.push_str("<p>None.</p>\n");
            continue;
        }
        let items: Vec<String> = section
            .items
            .iter()
            .map(|item| format!("<li>{}</li>\n", escape(item)))
            .collect();
        page = format!("{page}<ul>\n{}</ul>\n", items.concat());
    }
    page.push_str(
        "<h2>Kill matrix</h2>\n<p><span class=\"named\">&nbsp;●&nbsp;</span> caught by a case named for it, \
         <span class=\"also\">&nbsp;○&nbsp;</span> caught by another case, \
         <span class=\"stumbled\">&nbsp;~&nbsp;</span> blamed for another requirement, \
         <span class=\"missed\">&nbsp;✗&nbsp;</span> named, and not caught, · tried and not noticed.</p>\n",
    );
    for role in Role::ALL {
        page.push_str(&matrix(found, role));
    }
    page
}

/// The matrix of the deviations of one role.
fn matrix(found: &SelfTest, role: Role) -> String {
    let rows: Vec<&Row> = found
        .matrix
        .iter()
        .filter(|row| row.mutant.role == role)
        .collect();
    let mut cases: Vec<&CaseId> = Vec::new();
    for trial in rows.iter().flat_map(|row| &row.trials) {
        if !cases.contains(&&trial.case) {
            cases.push(&trial.case);
        }
    }
    cases.sort();
    if rows.is_empty() {
        return String::new();
    }
    let head: Vec<String> = cases
        .iter()
        .map(|case| format!("<th><span>{}</span></th>", escape(&case.0)))
        .collect();
    let body: Vec<String> = rows.iter().map(|row| line(row, &cases)).collect();
    format!(
        "<h3>{}</h3>\n<div class=\"matrix\"><table>\n<thead><tr><th>deviation</th><th>breaks</th>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        role.title(),
        head.concat(),
        body.concat()
    )
}

fn line(row: &Row, cases: &[&CaseId]) -> String {
    let mut trials: BTreeMap<&CaseId, Vec<&Trial>> = BTreeMap::new();
    for trial in &row.trials {
        trials.entry(&trial.case).or_default().push(trial);
    }
    let cells: Vec<String> = cases.iter().map(|case| cell(row, trials.get(case))).collect();
    format!(
        "<tr><th title=\"{}\">{}</th><td>{}</td>{}</tr>\n",
        escape(&row.words),
        escape(&row.mutant.deviation),
        escape(&row.breaks.0),
        cells.concat()
    )
}

fn cell(row: &Row, trials: Option<&Vec<&Trial>>) -> String {
    let Some(trials) = trials else {
        return "<td></td>".to_owned();
    };
    let caught = trials
        .iter()
        .map(|trial| trial.caught)
        .max()
        .unwrap_or(Caught::No);
    let named = trials.iter().any(|trial| trial.named);
    let (class, mark) = match (caught, named) {
        (Caught::Yes, true) => ("named", "●"),
        (Caught::Yes, false) => ("also", "○"),
        (_, true) => ("missed", "✗"),
        (Caught::ForAnotherReason, false) => ("stumbled", "~"),
        (Caught::No, false) => ("", "·"),
    };
    let said: Vec<String> = trials
        .iter()
        .map(|trial| {
            format!(
                "{}: {} {}",
                trial.implementation,
                trial.verdict,
                trial.findings.join(", ")
            )
        })
        .collect();
    let title = format!("{} · {} · {}", row.mutant, trials[0].case, said.join("; "));
    format!("<td class=\"{class}\" title=\"{}\">{mark}</td>", escape(&title))
}
