//! Writes the JSON Schema of results to `reports/schema`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/schema");
    std::fs::write(
        folder.join("results.schema.json"),
        dmconform_report::json::schema(),
    )
}
