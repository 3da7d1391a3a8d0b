//! What the tests of products in Python have in common.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether there is a Python to run them. Where there is none, that is said.
pub(crate) fn is_python_there() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok();
    if !there {
        let skipped = "skipped: python3 is not installed (products in Python)";
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
