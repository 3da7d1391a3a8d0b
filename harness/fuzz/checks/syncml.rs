//! SyncML, in XML if it begins with `<`, else in WBXML: what is written of a message, in either encoding, can be read.

use oma_dm::syncml::{self, Encoding};

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let encoding = match octets.first() {
        Some(b'<') => Encoding::Xml,
        _ => Encoding::Wbxml,
    };
    let Ok(reading) = syncml::read(octets, encoding) else {
        return;
    };
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let written = syncml::write(&reading.message, encoding);
        let again = syncml::read(&written, encoding).expect("what was written is a message");
        let rewritten = syncml::write(&again.message, encoding);
        assert_eq!(
            String::from_utf8_lossy(&rewritten),
            String::from_utf8_lossy(&written)
        );
    }
}
