//! SyncML, in XML if it begins with `<`, else in WBXML: what is written of a message, in either encoding, can be read; and what is read
//! by the way in which another message is written says the same as without that.

use std::sync::LazyLock;

use oma_dm::syncml::{self, Encoding, Pattern};

/// How messages of a session are written.
static PATTERNS: LazyLock<[Pattern; 4]> = LazyLock::new(|| {
    let messages: [&[u8]; 4] = [
        include_bytes!("../../oma-dm/tests/worked-session/1-client-package1.xml"),
        include_bytes!("../../oma-dm/tests/worked-session/2-server-package2.xml"),
        include_bytes!("../../oma-dm/tests/worked-session/3-client-package3.xml"),
        include_bytes!("../../oma-dm/tests/worked-session/4-server-package4.xml"),
    ];
    messages.map(|octets| {
        let reading = syncml::read(octets, Encoding::Xml).expect("it is a message");
        Pattern::of(octets, &reading).expect("it is as it should be")
    })
});

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let encoding = match octets.first() {
        Some(b'<') => Encoding::Xml,
        _ => Encoding::Wbxml,
    };
    let document = std::str::from_utf8(octets).unwrap_or_default();
    let by_pattern = PATTERNS.iter().find_map(|pattern| pattern.read(document));
    let Ok(reading) = syncml::read(octets, encoding) else {
        assert_eq!(by_pattern, None, "it is no message");
        return;
    };
    if let Some(message) = by_pattern {
        assert_eq!(reading.observations, []);
        assert_eq!(reading.message, message);
    }
    if let Some(own) = Pattern::of(octets, &reading).filter(|_| encoding == Encoding::Xml) {
        assert_eq!(own.read(document).as_ref(), Some(&reading.message));
    }
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
