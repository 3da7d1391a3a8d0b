//! Which messages of the other end belong to a session, and where in it (OMA-TS-DM_RepPro 6.1: SessionID, MsgID).

use std::collections::BTreeSet;

use crate::auth;
use crate::syncml::Message;

/// Most messages that are told from each other; a session ends long before.
const MAX_SEEN: usize = 10_000;

/// Where a message of the other end stands among its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// It has the number after the one before it; the first has 1.
    #[default]
    Next,
    /// It has not the number after the one before it, but one that no other message has: MsgID need not count.
    Jumped,
    /// It is the one before it once more: sent again, as its answer was lost.
    Repeated,
    /// It is of another session or device, or has the MsgID of another message.
    Misplaced,
}

/// The messages of the other end so far.
pub(super) struct Sequence {
    /// Of the session; of whoever begins, when it is not known yet.
    session_id: Option<String>,
    /// Whose messages these are, where that is one device only.
    source: Option<String>,
    is_of_one_source: bool,
    last: Option<Last>,
    /// Digests of the message identifiers, which are as long as the other end likes.
    seen: BTreeSet<[u8; 16]>,
}

/// What is kept of a message, which may be as large as the other end likes.
struct Last {
    number: Option<u32>,
    digest: [u8; 16],
}

impl Sequence {
    /// The messages of a server in the session of this identifier, wherever it says that they are from.
    pub(super) fn of_server(session_id: &str) -> Self {
        Self {
            session_id: Some(session_id.to_owned()),
            is_of_one_source: false,
            ..Self::of_device()
        }
    }

    /// The messages of the device that begins.
    pub(super) const fn of_device() -> Self {
        Self {
            session_id: None,
            source: None,
            is_of_one_source: true,
            last: None,
            seen: BTreeSet::new(),
        }
    }

    /// Where a message stands; one that is `Next` or `Jumped` is the last one from now on.
    pub(super) fn place(&mut self, message: &Message) -> Order {
        let header = &message.header;
        let is_other =
            |known: &Option<String>, found: &String| known.as_ref().is_some_and(|known| known != found);
        let digest = auth::digest_of(message);
        if self.is_last(digest) {
            return Order::Repeated;
        }
        let id = auth::digest(header.message_id.as_bytes());
        if is_other(&self.session_id, &header.session_id)
            || is_other(&self.source, &header.source.uri)
            || self.seen.len() >= MAX_SEEN
            || !self.seen.insert(id)
        {
            return Order::Misplaced;
        }
        self.session_id.get_or_insert_with(|| header.session_id.clone());
        if self.is_of_one_source {
            self.source.get_or_insert_with(|| header.source.uri.clone());
        }
        let expected = match &self.last {
            None => Some(1),
            Some(last) => last.number.and_then(|number| number.checked_add(1)),
        };
        let number = header.message_id.parse().ok();
        self.last = Some(Last { number, digest });
        match number.is_some() && number == expected {
            true => Order::Next,
            false => Order::Jumped,
        }
    }

    /// Whether it is the last message once more.
    pub(super) fn is_repeated(&self, message: &Message) -> bool {
        self.is_last(auth::digest_of(message))
    }

    fn is_last(&self, digest: [u8; 16]) -> bool {
        self.last.as_ref().is_some_and(|last| last.digest == digest)
    }
}
