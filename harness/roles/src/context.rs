//! One running case, as every mock role sees it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_case::implementation::{Accounts, Endpoints};
use dmconform_case::profile::Profile;
use dmconform_case::test_case::{TestCase, What};
use dmconform_judge::{BESIDE, Header, had_opportunity, is_carried_by_dm_session};
use dmconform_model::transcript::{Endpoint, EndpointKind};
use dmconform_model::{Event, MessageId, Part, Role, Step};
use dmconform_oddity::Oddities;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::capture::Taps;
use crate::change::Changes;
use crate::client::MockClient;
use crate::dial::KeptLines;
use crate::recorder::Recorder;
use crate::server_side::Offers;

/// One running case.
pub struct CaseContext {
    /// What it is judged with.
    pub header: Arc<Header>,
    /// Its transcript.
    pub recorder: Recorder,
    /// The credentials between the device and the servers, with their secrets: those in the header may be masked.
    pub credentials: Accounts,
    /// The session identifier of the delegation: ours if a mock opens, otherwise the one that the product chose.
    pub session_id: Mutex<String>,
    /// A token that names this case in URLs.
    pub token: String,
    /// Where the client is told to fetch the bootstrap, if a mock DMS-2 tells.
    pub bootstrap_url: String,
    /// The mock client, where the client is a mock.
    pub client: tokio::sync::Mutex<MockClient>,
    /// What mock servers have to say to the client, per server; in boxes, since a map makes room for eleven, and there is one for each of
    /// the many delegations in flight.
    pub offers: BTreeMap<Role, Box<Offers>>,
    /// What is unusual about what mock roles send.
    pub oddities: Oddities,
    /// The connections that mock servers keep to the other one.
    pub lines: KeptLines,
    /// The connections that matter to it and are listened in on.
    pub taps: Taps,
    /// How often the mock client asks DMS-1 for something new; an eighth of the window if absent.
    pub poll: Option<Duration>,
    /// The room for sessions of mock clients that close their connections with each; absent where they keep them.
    pub sessions: Option<Arc<Semaphore>>,
    /// Whether the case is over: tasks end when it is.
    pub over: watch::Sender<bool>,
}

/// A window that is open until this is dropped.
struct OpenWindow<'a> {
    recorder: &'a Recorder,
    holding: MessageId,
}

impl Drop for OpenWindow<'_> {
    fn drop(&mut self) {
        self.recorder.record(Event::WindowClosed {
            holding: self.holding,
        });
    }
}

impl CaseContext {
    /// The case itself.
    pub fn case(&self) -> &TestCase {
        &self.header.case
    }

    /// How messages look on the wire.
    pub fn profile(&self) -> &Profile {
        &self.header.profile
    }

    /// Whether a role is a mock.
    pub fn is_mock(&self, role: Role) -> bool {
        !self.header.is_real(role)
    }

    /// What is different about a message.
    pub fn changes(&self, message: MessageId) -> Changes {
        Changes::at(self.case(), message)
    }

    /// The declared window.
    pub fn window(&self) -> Duration {
        self.header.limits.window.get()
    }

    /// Where a role listens.
    pub fn endpoints(&self, role: Role) -> Endpoints {
        self.header.endpoints.get(&role).cloned().unwrap_or_default()
    }

    /// The identifier of a server.
    pub fn server_id(&self, role: Role) -> &str {
        match role {
            Role::Dms1 => &self.header.parties.dms_1,
            _ => &self.header.parties.dms_2,
        }
    }

