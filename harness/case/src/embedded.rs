//! The files that are built in.

/// A file that is built in.
#[derive(Debug)]
pub(crate) struct Embedded {
    /// Its name inside the suite.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) text: &'static str,
    /// What it says, as the build script has prepared it; nothing of what that could not read.
    pub(crate) prepared: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The file of a name.
pub(crate) fn find(name: &str) -> Option<&'static Embedded> {
    let at = FILES.binary_search_by(|file| file.name.cmp(name)).ok()?;
    FILES.get(at)
}
