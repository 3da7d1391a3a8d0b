//! What passes between the servers: a body as every message of either profile that is built in.

use std::sync::LazyLock;

use dmconform_case::document::{self, Answer, Request};
use dmconform_case::profile::{Content, Profile};
use dmconform_case::read::{Source, profile};

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
    let types = ["application/vnd.dm.delegation+xml", "application/json"];
    for (profile, media_type) in PROFILES.iter().zip(types) {
        let headers = vec![("content-type".to_owned(), media_type.to_owned())];
        let content = document::content(profile.delegation.syntax, octets).unwrap_or(Content::Empty);
        for document in profile.messages.values() {
            let request = Request {
                method: "POST",
                target: "/delegation",
                headers: &headers,
                body: octets,
            };
            let _ = profile.request_message(document, &request, &content);
            let _ = profile.answer(
                document,
                &Answer {
                    headers: &headers,
                    body: octets,
                },
            );
        }
    }
}
