//! What passes between the servers: a body as every message of either profile that is built in.

use std::sync::LazyLock;

use dmconform_case::profile::Profile;
use dmconform_case::read::{Source, profile};

use super::exchanges;

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let files = [
        ("default", include_str!("../../../fixtures/profiles/default.yaml")),
        (
            "json-rest",
            include_str!("../../../fixtures/profiles/json-rest.yaml"),
        ),
    ];
    let read = files.map(|(name, text)| profile(Source { name, text }).expect("it is in order"));
    read.into()
});

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    for profile in PROFILES.iter() {
        exchanges::take(profile, "/delegation", octets);
    }
}
