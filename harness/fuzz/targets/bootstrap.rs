//! Bootstrap documents: the first octet chooses the media type, the rest is the document.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oma_dm::bootstrap;
use oma_dm::tree::Tree;

const MEDIA_TYPES: [&str; 2] = ["application/vnd.syncml.dm+xml", "application/vnd.syncml.dm+wbxml"];

fuzz_target!(|octets: &[u8]| {
    let Some((choice, document)) = octets.split_first() else {
        return;
    };
    let media_type = MEDIA_TYPES[usize::from(*choice) % MEDIA_TYPES.len()];
    let Ok(read) = bootstrap::read(document, media_type) else {
        return;
    };
    let mut device = Tree::new();
    let applied = bootstrap::apply(&read, &mut device);
    assert!(device.is_sound());
    if applied.is_ok() {
        let before = device.clone();
        let again = bootstrap::apply(&read, &mut device);
        assert!(again.is_ok() && device == before, "a repeated bootstrap does no harm");
    }
});
