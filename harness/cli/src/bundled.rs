//! What is built in besides the suite: the implementation files of the reference implementation, and the profiles.

/// Name and text of each, in the order in which they are reported.
pub(crate) const IMPLEMENTATIONS: [(&str, &str); 5] = [
    (
        "reference-dm-client",
        include_str!("../../../fixtures/implementations/reference-dm-client.yaml"),
    ),
    (
        "reference-dms-1",
        include_str!("../../../fixtures/implementations/reference-dms-1.yaml"),
    ),
    (
        "reference-dms-2",
        include_str!("../../../fixtures/implementations/reference-dms-2.yaml"),
    ),
    (
        "reference-bootstrap-server",
        include_str!("../../../fixtures/implementations/reference-bootstrap-server.yaml"),
    ),
    (
        "reference-dms-2-bootstrap-server",
        include_str!("../../../fixtures/implementations/reference-dms-2-bootstrap-server.yaml"),
    ),
];

/// The profiles that are built in: name, name of the file, and text.
pub(crate) const PROFILES: [(&str, &str, &str); 2] = [
    (
        "default",
        "fixtures/profiles/default.yaml",
        include_str!("../../../fixtures/profiles/default.yaml"),
    ),
    (
        "json-rest",
        "fixtures/profiles/json-rest.yaml",
        include_str!("../../../fixtures/profiles/json-rest.yaml"),
    ),
];
