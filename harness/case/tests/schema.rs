//! The JSON Schemas that are checked in are those that the types give.

use std::path::Path;

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read their input"
)]
fn checked_in(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/schema");
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn the_schemas_are_current() {
    for (name, text) in dmconform_case::schema::all() {
        assert!(
            checked_in(name) == text,
            "reports/schema/{name} is not what the types say; run `cargo run -p dmconform-case --example write-schemas`"
        );
    }
}

#[test]
fn every_key_is_described() {
    for (name, text) in dmconform_case::schema::all() {
        let schema: serde_json::Value = serde_json::from_str(&text).expect("a schema is JSON");
        let properties = schema["properties"].as_object().expect("a file is a mapping");
        for (key, value) in properties {
            assert!(value.get("description").is_some(), "{name}: {key}");
        }
    }
}
