//! Files that users write, and results that programs do: the first octet chooses which kind, the rest is read as one. Whatever is in it,
//! there is an answer; and a profile that is in order takes any message.

use std::sync::LazyLock;

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};
use dmconform_model::RunRecord;

use super::exchanges;

static SUITE: LazyLock<Suite> = LazyLock::new(Suite::embedded);

/// What a profile is to read: one message in each of the ways in which servers write.
const MESSAGES: [&[u8]; 2] = [
    include_bytes!("../../../fixtures/messages/delegation-initiation.xml"),
    br#"{"session": "1", "delegating-server": "dms1.example", "devices": [{"id": 1}], "result": "accepted"}"#,
];

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let _ = is_read(octets);
}

/// Whether it is in order.
pub(crate) fn is_read(octets: &[u8]) -> bool {
    let Some((kind, rest)) = octets.split_first() else {
        return false;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return false;
    };
    let source = Source {
        name: "any.yaml",
        text,
    };
    match kind % 8 {
        0 => read::profile(source).is_ok_and(|profile| {
            for body in MESSAGES {
                exchanges::take(&profile, "/delegation/sessions/1", body);
            }
            true
        }),
        1 => read::expectations(source, &SUITE.requirements).is_ok(),
        2 => read::cases(source, SUITE.known()).is_ok(),
        3 => read::implementation(source).is_ok(),
        4 => read::procedure(source, &SUITE.requirements).is_ok(),
        5 => read::requirements(source).is_ok(),
        6 => read::deviations(source, &SUITE.requirements).is_ok(),
        _ => RunRecord::read(rest).is_ok(),
    }
}
