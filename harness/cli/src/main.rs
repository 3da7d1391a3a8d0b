//! The binary `dmconform`: reads the command line, runs a command, and ends with its exit code.

mod arguments;
mod below;
mod bounded;
mod bundled;
mod command;
mod output;
mod suite;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};

/// Messages are many small allocations on many tasks: an eighth of the self-test's time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked_for = !error.use_stderr();
            // Where there is nowhere to print to, the exit code still says it.
            let _ = error.print();
            return ExitCode::from(if asked_for { 0 } else { 2 });
        }
    };
    let ended = match arguments
        .command
        .unwrap_or_else(|| Command::Run(arguments::Run::default()))
    {
        Command::Run(run) => command::run::run(&run),
        Command::Observe(observe) => command::observe::run(&observe),
        Command::Doctor(doctor) => command::doctor::run(&doctor),
        Command::Init(init) => command::init::run(&init),
        Command::Load(load) => command::load::run(&load),
        Command::Mock(mock) => command::mock::run(&mock),
        Command::List(list) => command::list::run(&list),
        Command::Explain(explain) => command::explain::run(&explain),
        Command::Diagram(diagram) => command::diagram::run(&diagram),
        Command::Check(check) => command::check::run(&check),
        Command::Judge(judge) => command::judge::run(&judge),
        Command::Report(report) => command::report::run(&report),
        Command::Bundle(bundle) => command::bundle::run(&bundle),
        Command::Decode(decode) => command::decode::run(&decode),
        Command::Profile(profile) => command::profile::run(&profile),
        Command::Certs(certs) => command::certs::run(&certs),
        Command::Selftest(selftest) => command::selftest::run(&selftest),
        Command::Reference(reference) => command::reference::run(&reference),
        Command::Completions(completions) => command::shell::completions(&completions),
        Command::Manual(manual) => command::shell::manual(&manual),
    };
    match ended {
        Ok(0) if output::is_incomplete() => ExitCode::from(5),
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::error(&failure.message);
            ExitCode::from(failure.code)
        }
    }
}
