//! Bootstrap documents of both profiles: the first line is the media type with its parameters, the rest is the document.

use oma_dm::auth::Secret;
use oma_dm::bootstrap::{self, Keys, Protection};
use oma_dm::tree::Tree;

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else {
        return;
    };
    let Ok(media_type) = std::str::from_utf8(&octets[..end]) else {
        return;
    };
    let protection = Protection {
        keys: Keys {
            network_secret: Some(b"4444333322221111".to_vec()),
            user_pin: Some(Secret::new("1234")),
        },
        is_required: false,
    };
    let Ok(read) = bootstrap::read_protected(&octets[end + 1..], media_type, &protection) else {
        return;
    };
    let mut device = Tree::new();
    let applied = bootstrap::apply(&read, &mut device);
    assert!(device.is_sound());
    if applied.is_ok() {
        let before = device.clone();
        let again = bootstrap::apply(&read, &mut device);
        assert!(
            again.is_ok() && device == before,
            "a repeated bootstrap does no harm"
        );
    }
}
