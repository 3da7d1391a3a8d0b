//! Finds the case that something on a shared listener belongs to: by device, by session, by a token in a URL.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::context::CaseContext;

/// The running cases of one stage.
#[derive(Default)]
pub struct Router {
    cases: Mutex<Cases>,
}

#[derive(Default)]
struct Cases {
    /// By device identifier: each running case has leased one.
    by_device: BTreeMap<String, Arc<CaseContext>>,
    /// The only running case, while it has the listeners to itself.
    exclusive: Option<Arc<CaseContext>>,
    gone: Gone,
}

/// The cases that are over: what still arrives for them is for nobody else, not even for the only case that runs.
#[derive(Default)]
struct Gone {
    /// By device. A device that is leased again is gone no more.
    by_device: BTreeMap<String, Names>,
    /// The last sessions that the harness has named itself, which none is called again: a message of one may come late, when its
    /// device is leased again already.
    sessions: VecDeque<String>,
    /// The same, to be found.
    known: HashSet<String>,
}

/// How many sessions of cases that are over are remembered.
const MOST_SESSIONS: usize = 4096;

/// What a case is known by besides its device.
struct Names {
    session: String,
    token: String,
    /// The target of the URL that a real DMS-2 gave out for it.
    told: Option<String>,
}

impl Names {
    fn of(context: &CaseContext) -> Self {
        Self {
            session: context.session_id(),
            token: context.token.clone(),
            told: context.told_target(),
        }
    }
}

impl Gone {
    fn add(&mut self, device: String, names: Names) {
        if names.session.contains(&names.token) {
            if self.sessions.len() == MOST_SESSIONS
                && let Some(oldest) = self.sessions.pop_back()
            {
                self.known.remove(&oldest);
            }
            self.known.insert(names.session.clone());
            self.sessions.push_front(names.session.clone());
        }
        self.by_device.insert(device, names);
    }

    /// Whether a session is one that the harness has named for a case that is over.
    fn has_session(&self, session: &str) -> bool {
        self.known.contains(session)
    }

    /// Whether a document between the servers is about a case that is over.
    fn has_document(&self, device: Option<&str>, session: Option<&str>) -> bool {
        let of_device = device.is_some_and(|device| self.by_device.contains_key(device));
        let of_session = session.is_some_and(|session| {
            !session.is_empty() && self.by_device.values().any(|names| names.session == session)
        });
        of_device || of_session
    }

    /// Whether the target of a request is that of a case that is over.
    fn has_target(&self, target: &str) -> bool {
        self.by_device.iter().any(|(device, names)| {
            names.told.as_deref() == Some(target) || is_in(target, &names.token, device)
        })
    }
}

impl Router {
    /// Lets a case take part; `exclusive` if it has the listeners to itself.
    pub fn enter(&self, context: &Arc<CaseContext>, exclusive: bool) {
        let mut cases = self.lock();
        cases.gone.by_device.remove(&context.header.parties.device);
        cases
            .by_device
            .insert(context.header.parties.device.clone(), Arc::clone(context));
        if exclusive {
            cases.exclusive = Some(Arc::clone(context));
        }
    }

    /// Lets a case go.
    pub fn leave(&self, context: &CaseContext) {
        let mut cases = self.lock();
        let device = context.header.parties.device.clone();
        cases.by_device.remove(&device);
        cases.gone.add(device, Names::of(context));
        cases.exclusive = None;
    }

    /// Every running case.
    pub fn all(&self) -> Vec<Arc<CaseContext>> {
        self.lock().by_device.values().cloned().collect()
    }

    /// The case that has the listeners to itself.
    pub fn exclusive(&self) -> Option<Arc<CaseContext>> {
        self.lock().exclusive.clone()
    }

    /// The case of a device.
    pub fn by_device(&self, device: &str) -> Option<Arc<CaseContext>> {
        self.lock().by_device.get(device).cloned()
    }

    /// The case of a document between the servers: by its device, unless it is of a session of a case that is over, then by its
    /// session, and if it names neither properly, nor those of a case that is over, the only case there is.
    pub fn by_document(&self, device: Option<&str>, session: Option<&str>) -> Option<Arc<CaseContext>> {
        if let Some(found) = device.and_then(|device| self.by_device(device)) {
            let is_late = session.is_some_and(|session| self.lock().gone.has_session(session));
            return (!is_late).then_some(found);
        }
        let cases = self.lock();
        let by_session = session
            .filter(|session| !session.is_empty())
            .and_then(|session| cases.by_device.values().find(|case| case.session_id() == session));
        by_session.cloned().or_else(|| {
            let is_late = cases.gone.has_document(device, session);
            cases.only().filter(|_| !is_late)
        })
    }

