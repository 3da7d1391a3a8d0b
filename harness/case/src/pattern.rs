//! Patterns by which people name cases, implementations and texts.

pub use globset::{GlobMatcher, GlobSet};

/// A pattern of identifiers, such as `DEL-DMS1-8-*`.
///
/// # Errors
/// Why it cannot be read.
pub fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = globset::Glob::new(pattern)
        .map_err(|error| format!("read `{pattern}` as a pattern: {}", error.kind()))?;
    Ok(glob.compile_matcher())
}

/// Patterns of case identifiers as one matcher; nothing if there are none.
///
/// # Errors
/// The pattern that cannot be read, and why.
pub fn globs(patterns: &[String]) -> Result<Option<GlobSet>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut builder = GlobSet::builder();
    for pattern in patterns {
        builder.add(glob(pattern)?.glob().clone());
    }
    builder
        .build()
        .map(Some)
        .map_err(|error| format!("read the patterns: {error}"))
}

/// Whether a text has a part in it, in which `*` stands for anything.
pub fn has_part(text: &str, part: &str) -> bool {
    let mut rest = text;
    for piece in part.split('*') {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::has_part;

    #[rstest]
    #[case("writes the ACL", true)]
    #[case("DMS-1 * before step 7*writes", true)]
    #[case("*", true)]
    #[case("writes * before", false)]
    #[case("Writes the ACL", false)]
    #[case("[7]", false)]
    fn a_part_is_found_where_it_is_in_order(#[case] part: &str, #[case] found: bool) {
        let text = "DMS-1 575.1 ms before step 7 (bootstrap complete) was sent: writes the ACL of ./Com";
        assert_eq!(has_part(text, part), found);
    }
}
