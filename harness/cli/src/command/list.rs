//! `dmconform list`: the cases.

use dmconform_case::test_case::TestCase;
use serde_json::json;

use crate::arguments::{Format, List};
use crate::output::{Failure, print};
use crate::suite;

/// Lists the cases as a table or as JSON.
pub(crate) fn run(arguments: &List) -> Result<u8, Failure> {
    let suite = suite::load()?;
    let roles = suite::roles(&arguments.role)?;
    let selected: Vec<&TestCase> = suite
        .cases
        .iter()
        .filter(|case| roles.is_empty() || case.iut.iter().any(|role| roles.contains(role)))
        .collect();
    match arguments.format {
        Format::Json => {
            let cases: Vec<_> = selected
                .iter()
                .map(|case| json!({"id": case.id, "title": case.title, "iut": case.iut, "covers": case.covers, "catches": case.catches, "withdrawn": case.withdrawn, "file": case.file}))
                .collect();
            print(&format!("{:#}\n", serde_json::Value::Array(cases)));
        }
        Format::Text => print(&table(&selected)),
    }
    Ok(if selected.is_empty() { 4 } else { 0 })
}

fn table(cases: &[&TestCase]) -> String {
    let width = |text: fn(&TestCase) -> String| {
        cases
            .iter()
            .map(|case| text(case).chars().count())
            .max()
            .unwrap_or(0)
    };
    let roles = |case: &TestCase| {
        case.iut
            .iter()
            .map(|role| role.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (id_width, role_width) = (
        width(|case| case.id.0.clone()),
        cases.iter().map(|case| roles(case).len()).max().unwrap_or(0),
    );
    let mut text = String::new();
    for case in cases {
        let withdrawn = case
            .withdrawn
            .as_ref()
            .map(|reason| format!(" (withdrawn: {reason})"));
        text = format!(
            "{text}{:id_width$}  {:role_width$}  {}{}\n",
            case.id,
            roles(case),
            case.title,
            withdrawn.unwrap_or_default()
        );
    }
    let counted = cases.iter().filter(|case| case.withdrawn.is_none()).count();
    let withdrawn = match cases.len() - counted {
        0 => String::new(),
        count => format!(" and {count} withdrawn"),
    };
    format!("{text}{counted} cases{withdrawn}; `dmconform explain ID` says more about one\n")
}
