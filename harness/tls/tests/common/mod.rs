//! What tests with OpenSSL have in common.

use std::process::Command;

/// Whether there is an OpenSSL. Where nothing may be skipped, there must be one.
pub(crate) fn has_openssl() -> bool {
    if Command::new("openssl").arg("version").output().is_ok() {
        return true;
    }
    let skipped = "skipped: openssl not installed";
    assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
    // Tests may say why they did nothing; the standard stream is the place for it.
    std::io::Write::write_all(&mut std::io::stderr(), format!("{skipped}\n").as_bytes()).ok();
    false
}
