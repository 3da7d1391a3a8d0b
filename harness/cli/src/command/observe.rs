//! `dmconform observe`: several real products talk to each other, and the harness stands between them.

use std::path::PathBuf;

use dmconform_model::{Blame, RunRecord, Verdict, quoted};
use dmconform_runner::RunOptions;

use crate::arguments::{Observe, OutputFormat, Run};
use crate::output::{Failure, print};

use super::{carrying_out, gating, run};

/// Runs whole delegations between the products, and says what came out for each of them.
pub(crate) fn run(arguments: &Observe) -> Result<u8, Failure> {
    let mut options = options(arguments)?;
    gating::select_failed(&arguments.gating, &mut options)?;
    run::quick_look(&options)?;
    let own = arguments.gating.expectations.iter();
    let own = own.map(|path| path.display().to_string()).collect();
    let record = carrying_out::carry_out(options, arguments.output, own)?;
    if arguments.output.format == OutputFormat::Text && !arguments.output.quiet {
        print(&by_product(&record));
    }
    Ok(record.exit_code())
}

fn options(arguments: &Observe) -> Result<RunOptions, Failure> {
    let mut options = run::options(&Run {
        implementation: arguments.implementation.clone(),
        profile: arguments.profile.clone(),
        certificates: arguments.certificates.clone(),
        jobs: arguments.jobs,
        seed: arguments.seed,
        strict: arguments.strict,
        evidence: arguments.evidence,
        out: arguments.out.clone(),
        gating: arguments.gating.clone(),
        ..Run::default()
    })?;
    let observed = dmconform_runner::observation(std::mem::take(&mut options.targets))
        .map_err(|error| Failure::usage(error.to_string()))?;
    options.cases = run::globs_over(&arguments.case, &observed.suite)?;
    let selected = arguments.case.iter().map(|glob| format!("--case {glob}"));
    options.gating.selection.extend(selected);
    options.suite = observed.suite.clone();
    options.rerun = rerun(arguments);
    options.targets = vec![observed];
    Ok(options)
}

/// The beginning of the command that runs one of these cases again.
fn rerun(arguments: &Observe) -> Option<String> {
    let mut command = "dmconform observe".to_owned();
    let shown = |path: &PathBuf| quoted(&path.display().to_string());
    for path in &arguments.implementation {
        command = format!("{command} --implementation {}", shown(path));
    }
    Some(command)
}

/// What came out for each product: its own cases are all of them.
fn by_product(record: &RunRecord) -> String {
    let mut text = String::new();
    for target in &record.run.targets {
        let mut products: Vec<(&String, Vec<_>)> = Vec::new();
        for (role, product) in &target.products {
            match products.iter_mut().find(|(known, _)| *known == product) {
                Some((_, roles)) => roles.push(*role),
                None => products.push((product, vec![*role])),
            }
        }
        for (product, roles) in products {
            let blamed = record.cases.iter().filter(|case| {
                let is_theirs =
                    |blame: Option<Blame>| roles.iter().any(|role| blame == Some(Blame::from(*role)));
                matches!(case.verdict, Verdict::Fail | Verdict::Warn)
                    && case.findings.iter().any(|finding| is_theirs(finding.blame))
            });
            let count = blamed.count();
            let played: Vec<String> = roles.iter().map(ToString::to_string).collect();
            let said = match count {
                0 => "nothing is blamed on it".to_owned(),
                1 => "1 case is blamed on it".to_owned(),
                _ => format!("{count} cases are blamed on it"),
            };
            text = format!("{text}{product} ({}): {said}\n", played.join(", "));
        }
    }
    text
}
