//! `dmconform mock`: mock roles that stay up beside a product that is being worked on.

use std::path::PathBuf;
use std::sync::Arc;

use dmconform_case::test_case::TestCase;
use dmconform_model::{CaseResult, Role};
use dmconform_runner::{AtTheBench, Passed, TargetFile, Watch, why_not_at_the_bench};
use tokio::sync::watch;

use crate::arguments::{Mock, Run};
use crate::output::{Failure, error, is_unread, one_line, print};
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
    let case = chosen(target, arguments.case.as_deref(), arguments.trigger)?;
    announced::announce(&options.targets);
    work::make_directory(&options.directory)?;
    let pulls = arguments.trigger;
    let ended = work::to_the_end(|cancelled| async move {
        let (watcher, ended) = watcher(cancelled);
        dmconform_runner::workbench(options, case, pulls, watcher, ended).await
    })?;
    let is_whole = ended.map_err(|error| Failure::environment(error.to_string()))?;
    Ok(if is_whole { 0 } else { 5 })
}

/// What prints all that happens, and the end of it: when it is cancelled, or nobody reads it any more.
fn watcher(mut cancelled: watch::Receiver<bool>) -> (Watch, watch::Receiver<bool>) {
    let (end, ended) = watch::channel(false);
    let end = Arc::new(end);
    let unread = Arc::clone(&end);
    let watcher = move |happened: AtTheBench| {
        if let AtTheBench::Problem(why) = &happened {
            error(why);
        }
        print(&line(&happened));
        if is_unread() {
            unread.send_replace(true);
        }
    };
    tokio::spawn(async move {
        if cancelled.wait_for(|cancelled| *cancelled).await.is_ok() {
            end.send_replace(true);
        }
    });
    (Arc::new(watcher), ended)
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

/// The case that is asked for, or the first whole delegation in which the product can be judged.
fn chosen(target: &TargetFile, id: Option<&str>, pulls_triggers: bool) -> Result<TestCase, Failure> {
    let product = &target.implementation;
    let why_not = |case: &TestCase| why_not_at_the_bench(&target.suite, case, product, pulls_triggers);
    if let Some(id) = id {
        let case = suite::find(&target.suite, id)?;
        return match why_not(case) {
            None => Ok(case.clone()),
            Some(reason) => Err(Failure::usage(format!(
                "play the case {id} beside {}: {reason}; `dmconform list --role ROLE` names others",
                target.name
            ))),
        };
    }
    let judged = |case: &&TestCase| case.iut.iter().all(|role| product.plays.contains(role));
    let all = target.suite.cases.iter();
    let mut whole = all
        .filter(|case| case.is_whole_delegation())
        .filter(judged)
        .peekable();
    let reason = whole.peek().and_then(|first| why_not(first)).unwrap_or_default();
    let found = whole.find(|case| why_not(case).is_none());
    found.cloned().ok_or_else(|| {
        Failure::usage(format!(
            "find a whole delegation for {}: {reason}; look at what its implementation file says that it supports",
            target.name
        ))
    })
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
        AtTheBench::Stray(what) => format!("  (belongs to no delegation: {})\n", one_line(what)),
        AtTheBench::Problem(_) => String::new(),
    }
}

/// One rung of the ladder.
fn rung(passed: &Passed) -> String {
    let step = passed.message.to_string();
    let refused = if passed.accepted { "" } else { "  REFUSED" };
    let note = match passed.note.as_str() {
        "" => String::new(),
        note => format!(": {}", one_line(note)),
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
        let requirement = finding.requirement.as_ref().map(|id| format!("{id}: "));
        text = format!(
            "{text}    {}expected {}; observed {}\n",
            requirement.unwrap_or_default(),
            one_line(&finding.expected),
            one_line(&finding.observed)
        );
    }
    if let (true, Some(reason)) = (result.findings.is_empty(), &result.reason) {
        text = format!("{text}    {}\n", one_line(reason));
    }
    text
}
