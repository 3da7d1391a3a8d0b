//! Stored transcripts: what can be read is judged and drawn, twice alike.

use dmconform_judge::{Judge, ladder, read};

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let Ok(transcript) = read(text) else { return };
    let _ = ladder(&transcript);
    let again = read(text).expect("it could be read before");
    assert_eq!(Judge::transcript(transcript), Judge::transcript(again));
}
