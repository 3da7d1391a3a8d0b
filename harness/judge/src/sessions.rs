//! The DM sessions that are followed, of which the ones that nobody has used for long are let go.

use std::collections::BTreeMap;

use dmconform_model::Role;

use crate::dm_session::DmSession;

/// Observer, server and SessionID.
pub(crate) type SessionKey = (Role, Role, String);

/// How many sessions of one client with one server are followed. A client holds one at a time, so that one which this many others
/// came after is over. What is known of them is much of the memory that a client takes which waits for long.
const FOLLOWED: usize = 4;

/// The DM sessions that are followed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    /// By observer and server.
    between: BTreeMap<(Role, Role), Followed>,
}

/// The sessions of one client with one server, in no order: they are few.
#[derive(Clone, Debug, Default)]
struct Followed {
    sessions: Vec<OneSession>,
}

#[derive(Clone, Debug)]
struct OneSession {
    id: String,
    /// The record in which it was used last.
    used: u64,
    /// What is known of it: in a box, since there is one list for each of the delegations that are judged at the same time.
    known: Box<DmSession>,
}

impl Sessions {
    /// The session that a record belongs to, a new one if need be.
    pub(crate) fn of(&mut self, (observer, server, id): SessionKey, record: u64) -> &mut DmSession {
        let followed = self.between.entry((observer, server)).or_default();
        followed.used(id, record)
    }

    /// A session that is followed already.
    pub(crate) fn get_mut(&mut self, (observer, server, id): &SessionKey) -> Option<&mut DmSession> {
        let followed = self.between.get_mut(&(*observer, *server))?;
        let mut sessions = followed.sessions.iter_mut();
        let session = sessions.find(|session| session.id == *id)?;
        Some(&mut session.known)
    }
}

impl Followed {
    fn used(&mut self, id: String, record: u64) -> &mut DmSession {
        let at = match self.sessions.iter().position(|session| session.id == id) {
            Some(at) => at,
            None => self.begin(id),
        };
        let session = &mut self.sessions[at];
        session.used = record;
        &mut session.known
    }

    /// Begins to follow a session, in the place of the one that nobody has used for longest where there are enough.
    fn begin(&mut self, id: String) -> usize {
        let session = OneSession {
            id,
            used: 0,
            known: Box::default(),
        };
        let known = self.sessions.iter().enumerate();
        let oldest = known.min_by_key(|(_, session)| session.used).map(|(at, _)| at);
        match oldest.filter(|_| self.sessions.len() >= FOLLOWED) {
            Some(at) => {
                self.sessions[at] = session;
                at
            }
            None => {
                self.sessions.push(session);
                self.sessions.len() - 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_that_nobody_has_used_for_longest_is_let_go() {
        let key = |number: usize| (Role::DmClient, Role::Dms1, format!("{number:X}"));
        let mut sessions = Sessions::default();
        let mut record = 0;
        let mut open = |sessions: &mut Sessions, number: usize| {
            record += 1;
            sessions.of(key(number), record).opened_by.push(1201);
        };
        for number in 0..FOLLOWED {
            open(&mut sessions, number);
        }
        open(&mut sessions, 0);
        open(&mut sessions, FOLLOWED);
        let mut known = |number: usize| {
            let session = sessions.get_mut(&key(number));
            session.map(|session| session.opened_by.len())
        };
        assert_eq!([known(0), known(1), known(2)], [Some(2), None, Some(1)]);
        assert_eq!(known(FOLLOWED), Some(1));
    }
}
