//! The catalogue that is checked in is that of the suite, and everything in it can be explained.

use std::path::Path;

use dmconform_case::{Suite, catalogue, explain};

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read their input"
)]
fn the_catalogue_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalogue.md");
    let checked_in = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        checked_in == catalogue::catalogue(&Suite::embedded()),
        "docs/catalogue.md is not what the cases say; run `cargo run -p dmconform-case --example write-catalogue`"
    );
}

#[test]
fn whatever_has_a_name_is_explained_and_stands_in_the_catalogue() {
    let suite = Suite::embedded();
    let catalogue = catalogue::catalogue(&suite);
    for name in explain::names(&suite) {
        let text = explain::named(&suite, name).unwrap_or_default();
        assert!(text.contains(name), "{name}: {text}");
        assert!(catalogue.contains(name), "{name}");
    }
    assert_eq!(explain::named(&suite, "no-such-thing"), None);
}

#[test]
fn a_requirement_a_deviation_and_a_kind_of_finding_are_explained() {
    let suite = Suite::embedded();
    let explained = ["DEL-10-2", "acl-on-one-node", "went-on"].map(|name| explain::named(&suite, name));
    let explained: Vec<String> = explained.into_iter().flatten().collect();
    insta::assert_snapshot!(explained.join("\n---\n"));
}
