//! Writes the catalogue to `docs/catalogue.md`.

use std::path::Path;

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; this program writes what it makes"
)]
fn main() -> std::io::Result<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalogue.md");
    std::fs::write(
        page,
        dmconform_case::catalogue::catalogue(&dmconform_case::Suite::embedded()),
    )
}
