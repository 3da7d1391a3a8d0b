//! The DM sessions that are followed, of which the ones that nobody has used for long are let go.

use std::collections::BTreeMap;

use dmconform_model::Role;

use crate::dm_session::DmSession;

/// Observer, server and SessionID.
pub(crate) type SessionKey = (Role, Role, String);

/// How many sessions of one client with one server are followed. A client holds one at a time, so that one which this many others
/// came after is over.
const FOLLOWED: usize = 16;

/// The DM sessions that are followed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    /// By observer and server.
    between: BTreeMap<(Role, Role), Followed>,
}

#[derive(Clone, Debug, Default)]
struct Followed {
    /// SessionID → the record in which it was used last, and what is known of it: in a box, since a map makes room for eleven at once,
    /// and there is one map for each of the delegations that are judged at the same time.
    sessions: BTreeMap<String, (u64, Box<DmSession>)>,
    /// The record in which a session was used last → its SessionID.
    used: BTreeMap<u64, String>,
}

impl Sessions {
    /// The session that a record belongs to, a new one if need be.
    pub(crate) fn of(&mut self, (observer, server, id): SessionKey, record: u64) -> &mut DmSession {
        let followed = self.between.entry((observer, server)).or_default();
        followed.use_session(&id, record);
        let (_, session) = followed.sessions.entry(id).or_default();
        session
    }

    /// A session that is followed already.
    pub(crate) fn get_mut(&mut self, (observer, server, id): &SessionKey) -> Option<&mut DmSession> {
        let followed = self.between.get_mut(&(*observer, *server))?;
        let (_, session) = followed.sessions.get_mut(id)?;
        Some(session)
    }
}

impl Followed {
    fn use_session(&mut self, id: &str, record: u64) {
        match self.sessions.get_mut(id) {
            Some((last, _)) => {
                self.used.remove(last);
                *last = record;
            }
            None => {
                self.sessions.insert(id.to_owned(), (record, Box::default()));
            }
        }
        self.used.insert(record, id.to_owned());
        if self.sessions.len() > FOLLOWED
            && let Some((_, oldest)) = self.used.pop_first()
        {
            self.sessions.remove(&oldest);
        }
    }
}
