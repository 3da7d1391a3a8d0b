//! DMS-2: what it does when, from the request to take a device over to the notification that it has.

use std::collections::BTreeSet;

use crate::config::{BootstrapUrls, Token};
use crate::delegation::document::{Answer, Document, Kind};
use crate::delegation::ledger::{
    Bootstrap, Consequences, Delegation, Desk, End, Ledger, Machine, Outgoing, Refusal, Sent, Side, Stage,
    View,
};
use crate::deviation::Deviation;
use crate::entropy;

#[cfg(test)]
mod tests;

/// All of DMS-2's delegations.
#[derive(Debug)]
pub(crate) struct Delegated {
    desk: Desk,
    urls: BootstrapUrls,
    token: Token,
    /// Whether this process hears of it when a bootstrap is fetched.
    sees_fetches: bool,
    ledger: Ledger<Progress>,
}

/// How far one delegation is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    initiation: Stage,
    bootstrap: Option<Bootstrap>,
    is_fetched: bool,
    bootstrap_complete: Stage,
    is_prepared: bool,
    completion: Stage,
}

impl Delegated {
    pub(crate) fn new(desk: Desk, urls: BootstrapUrls, token: Token, sees_fetches: bool) -> Self {
        Self {
            desk,
            urls,
            token,
            sees_fetches,
            ledger: Ledger::new(),
        }
    }

    /// Opens a delegation; `terms` is the initiation request.
    pub(crate) fn open(&mut self, terms: Document) -> Vec<Outgoing> {
        let message = self.desk.message(&terms, Kind::InitiationRequest);
        self.ledger.insert(
            terms,
            Side::Delegated,
            Progress {
                initiation: Stage::Sent,
                ..Progress::default()
            },
        );
        match self.desk.deviations.has(Deviation::NeverOpens) {
            true => Vec::new(),
            false => vec![message],
        }
    }

    /// A bootstrap was fetched with this token: what to send then.
    pub(crate) fn fetched(&mut self, token: &str) -> Vec<Outgoing> {
        let is_complete = self.desk.deviations.has(Deviation::BootstrapCompleteOnFetch);
        let mut devices = BTreeSet::new();
        for delegation in self
            .ledger
            .by_session
            .values_mut()
            .filter(|delegation| delegation.is_open())
        {
            if delegation
                .progress
                .bootstrap
                .as_ref()
                .is_some_and(|bootstrap| bootstrap.token == token)
            {
                delegation.progress.is_fetched = true;
                devices.insert(delegation.terms.device.clone());
            }
        }
        match is_complete {
            true => devices.iter().flat_map(|device| self.notify(device)).collect(),
            false => Vec::new(),
        }
    }

    /// A device has begun a DM session, and has proved who it is, or not: what to send then.
    pub(crate) fn session_begun(&mut self, device: &str, is_authenticated: bool) -> Vec<Outgoing> {
        match is_authenticated || self.desk.deviations.has(Deviation::BootstrapCompleteAfterRefusal) {
            true => self.notify(device),
            false => Vec::new(),
        }
    }

    /// Step 7 in every delegation of a device that waits for it.
    fn notify(&mut self, device: &str) -> Vec<Outgoing> {
        if self.desk.deviations.has(Deviation::SkipsBootstrapComplete) {
            return Vec::new();
        }
        if self.desk.deviations.has(Deviation::MixesDelegations) {
            return self
                .ledger
                .newest_open()
                .and_then(|newest| bootstrap_complete(newest, &self.desk))
                .into_iter()
                .collect();
        }
        let sees_fetches = self.sees_fetches;
        let waiting = self.ledger.by_session.values_mut().filter(|delegation| {
            let progress = &delegation.progress;
            delegation.is_open()
                && delegation.terms.device == device
                && progress.bootstrap.is_some()
                && (progress.is_fetched || !sees_fetches)
        });
        waiting
            .filter_map(|delegation| bootstrap_complete(delegation, &self.desk))
            .collect()
    }

    fn accept_initiation(&mut self, document: &Document) -> Result<(), Refusal> {
        if self.ledger.by_session.contains_key(&document.session) {
            return Err(Refusal::out_of_order(format!(
                "the session `{}` is in use",
                document.session
            )));
        }
        let has_type = document
            .scope
            .as_ref()
            .is_some_and(|scope| scope.delegation_type.is_some());
        if !has_type {
            return Err(Refusal::unreadable(
                "the request does not say of what type the delegation is",
            ));
        }
        self.ledger.insert(
            document.clone(),
            Side::Delegating,
            Progress {
                initiation: Stage::Done,
                ..Progress::default()
            },
        );
        Ok(())
    }

    fn accept_url_request(
        &mut self,
        document: &Document,
        answer: &mut Answer,
    ) -> Result<Consequences, Refusal> {
        let deviations = &self.desk.deviations;
        let delegation = match self.desk.find(&mut self.ledger, document) {
            Ok(delegation) => delegation,
            Err(refusal) if refusal.status == 404 && deviations.has(Deviation::AnswersUnknownSession) => {
                answer.bootstrap_url = Some(self.urls.url.with_segment(&entropy::token()));
                return Ok(Consequences::default());
            }
            Err(refusal) => return Err(refusal),
        };
        delegation.check_open()?;
        if delegation.progress.bootstrap.is_some() {
            return Err(Refusal::out_of_order("the URL has been given"));
        }
        let device = delegation.terms.device.clone();
        let token = match self.token {
            Token::Random => entropy::token(),
            Token::Device => device.clone(),
        };
        let url = self.urls.url.with_segment(&token);
        answer.bootstrap_url = match () {
            () if deviations.has(Deviation::AnswersNoUrl) => None,
            () if deviations.has(Deviation::AnswersRelativeUrl) => {
                url.splitn(4, '/').nth(3).map(|path| format!("/{path}"))
            }
            () if deviations.has(Deviation::AnswersPlainHttpUrl) => {
                Some(url.replacen("https://", "http://", 1))
            }
            () => Some(url),
        };
        let bootstrap = Bootstrap { token, device };
        delegation.progress.bootstrap = Some(bootstrap.clone());
        let outgoing = match deviations.has(Deviation::BootstrapCompleteTooEarly) {
            true => bootstrap_complete(delegation, &self.desk).into_iter().collect(),
            false => Vec::new(),
        };
        Ok(Consequences {
            provide: Some(bootstrap),
            outgoing,
        })
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
            Kind::BootstrapServerUrlRequest => delegation.progress.bootstrap = None,
            _ => {
                delegation.end = None;
                delegation.progress.is_prepared = false;
                delegation.progress.completion = Stage::Due;
            }
        }
    }
}

