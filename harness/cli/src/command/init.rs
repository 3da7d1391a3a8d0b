//! `dmconform init`: a commented implementation file to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use dmconform_case::starter;
use dmconform_model::quoted;

use crate::arguments::Init;
use crate::output::{Failure, print};
use crate::suite;

/// Writes the file, to standard output or where nothing is yet.
pub(crate) fn run(arguments: &Init) -> Result<u8, Failure> {
    let mut roles = suite::roles(&arguments.roles)?;
    roles.sort();
    roles.dedup();
    let text = starter::implementation(&roles);
    let path = arguments.out.as_ref().filter(|path| path.as_os_str() != "-");
    let Some(path) = path else {
        print(&text);
        return Ok(0);
    };
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let help = match error.kind() {
            ErrorKind::AlreadyExists => "choose a path where nothing is yet",
            ErrorKind::NotFound => "make its folder first",
            _ => "choose another path",
        };
        Failure::usage(format!("write `{}`: {error}; {help}", path.display()))
    })?;
    let path = path.display().to_string();
    let named = quoted(&path);
    print(&format!(
        "wrote {path}\nfill it in, and look at it with `dmconform check {named}` and `dmconform doctor --implementation {named}`\n"
    ));
    Ok(0)
}
