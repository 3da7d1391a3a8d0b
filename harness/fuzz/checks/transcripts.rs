//! Stored transcripts: what can be read is judged and drawn, twice alike, and alike whether it is read before or meanwhile.

use dmconform_judge::{Judge, ladder, open, read};

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let meanwhile = open(octets).and_then(Judge::stored);
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    let before = read(text);
    if let Ok(transcript) = &before {
        let _ = ladder(transcript);
        let again = read(text).expect("it could be read before");
        assert_eq!(Judge::transcript(transcript.clone()), Judge::transcript(again));
    }
    let before = before.map(Judge::transcript).map_err(|error| error.to_string());
    assert_eq!(meanwhile.map_err(|error| error.to_string()), before);
}