impl Machine for Delegated {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn cancel(&mut self, device: &str) -> usize {
        self.ledger.cancel(device)
    }

    fn receive(
        &mut self,
        document: &Document,
        certificate: Option<&[String]>,
    ) -> Result<(Answer, Consequences), Refusal> {
        self.desk.check_sender(document, certificate)?;
        if let Some(answer) = self.ledger.answer_to_repeat(document) {
            let begins_again =
                self.desk.deviations.has(Deviation::RepeatsAfterCompletion) && self.ledger.reopen(document);
            if !begins_again && !self.desk.deviations.has(Deviation::RepeatsAsSecondStep) {
                return Ok((answer, Consequences::default()));
            }
            self.forget_step(document);
        }
        let mut answer = Answer {
            session: document.session.clone(),
            refusal: None,
            bootstrap_url: None,
        };
        let consequences = match document.kind {
            Kind::InitiationRequest => {
                self.accept_initiation(document)?;
                Consequences::default()
            }
            Kind::BootstrapServerUrlRequest => self.accept_url_request(document, &mut answer)?,
            Kind::ClientPrepared => {
                let goes_on = self.desk.deviations.has(Deviation::CompleteBeforePrepared);
                let delegation = self.desk.find(&mut self.ledger, document)?;
                if !(goes_on && delegation.end == Some(End::Complete)) {
                    delegation.check_open()?;
                }
                if delegation.progress.bootstrap_complete == Stage::Due || delegation.progress.is_prepared {
                    return Err(Refusal::out_of_order(
                        "the client has not been bootstrapped, or is prepared",
                    ));
                }
                delegation.progress.is_prepared = true;
                Consequences {
                    outgoing: complete(delegation, &self.desk).into_iter().collect(),
                    provide: None,
                }
            }
            Kind::BootstrapComplete | Kind::DelegationComplete => {
                return Err(Refusal::unreadable(format!(
                    "{} is not for dms-2",
                    document.kind.name()
                )));
            }
        };
        self.ledger.remember(document, &answer);
        Ok((answer, consequences))
    }

    fn sent(&mut self, session: &str, kind: Kind, result: Sent) -> Vec<Outgoing> {
        let Some(delegation) = self.ledger.by_session.get_mut(session) else {
            return Vec::new();
        };
        if let Err(reason) = result {
            delegation.fail(format!("{}: {reason}", kind.name()));
            // Of step 3, that nothing was put where the URL leads.
            self.ledger.take_back(session, kind);
            return Vec::new();
        }
        match kind {
            Kind::InitiationRequest => delegation.progress.initiation = Stage::Done,
            Kind::BootstrapComplete => {
                delegation.progress.bootstrap_complete = Stage::Done;
                if delegation.is_open() && self.desk.deviations.has(Deviation::CompleteBeforePrepared) {
                    return complete(delegation, &self.desk).into_iter().collect();
                }
            }
            Kind::DelegationComplete => {
                delegation.progress.completion = Stage::Done;
                if delegation.is_open() {
                    delegation.end = Some(End::Complete);
                }
            }
            Kind::BootstrapServerUrlRequest | Kind::ClientPrepared => {}
        }
        Vec::new()
    }

    fn view(&self, session: &str) -> Option<View> {
        self.ledger.by_session.get(session).map(view)
    }

    fn views(&self) -> Vec<View> {
        self.ledger.by_session.values().map(view).collect()
    }
}

fn bootstrap_complete(delegation: &mut Delegation<Progress>, desk: &Desk) -> Option<Outgoing> {
    if delegation.progress.bootstrap_complete != Stage::Due {
        return None;
    }
    delegation.progress.bootstrap_complete = Stage::Sent;
    Some(desk.message(&delegation.terms, Kind::BootstrapComplete))
}

/// Step 10, unless it is on its way.
fn complete(delegation: &mut Delegation<Progress>, desk: &Desk) -> Option<Outgoing> {
    if delegation.progress.completion != Stage::Due || desk.deviations.has(Deviation::CompleteNeverSent) {
        return None;
    }
    delegation.progress.completion = Stage::Sent;
    Some(desk.message(&delegation.terms, Kind::DelegationComplete))
}

fn view(delegation: &Delegation<Progress>) -> View {
    let progress = &delegation.progress;
    let state = match () {
        () if progress.completion == Stage::Sent => "completion-sent",
        () if progress.bootstrap_complete == Stage::Done => "awaiting-client-prepared",
        () if progress.bootstrap_complete == Stage::Sent => "bootstrap-complete-sent",
        () if progress.bootstrap.is_some() => "awaiting-client",
        () if progress.initiation == Stage::Done => "agreed",
        () => "opening",
    };
    delegation.view(state)
}
