//! What a server keeps of its delegations, and whom it listens to about them.

use std::collections::{BTreeMap, BTreeSet};

use crate::delegation::document::{Answer, Document, Kind};
use crate::deviation::{Deviation, Deviations};

/// The most delegations that are kept; the oldest are forgotten, those that are over first.
const MAX_DELEGATIONS: usize = 16_384;

/// Which of the two servers this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// DMS-1.
    Delegating,
    /// DMS-2.
    Delegated,
}

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Delegating => Self::Delegated,
            Self::Delegated => Self::Delegating,
        }
    }

    pub(crate) const fn role(self) -> &'static str {
        match self {
            Self::Delegating => "dms-1",
            Self::Delegated => "dms-2",
        }
    }

    fn of(self, document: &Document) -> &str {
        match self {
            Self::Delegating => &document.delegating,
            Self::Delegated => &document.delegated,
        }
    }
}

/// One delegation.
#[derive(Clone, Debug)]
pub(crate) struct Delegation<P> {
    /// The initiation request: all that was agreed on.
    pub(crate) terms: Document,
    pub(crate) opener: Side,
    pub(crate) progress: P,
    pub(crate) end: Option<End>,
    /// Messages that were accepted, with what was answered.
    accepted: BTreeMap<Kind, (Document, Answer)>,
    number: u64,
}

/// How a delegation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Failed(String),
}

/// What a delegation looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) terms: Document,
    pub(crate) opener: Side,
    pub(crate) state: &'static str,
    pub(crate) reason: Option<String>,
}

impl<P> Delegation<P> {
    /// As it is seen from outside; `state` says how far it is while it is open.
    pub(crate) fn view(&self, state: &'static str) -> View {
        let (state, reason) = match &self.end {
            None => (state, None),
            Some(End::Complete) => ("complete", None),
            Some(End::Failed(reason)) => ("failed", Some(reason.clone())),
        };
        View {
            terms: self.terms.clone(),
            opener: self.opener,
            state,
            reason,
        }
    }

    /// Refuses a message about a delegation that is over.
    pub(crate) fn check_open(&self) -> Result<(), Refusal> {
        match &self.end {
            None => Ok(()),
            Some(End::Complete) => Err(Refusal::out_of_order("the delegation is complete")),
            Some(End::Failed(reason)) => Err(Refusal::out_of_order(format!(
                "the delegation has failed: {reason}"
            ))),
        }
    }

    /// Stops it, unless it is over.
    pub(crate) fn fail(&mut self, reason: impl Into<String>) {
        self.end.get_or_insert_with(|| End::Failed(reason.into()));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.end.is_none()
    }
}

/// All delegations of a server.
#[derive(Debug)]
pub(crate) struct Ledger<P> {
    pub(crate) by_session: BTreeMap<String, Delegation<P>>,
    next_number: u64,
}

impl<P> Ledger<P> {
    pub(crate) fn new() -> Self {
        Self {
            by_session: BTreeMap::new(),
            next_number: 0,
        }
    }

    /// Takes up a delegation. Open ones between the same servers for the same device are given up for it.
    pub(crate) fn insert(&mut self, terms: Document, opener: Side, progress: P) -> &mut Delegation<P> {
        for other in self.by_session.values_mut() {
            let is_same = other.terms.device == terms.device
                && other.terms.delegating == terms.delegating
                && other.terms.delegated == terms.delegated;
            if is_same {
                other.fail("a later delegation of the same device takes its place");
            }
        }
        if self.by_session.len() >= MAX_DELEGATIONS {
            self.forget_one();
        }
        self.next_number += 1;
        let session = terms.session.clone();
        let number = self.next_number;
        let delegation = Delegation {
            terms,
            opener,
            progress,
            end: None,
            accepted: BTreeMap::new(),
            number,
        };
        self.by_session.remove(&session);
        self.by_session.entry(session).or_insert(delegation)
    }

    /// The open delegation that was taken up last.
    pub(crate) fn newest_open(&mut self) -> Option<&mut Delegation<P>> {
        self.by_session
            .values_mut()
            .filter(|delegation| delegation.is_open())
            .max_by_key(|other| other.number)
    }

    /// Gives up every open delegation of a device, and says how many there were.
    pub(crate) fn cancel(&mut self, device: &str) -> usize {
        let of_device =
            |delegation: &&mut Delegation<P>| delegation.is_open() && delegation.terms.device == device;
        self.by_session
            .values_mut()
            .filter(of_device)
            .map(|delegation| delegation.fail("cancelled"))
            .count()
    }

