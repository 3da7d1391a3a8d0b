//! `dmconform mock`: mock roles that stay up beside a product that is being worked on.

use std::path::PathBuf;
use std::sync::Arc;

use dmconform_case::Suite;
use dmconform_case::test_case::TestCase;
use dmconform_model::{CaseResult, Role};
use dmconform_runner::{AtTheBench, Passed};

use crate::arguments::{Mock, Run};
use crate::output::{Failure, print};
use crate::suite;

use super::{announced, run, work};

/// Keeps the mock roles up until it is interrupted.
pub(crate) fn run(arguments: &Mock) -> Result<u8, Failure> {
    let mut options = run::options(&Run {
        implementation: vec![arguments.implementation.clone()],
        profile: arguments.profile.clone(),
        certificates: arguments.certificates.clone(),
        out: arguments.out.clone(),
        ..Run::default()
    })?;
    if arguments.out.is_none() {
        options.directory = PathBuf::from("reports/mock").join(&options.id);
    }
    let Some(target) = options.targets.first_mut() else {
        return Err(Failure::usage("find the product".to_owned()));
    };
    if arguments.no_start {
        target.implementation.start = None;
        target.implementation.stop = None;
    }
    let plays = target.implementation.plays.clone();
    expected(&suite::roles(&arguments.roles)?, &plays)?;
    let case = chosen(&target.suite, arguments.case.as_deref(), &plays)?;
    announced::announce(&options.targets);
    work::make_directory(&options.directory)?;
    let watcher = Arc::new(|happened: AtTheBench| print(&line(&happened)));
    let pulls = arguments.trigger;
    let ended =
        work::to_the_end(|cancelled| dmconform_runner::workbench(options, case, pulls, watcher, cancelled))?;
    ended.map_err(|error| Failure::environment(error.to_string()))?;
    Ok(0)
}

/// Whether the roles that are asked for are those that the product leaves to the harness.
fn expected(roles: &[Role], plays: &[Role]) -> Result<(), Failure> {
    if roles.is_empty() {
        return Ok(());
    }
    let played = roles.iter().find(|role| plays.contains(role));
    if let Some(role) = played {
        return Err(Failure::usage(format!(
            "keep {role} up: the product plays it by its implementation file; remove it there, or here"
        )));
    }
    let left = Role::ALL
        .into_iter()
        .find(|role| !plays.contains(role) && !roles.contains(role));
    match left {
        None => Ok(()),
        Some(role) => Err(Failure::usage(format!(
            "do without {role}: neither the product plays it nor is it asked for; a delegation takes all four roles, so add {role}"
        ))),
    }
}

/// The case that is asked for, or the first whole delegation in which the product is judged.
fn chosen(suite: &Suite, id: Option<&str>, plays: &[Role]) -> Result<TestCase, Failure> {
    if let Some(id) = id {
        let case = suite::find(suite, id)?;
        if case.iut.iter().all(|role| plays.contains(role)) {
            return Ok(case.clone());
        }
        let roles: Vec<String> = case.iut.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!(
            "play the case {id}: it is about {}, which the product does not play; `dmconform list --role ROLE` names others",
            roles.join(" and ")
        )));
    }
    let mut cases = suite.cases.iter();
    let whole =
        cases.find(|case| case.is_whole_delegation() && case.iut.iter().all(|role| plays.contains(role)));
    whole
        .cloned()
        .ok_or_else(|| Failure::usage("find a whole delegation for the product's roles".to_owned()))
}

fn line(happened: &AtTheBench) -> String {
    match happened {
        AtTheBench::Listening { role, kind, url } => format!("{role:<16}  {url}  ({kind})\n"),
        AtTheBench::Certificates { directory } => {
            format!("certificates      {}\n", directory.display())
        }
        AtTheBench::Waiting {
            case,
            title,
            device,
            opener,
            by_mock,
        } => {
            let who = match by_mock {
                true => format!("the mock {opener} opens it now"),
                false => format!("let {opener} open it"),
            };
            format!("\n{case}  {title}\n  device {device}; {who}\n")
        }
        AtTheBench::Passed(passed) => rung(passed),
        AtTheBench::Ended(result) => verdict(result),
        AtTheBench::Stray(what) => format!("  (belongs to no delegation: {what})\n"),
    }
}

/// One rung of the ladder.
fn rung(passed: &Passed) -> String {
    let step = passed.message.to_string();
    let refused = if passed.accepted { "" } else { "  REFUSED" };
    let note = match passed.note.as_str() {
        "" => String::new(),
        note => format!(": {note}"),
    };
    format!(
        "  {:>8.3} s  {:<16} → {:<16}  {step:<9}  {}{note}{refused}\n",
        passed.after.as_secs_f64(),
        passed.from.to_string(),
        passed.to.to_string(),
        passed.name,
    )
}

fn verdict(result: &CaseResult) -> String {
    let mut text = format!("  {}\n", result.verdict);
    for finding in &result.findings {
        let requirement = finding.requirement.as_ref().map_or("", |id| id.0.as_str());
        text = format!(
            "{text}    {requirement}: expected {}; observed {}\n",
            finding.expected, finding.observed
        );
    }
    if let (true, Some(reason)) = (result.findings.is_empty(), &result.reason) {
        text = format!("{text}    {reason}\n");
    }
    text
}
