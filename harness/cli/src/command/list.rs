//! `dmconform list`: the cases, or the requirements.

use dmconform_case::test_case::TestCase;
use dmconform_case::{Suite, ledger};
use dmconform_model::ledger::CheckKind;
use dmconform_model::{Basis, CaseId, Requirement, Role, Weight};
use serde_json::json;

use crate::arguments::{Format, List};
use crate::output::{Failure, print};
use crate::suite;

/// Lists the cases as a table or as JSON.
pub(crate) fn run(arguments: &List) -> Result<u8, Failure> {
    let suite = suite::load_with(&arguments.cases, None)?;
    let roles = suite::roles(&arguments.role)?;
    if arguments.requirements {
        return Ok(requirements(&suite, &roles, arguments.format));
    }
    let selected: Vec<&TestCase> = suite
        .cases
        .iter()
        .filter(|case| roles.is_empty() || case.iut.iter().any(|role| roles.contains(role)))
        .collect();
    match arguments.format {
        Format::Json => {
            let cases: Vec<_> = selected
                .iter()
                .map(|case| json!({"id": case.id, "title": case.title, "class": case.class, "iut": case.iut, "covers": case.covers, "catches": case.catches, "withdrawn": case.withdrawn, "file": case.file}))
                .collect();
            print(&format!("{:#}\n", serde_json::Value::Array(cases)));
        }
        Format::Text => print(&table(&selected)),
    }
    Ok(if selected.is_empty() { 4 } else { 0 })
}

/// Lists the requirements as a table or as JSON.
fn requirements(suite: &Suite, roles: &[Role], format: Format) -> u8 {
    let selected: Vec<&Requirement> = ledger::in_order(suite)
        .into_iter()
        .filter(|requirement| roles.is_empty() || requirement.binds.iter().any(|role| roles.contains(role)))
        .collect();
    match format {
        Format::Json => {
            let stated: Vec<_> = selected
                .iter()
                .map(|requirement| stated(suite, requirement))
                .collect();
            let listed = json!({"requirements": stated, "open": suite.open_questions});
            print(&format!("{listed:#}\n"));
        }
        Format::Text => print(&requirements_table(suite, &selected)),
    }
    if selected.is_empty() { 4 } else { 0 }
}

/// A requirement, with how it is checked for every role that it binds.
fn stated(suite: &Suite, requirement: &Requirement) -> serde_json::Value {
    let checks: Vec<_> = checks(suite, requirement)
        .map(|(role, kind, cases)| {
            let untested = requirement.untested(role, kind).filter(|_| cases.is_empty());
            json!({"of": role, "check": kind, "cases": cases, "not-tested": untested})
        })
        .collect();
    let mut value = json!(requirement);
    value["checks"] = json!(checks);
    value
}

/// For every role that a requirement binds and every kind of check, the cases.
fn checks<'a>(
    suite: &'a Suite,
    requirement: &'a Requirement,
) -> impl Iterator<Item = (Role, CheckKind, Vec<&'a CaseId>)> {
    requirement.binds.iter().flat_map(move |role| {
        CheckKind::ALL.map(|kind| {
            let cases = ledger::cases(suite, &requirement.id, *role, kind);
            (*role, kind, cases.map(|case| &case.id).collect())
        })
    })
}

fn requirements_table(suite: &Suite, selected: &[&Requirement]) -> String {
    let mut text = String::new();
    for requirement in selected {
        let basis = match requirement.basis {
            Basis::ChangeRequest => "change request",
            Basis::Public => "public",
            Basis::Inferred => "inferred",
        };
        let weight = match requirement.weight {
            Weight::Fail => "fail",
            Weight::Warn => "warn",
            Weight::FailIfClaimed => "fail if claimed",
            Weight::Robustness => "reported apart",
        };
        let steps: Vec<&str> = requirement.steps.iter().map(|step| step.as_str()).collect();
        let steps = if steps.is_empty() {
            "all".to_owned()
        } else {
            steps.join(", ")
        };
        text = format!(
            "{text}{:9} {}\n          steps {steps}; {basis}; a breach: {weight}; {}\n",
            requirement.id, requirement.words, requirement.text
        );
        for role in &requirement.binds {
            let mut kinds = Vec::new();
            for (_, kind, cases) in checks(suite, requirement).filter(|(of, _, _)| of == role) {
                kinds.push(match (cases.len(), requirement.untested(*role, kind)) {
                    (0, Some(untested)) => format!("no {kind} ({}: {})", untested.reason, untested.why),
                    (count, _) => format!("{count} {kind}"),
                });
            }
            text = format!("{text}          {:16} {}\n", role.as_str(), kinds.join("; "));
        }
    }
    for open in &suite.open_questions {
        text = format!(
            "{text}not tested ({}): {}\n          {}\n",
            open.reason, open.words, open.why
        );
    }
    format!(
        "{text}{} requirements; `dmconform explain ID` says more about one\n",
        selected.len()
    )
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
            "{text}{:id_width$}  {:11}  {:role_width$}  {}{}\n",
            case.id,
            case.class,
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
