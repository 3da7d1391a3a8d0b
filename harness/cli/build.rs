//! Tells the program from which commit it is built, and whether it is optimised.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=DMCONFORM_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(optimised)");
    if std::env::var("OPT_LEVEL").is_ok_and(|level| level != "0") {
        println!("cargo::rustc-cfg=optimised");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // Who builds from an archive says it, or nobody does.
    let said = std::env::var("DMCONFORM_COMMIT")
        .ok()
        .filter(|said| !said.is_empty());
    let commit = said.or_else(|| commit(&root));
    println!(
        "cargo::rustc-env=DMCONFORM_COMMIT={}",
        commit.as_deref().unwrap_or("unknown")
    );
    for name in ["HEAD", "logs/HEAD"] {
        let place = git(&root, &["rev-parse", "--git-path", name]).map(|place| root.join(place));
        // What is not there would be looked at again with every build.
        if let Some(place) = place.filter(|place| place.exists()) {
            println!("cargo::rerun-if-changed={}", place.display());
        }
    }
}

/// The commit that is checked out here; nothing where this is no checkout, or a part of another one.
fn commit(root: &Path) -> Option<String> {
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    let is_own = top.canonicalize().ok()? == root.canonicalize().ok()?;
    is_own
        .then(|| git(root, &["rev-parse", "--short=12", "HEAD"]))
        .flatten()
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned())
}
