//! Writes the JSON Schemas of what programs read to `reports/schema`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/schema");
    for (name, schema) in dmconform_report::json::schemas() {
        std::fs::write(folder.join(name), schema)?;
    }
    Ok(())
}
