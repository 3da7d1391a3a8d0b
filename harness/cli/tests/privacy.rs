//! What a run leaves behind of secrets: nothing that another user of the machine can read, and no key once it is over.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PRODUCT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/implementations/reference-dms-2-bootstrap-server.yaml"
);
const CASE: &str = "DEL-DMS2-0-010";
const SECRET: &str = "the secret of the device";
/// Looks, as the product starts, how private everything is that it was given; then it becomes the product.
const LOOK: &str = r#"find "$1" -printf '%m %P\n' > modes; shift; exec "$@""#;

/// Runs a case of DMS-2 whose configuration holds a secret; the folder, and what the run said.
fn run(more: &[&str]) -> (TempDir, Output) {
    let folder = TempDir::new().expect("a folder can be made");
    let text = fs::read_to_string(PRODUCT);
    let text = text.expect("the file is there").replace(
        "command: [",
        &format!("command: [sh, -c, {LOOK:?}, look, \"${{work}}\", "),
    );
    let text = format!("{text}credentials: {{dms-2: {{client-secret: {{environment: ACME_SECRET}}}}}}\n");
    let file = folder.path().join("product.yaml");
    fs::write(&file, text).expect("the folder can be written to");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
    command
        .args(["run", "--case", CASE, "--implementation"])
        .arg(&file);
    command.arg("--out").arg(folder.path().join("out")).args(more);
    let command = command.env("ACME_SECRET", SECRET).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    (folder, output)
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be looked at").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

fn holds(path: &Path, text: &str) -> bool {
    let octets = fs::read(path).expect("it can be read");
    String::from_utf8_lossy(&octets).contains(text)
}

#[test]
fn keys_and_configuration_are_private_while_a_product_runs_and_gone_afterwards() {
    let (folder, output) = run(&[]);
    let work = folder.path().join("out/work/product");
    let modes = fs::read_to_string(work.join("modes")).expect("the product has looked");
    let given: Vec<&str> = modes.lines().filter(|line| !line.ends_with(" modes")).collect();
    let is_private = |line: &&&str| line.starts_with("600 ") || line.starts_with("700 ");
    assert!(given.iter().any(|line| line.ends_with("dms-2.key")), "{modes}");
    assert_eq!(given.iter().filter(is_private).count(), given.len(), "{modes}");

    let mode = |path: &Path| {
        let known = fs::metadata(path).expect("it is there");
        known.permissions().mode() & 0o777
    };
    assert_eq!(mode(&work), 0o700);
    let left = files(&folder.path().join("out"));
    let transcripts = left
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    assert_eq!(transcripts.filter(|path| mode(path) == 0o600).count(), 1);
    let out = folder.path().join("out");
    for of_transcripts in [out.join("transcripts"), out.join("transcripts/product")] {
        assert_eq!(mode(&of_transcripts), 0o700, "{}", of_transcripts.display());
    }
    // What the product wrote stays, and what it can be trusted by.
    assert!(work.join("certificates/roots.pem").exists());
    for path in &left {
        assert!(!holds(path, "PRIVATE KEY"), "{} has a key", path.display());
        assert!(!holds(path, SECRET), "{} has a secret", path.display());
    }
    let said = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains(SECRET));
}

#[test]
fn keys_and_configuration_stay_where_that_is_asked_for() {
    let (folder, _) = run(&["--keep-work"]);
    let left = files(&folder.path().join("out/work"));
    assert!(left.iter().any(|path| holds(path, "PRIVATE KEY")));
    assert!(left.iter().any(|path| holds(path, SECRET)));
}

#[test]
fn what_an_implementation_file_runs_is_said_before_it_runs() {
    let (_folder, output) = run(&[]);
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or_default();
    assert!(first.starts_with("product runs `sh -c \"find "), "{said}");
    assert!(first.ends_with("(start)"), "{said}");
}
