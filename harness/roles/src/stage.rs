//! The stage of a run: the mock servers' listeners, their certificates, and who is known on which connection.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use dmconform_case::profile::Profile;
use dmconform_judge::{Observed, Readings, is_request_to};
use dmconform_model::capture::Capture;
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::{Facts, Version};
use dmconform_model::transcript::{Body, Endpoint, EndpointKind, Side};
use dmconform_model::{Event, Role};
use dmconform_oddity::Oddities;
use dmconform_tls::{
    Authority, AuthorityError, ClientCertificates, ClientConfig, HandshakeError, Identity, KeyLog, Party,
    Roots, ServerConfig, Tap,
};

use crate::capture::Captured;
use crate::context::CaseContext;
use crate::hosts::Hosts;
use crate::http::Observer;
use crate::http::server::{Limits, Server};
use crate::listener::EndpointHandler;
use crate::relay::Relay;
use crate::router::Router;

/// The most strays that are kept.
const MAX_STRAYS: usize = 200;
/// The most characters of one: URLs and reasons may be of any length.
const MAX_STRAY: usize = 500;

/// Everything that the cases against one implementation share.
pub struct Stage {
    authority: Authority,
    roots: Roots,
    parties: Certified,
    /// Where names of hosts lead.
    pub(crate) hosts: Hosts,
    /// Which case something belongs to.
    pub router: Router,
    /// How messages look on the wire.
    pub profile: Arc<Profile>,
    /// How long the stage waits for anything.
    pub patience: Duration,
    /// What mock roles and the judges of cases have read lately.
    pub readings: Arc<Readings>,
    /// What is unusual about what mock servers answer.
    oddities: Oddities,
    identities: Mutex<BTreeMap<(Party, Certificate), Option<Identity>>>,
    /// How roles dial, made once for each of the ways.
    dialling: Mutex<BTreeMap<(Presents, Option<Version>), ClientConfig>>,
    connections: Mutex<BTreeMap<u64, Known>>,
    servers: Mutex<BTreeMap<Endpoint, Arc<Listening>>>,
    /// How many handshakes were broken off that belonged to no case in particular.
    broken_off: AtomicU32,
    /// The listeners that pass on what they receive.
    pub(crate) relays: Mutex<BTreeMap<Endpoint, Relay>>,
    strays: Mutex<Vec<String>>,
    captured: Captured,
    /// What a listener takes at most.
    limits: Limits,
    keys: KeyLog,
    next_connection: AtomicU64,
    next_exchange: AtomicU64,
}

/// Who is named in the certificates.
#[derive(Clone, Debug)]
pub struct Certified {
    /// A device. None has a certificate.
    pub dm_client: Party,
    /// DMS-1.
    pub dms_1: Party,
    /// DMS-2.
    pub dms_2: Party,
    /// The Bootstrap Server.
    pub bootstrap_server: Party,
    /// A server that has no part in any delegation.
    pub third: Party,
}

impl Certified {
    /// The party that is a role.
    pub const fn of(&self, role: Role) -> &Party {
        match role {
            Role::DmClient => &self.dm_client,
            Role::Dms1 => &self.dms_1,
            Role::Dms2 => &self.dms_2,
            Role::BootstrapServer => &self.bootstrap_server,
        }
    }
}

/// What a stage is set up with.
pub struct Setting {
    /// Who issues the certificates.
    pub authority: Authority,
    /// What mock roles trust.
    pub roots: Roots,
    /// Who is named in the certificates.
    pub parties: Certified,
    /// Where names of hosts lead.
    pub hosts: Hosts,
    /// How messages look on the wire.
    pub profile: Arc<Profile>,
    /// How long the stage waits for anything.
    pub patience: Duration,
    /// What is unusual about what mock servers answer.
    pub oddities: Oddities,
    /// What is kept of what passes over connections.
    pub captured: Captured,
    /// How many connections each listener holds open at once, where it is not its usual number.
    pub connections: Option<usize>,
}

/// What a mock role presents when it dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presents {
    /// The role's own certificate, of this kind.
    Own(Role, Certificate),
    /// A good certificate of a third server.
    Third,
    /// Nothing: devices have no certificate.
    Nothing,
}

