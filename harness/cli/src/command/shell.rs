//! `dmconform completions` and `dmconform manual`: what goes with the program into a shell.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Completions, Manual};
use crate::output::{Failure, print};

/// Prints what completes the command line.
pub(crate) fn completions(arguments: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "dmconform",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script));
    Ok(0)
}

/// Prints the manual page of the program, or writes those of all commands.
pub(crate) fn manual(arguments: &Manual) -> Result<u8, Failure> {
    // Its date would be that of the build.
    let command = Arguments::command();
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(command).render(&mut page);
        written.map_err(|error| Failure::environment(format!("write the manual page: {error}")))?;
        print(&String::from_utf8_lossy(&page));
        return Ok(0);
    };
    clap_mangen::generate_to(command, folder).map_err(|error| {
        let folder = folder.display();
        Failure::environment(format!(
            "write manual pages into `{folder}`: {error}; make the folder first"
        ))
    })?;
    Ok(0)
}
