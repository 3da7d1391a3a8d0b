//! Writes the digest of the catalogue that is built in to the list of published ones, under the present version.

use std::path::Path;

use dmconform_bundle::{catalogue, catalogue_digest};

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; this program writes what it makes"
)]
fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/published.txt");
    let version = concat!(env!("CARGO_PKG_VERSION"), " ");
    let text = std::fs::read_to_string(&path)?;
    let others = text.lines().filter(|line| !line.starts_with(version));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    lines.push(format!("{version}{}", catalogue_digest(&catalogue())));
    std::fs::write(path, format!("{}\n", lines.join("\n")))
}
