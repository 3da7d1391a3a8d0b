//! The programs of libwbxml.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

/// Whether libwbxml is not there, so that a test has to be skipped; says so where people see it.
pub(crate) fn is_missing() -> bool {
    let here = Command::new("wbxml2xml")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if here {
        return false;
    }
    let skipped = "skipped: wbxml2xml not installed";
    assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
    // Written past the test framework, which would keep it to itself.
    let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
    true
}

/// What libwbxml makes of a WBXML document: XML without layout.
pub(crate) fn to_xml(wbxml: &[u8]) -> Result<Vec<u8>, String> {
    run("wbxml2xml", &["-m", "0", "-k", "-o", "-", "-"], wbxml)
}

/// What libwbxml makes of an XML document.
pub(crate) fn to_wbxml(xml: &[u8], options: &[&str]) -> Result<Vec<u8>, String> {
    run("xml2wbxml", &[options, &["-k", "-o", "-", "-"]].concat(), xml)
}

fn run(program: &str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It reads all of its input before it writes; where it does not want all, its answer says why.
        let _ = stdin.write_all(input);
    }
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout
            .read_to_end(&mut output)
            .map_err(|error| format!("{program}: {error}"))?;
    }
    let ended = child
        .wait_with_output()
        .map_err(|error| format!("{program}: {error}"))?;
    match ended.status.success() {
        true => Ok(output),
        false => Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned()),
    }
}
