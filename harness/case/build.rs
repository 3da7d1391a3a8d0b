//! Embeds the suite: every case file, the requirements, the procedure and the default profile.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its build script writes what the crate embeds"
)]
fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    collect(&root.join("cases"), &mut files);
    files.push(root.join("fixtures/profiles/default.yaml"));
    files.sort();
    let mut text = String::from("const EMBEDDED: &[(&str, &str)] = &[\n");
    for file in &files {
        let name = file
            .strip_prefix(&root)
            .expect("every file is below the root")
            .to_string_lossy()
            .replace('\\', "/");
        let path = fs::canonicalize(file).expect("the file was just listed");
        writeln!(
            text,
            "    ({name:?}, include_str!({:?})),",
            path.to_string_lossy()
        )
        .expect("a string takes all text");
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("embedded.rs");
    fs::write(out, text).expect("cargo's output directory can be written");
    println!("cargo:rerun-if-changed={}", root.join("cases").display());
    println!(
        "cargo:rerun-if-changed={}",
        root.join("fixtures/profiles").display()
    );
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder)
        .expect("the folder of the cases is there")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            println!("cargo:rerun-if-changed={}", path.display());
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}