    /// The case of a request for a bootstrap: the one whose URL a real DMS-2 gave out, or whose token or device is in the target.
    pub fn by_target(&self, target: &str) -> Option<Arc<CaseContext>> {
        let cases = self.lock();
        let running = || cases.by_device.values();
        let mut told = running().filter(|case| case.told_target().as_deref() == Some(target));
        if let Some(first) = told.next() {
            // Where several delegations were given the same URL, nobody can tell which of them is meant.
            return told.next().is_none().then(|| Arc::clone(first));
        }
        let named = running().find(|case| is_in(target, &case.token, &case.header.parties.device));
        named
            .cloned()
            .or_else(|| cases.only().filter(|_| !cases.gone.has_target(target)))
    }

    fn lock(&self) -> MutexGuard<'_, Cases> {
        self.cases
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Cases {
    fn only(&self) -> Option<Arc<CaseContext>> {
        let mut all = self.by_device.values();
        let first = all.next()?;
        all.next().is_none().then(|| Arc::clone(first))
    }
}

/// Whether a target names a case by its token or its device.
fn is_in(target: &str, token: &str, device: &str) -> bool {
    target.contains(token) || ends_segment(target, device)
}

/// Whether a target holds a text as a whole path segment or query value, plain or with `%` escapes: device 1 is
/// not device 12.
fn ends_segment(target: &str, text: &str) -> bool {
    let decoded = percent_decoded(target);
    decoded
        .split(['/', '?', '&', '=', '#'])
        .any(|segment| segment == text)
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = bytes
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Gone, MOST_SESSIONS, Names, ends_segment};

    fn names() -> Names {
        Names {
            session: "session-1".to_owned(),
            token: "token-1".to_owned(),
            told: Some("/boot?of=xyz".to_owned()),
        }
    }

    #[rstest]
    #[case(Some("urn:example:1"), None, true)]
    #[case(Some("urn:example:2"), Some("session-1"), true)]
    #[case(Some("urn:example:2"), Some("session-2"), false)]
    #[case(None, Some(""), false)]
    #[case(None, None, false)]
    fn what_is_about_a_case_that_is_over_is_for_nobody(
        #[case] device: Option<&str>,
        #[case] session: Option<&str>,
        #[case] late: bool,
    ) {
        let mut gone = Gone::default();
        gone.by_device.insert("urn:example:1".to_owned(), names());
        assert_eq!(gone.has_document(device, session), late);
    }

    #[test]
    fn a_session_that_the_harness_has_named_is_over_for_good_and_one_of_a_product_may_come_again() {
        let mut gone = Gone::default();
        let named = |session: &str| Names {
            session: session.to_owned(),
            ..names()
        };
        gone.add("urn:example:1".to_owned(), named("session-token-1"));
        gone.add("urn:example:2".to_owned(), named("42"));
        gone.by_device.clear();
        assert!(gone.has_session("session-token-1"));
        assert!(!gone.has_session("42"));
        for number in 0..MOST_SESSIONS {
            gone.add(String::new(), named(&format!("{number}-token-1")));
        }
        assert!(!gone.has_session("session-token-1"), "it is long ago");
        assert_eq!(gone.sessions.len(), MOST_SESSIONS);
        assert_eq!(gone.known.len(), MOST_SESSIONS);
    }

    #[rstest]
    #[case("/bootstrap/token-1", true)]
    #[case("/bootstrap/urn:example:1", true)]
    #[case("/bootstrap/urn:example:12", false)]
    #[case("/boot?of=xyz", true)]
    #[case("/boot?of=abc", false)]
    fn a_request_for_what_a_case_that_is_over_handed_out_is_for_nobody(
        #[case] target: &str,
        #[case] late: bool,
    ) {
        let mut gone = Gone::default();
        gone.by_device.insert("urn:example:1".to_owned(), names());
        assert_eq!(gone.has_target(target), late);
    }

    #[rstest]
    #[case("/bootstrap/urn:example:1", "urn:example:1", true)]
    #[case("/bootstrap/urn%3Aexample%3A1?x=2", "urn:example:1", true)]
    #[case("/bootstrap?device=urn:example:1", "urn:example:1", true)]
    #[case("/bootstrap/urn:example:12", "urn:example:1", false)]
    #[case("/bootstrap/%", "urn:example:1", false)]
    fn a_device_is_found_as_a_whole_segment_only(
        #[case] target: &str,
        #[case] device: &str,
        #[case] found: bool,
    ) {
        assert_eq!(ends_segment(target, device), found);
    }
}
