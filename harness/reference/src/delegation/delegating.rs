//! DMS-1: what it does when, from the order to delegate to the notification that the delegation is complete.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::delegation::device_work::{Job, Moment, Operation, Outcome, Progress, Site};
use crate::delegation::document::{Answer, Document, Kind};
use crate::delegation::ledger::{
    Consequences, Delegation, Desk, End, Ledger, Machine, Outgoing, Refusal, Sent, Side, Stage, View,
};
use crate::deviation::Deviation;
use crate::entropy;

#[cfg(test)]
mod tests;

/// All of DMS-1's delegations.
#[derive(Debug)]
pub(crate) struct Delegating {
    desk: Desk,
    site: Site,
    ledger: Ledger<Progress>,
    /// Delegations that peers will open: (device, peer) → whether the account is to be removed.
    expected: BTreeMap<(String, String), bool>,
    removes_account: bool,
}

impl Delegating {
    pub(crate) fn new(desk: Desk, site: Site, removes_account: bool) -> Self {
        Self {
            desk,
            site,
            ledger: Ledger::new(),
            expected: BTreeMap::new(),
            removes_account,
        }
    }

    /// Opens a delegation; `terms` is the initiation request.
    pub(crate) fn open(&mut self, terms: Document, wants_removal: bool) -> Vec<Outgoing> {
        let deviations = &self.desk.deviations;
        let mut progress = self.progress(&terms.session, wants_removal);
        progress.initiation = Stage::Sent;
        let first = match deviations.has(Deviation::SkipsInitiation) {
            true => Kind::BootstrapServerUrlRequest,
            false => Kind::InitiationRequest,
        };
        let message = self.desk.message(&terms, first);
        let is_silent = deviations.has(Deviation::NeverOpens);
        self.ledger.insert(terms, Side::Delegating, progress);
        if is_silent { Vec::new() } else { vec![message] }
    }

    /// Prepares for a delegation that a peer will open.
    pub(crate) fn expect(&mut self, device: &str, peer: &str, wants_removal: bool) {
        const MAX_EXPECTED: usize = 16_384;
        if self.expected.len() >= MAX_EXPECTED {
            self.expected.pop_first();
        }
        self.expected
            .insert((device.to_owned(), peer.to_owned()), wants_removal);
    }

    /// What to do on a device in the next package of its DM session.
    pub(crate) fn operations(&mut self, device: &str, dm_session: &str, now: Instant) -> Vec<Job> {
        let Self {
            desk, site, ledger, ..
        } = self;
        let moment = Moment {
            desk,
            site,
            dm_session,
            now,
        };
        let mut jobs = Vec::new();
        let goes_on = desk.deviations.has(Deviation::WritesAclsTwice)
            || desk.deviations.has(Deviation::PreparedBeforeRemovalStatus)
            || desk.deviations.has(Deviation::RepeatsAsSecondStep)
            || desk.deviations.has(Deviation::RemovesAccountAfterPrepared)
            || desk.deviations.has(Deviation::PreparedBeforeAclStatus);
        for (session, delegation) in &mut ledger.by_session {
            let is_of_device = delegation.terms.device == device;
            let is_due = delegation.is_open() || (goes_on && delegation.end == Some(End::Complete));
            if !is_of_device || !is_due {
                continue;
            }
            let operations = delegation.progress.operations(&delegation.terms, moment);
            jobs.extend(operations.into_iter().map(|operation| Job {
                session: session.clone(),
                operation,
            }));
        }
        jobs
    }

    /// What to send as soon as the operations are on their way to the device.
    pub(crate) fn dispatched(&mut self, jobs: &[Job]) -> Vec<Outgoing> {
        let has = |deviation| self.desk.deviations.has(deviation);
        let mut outgoing = Vec::new();
        for job in jobs {
            let is_early = match job.operation {
                Operation::WriteAcl { .. } => has(Deviation::PreparedBeforeAclStatus),
                Operation::Delete { .. } => has(Deviation::PreparedBeforeRemovalStatus),
                _ => false,
            };
            if is_early
                && let Some(delegation) = self.ledger.by_session.get_mut(&job.session)
                && delegation.progress.prepared == Stage::Due
            {
                delegation.progress.prepared = Stage::Sent;
                outgoing.push(self.desk.message(&delegation.terms, Kind::ClientPrepared));
            }
        }
        outgoing
    }

