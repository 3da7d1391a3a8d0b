//! `dmconform doctor`: everything that a run needs, looked at before there is one.

use std::path::PathBuf;
use std::sync::Arc;

use dmconform_runner::{Examined, Health};

use crate::arguments::{Doctor, Run};
use crate::output::{Failure, print};

use super::{announced, run, work};

/// Looks at each implementation, a line for each thing; exit code 5 where no run makes sense.
pub(crate) fn run(arguments: &Doctor) -> Result<u8, Failure> {
    let mut options = run::options(&Run {
        implementation: arguments.implementation.clone(),
        profile: arguments.profile.clone(),
        certificates: arguments.certificates.clone(),
        out: arguments.out.clone(),
        ..Run::default()
    })?;
    if arguments.out.is_none() {
        options.directory = PathBuf::from("reports/doctor").join(&options.id);
    }
    announced::announce(&options.targets);
    let directory = options.directory.clone();
    work::make_directory(&directory)?;
    let tell = Arc::new(|found: Examined| print(&line(&found)));
    let worst = work::to_the_end(|cancelled| dmconform_runner::doctor(options, tell, cancelled))?;
    let (said, code) = match worst {
        None => ("it was broken off: what is not said above was not looked at", 5),
        Some(Health::Good) => ("all is well: `dmconform run` with the same options comes next", 0),
        Some(Health::Doubtful) => (
            "a run is possible, and will find something where it says so above",
            0,
        ),
        Some(Health::Bad) => ("no run makes sense before what is bad is mended", 5),
    };
    print(&format!("{said}\ntranscripts in {}\n", directory.display()));
    Ok(code)
}

/// One thing that was looked at, in a line, and what to do about it in another.
pub(super) fn line(found: &Examined) -> String {
    let state = match found.state {
        Health::Good => "ok",
        Health::Doubtful => "doubtful",
        Health::Bad => "bad",
    };
    let mut line = format!(
        "{state:<8}  {:<8}  {}  {}\n",
        found.topic, found.implementation, found.said
    );
    if let Some(advice) = &found.advice {
        line = format!("{line}{:20}→ {advice}\n", "");
    }
    line
}
