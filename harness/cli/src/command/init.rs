//! `dmconform init`: a commented implementation file to begin with.

use std::fs::OpenOptions;
use std::io::Write as _;

use dmconform_case::starter;

use crate::arguments::Init;
use crate::output::{Failure, print};
use crate::suite;

/// Writes the file, to standard output or where nothing is yet.
pub(crate) fn run(arguments: &Init) -> Result<u8, Failure> {
    let mut roles = suite::roles(&arguments.roles)?;
    roles.sort();
    roles.dedup();
    let text = starter::implementation(&roles);
    let Some(path) = &arguments.out else {
        print(&text);
        return Ok(0);
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::usage(format!(
            "write `{}`: {error}; choose a path where nothing is yet",
            path.display()
        ))
    })?;
    let path = path.display();
    print(&format!(
        "wrote {path}\nfill it in, and look at it with `dmconform check {path}` and `dmconform doctor --implementation {path}`\n"
    ));
    Ok(0)
}
