//! Writes the JSON Schemas of results and of events to `reports/schema`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/schema");
    std::fs::write(
        folder.join("results.schema.json"),
        dmconform_report::json::schema(),
    )?;
    std::fs::write(
        folder.join("run-events.schema.json"),
        dmconform_report::json::event_schema(),
    )
}