    /// What was answered to this very message before.
    pub(crate) fn answer_to_repeat(&self, document: &Document) -> Option<Answer> {
        let (accepted, answer) = self
            .by_session
            .get(&document.session)?
            .accepted
            .get(&document.kind)?;
        (accepted == document).then(|| answer.clone())
    }

    /// Opens the delegation of a message again, if it is complete; whether it was.
    pub(crate) fn reopen(&mut self, document: &Document) -> bool {
        let delegation = self.by_session.get_mut(&document.session);
        delegation.is_some_and(|delegation| {
            let is_complete = delegation.end == Some(End::Complete);
            delegation.end = delegation.end.take().filter(|_| !is_complete);
            is_complete
        })
    }

    /// Keeps what was answered, in case the message comes again.
    pub(crate) fn remember(&mut self, document: &Document, answer: &Answer) {
        if let Some(delegation) = self.by_session.get_mut(&document.session) {
            delegation
                .accepted
                .insert(document.kind, (document.clone(), answer.clone()));
        }
    }

    /// Takes back what was answered to a message, which nobody is to get.
    pub(crate) fn take_back(&mut self, session: &str, kind: Kind) {
        if let Some(delegation) = self.by_session.get_mut(session) {
            delegation.accepted.remove(&kind);
        }
    }

    fn forget_one(&mut self) {
        let oldest = self
            .by_session
            .iter()
            .min_by_key(|(_, other)| (other.is_open(), other.number));
        if let Some(session) = oldest.map(|(session, _)| session.clone()) {
            self.by_session.remove(&session);
        }
    }
}

/// A refusal, with the HTTP status that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: String,
}

impl Refusal {
    /// The document cannot be read or is not for this server's role.
    pub(crate) fn unreadable(reason: impl Into<String>) -> Self {
        Self {
            status: 400,
            reason: reason.into(),
        }
    }

    /// The sender has no say in this.
    pub(crate) fn not_a_party(reason: impl Into<String>) -> Self {
        Self {
            status: 403,
            reason: reason.into(),
        }
    }

    /// There is no such session, or not for that device.
    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        Self {
            status: 404,
            reason: reason.into(),
        }
    }

    /// It is not the time for this message.
    pub(crate) fn out_of_order(reason: impl Into<String>) -> Self {
        Self {
            status: 409,
            reason: reason.into(),
        }
    }
}

/// A message that is to be sent to the other server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// The delegation it belongs to, whatever the document says.
    pub(crate) session: String,
    pub(crate) document: Document,
}

/// A bootstrap that the Bootstrap Server must hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bootstrap {
    pub(crate) token: String,
    pub(crate) device: String,
}

/// What is to be done about a message that was accepted.
#[derive(Debug, Default)]
pub(crate) struct Consequences {
    /// Put this at the Bootstrap Server before answering.
    pub(crate) provide: Option<Bootstrap>,
    /// Send these after answering.
    pub(crate) outgoing: Vec<Outgoing>,
}

/// What became of a message that was sent: the Bootstrap Server URL in the answer, or why it was not accepted.
pub(crate) type Sent = Result<Option<String>, String>;

/// What either server does with the messages of the other.
pub(crate) trait Machine: Send + 'static {
    /// Who this server is.
    fn desk(&self) -> &Desk;

    /// Gives up every open delegation of a device, and says how many there were.
    fn cancel(&mut self, device: &str) -> usize;

    /// Takes a message of a peer: what to answer, and what follows.
    fn receive(
        &mut self,
        document: &Document,
        certificate: Option<&[String]>,
    ) -> Result<(Answer, Consequences), Refusal>;

    /// Takes what became of a message that was sent: what to send then.
    fn sent(&mut self, session: &str, kind: Kind, result: Sent) -> Vec<Outgoing>;

    /// One delegation, as it is now.
    fn view(&self, session: &str) -> Option<View>;

    /// All delegations, as they are now.
    fn views(&self) -> Vec<View>;
}

/// Who this server is and whom it knows.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) side: Side,
    pub(crate) server_id: String,
    pub(crate) peers: BTreeSet<String>,
    pub(crate) deviations: Deviations,
}

