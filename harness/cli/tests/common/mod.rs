//! What the tests of products have in common.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether a program is there that a test is about. Where it is not, that is said, with what is not tested for it.
pub(crate) fn is_there(program: &str, what: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        let skipped = format!("skipped: {program} is not installed ({what})");
        assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
        // Written past the test framework, which would keep it to itself.
        let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
    }
    there
}

/// The folder of the implementation files.
pub(crate) fn fixtures() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/implementations");
    folder.canonicalize().expect("the fixtures are there")
}
