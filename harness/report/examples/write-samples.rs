//! Writes the samples of reports to `reports/samples`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples");
    for (name, text) in common::samples::files() {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