impl Desk {
    /// Makes sure that a message is for this server, from a server it knows, and that the certificate says so.
    pub(crate) fn check_sender(
        &self,
        document: &Document,
        certificate: Option<&[String]>,
    ) -> Result<(), Refusal> {
        let addressed = self.side.of(document);
        let is_overlooked = document.kind == Kind::InitiationRequest
            && self.deviations.has(Deviation::AcceptsInitiationForAnotherServer);
        if addressed != self.server_id && !is_overlooked {
            return Err(Refusal::not_a_party(format!(
                "this is `{}`, not `{addressed}`",
                self.server_id
            )));
        }
        if self.deviations.has(Deviation::AcceptsForeignServer) {
            return Ok(());
        }
        let speaker = self.side.other().of(document);
        let is_forged = self.deviations.has(Deviation::AcceptsForgedSession);
        if !self.peers.contains(speaker) && !is_forged {
            return Err(Refusal::not_a_party(format!(
                "there is no contract with `{speaker}`"
            )));
        }
        if self.deviations.has(Deviation::AcceptsCertificateOfAnotherServer) {
            return Ok(());
        }
        let is_named = match certificate {
            Some(names) => names.iter().any(|name| name == speaker),
            // No connection without a certificate is let in, but as one of these.
            None => {
                self.deviations.has(Deviation::AcceptsAnyClientCertificate)
                    || self.deviations.has(Deviation::TrustsPeersOfTls12)
                    || self.deviations.has(Deviation::AcceptsPlaintext)
                    || self.deviations.has(Deviation::TrustsResumedSessions)
            }
        };
        match is_named {
            true => Ok(()),
            false => Err(Refusal::not_a_party(format!(
                "the certificate does not name `{speaker}`"
            ))),
        }
    }

    /// The delegation that a message is about; `Err` when there is none, or the message contradicts it.
    pub(crate) fn find<'a, P>(
        &self,
        ledger: &'a mut Ledger<P>,
        document: &Document,
    ) -> Result<&'a mut Delegation<P>, Refusal> {
        let unknown = || Refusal::unknown(format!("there is no delegation `{}`", document.session));
        let newest = self
            .deviations
            .has(Deviation::MixesDelegations)
            .then(|| ledger.newest_session())
            .flatten();
        let overlooks_session = match document.kind {
            Kind::BootstrapComplete => self.deviations.has(Deviation::AclAfterForeignNotification),
            Kind::ClientPrepared => self.deviations.has(Deviation::CompleteAfterForeignNotification),
            _ => false,
        };
        let of_device = overlooks_session
            .then(|| ledger.open_session_of(&document.device))
            .flatten();
        let session = newest.or(of_device).unwrap_or_else(|| document.session.clone());
        let is_mixed = session != document.session;
        let delegation = ledger.by_session.get_mut(&session).ok_or_else(unknown)?;
        if is_mixed {
            return Ok(delegation);
        }
        let terms = &delegation.terms;
        let is_party = terms.delegating == document.delegating && terms.delegated == document.delegated;
        let is_overlooked = self.deviations.has(Deviation::AcceptsForeignServer)
            || self.deviations.has(Deviation::AcceptsForgedSession);
        if !is_party && !is_overlooked {
            return Err(Refusal::not_a_party(format!(
                "no part in the delegation `{}`",
                document.session
            )));
        }
        match terms.device == document.device {
            true => Ok(delegation),
            false => Err(Refusal::unknown(format!(
                "the delegation is not about `{}`",
                document.device
            ))),
        }
    }

    /// A message about a delegation.
    pub(crate) fn message(&self, terms: &Document, kind: Kind) -> Outgoing {
        let mut document = Document {
            kind,
            scope: None,
            ..terms.clone()
        };
        let is_early = matches!(kind, Kind::InitiationRequest | Kind::BootstrapServerUrlRequest);
        if kind == Kind::InitiationRequest {
            document.scope.clone_from(&terms.scope);
            if self.deviations.has(Deviation::InitiationWithoutDevice) {
                document.device.clear();
            }
            if let Some(scope) = &mut document.scope
                && self.deviations.has(Deviation::InitiationWithoutType)
            {
                scope.delegation_type = None;
            }
            if let Some(scope) = &mut document.scope
                && self.deviations.has(Deviation::InitiationWithoutModel)
            {
                scope.manufacturer.clear();
                scope.model.clear();
            }
            if let Some(scope) = &mut document.scope
                && self.deviations.has(Deviation::InitiationWithoutTree)
            {
                scope.tree_parts.clear();
            }
        }
        if !is_early && self.deviations.has(Deviation::WrongSessionId) {
            document.session = format!("other-{}", terms.session);
        }
        if !is_early && self.deviations.has(Deviation::WrongDeviceId) {
            document.device = format!("{}-other", terms.device);
        }
        if !is_early && self.deviations.has(Deviation::WrongServerId) {
            let own = match self.side {
                Side::Delegating => &mut document.delegating,
                Side::Delegated => &mut document.delegated,
            };
            *own = format!("other-{own}");
        }
        Outgoing {
            session: terms.session.clone(),
            document,
        }
    }
}

