//! The implementation files of the bundled reference implementation.

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
