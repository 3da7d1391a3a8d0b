//! What was read lately: a message that is recorded at both ends, and acted upon by a mock role, is read once; and what is written like one
//! that was met is read by that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use dmconform_case::document::{self, Fields, Unrecognised};
use dmconform_case::profile::{Content, Profile, Syntax};
use dmconform_model::MessageId;
use oma_dm::bootstrap::{self, Bootstrap};

use crate::familiar::Familiar;
use crate::package::{Package, read_with_pattern};

/// How many messages are remembered of one case: others may pass between the two records of one.
const OF_ONE_CASE: usize = 4;

/// How many messages are remembered of cases that run at the same time.
const OF_MANY_CASES: usize = 128;

/// How many ways of writing messages are remembered of one case: those of its DM sessions.
const WAYS_OF_ONE_CASE: usize = 32;

/// How many are remembered of cases that run at the same time, with different products or what cases change.
const WAYS_OF_MANY_CASES: usize = 256;

/// The longest message that is remembered, in octets: longer ones come seldom, and would fill the memory.
const WORTH_REMEMBERING: usize = 16 * 1024;

/// The longest document of servers that is remembered, in octets: what they say has some hundred, and what was read of one that is all tags
/// has a hundred times as many.
const DOCUMENT_WORTH_REMEMBERING: usize = 4 * 1024;

/// What was read lately, for all who look at the same messages: what is in one depends on its octets and their media type alone.
#[derive(Debug)]
pub struct Readings {
    messages: Lately<Package>,
    familiar: Familiar,
    bootstraps: Lately<Bootstrap>,
    documents: Lately<Content<'static>>,
}

impl Default for Readings {
    /// What is read of one case.
    fn default() -> Self {
        Self::of(OF_ONE_CASE, WAYS_OF_ONE_CASE)
    }
}

impl Readings {
    /// What is read of many cases that run at the same time.
    pub fn of_many_cases() -> Self {
        Self::of(OF_MANY_CASES, WAYS_OF_MANY_CASES)
    }

    fn of(most: usize, ways: usize) -> Self {
        Self {
            messages: Lately::of(most, WORTH_REMEMBERING),
            familiar: Familiar::of(ways),
            bootstraps: Lately::of(most, WORTH_REMEMBERING),
            documents: Lately::of(most, DOCUMENT_WORTH_REMEMBERING),
        }
    }

    /// Reads a body as a SyncML message.
    ///
    /// # Errors
    /// Why it is none.
    pub fn message(&self, body: &[u8], media_type: &str) -> Result<Arc<Package>, String> {
        self.messages.read(body, media_type, |body, media_type| {
            if let Some(package) = self.familiar.read(body, media_type) {
                return Ok(package);
            }
            let (package, pattern) = read_with_pattern(body, media_type)?;
            if let Some(pattern) = pattern {
                self.familiar.remember(body, media_type, &package, pattern);
            }
            Ok(package)
        })
    }

    /// What a body says as a message, if it is written in a way that was met. It is not remembered.
    pub(crate) fn familiar_message(&self, body: &[u8], media_type: &str) -> Option<Arc<Package>> {
        self.familiar.read(body, media_type).map(Arc::new)
    }

    /// What a request is as a message between servers ([`Profile::request`]).
    ///
    /// # Errors
    /// Why it is none.
    pub fn request(
        &self,
        profile: &Profile,
        request: &document::Request<'_>,
        is_possible: impl Fn(MessageId) -> bool,
    ) -> Result<Vec<(MessageId, Fields)>, Unrecognised> {
        let read = self.document(request.body, profile.delegation.syntax);
        profile.request_with(request, read.as_deref().map_err(Clone::clone), is_possible)
    }

