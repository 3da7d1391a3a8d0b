//! The DM sessions that a mock server holds, and those that it has held: a client that did not get the last answer says the same again.

use std::collections::BTreeMap;

use oma_dm::session::server::ServerSession;
use oma_dm::syncml::Message;

/// The most sessions that are kept; the one that has been silent for longest goes first.
const MAX_SESSIONS: usize = 16;

/// A session's device and SessionID: two devices may give theirs the same identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    device_id: String,
    session_id: String,
}

impl Key {
    /// Which session a message of a client is of.
    pub(crate) fn of(message: &Message) -> Self {
        let peek = ServerSession::peek(message);
        Self {
            device_id: peek.device_id,
            session_id: peek.session_id,
        }
    }
}

/// The sessions of a mock server.
#[derive(Default)]
pub(crate) struct KeptSessions {
    sessions: BTreeMap<Key, Kept>,
    /// How many messages were heard.
    heard: u64,
}

struct Kept {
    /// In a box, since a map makes room for eleven at once, and many delegations may be in flight.
    session: Box<ServerSession>,
    /// When it was heard of last, counted in messages.
    heard: u64,
}

impl KeptSessions {
    /// The session that is to take a message of a client: the one of its key, or a new one in its stead, to which a number is given
    /// that no other has.
    pub(crate) fn of(
        &mut self,
        message: &Message,
        begin: impl FnOnce(u64) -> ServerSession,
    ) -> &mut ServerSession {
        let key = Key::of(message);
        self.heard += 1;
        let heard = self.heard;
        let known = self.sessions.remove(&key).map(|kept| kept.session);
        let session = known
            .filter(|session| session.continues_with(message))
            .unwrap_or_else(|| Box::new(begin(heard)));
        if self.sessions.len() >= MAX_SESSIONS {
            self.drop_oldest();
        }
        let kept = self.sessions.entry(key).or_insert(Kept { session, heard });
        &mut kept.session
    }

    /// A session that is kept.
    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut ServerSession> {
        self.sessions.get_mut(key).map(|kept| &mut *kept.session)
    }

    fn drop_oldest(&mut self) {
        let oldest = self.sessions.iter().min_by_key(|(_, kept)| kept.heard);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.sessions.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use oma_dm::session::server::ServerConfig;
    use oma_dm::syncml::{Alert, AlertCode, Command};

    use super::*;

    fn opening(device_id: &str, session_id: &str) -> Message {
        let alert = Alert {
            id: "1".to_owned(),
            code: AlertCode::CLIENT_INITIATED,
            correlator: None,
            items: Vec::new(),
        };
        let mut message = Message::default();
        message.header.session_id = session_id.to_owned();
        message.header.message_id = "1".to_owned();
        message.header.source = device_id.into();
        message.commands = vec![Command::Alert(alert)];
        message.is_final = true;
        message
    }

    fn begin(_: u64) -> ServerSession {
        ServerSession::new(ServerConfig::new("https://dms.example/dm", None, b"seed"), None)
    }

    fn answer(sessions: &mut KeptSessions, message: &Message) -> Message {
        let session = sessions.of(message, begin);
        session.receive(message);
        session.respond(Vec::new())
    }

    #[test]
    fn two_devices_with_the_same_session_identifier_do_not_meet() {
        let mut sessions = KeptSessions::default();
        for device_id in ["device-1", "device-2"] {
            let answered = answer(&mut sessions, &opening(device_id, "1"));
            assert_eq!(answered.header.target.uri, device_id);
            assert_eq!(answered.header.message_id, "1");
        }
        let again = answer(&mut sessions, &opening("device-1", "1"));
        assert_eq!(again.header.target.uri, "device-1");
    }

    #[test]
    fn a_last_message_that_comes_again_gets_the_same_answer_though_the_session_is_over() {
        let mut sessions = KeptSessions::default();
        let message = opening("device-1", "1");
        let first = answer(&mut sessions, &message);
        assert!(
            sessions
                .get_mut(&Key::of(&message))
                .is_some_and(|session| session.is_over())
        );
        assert_eq!(answer(&mut sessions, &message), first);
    }

    #[test]
    fn a_new_session_of_the_same_identifier_is_not_the_old_one() {
        let mut sessions = KeptSessions::default();
        let mut message = opening("device-1", "1");
        answer(&mut sessions, &message);
        message.header.max_message_size = Some(4096);
        assert_eq!(answer(&mut sessions, &message).header.message_id, "1");
        message.header.message_id = "2".to_owned();
        assert_eq!(answer(&mut sessions, &message).header.message_id, "1");
    }

    #[test]
    fn of_many_sessions_the_one_that_was_silent_for_longest_is_forgotten() {
        let mut sessions = KeptSessions::default();
        let of = |number: usize| opening("device-1", &number.to_string());
        answer(&mut sessions, &of(0));
        (1..MAX_SESSIONS).for_each(|number| drop(answer(&mut sessions, &of(number))));
        answer(&mut sessions, &of(0));
        answer(&mut sessions, &of(MAX_SESSIONS));
        let is_kept = |number: usize| sessions.sessions.contains_key(&Key::of(&of(number)));
        assert_eq!(sessions.sessions.len(), MAX_SESSIONS);
        assert!(is_kept(0) && !is_kept(1) && is_kept(2) && is_kept(MAX_SESSIONS));
    }
}
