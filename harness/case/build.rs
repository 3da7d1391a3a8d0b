//! Embeds the suite: every case file, the requirements, the procedure and the default profile; each with what it says, read already.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/read/prepare.rs"]
mod prepare;
#[path = "src/read/yaml.rs"]
mod yaml;

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its build script writes what the crate embeds"
)]
fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    collect(&root.join("cases"), &mut files);
    files.push(root.join("fixtures/profiles/default.yaml"));
    let named = files.iter().map(|file| {
        let below = file.strip_prefix(&root).expect("every file is below the root");
        (below.to_string_lossy().replace('\\', "/"), file)
    });
    // In the order of their names, by which they are found.
    let files: BTreeMap<String, &PathBuf> = named.collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut list = String::from("pub(crate) const FILES: &[Embedded] = &[\n");
    for (number, (name, file)) in files.iter().enumerate() {
        let path = fs::canonicalize(file).expect("the file was just listed");
        let text = fs::read_to_string(&path).expect("a file of the suite is text");
        let mut prepared = Vec::new();
        match yaml::read(&text) {
            Ok(node) => prepare::write(&node, &text, &mut prepared),
            // The program says it better.
            Err(yaml::Unreadable { at, message, help }) => {
                let at = at.map_or(0, |at| at.start);
                let help = help.unwrap_or_default();
                println!("cargo:warning=cannot {message} in {name} at octet {at}; {help}");
            }
        }
        let beside = out.join(format!("{number}.prepared"));
        fs::write(&beside, prepared).expect("cargo's output directory can be written");
        writeln!(
            list,
            "    Embedded {{ name: {name:?}, text: include_str!({path:?}), prepared: include_bytes!({beside:?}) }},"
        )
        .expect("a string takes all text");
    }
    list.push_str("];\n");
    fs::write(out.join("embedded.rs"), list).expect("cargo's output directory can be written");
    println!("cargo:rerun-if-changed=build.rs");
    for part in ["prepare.rs", "yaml.rs"] {
        println!("cargo:rerun-if-changed=src/read/{part}");
    }
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