impl<P> Ledger<P> {
    /// The session of the open delegation of a device.
    fn open_session_of(&self, device: &str) -> Option<String> {
        let mut open = self.by_session.values().filter(|delegation| delegation.is_open());
        let found = open.find(|delegation| delegation.terms.device == device)?;
        Some(found.terms.session.clone())
    }

    fn newest_session(&mut self) -> Option<String> {
        self.newest_open()
            .map(|delegation| delegation.terms.session.clone())
    }
}

/// Whether something has been asked of, or told to, somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Not yet.
    #[default]
    Due,
    /// It is under way.
    Sent,
    /// It was answered.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(session: &str, device: &str) -> Document {
        Document {
            kind: Kind::InitiationRequest,
            session: session.to_owned(),
            delegating: "dms1.example".to_owned(),
            delegated: "dms2.example".to_owned(),
            device: device.to_owned(),
            scope: None,
        }
    }

    fn desk() -> Desk {
        Desk {
            side: Side::Delegated,
            server_id: "dms2.example".to_owned(),
            peers: BTreeSet::from(["dms1.example".to_owned()]),
            deviations: Deviations::default(),
        }
    }

    #[test]
    fn a_later_delegation_of_a_device_takes_the_place_of_the_earlier_one() {
        let mut ledger = Ledger::new();
        ledger.insert(terms("1", "a"), Side::Delegating, ());
        ledger.insert(terms("2", "b"), Side::Delegating, ());
        ledger.insert(terms("3", "a"), Side::Delegating, ());
        let open: Vec<_> = ledger
            .by_session
            .values()
            .filter(|one| one.is_open())
            .map(|one| &*one.terms.session)
            .collect();
        assert_eq!(open, ["2", "3"]);
    }

    #[test]
    fn the_oldest_that_is_over_is_forgotten_first() {
        let mut ledger = Ledger::new();
        for number in 0..MAX_DELEGATIONS {
            ledger.insert(
                terms(&number.to_string(), &number.to_string()),
                Side::Delegating,
                (),
            );
        }
        ledger
            .by_session
            .get_mut("17")
            .expect("it was inserted")
            .fail("because");
        ledger.insert(terms("one more", "x"), Side::Delegating, ());
        assert_eq!(ledger.by_session.len(), MAX_DELEGATIONS);
        assert!(!ledger.by_session.contains_key("17"));
        assert!(ledger.by_session.contains_key("0"));
    }

    #[test]
    fn the_sender_is_who_the_certificate_names() {
        let names = |name: &str| Some(vec![name.to_owned()]);
        let check = |names: Option<Vec<String>>| desk().check_sender(&terms("1", "a"), names.as_deref());
        assert_eq!(check(names("dms1.example")), Ok(()));
        assert_eq!(
            check(names("dms3.example")).map_err(|refusal| refusal.status),
            Err(403)
        );
        assert_eq!(check(None).map_err(|refusal| refusal.status), Err(403));
    }

    #[test]
    fn a_server_without_contract_has_no_say_though_its_certificate_is_right() {
        let document = Document {
            delegating: "dms3.example".to_owned(),
            ..terms("1", "a")
        };
        let refusal = desk().check_sender(&document, Some(&["dms3.example".to_owned()]));
        assert_eq!(refusal.map_err(|refusal| refusal.status), Err(403));
    }

    #[test]
    fn a_message_about_another_session_or_device_finds_nothing() {
        let mut ledger = Ledger::new();
        ledger.insert(terms("1", "a"), Side::Delegating, ());
        let mut status = |document| {
            desk()
                .find(&mut ledger, &document)
                .map(|_| ())
                .map_err(|refusal| refusal.status)
        };
        assert_eq!(status(terms("1", "a")), Ok(()));
        assert_eq!(status(terms("2", "a")), Err(404));
        assert_eq!(status(terms("1", "b")), Err(404));
        assert_eq!(
            status(Document {
                delegating: "dms3.example".to_owned(),
                ..terms("1", "a")
            }),
            Err(403)
        );
    }
}
