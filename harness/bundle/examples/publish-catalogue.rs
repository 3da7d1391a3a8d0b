//! Writes the digest of the catalogue that is built in to the list of published ones: under the version that is named, or anew under
//! the last one.

use std::path::Path;

use dmconform_bundle::{catalogue, catalogue_digest, published};

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; this program writes what it makes"
)]
fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/published.txt");
    let last = published().pop().map(|last| last.version);
    let version = std::env::args().nth(1).or(last).unwrap_or_default();
    let text = std::fs::read_to_string(&path)?;
    let others = text
        .lines()
        .filter(|line| !line.starts_with(&format!("{version} ")));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.push(format!("{version} {}", catalogue_digest(&catalogue())));
    std::fs::write(path, format!("{}\n", lines.join("\n")))
}
