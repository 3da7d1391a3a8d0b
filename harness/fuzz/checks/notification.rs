//! Notifications: what is written of one is the same octets.

use oma_dm::auth::Secret;
use oma_dm::notification::{Notification, ZeroNonce};

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Ok(signed) = Notification::read(octets) else {
        return;
    };
    let _proof = signed.verify(&Secret::new("srv-pw-2"), b"trig-nonce", &ZeroNonce::ALL);
    // One without a session or a server is read and noted, but not written.
    if let Ok(written) = signed.notification.to_octets() {
        assert_eq!(written, octets[16..]);
    }
}
