//! The samples that are checked in are what the reports are now.

use std::path::Path;

#[test]
fn the_samples_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples");
    let files = crate::common::samples::files();
    assert_eq!(files.len(), 21);
    for (name, text) in &files {
        let checked_in = std::fs::read(root.join(name)).unwrap_or_default();
        assert!(
            checked_in == *text,
            "reports/samples/{name} is not what would be written; run `cargo run -p dmconform-report --example write-samples`, \
             and read the difference"
        );
    }
}
