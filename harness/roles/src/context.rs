//! One running case, as every mock role sees it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use dmconform_case::implementation::{AccountCredentials, Endpoints};
use dmconform_case::profile::Profile;
use dmconform_case::test_case::{Expectation, TestCase, What};
use dmconform_judge::Header;
use dmconform_model::transcript::{Endpoint, EndpointKind};
use dmconform_model::{Event, MessageId, Role, Step};
use tokio::sync::watch;

use crate::change::Changes;
use crate::client::MockClient;
use crate::recorder::Recorder;
use crate::server_side::Offers;

/// How many times longer than declared a window may last for want of an opportunity.
const PATIENCE: u32 = 5;

/// One running case.
pub struct CaseContext {
    /// What it is judged with.
    pub header: Header,
    /// Its transcript.
    pub recorder: Recorder,
    /// The credentials between the device and DMS-1.
    pub dms_1_credentials: AccountCredentials,
    /// The session identifier of the delegation: ours if a mock opens, otherwise the one that the product chose.
    pub session_id: Mutex<String>,
    /// A token that names this case in URLs.
    pub token: String,
    /// Where the client is told to fetch the bootstrap, if a mock DMS-2 tells.
    pub bootstrap_url: String,
    /// The mock client, where the client is a mock.
    pub client: tokio::sync::Mutex<MockClient>,
    /// What mock servers have to say to the client, per server.
    pub offers: BTreeMap<Role, Offers>,
    /// Whether the case is over: tasks end when it is.
    pub over: watch::Sender<bool>,
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

    /// Holds a message back for the window, and records both ends of it.
    ///
    /// Where the case is about what DMS-1 does not say to the client meanwhile, the window lasts until the client has
    /// given it the opportunity twice: on a busy machine, up to as many times longer as [`PATIENCE`] says.
    pub async fn hold(&self, message: MessageId) {
        self.recorder.record(Event::WindowOpened { holding: message });
        let mut over = self.over.subscribe();
        tokio::select! {
            () = tokio::time::sleep(self.window()) => {}
            _ = over.wait_for(|over| *over) => {}
        }
        if self.forbids_writing() && !in_dm_session(message) {
            let had_opportunity = |context: &Self| {
                context.recorder.with(|observed| {
                    let opened = observed.window(message).map_or(0, |window| window.opened.0);
                    observed.dm_sessions_between(Role::Dms1, opened, u64::MAX) >= 2
                })
            };
            // Without it nothing is credited: that is the judge's to say.
            let _ = tokio::time::timeout(self.window() * PATIENCE, self.until(had_opportunity)).await;
        }
        self.recorder.record(Event::WindowClosed { holding: message });
    }

    /// Whether a mock client gives a real DMS-1 the opportunity to write what the case forbids.
    fn forbids_writing(&self) -> bool {
        let forbids = |expectation: &Expectation| match &expectation.what {
            What::Never { message, .. } => in_dm_session(*message),
            _ => false,
        };
        self.is_mock(Role::DmClient) && !self.is_mock(Role::Dms1) && self.case().expect.iter().any(forbids)
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

    /// Whether the case is over.
    pub fn is_over(&self) -> bool {
        *self.over.borrow()
    }
}

/// Whether a message passes in a DM session of the client with DMS-1.
const fn in_dm_session(message: MessageId) -> bool {
    matches!(
        message.step,
        Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval
    )
}

/// An endpoint of a server role.
pub const fn endpoint(role: Role, kind: EndpointKind) -> Endpoint {
    Endpoint { role, kind }
}