    /// The session identifier known so far.
    pub fn session_id(&self) -> String {
        self.session_id
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Learns the session identifier that the product chose.
    pub fn learn_session_id(&self, session_id: &str) {
        session_id.clone_into(
            &mut self
                .session_id
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        );
    }

    /// The target of the Bootstrap Server URL that a real DMS-2 has given out, whatever it has put into it.
    pub fn told_target(&self) -> Option<String> {
        if self.is_mock(Role::Dms2) {
            return None;
        }
        let url = self.recorder.with(|observed| {
            let answer = observed.first(MessageId::answer(Step::UrlRequest))?;
            answer.values("url").first().map(|url| (*url).to_owned())
        })?;
        let (_, rest) = url.split_once("://")?;
        let target = rest.find('/').map_or("/", |at| &rest[at..]);
        target.split('#').next().map(str::to_owned)
    }

    /// Holds a message back for the window, and records both ends of it. Where DMS-1 must not say something in a DM
    /// session meanwhile, the window stays open until it could have, on however slow a machine; a DMS-1 that does not
    /// answer the client ends that with the limit for a step.
    pub async fn hold(&self, message: MessageId) {
        // A client that has a Status to give is in a session, and opens no other meanwhile.
        let can_come = self.case().other_credentials_for_dms_1().is_some()
            || !is_carried_by_dm_session(MessageId::request(message.step));
        self.watch(message, can_come).await;
    }

    /// Records a window after a message, in which it shows what the message leads to; as [`Self::hold`], but that nothing keeps the
    /// client from coming meanwhile.
    pub async fn look_after(&self, message: MessageId) {
        self.watch(message, true).await;
    }

    async fn watch(&self, message: MessageId, can_come: bool) {
        self.recorder.record(Event::WindowOpened { holding: message });
        // A peer that hangs up meanwhile ends this where it stands.
        let _open = OpenWindow {
            recorder: &self.recorder,
            holding: message,
        };
        let mut over = self.over.subscribe();
        tokio::select! {
            () = tokio::time::sleep(self.window()) => {}
            _ = over.wait_for(|over| *over) => {}
        }
        if self.must_give_opportunity() && can_come {
            let limit = self.header.limits.step_deadline.get();
            let given = self.until(|context| {
                context
                    .recorder
                    .with(|observed| had_opportunity(&context.header, observed, message))
            });
            // Whether it was given is for the judge to say.
            let _ = tokio::time::timeout(limit, given).await;
        }
        if self.case().given.beside {
            let has_company = self.until(|context| {
                let is_it = |(_, trigger, _): &(_, String, _)| trigger == BESIDE;
                context
                    .recorder
                    .with(|observed| observed.triggers.iter().any(is_it))
            });
            // Where it never comes, nothing is proven: that is for the judge to say, too. Who waits for an answer waits no longer than
            // he may have to.
            let limit = match message.part {
                Part::Answer => 2 * self.window(),
                Part::Request => self.header.limits.step_deadline.get(),
            };
            let _ = tokio::time::timeout(limit, has_company).await;
        }
    }

    fn must_give_opportunity(&self) -> bool {
        let carried = |what: &What| match what {
            What::Never { message, .. } => is_carried_by_dm_session(*message),
            // That it does not come again.
            What::Step { message, fields } => {
                fields.contains_key("times") && is_carried_by_dm_session(*message)
            }
            _ => false,
        };
        self.header.is_real(Role::Dms1)
            && self.is_mock(Role::DmClient)
            && self.case().expect.iter().any(|expected| carried(&expected.what))
    }

    /// Waits until something holds of what was observed; false if the case ended first.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) -> bool {
        let mut changed = self.recorder.watch();
        let mut over = self.over.subscribe();
        loop {
            if *over.borrow() {
                return false;
            }
            if holds(self) {
                return true;
            }
            tokio::select! {
                result = changed.changed() => if result.is_err() { return false },
                _ = over.wait_for(|over| *over) => return false,
            }
        }
    }

    /// Waits until a mock server has something more to say to the client; for ever, if it is real.
    pub async fn something_to_say(&self, server: Role) {
        match self.offers.get(&server).filter(|_| self.is_mock(server)) {
            Some(offers) => offers.more().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for room for a session of the mock client, or for its fetching; to be held as long as that goes on. Whoever locks the client
    /// has waited for it before: nobody may have room and wait for one who has none.
    pub(crate) async fn room_for_session(&self) -> Option<OwnedSemaphorePermit> {
        let sessions = Arc::clone(self.sessions.as_ref()?);
        // It is never closed.
        sessions.acquire_owned().await.ok()
    }

    /// Whether the case is over.
    pub fn is_over(&self) -> bool {
        *self.over.borrow()
    }
}

/// An endpoint of a server role.
pub const fn endpoint(role: Role, kind: EndpointKind) -> Endpoint {
    Endpoint { role, kind }
}