/// Why the stage could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A certificate could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] HandshakeError),
    /// A listener could not be bound.
    #[error(
        "listen for {role} {kind:?} at {address}: {source}; {}",
        dmconform_model::remedy(source)
    )]
    Bind {
        /// The mock role.
        role: Role,
        /// What is spoken there.
        kind: EndpointKind,
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

struct Listening {
    server: Server,
    presented: Arc<Mutex<Certificate>>,
}

/// A connection, as long as it is open.
struct Known {
    observer: Role,
    side: Side,
    endpoint: Endpoint,
    address: SocketAddr,
    opened: Instant,
    presented: Certificate,
    facts: Option<Arc<Facts>>,
    cases: Vec<Weak<CaseContext>>,
    tap: Option<Tap>,
}

impl Stage {
    /// A stage without listeners yet.
    pub fn new(setting: Setting) -> Arc<Self> {
        let Setting {
            authority,
            roots,
            parties,
            hosts,
            profile,
            patience,
            oddities,
            captured,
            connections,
        } = setting;
        let usual = Limits::default();
        let limits = Limits {
            connections: connections.unwrap_or(usual.connections),
            ..usual
        };
        Arc::new(Self {
            authority,
            roots,
            parties,
            hosts,
            router: Router::default(),
            profile,
            patience,
            readings: Arc::new(Readings::of_many_cases()),
            oddities,
            identities: Mutex::default(),
            dialling: Mutex::default(),
            connections: Mutex::default(),
            servers: Mutex::default(),
            relays: Mutex::default(),
            broken_off: AtomicU32::new(0),
            strays: Mutex::default(),
            captured,
            limits,
            keys: KeyLog::default(),
            next_connection: AtomicU64::new(1),
            next_exchange: AtomicU64::new(1),
        })
    }

    /// Listens as a mock role: at an address, or on a port of loopback of the system's choice.
    ///
    /// # Errors
    /// When the listener cannot be set up.
    pub async fn listen(
        self: &Arc<Self>,
        role: Role,
        kind: EndpointKind,
        address: Option<SocketAddr>,
    ) -> Result<SocketAddr, StageError> {
        let endpoint = Endpoint { role, kind };
        let presented = Arc::new(Mutex::new(Certificate::Good));
        let tls = self.server_tls(endpoint, Certificate::Good, None)?;
        let observer = Arc::new(ListenerObserver {
            stage: Arc::downgrade(self),
            endpoint,
            presented: Arc::clone(&presented),
        });
        let handler = Arc::new(EndpointHandler {
            stage: Arc::downgrade(self),
            endpoint,
        });
        let address = address.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let server = Server::bind(
            address,
            tls,
            handler,
            observer,
            self.limits,
            self.oddities.clone(),
        )
        .await
        .map_err(|source| StageError::Bind {
            role,
            kind,
            address,
            source,
        })?;
        let address = server.address();
        lock(&self.servers).insert(endpoint, Arc::new(Listening { server, presented }));
        Ok(address)
    }

    /// Lets a listener present another certificate, or speak one version of TLS only, once every open connection to it
    /// is closed.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub async fn present(
        &self,
        endpoint: Endpoint,
        certificate: Certificate,
        version: Option<Version>,
    ) -> Result<(), StageError> {
        let Some(listening) = lock(&self.servers).get(&endpoint).cloned() else {
            return Ok(());
        };
        let tls = self.server_tls(endpoint, certificate, version)?;
        *lock(&listening.presented) = certificate;
        listening.server.set_tls(tls);
        listening.server.drain().await;
        Ok(())
    }

    /// Ends every listener.
    pub fn close(&self) {
        lock(&self.servers).clear();
    }

    /// The certificates everybody trusts.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The authority of the run.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Who is named in a role's certificate.
    pub const fn party(&self, role: Role) -> &Party {
        self.parties.of(role)
    }

    /// The server that has no part in any delegation.
    pub const fn third(&self) -> &Party {
        &self.parties.third
    }

    /// The certificate of a party; nothing for [`Certificate::None`].
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn identity(
        &self,
        party: &Party,
        certificate: Certificate,
    ) -> Result<Option<Identity>, AuthorityError> {
        let key = (party.clone(), certificate);
        if let Some(identity) = lock(&self.identities).get(&key) {
            return Ok(identity.clone());
        }
        let identity = self.authority.issue(party, certificate)?;
        lock(&self.identities).insert(key, identity.clone());
        Ok(identity)
    }

    pub(crate) fn client_tls(
        &self,
        presents: Presents,
        version: Option<Version>,
    ) -> Result<ClientConfig, StageError> {
        let way = (presents, version);
        if let Some(config) = lock(&self.dialling).get(&way) {
            return Ok(config.clone());
        }
        let identity = match presents {
            Presents::Own(role, certificate) => self.identity(self.party(role), certificate)?,
            Presents::Third => self.identity(&self.parties.third, Certificate::Good)?,
            Presents::Nothing => None,
        };
        let config = ClientConfig::of_version(&self.roots, identity.as_ref(), version)?;
        let config = match self.captured {
            Captured::WithSecrets => config.logging(&self.keys),
            Captured::Nothing | Captured::Octets => config,
        };
        lock(&self.dialling).insert(way, config.clone());
        Ok(config)
    }

    fn server_tls(
        &self,
        endpoint: Endpoint,
        certificate: Certificate,
        version: Option<Version>,
    ) -> Result<ServerConfig, StageError> {
        let identity = self.identity(self.party(endpoint.role), certificate)?;
        let setup = || HandshakeError::Setup {
            reason: "a listener needs a certificate".to_owned(),
        };
        let identity = identity.ok_or_else(setup)?;
        let wanted = match endpoint.kind {
            EndpointKind::Delegation => ClientCertificates::Required,
            EndpointKind::Dm | EndpointKind::Bootstrap => ClientCertificates::NotAsked,
        };
        let config = ServerConfig::of_version(&identity, wanted, &self.roots, version)?;
        Ok(match self.captured {
            Captured::WithSecrets => config.logging(&self.keys),
            Captured::Nothing | Captured::Octets => config,
        })
    }

    /// What passed over the connections of a case; nothing where nothing is kept.
    pub fn capture(&self, context: &CaseContext) -> Option<Capture> {
        self.captures()
            .then(|| context.taps.capture(&self.keys, context.recorder.began()))
    }

    /// Whether the octets that pass are kept.
    pub fn captures(&self) -> bool {
        self.captured != Captured::Nothing
    }

    fn new_tap(&self) -> Option<Tap> {
        self.captures().then(Tap::default)
    }

    fn tap(&self, connection: u64) -> Option<Tap> {
        lock(&self.connections).get(&connection)?.tap.clone()
    }

    /// A number for an exchange.
    pub(crate) fn next_exchange(&self) -> u64 {
        self.next_exchange.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes something for the report of the run.
    pub fn note(&self, what: String) {
        self.stray(what);
    }

    /// Notes what belongs to no case.
    pub(crate) fn stray(&self, what: String) {
        let mut strays = lock(&self.strays);
        if strays.len() < MAX_STRAYS {
            strays.push(match what.char_indices().nth(MAX_STRAY) {
                None => what,
                Some((end, _)) => format!("{}…", &what[..end]),
            });
        }
    }

    /// What belonged to no case.
    pub fn strays(&self) -> Vec<String> {
        lock(&self.strays).clone()
    }

    /// How many handshakes were broken off at the other end that a step between servers might have followed, and nobody can say in which case:
    /// each explains what is missing in one of them at the most.
    pub fn handshakes_broken_off(&self) -> u32 {
        self.broken_off.load(Ordering::Relaxed)
    }

    fn open(&self, known: Known) -> u64 {
        let number = self.next_connection.fetch_add(1, Ordering::Relaxed);
        lock(&self.connections).insert(number, known);
        number
    }

    /// Writes a connection into the transcript of a case that it now matters to, once.
    pub(crate) fn introduce(&self, context: &Arc<CaseContext>, connection: u64) {
        let mut connections = lock(&self.connections);
        let Some(known) = connections.get_mut(&connection) else {
            return;
        };
        let this = Arc::downgrade(context);
        if known.cases.iter().any(|case| case.ptr_eq(&this)) {
            return;
        }
        known.cases.push(this);
        if let Some(tap) = &known.tap {
            context.taps.add(connection, known.observer, known.side, tap);
        }
        context.recorder.record(Event::ConnectionOpened {
            connection,
            observer: known.observer,
            side: known.side,
            endpoint: known.endpoint,
            address: known.address.to_string(),
            since_us: context.recorder.since_us(known.opened),
        });
        if let Some(facts) = &known.facts {
            let facts = Facts::clone(facts);
            context.recorder.record(Event::TlsEstablished {
                connection,
                facts,
                presented: known.presented,
            });
        }
    }

    /// The cases that a connection matters to.
    fn concerned(&self, connection: u64) -> (Vec<Arc<CaseContext>>, Option<(Endpoint, Certificate)>) {
        let connections = lock(&self.connections);
        let Some(known) = connections.get(&connection) else {
            return (Vec::new(), None);
        };
        let cases = known.cases.iter().filter_map(Weak::upgrade).collect();
        (cases, Some((known.endpoint, known.presented)))
    }

    fn established(&self, connection: u64, facts: &Arc<Facts>) {
        let (cases, known) = self.concerned(connection);
        if let Some(known) = lock(&self.connections).get_mut(&connection) {
            known.facts = Some(Arc::clone(facts));
        }
        let Some((_, presented)) = known else { return };
        for case in cases {
            let facts = Facts::clone(facts);
            case.recorder.record(Event::TlsEstablished {
                connection,
                facts,
                presented,
            });
        }
    }

    fn failed(&self, connection: u64, reason: &str, refused_by_peer: bool) {
        let (mut cases, known) = self.concerned(connection);
        let Some((endpoint, presented)) = known else {
            return;
        };
        if cases.is_empty() {
            if refused_by_peer && endpoint.kind == EndpointKind::Delegation {
                let is_good = presented == Certificate::Good;
                self.broken_off.fetch_add(u32::from(is_good), Ordering::Relaxed);
                // It may be why nothing comes, in any of the cases. Once is enough: anybody on the machine can do so without an end.
                cases = self.router.all();
                cases.retain(|case| !case.recorder.with(|observed| is_refused_at(observed, endpoint)));
                for case in &cases {
                    self.introduce(case, connection);
                }
            }
            self.stray(format!(
                "{} {:?}: TLS failed: {reason}",
                endpoint.role, endpoint.kind
            ));
        }
        for case in cases {
            let reason = reason.to_owned();
            case.recorder.record(Event::TlsFailed {
                connection,
                reason,
                refused_by_peer,
                presented,
            });
        }
    }

    fn plaintext(&self, connection: u64, first: &[u8]) {
        let (mut cases, known) = self.concerned(connection);
        let Some((endpoint, _)) = known else { return };
        if cases.is_empty() && endpoint.kind == EndpointKind::Delegation {
            // Only the product was told what to ask for there. Which case it did so for is nowhere to be read; it breaks the same in all.
            cases = self.router.all();
            cases.retain(|case| is_request_to(&case.header, endpoint, first));
            for case in &cases {
                self.introduce(case, connection);
            }
        }
        if cases.is_empty() {
            self.stray(format!(
                "{} {:?}: something that is no TLS arrived",
                endpoint.role, endpoint.kind
            ));
        }
        for case in cases {
            let first_bytes = Body::new(first.to_vec());
            case.recorder.record(Event::Plaintext {
                connection,
                first_bytes,
            });
        }
    }

    /// A listener can accept nobody any more: what does not come to it now says nothing about the product.
    fn starved(&self, endpoint: Endpoint, error: &std::io::Error) {
        let reason = format!(
            "accept connections for {} {:?}: {error}; {}",
            endpoint.role,
            endpoint.kind,
            dmconform_model::remedy(error)
        );
        for case in self.router.all() {
            let reason = reason.clone();
            case.recorder.record(Event::Aborted { reason });
        }
        self.stray(format!("failed to {reason}"));
    }

    fn closed(&self, connection: u64, how: &str) {
        let (cases, _) = self.concerned(connection);
        let known = lock(&self.connections).remove(&connection);
        // Whatever was said on it was no request, and so belonged to no case. Handshakes are noted where they fail.
        if let Some(known) = known
            && known.cases.is_empty()
            && known.facts.is_some()
            && !matches!(how, "closed" | "drained")
        {
            self.stray(format!(
                "{} {:?}: a connection was {how}",
                known.endpoint.role, known.endpoint.kind
            ));
        }
        for case in cases {
            case.recorder.record(Event::ConnectionClosed {
                connection,
                how: how.to_owned(),
            });
        }
    }
}

/// Whether a case knows that the good certificate was refused at an endpoint.
fn is_refused_at(observed: &Observed, endpoint: Endpoint) -> bool {
    let mut connections = observed.connections.values();
    connections.any(|connection| connection.endpoint == endpoint && connection.is_refused_by_peer())
}

/// Tells the stage what happens at a listener.
struct ListenerObserver {
    stage: Weak<Stage>,
    endpoint: Endpoint,
    presented: Arc<Mutex<Certificate>>,
}

impl Observer for ListenerObserver {
    fn opened(&self, address: SocketAddr) -> u64 {
        let Some(stage) = self.stage.upgrade() else {
            return 0;
        };
        let number = stage.open(Known {
            observer: self.endpoint.role,
            side: Side::Accepted,
            endpoint: self.endpoint,
            address,
            opened: Instant::now(),
            presented: *lock(&self.presented),
            facts: None,
            cases: Vec::new(),
            tap: stage.new_tap(),
        });
        if let Some(case) = stage.router.exclusive() {
            stage.introduce(&case, number);
        }
        number
    }

    fn starved(&self, error: &std::io::Error) {
        if let Some(stage) = self.stage.upgrade() {
            stage.starved(self.endpoint, error);
        }
    }

    fn tap(&self, connection: u64) -> Option<Tap> {
        self.stage.upgrade()?.tap(connection)
    }

    fn established(&self, connection: u64, facts: &Arc<Facts>) {
        if let Some(stage) = self.stage.upgrade() {
            stage.established(connection, facts);
        }
    }

    fn failed(&self, connection: u64, reason: &str, refused_by_peer: bool) {
        if let Some(stage) = self.stage.upgrade() {
            stage.failed(connection, reason, refused_by_peer);
        }
    }

    fn plaintext(&self, connection: u64, first: &[u8]) {
        if let Some(stage) = self.stage.upgrade() {
            stage.plaintext(connection, first);
        }
    }

    fn closed(&self, connection: u64, how: &str) {
        if let Some(stage) = self.stage.upgrade() {
            stage.closed(connection, how);
        }
    }
}

/// Tells the stage what happens on a connection that a mock role dials for a case.
pub(crate) struct DialObserver {
    pub(crate) stage: Arc<Stage>,
    /// Not kept alive by it: the case keeps the connections of its client.
    pub(crate) context: Weak<CaseContext>,
    pub(crate) observer: Role,
    pub(crate) endpoint: Endpoint,
    pub(crate) presents: Presents,
}

impl Observer for DialObserver {
    fn opened(&self, address: SocketAddr) -> u64 {
        let presented = match self.presents {
            Presents::Own(_, certificate) => certificate,
            Presents::Third => Certificate::OtherServer,
            Presents::Nothing => Certificate::None,
        };
        let number = self.stage.open(Known {
            observer: self.observer,
            side: Side::Dialled,
            endpoint: self.endpoint,
            address,
            opened: Instant::now(),
            presented,
            facts: None,
            cases: Vec::new(),
            tap: self.stage.new_tap(),
        });
        if let Some(context) = self.context.upgrade() {
            self.stage.introduce(&context, number);
        }
        number
    }

    fn tap(&self, connection: u64) -> Option<Tap> {
        self.stage.tap(connection)
    }

    fn established(&self, connection: u64, facts: &Arc<Facts>) {
        self.stage.established(connection, facts);
    }

    fn failed(&self, connection: u64, reason: &str, refused_by_peer: bool) {
        self.stage.failed(connection, reason, refused_by_peer);
    }

    fn plaintext(&self, connection: u64, first: &[u8]) {
        self.stage.plaintext(connection, first);
    }

    fn closed(&self, connection: u64, how: &str) {
        self.stage.closed(connection, how);
    }
}

/// Locks; what a panicking holder left is whole, since no lock is held across a change in steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
