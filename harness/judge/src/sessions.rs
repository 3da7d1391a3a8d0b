//! The DM sessions that are followed, of which the ones that nobody has used for long are let go.

use std::collections::BTreeMap;

use dmconform_model::Role;

use crate::dm_session::DmSession;

/// Observer, server and SessionID.
pub(crate) type SessionKey = (Role, Role, String);

/// How many sessions of one client with one server are followed. A client holds one at a time, so that one which this many others
/// came after is over.
const FOLLOWED: usize = 16;

/// How many of them are followed when they are over, and another one has begun: the last message of one may still be repeated. Much of
/// the memory of a client that waits for long is what is known of its sessions.
const FOLLOWED_WHEN_OVER: usize = 2;

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

    /// Begins to follow a session, in the place of the one that nobody has used for longest where there are enough: of those that
    /// are over, or of all.
    fn begin(&mut self, id: String) -> usize {
        let session = OneSession {
            id,
            used: 0,
            known: Box::default(),
        };
        let oldest = |most: usize, counts: &dyn Fn(&OneSession) -> bool| {
            let all = self.sessions.iter().enumerate();
            let counted: Vec<_> = all.filter(|(_, session)| counts(session)).collect();
            let oldest = counted.iter().min_by_key(|(_, session)| session.used);
            oldest.map(|(at, _)| *at).filter(|_| counted.len() >= most)
        };
        let in_place_of = oldest(FOLLOWED_WHEN_OVER, &|session| session.known.is_over())
            .or_else(|| oldest(FOLLOWED, &|_| true));
        match in_place_of {
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
    use std::sync::Arc;

    use super::*;
    use crate::package::{Package, read};
    use crate::regularity::Said;

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

    /// A message of a session, as read.
    fn package(id: &str, commands: &str) -> Arc<Package> {
        let message = format!(
            "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>{id}</SessionID>\
             <MsgID>1</MsgID><Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI></Source></SyncHdr>\
             <SyncBody>{commands}<Final/></SyncBody></SyncML>"
        );
        let read = read(message.as_bytes(), "application/vnd.syncml.dm+xml");
        Arc::new(read.expect("it is a message"))
    }

    fn said(sender: Role, package: &Arc<Package>) -> Said<'_> {
        Said {
            seq: 1,
            sender,
            observer: Role::DmClient,
            package,
            is_sealed: false,
        }
    }

    #[test]
    fn of_sessions_that_are_over_fewer_are_followed_than_of_those_that_go_on() {
        let mut sessions = Sessions::default();
        let key = |id: &str| (Role::DmClient, Role::Dms1, id.to_owned());
        let mut record = 0;
        let mut hold = |sessions: &mut Sessions, id: &str, answer: &str| {
            record += 1;
            let session = sessions.of(key(id), record);
            let asked = package(id, "<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>");
            session.regularity.client_sent(&said(Role::DmClient, &asked));
            let answered = package(id, answer);
            session.regularity.server_sent(&said(Role::Dms1, &answered));
        };
        let status = "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>212</Data></Status>";
        let asks = "<Get><CmdID>2</CmdID><Item><Target><LocURI>./DevInfo</LocURI></Target></Item></Get>";
        hold(&mut sessions, "goes on", &format!("{status}{asks}"));
        for number in 0..FOLLOWED {
            hold(&mut sessions, &number.to_string(), status);
        }
        let mut known = |id: &str| sessions.get_mut(&key(id)).is_some();
        assert!(known("goes on"));
        let followed = (0..FOLLOWED).filter(|number| known(&number.to_string()));
        assert_eq!(followed.collect::<Vec<_>>(), [14, 15]);
    }
}
