//! Messages between servers, as a profile reads them.

use dmconform_case::document::{self, Answer, Request};
use dmconform_case::profile::{Content, Profile};

/// Whatever is in a body, it can be asked whether it is any of the messages of a profile, and what it answers to each.
pub(crate) fn take(profile: &Profile, target: &str, body: &[u8]) {
    let media_type = profile.delegation.media_type.clone();
    let headers = vec![("content-type".to_owned(), media_type)];
    let content = document::content(profile.delegation.syntax, body).unwrap_or(Content::Empty);
    for document in profile.messages.values() {
        let request = Request {
            method: "POST",
            target,
            headers: &headers,
            body,
        };
        let _ = profile.request_message(document, &request, &content);
        let answer = Answer {
            headers: &headers,
            body,
        };
        let _ = profile.answer(document, &answer);
    }
}
