//! Writes the JSON Schemas of every kind of file to `reports/schema`.

use std::path::Path;

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; this example writes what it generates"
)]
fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/schema");
    for (name, text) in dmconform_case::schema::all() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