    /// Takes what the device said to the operations of its last package: what to send then.
    pub(crate) fn outcomes(
        &mut self,
        dm_session: &str,
        outcomes: Vec<(Job, Outcome)>,
        now: Instant,
    ) -> Vec<Outgoing> {
        let mut by_session: BTreeMap<String, Vec<(Operation, Outcome)>> = BTreeMap::new();
        for (job, outcome) in outcomes {
            by_session
                .entry(job.session)
                .or_default()
                .push((job.operation, outcome));
        }
        let mut outgoing = Vec::new();
        for (session, outcomes) in by_session {
            let Some(delegation) = self.ledger.by_session.get_mut(&session) else {
                continue;
            };
            let moment = Moment {
                desk: &self.desk,
                site: &self.site,
                dm_session,
                now,
            };
            if let Err(reason) = delegation.progress.advance(&delegation.terms, &outcomes, moment) {
                delegation.fail(reason);
            }
            outgoing.extend(prepare(delegation, &self.desk));
        }
        outgoing
    }

    /// Leaves to other DM sessions what is under way in one in which nothing more comes.
    pub(crate) fn abandoned(&mut self, dm_session: &str) {
        for delegation in self.ledger.by_session.values_mut() {
            delegation.progress.abandoned(dm_session);
        }
    }

    fn accept_initiation(&mut self, document: &Document) -> Result<Vec<Outgoing>, Refusal> {
        if self.ledger.by_session.contains_key(&document.session) {
            return Err(Refusal::out_of_order(format!(
                "the session `{}` is in use",
                document.session
            )));
        }
        let key = (document.device.clone(), document.delegated.clone());
        let wants_removal = self.expected.remove(&key).unwrap_or(self.removes_account);
        let progress = self.progress(&document.session, wants_removal);
        let delegation = self.ledger.insert(document.clone(), Side::Delegated, progress);
        Ok(Self::ask_for_url(&self.desk, delegation))
    }

    /// Goes on from step 2 to step 3.
    fn ask_for_url(desk: &Desk, delegation: &mut Delegation<Progress>) -> Vec<Outgoing> {
        delegation.progress.initiation = Stage::Done;
        if desk.deviations.has(Deviation::UrlBeforeAnswer) {
            delegation.progress.url = Some(format!("https://localhost/{}", entropy::token()));
        }
        match desk.deviations.has(Deviation::SkipsUrlRequest) {
            true => Vec::new(),
            false => vec![desk.message(&delegation.terms, Kind::BootstrapServerUrlRequest)],
        }
    }

    /// Puts a delegation back to before a message that came again.
    fn forget_step(&mut self, document: &Document) {
        let Some(delegation) = self.ledger.by_session.get_mut(&document.session) else {
            return;
        };
        match document.kind {
            Kind::InitiationRequest => {
                self.ledger.by_session.remove(&document.session);
            }
            // Once what the first one began is over, all of it begins again.
            Kind::BootstrapComplete => {
                delegation.progress.is_bootstrapped = false;
                delegation.progress.begins_again = true;
            }
            _ => delegation.end = None,
        }
    }

    fn progress(&self, session: &str, wants_removal: bool) -> Progress {
        Progress::new(self.site.entry(session), wants_removal)
    }
}

impl Machine for Delegating {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn cancel(&mut self, device: &str) -> usize {
        self.expected.retain(|(expected, _), _| expected != device);
        self.ledger.cancel(device)
    }

    fn receive(
        &mut self,
        document: &Document,
        certificate: Option<&[String]>,
    ) -> Result<(Answer, Consequences), Refusal> {
        self.desk.check_sender(document, certificate)?;
        let is_second_step = self.desk.deviations.has(Deviation::RepeatsAsSecondStep);
        if let Some(answer) = self.ledger.answer_to_repeat(document) {
            let begins_again =
                self.desk.deviations.has(Deviation::RepeatsAfterCompletion) && self.ledger.reopen(document);
            if !is_second_step && !begins_again {
                return Ok((answer, Consequences::default()));
            }
            self.forget_step(document);
            if begins_again && let Some(delegation) = self.ledger.by_session.get_mut(&document.session) {
                delegation.progress.begins_again = false;
                delegation.progress.acls = Stage::Due;
                delegation.progress.prepared = Stage::Due;
            }
        }
        let outgoing = match document.kind {
            Kind::InitiationRequest => self.accept_initiation(document)?,
            Kind::BootstrapComplete => {
                let delegation = self.desk.find(&mut self.ledger, document)?;
                delegation.check_open()?;
                if delegation.progress.entry_stage != Stage::Done || delegation.progress.is_bootstrapped {
                    return Err(Refusal::out_of_order(
                        "the client has not been given the URL, or is bootstrapped",
                    ));
                }
                delegation.progress.is_bootstrapped = true;
                prepare(delegation, &self.desk).into_iter().collect()
            }
            Kind::DelegationComplete => {
                let delegation = self.desk.find(&mut self.ledger, document)?;
                delegation.check_open()?;
                if delegation.progress.prepared == Stage::Due {
                    return Err(Refusal::out_of_order("the client has not been prepared"));
                }
                delegation.end = Some(End::Complete);
                Vec::new()
            }
            Kind::BootstrapServerUrlRequest | Kind::ClientPrepared => {
                return Err(Refusal::unreadable(format!(
                    "{} is not for dms-1",
                    document.kind.name()
                )));
            }
        };
        let answer = Answer {
            session: document.session.clone(),
            refusal: None,
            bootstrap_url: None,
        };
        self.ledger.remember(document, &answer);
        Ok((
            answer,
            Consequences {
                outgoing,
                provide: None,
            },
        ))
    }

