//! Files that users write: the first octet chooses which kind, the rest is read as one. Whatever is in it, there is an answer.

use std::sync::LazyLock;

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};

static SUITE: LazyLock<Suite> = LazyLock::new(Suite::embedded);

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Some((kind, rest)) = octets.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let source = Source {
        name: "any.yaml",
        text,
    };
    match kind % 5 {
        0 => drop(read::cases(source, SUITE.known())),
        1 => drop(read::implementation(source)),
        2 => drop(read::procedure(source, &SUITE.requirements)),
        3 => drop(read::profile(source)),
        _ => drop(read::expectations(source, &SUITE.requirements)),
    }
}
