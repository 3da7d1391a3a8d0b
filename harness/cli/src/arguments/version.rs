//! What `--version` says: of the program, of the code that it is built from, and of the catalogue that is built in.

use std::sync::LazyLock;

/// The versions, in a line.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} (commit {}, catalogue {})",
        env!("CARGO_PKG_VERSION"),
        env!("DMCONFORM_COMMIT"),
        dmconform_bundle::catalogue_version()
    )
});