    fn sent(&mut self, session: &str, kind: Kind, result: Sent) -> Vec<Outgoing> {
        let is_mixed =
            kind == Kind::BootstrapServerUrlRequest && self.desk.deviations.has(Deviation::MixesDelegations);
        let found = if is_mixed {
            self.ledger.newest_open()
        } else {
            self.ledger.by_session.get_mut(session)
        };
        let Some(delegation) = found.filter(|delegation| delegation.is_open()) else {
            return Vec::new();
        };
        let has = |deviation| self.desk.deviations.has(deviation);
        let made_up = || Some(format!("https://localhost/{}", entropy::token()));
        // Who does not wait for the answer goes on whatever it is.
        let makes_up = kind == Kind::BootstrapServerUrlRequest
            && (has(Deviation::MakesUpUrl) || has(Deviation::UrlBeforeAnswer));
        let url = match result {
            Ok(None) if makes_up => made_up(),
            Ok(url) => url,
            Err(_) if makes_up => made_up(),
            Err(reason) => {
                delegation.fail(format!("{}: {reason}", kind.name()));
                return Vec::new();
            }
        };
        match kind {
            Kind::InitiationRequest => Self::ask_for_url(&self.desk, delegation),
            Kind::BootstrapServerUrlRequest => {
                take_url(delegation, url);
                Vec::new()
            }
            Kind::ClientPrepared => {
                delegation.progress.prepared = Stage::Done;
                if std::mem::take(&mut delegation.progress.begins_again) {
                    delegation.progress.acls = Stage::Due;
                    delegation.progress.prepared = Stage::Due;
                }
                Vec::new()
            }
            Kind::BootstrapComplete | Kind::DelegationComplete => Vec::new(),
        }
    }

    fn view(&self, session: &str) -> Option<View> {
        self.ledger.by_session.get(session).map(view)
    }

    fn views(&self) -> Vec<View> {
        self.ledger.by_session.values().map(view).collect()
    }
}

/// Step 9, if it is due.
fn prepare(delegation: &mut Delegation<Progress>, desk: &Desk) -> Option<Outgoing> {
    if !delegation.is_open() || !delegation.progress.is_prepared(desk) {
        return None;
    }
    delegation.progress.prepared = Stage::Sent;
    Some(desk.message(&delegation.terms, Kind::ClientPrepared))
}

fn take_url(delegation: &mut Delegation<Progress>, url: Option<String>) {
    let Some(url) = url else {
        delegation.fail("the answer to the request for the URL has none");
        return;
    };
    let scheme = url.get(..8).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("https://") {
        delegation.fail(format!(
            "the Bootstrap Server URL is not an absolute https one: `{url}`"
        ));
        return;
    }
    if delegation.progress.entry_stage == Stage::Due {
        // One that was made up before stays.
        delegation.progress.url.get_or_insert(url);
    }
}

fn view(delegation: &Delegation<Progress>) -> View {
    let progress = &delegation.progress;
    let state = match () {
        () if progress.prepared == Stage::Done => "awaiting-completion",
        () if progress.prepared == Stage::Sent => "client-prepared-sent",
        () if progress.acls == Stage::Done => "acls-written",
        () if progress.is_bootstrapped => "bootstrapped",
        () if progress.entry_stage == Stage::Done => "awaiting-bootstrap",
        () if progress.url.is_some() => "entry-due",
        () if progress.initiation == Stage::Done => "url-requested",
        () => "opening",
    };
    delegation.view(state)
}