    /// Reads a body as a document that servers exchange.
    pub(crate) fn document(&self, body: &[u8], syntax: Syntax) -> Result<Arc<Content<'static>>, String> {
        self.documents.read(body, syntax.title(), |body, _| {
            document::content(syntax, body).map(Content::into_owned)
        })
    }

    /// Reads a body as a bootstrap.
    ///
    /// # Errors
    /// Why it is none.
    pub fn bootstrap(&self, body: &[u8], media_type: &str) -> Result<Arc<Bootstrap>, String> {
        self.bootstraps.read(body, media_type, |body, media_type| {
            bootstrap::read(body, media_type).map_err(|error| error.to_string())
        })
    }
}

/// What was read lately of one kind.
#[derive(Debug)]
struct Lately<T> {
    most: usize,
    /// The longest that is remembered, in octets.
    longest: usize,
    /// The latest first.
    known: Mutex<VecDeque<Known<T>>>,
}

#[derive(Debug)]
struct Known<T> {
    body: Vec<u8>,
    media_type: String,
    read: Arc<T>,
}

impl<T> Lately<T> {
    fn of(most: usize, longest: usize) -> Self {
        Self {
            most,
            longest,
            known: Mutex::default(),
        }
    }

    fn read(
        &self,
        body: &[u8],
        media_type: &str,
        read: impl Fn(&[u8], &str) -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        if let Some(known) = self.known(body, media_type) {
            return Ok(known);
        }
        let read = Arc::new(read(body, media_type)?);
        if body.len() <= self.longest {
            let new = Known {
                body: body.to_vec(),
                media_type: media_type.to_owned(),
                read: Arc::clone(&read),
            };
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.truncate(self.most - 1);
            known.push_front(new);
        }
        Ok(read)
    }

    fn known(&self, body: &[u8], media_type: &str) -> Option<Arc<T>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |known: &&Known<T>| known.body == body && known.media_type == media_type;
        known.iter().find(is_it).map(|known| Arc::clone(&known.read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA_TYPE: &str = "application/vnd.syncml.dm+xml";

    fn message(session: &str) -> Vec<u8> {
        format!(
            "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>{session}</SessionID>\
             <MsgID>1</MsgID><Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI></Source></SyncHdr>\
             <SyncBody><Final/></SyncBody></SyncML>"
        )
        .into_bytes()
    }

    fn is_read_anew(readings: &Readings, body: &[u8], media_type: &str, known: &Arc<Package>) -> bool {
        let again = readings.message(body, media_type).expect("it is a message");
        !Arc::ptr_eq(&again, known)
    }

    #[test]
    fn the_same_octets_of_the_same_media_type_are_read_once() {
        let readings = Readings::default();
        let first = readings
            .message(&message("1"), MEDIA_TYPE)
            .expect("it is a message");
        assert!(!is_read_anew(&readings, &message("1"), MEDIA_TYPE, &first));
        assert!(is_read_anew(&readings, &message("2"), MEDIA_TYPE, &first));
        assert!(is_read_anew(&readings, &message("1"), "text/xml", &first));
    }

    #[test]
    fn what_is_no_message_is_an_error_each_time() {
        let readings = Readings::default();
        assert!(readings.message(b"<a/>", MEDIA_TYPE).is_err());
        assert!(readings.message(b"<a/>", MEDIA_TYPE).is_err());
    }

    #[test]
    fn old_and_very_long_messages_are_not_remembered() {
        let readings = Readings::default();
        let first = readings
            .message(&message("0"), MEDIA_TYPE)
            .expect("it is a message");
        for number in 1..=OF_ONE_CASE {
            readings
                .message(&message(&number.to_string()), MEDIA_TYPE)
                .expect("it is a message");
        }
        assert!(is_read_anew(&readings, &message("0"), MEDIA_TYPE, &first));
        let long = message(&"9".repeat(WORTH_REMEMBERING));
        let read = readings.message(&long, MEDIA_TYPE).expect("it is a message");
        assert!(is_read_anew(&readings, &long, MEDIA_TYPE, &read));
    }
}
