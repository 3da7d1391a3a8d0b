//! DM sessions of a server with its devices, over HTTPS.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use dmconform_oddity::Oddity;
use oma_dm::account::{AuthenticationType, Credentials as WireCredentials};
use oma_dm::auth::Secret;
use oma_dm::session::server::{Admission, Received, ServerConfig, ServerSession, Tag, Turn};
use oma_dm::session::{Authentication, Carried, Order};
use oma_dm::syncml::{self, Command, Encoding, Group, Item, Meta};
use oma_dm::uri::NodeUri;

use crate::background::lock;
use crate::config::Credentials;
use crate::delegation::delegated::Delegated;
use crate::delegation::delegating::Delegating;
use crate::delegation::device_work::{Job, Operation, Outcome};
use crate::delegation::ledger::{Machine, Outgoing, Side};
use crate::deviation::{Deviation, Deviations};
use crate::entropy;
use crate::http::server::{Handler, HttpRequest, Reply};
use crate::irregular;
use crate::known_devices::{KnownDevices, Nonces};
use crate::office::Office;
use crate::url::Url;

#[cfg(test)]
mod tests;

/// The most sessions that are kept as they go on; the one that has been silent for longest goes first.
const MAX_SESSIONS: usize = 16_384;
/// The most sessions that are kept when they are over, for a client that did not get the last answer.
const MAX_FINISHED: usize = 256;

/// The tag of commands of which nothing follows.
const UNTRACKED: Tag = Tag(0);

/// What a server does in its DM sessions.
pub(crate) trait Managing: Machine {
    /// A device has begun a session, and has proved who it is, or not: what to send then.
    fn begun(&mut self, device: &str, is_authenticated: bool) -> Vec<Outgoing>;

    /// What to do on the device in the next package.
    fn operations(&mut self, device: &str, dm_session: &str, now: Instant) -> Vec<Job>;

    /// What to send as soon as that is on its way.
    fn dispatched(&mut self, jobs: &[Job]) -> Vec<Outgoing>;

    /// What the device said to it: what to send then.
    fn outcomes(&mut self, dm_session: &str, outcomes: Vec<(Job, Outcome)>, now: Instant) -> Vec<Outgoing>;

    /// Nothing more comes in a session: what is under way in it is for another one.
    fn abandoned(&mut self, dm_session: &str);
}

impl Managing for Delegating {
    fn begun(&mut self, _: &str, _: bool) -> Vec<Outgoing> {
        Vec::new()
    }

    fn operations(&mut self, device: &str, dm_session: &str, now: Instant) -> Vec<Job> {
        Self::operations(self, device, dm_session, now)
    }

    fn dispatched(&mut self, jobs: &[Job]) -> Vec<Outgoing> {
        Self::dispatched(self, jobs)
    }

    fn outcomes(&mut self, dm_session: &str, outcomes: Vec<(Job, Outcome)>, now: Instant) -> Vec<Outgoing> {
        Self::outcomes(self, dm_session, outcomes, now)
    }

    fn abandoned(&mut self, dm_session: &str) {
        Self::abandoned(self, dm_session);
    }
}

impl Managing for Delegated {
    fn begun(&mut self, device: &str, is_authenticated: bool) -> Vec<Outgoing> {
        self.session_begun(device, is_authenticated)
    }

    fn operations(&mut self, _: &str, _: &str, _: Instant) -> Vec<Job> {
        Vec::new()
    }

    fn dispatched(&mut self, _: &[Job]) -> Vec<Outgoing> {
        Vec::new()
    }

    fn outcomes(&mut self, _: &str, _: Vec<(Job, Outcome)>, _: Instant) -> Vec<Outgoing> {
        Vec::new()
    }

    fn abandoned(&mut self, _: &str) {}
}

/// What devices know a server by.
pub(crate) struct ServerAccount {
    pub(crate) server_id: String,
    pub(crate) credentials: Credentials,
}

/// What answers devices.
pub(crate) struct DmServer<M> {
    account: ServerAccount,
    url: Url,
    devices: Arc<KnownDevices>,
    office: Arc<Office<M>>,
    sessions: Mutex<Sessions>,
}

/// The sessions that are going on, and those that were lately, by device and session identifier.
#[derive(Default)]
struct Sessions {
    going_on: BTreeMap<Key, Session>,
    finished: BTreeMap<Key, Session>,
    next_number: u64,
}

/// A device and a session identifier of its.
type Key = (String, String);

/// What a device is answered.
struct Answer {
    body: Vec<u8>,
    hmac: Option<String>,
}

/// One session.
struct Session {
    wire: ServerSession,
    /// What it is called towards the state machine; no two are called the same.
    name: String,
    /// When it was heard of last, counted in messages.
    heard: u64,
    has_begun: bool,
    /// What its last message has led to.
    consequences: Vec<Outgoing>,
    /// What has gone out, or is about to, and what has come of it so far.
    pending: BTreeMap<Tag, (Job, Outcome)>,
    next_tag: u64,
    /// What goes out in later messages, where each has one command: an oddity.
    queue: VecDeque<(Tag, Command)>,
}

impl<M: Managing> DmServer<M> {
    pub(crate) fn new(
        account: ServerAccount,
        url: &Url,
        devices: Arc<KnownDevices>,
        office: Arc<Office<M>>,
    ) -> Self {
        Self {
            account,
            url: url.clone(),
            devices,
            office,
            sessions: Mutex::default(),
        }
    }

    /// Takes a message of a device: what to answer, and what to send to the peer then.
    fn take(&self, carried: Carried<'_>, encoding: Encoding) -> (Answer, Vec<Outgoing>) {
        let message = carried.message;
        let peek = ServerSession::peek(message);
        let key = (peek.device_id.clone(), peek.session_id);
        let mut sessions = lock(&self.sessions);
        let mut session = match sessions.remove(&key) {
            Some(known) if known.wire.continues_with(message) => known,
            replaced => {
                self.forget(replaced);
                self.begin(&peek.device_id, sessions.next_number, &carried, encoding)
            }
        };
        sessions.next_number += 1;
        session.heard = sessions.next_number;
        let is_first = !session.has_begun;
        let received = session.wire.receive_carried(carried);
        let (jobs, mut outgoing) = self.decide(&peek.device_id, &mut session, &received);
        let mut commands: Vec<_> = jobs
            .into_iter()
            .flat_map(|(tag, job)| {
                self.commands(&job.operation)
                    .into_iter()
                    .map(|command| (tag, self.odd(&job.operation, command)))
                    .collect::<Vec<_>>()
            })
            .collect();
        if is_first && received.admission == Admission::Accepted && self.is_odd(Oddity::ReadsFirst) {
            commands.insert(0, (UNTRACKED, Command::get("./DevInfo/Lang")));
        }
        if self.is_odd(Oddity::OneCommandPerMessage) {
            session.queue.extend(commands);
            commands = match received.turn == Turn::Commands && !session.wire.has_unsent() {
                true => session.queue.pop_front().into_iter().collect(),
                false => Vec::new(),
            };
        }
        let mut answer = session.wire.respond(commands);
        // What fits in no message that the device takes is not sent, and nothing more may be to come.
        if received.turn == Turn::Commands && session.wire.is_over() {
            let mut machine = lock(&self.office.machine);
            let outcomes = session.finish();
            outgoing.extend(machine.outcomes(&session.name, outcomes, Instant::now()));
            machine.abandoned(&session.name);
        }
        if received.order != Order::Repeated {
            session.consequences.clone_from(&outgoing);
        } else if self.has(Deviation::TakesRepeatedPackagesForNew) {
            outgoing.clone_from(&session.consequences);
        }
        if self.has(Deviation::OmitsStatuses) {
            answer
                .commands
                .retain(|command| !matches!(command, Command::Status(status) if status.command_ref != "0"));
        }
        let is_omitted = |reference: &str, name: &str| {
            (self.has(Deviation::OmitsHeaderStatus) && reference == "0")
                || (self.has(Deviation::OmitsAlertStatus) && name == "Alert")
        };
        answer.commands.retain(|command| {
            !matches!(command, Command::Status(status) if is_omitted(&status.command_ref, &status.command))
        });
        if received.authentication == Authentication::Wrong && self.has(Deviation::NeverAsksAgain) {
            answer.commands.iter_mut().for_each(forget_challenge);
        }
        irregular::depart(&mut answer, &self.office.deviations);
        let body = match encoding {
            Encoding::Xml => self
                .office
                .oddities
                .syncml(syncml::write(&answer, encoding), session.wire.longest_taken()),
            Encoding::Wbxml => syncml::write(&answer, encoding),
        };
        let hmac = session.wire.seal(&body).map(|seal| seal.to_string());
        let is_bare = self.has(Deviation::OmitsMac)
            || (self.has(Deviation::SealsFirstMessageOnly) && answer.header.message_id != "1");
        let answer = Answer {
            body,
            hmac: hmac.filter(|_| !is_bare),
        };
        // What is repeated may be of a session before the last one: its nonces are old.
        if received.admission == Admission::Accepted && received.order != Order::Repeated {
            self.keep(&peek.device_id, &session.wire, &received);
        }
        self.forget(sessions.keep(key, session));
        (answer, outgoing)
    }

    /// Leaves to other sessions what is under way in one that is kept no longer.
    fn forget(&self, session: Option<Session>) {
        if let Some(session) = session {
            lock(&self.office.machine).abandoned(&session.name);
        }
    }

    /// Goes on with what a message meant: the commands for the answer, and what to send to the peer.
    fn decide(
        &self,
        device: &str,
        session: &mut Session,
        received: &Received,
    ) -> (Vec<(Tag, Job)>, Vec<Outgoing>) {
        let mut machine = lock(&self.office.machine);
        if received.admission != Admission::Accepted {
            let outgoing = match received.authentication {
                Authentication::Wrong => machine.begun(device, false),
                _ => Vec::new(),
            };
            if received.turn == Turn::Over {
                machine.abandoned(&session.name);
            }
            return (Vec::new(), outgoing);
        }
        let mut outgoing = Vec::new();
        if !session.has_begun {
            session.has_begun = true;
            outgoing.extend(machine.begun(device, true));
        }
        session.hear(received);
        let is_over = received.turn == Turn::Over;
        let is_under_way = match is_over {
            true => session.is_open(),
            false => session.has_unsent(),
        };
        let now = Instant::now();
        if received.turn != Turn::Wait && !is_under_way {
            let outcomes = session.finish();
            outgoing.extend(machine.outcomes(&session.name, outcomes, now));
        }
        if is_over {
            machine.abandoned(&session.name);
        }
        if received.turn != Turn::Commands || is_under_way {
            return (Vec::new(), outgoing);
        }
        let jobs = machine.operations(device, &session.name, now);
        outgoing.extend(machine.dispatched(&jobs));
        (session.send(jobs), outgoing)
    }

    /// A session with a device, which proves itself as it begins to: by sealing its messages, or by credentials in them.
    fn begin(&self, device: &str, number: u64, first: &Carried<'_>, encoding: Encoding) -> Session {
        let authentication_type = match first.hmac {
            Some(_) => AuthenticationType::Hmac,
            None => AuthenticationType::Digest,
        };
        let credentials = self.account.credentials.of(device);
        let moved_on = self.devices.nonces(device);
        let moved_on = moved_on.filter(|_| !self.has(Deviation::AcceptsUsedNonce));
        let nonces = moved_on.unwrap_or_else(|| Nonces {
            client: credentials.client_nonce.clone(),
            server: credentials.server_nonce.clone(),
        });
        let is_second = self.office.side == Side::Delegated;
        let secret = match is_second && self.has(Deviation::RefusesSession) {
            true => format!("not {}", credentials.client_password),
            false => credentials.client_password,
        };
        let proof = |name: String, password: String, nonce: Vec<u8>| WireCredentials {
            authentication_type,
            ..WireCredentials::digest(name, Secret::new(password), nonce)
        };
        let client = proof(credentials.client_name, secret, nonces.client);
        let server = proof(
            self.account.server_id.clone(),
            credentials.server_password,
            nonces.server,
        );
        let server = (!self.has(Deviation::SkipsAuthentication)).then_some(server);
        let given = first.message.header.credentials.as_ref();
        let takes_anybody = (is_second && self.has(Deviation::AcceptsAnyCredentials))
            || self.has(Deviation::CommandsAnybody)
            || (given.is_none() && self.has(Deviation::AcceptsAnyMac));
        let mut config = ServerConfig::new(self.url.as_str(), server, &entropy::octets::<16>());
        config.encoding = encoding;
        Session {
            wire: ServerSession::new(config, Some(client).filter(|_| !takes_anybody)),
            name: format!("{number} {device}"),
            heard: number,
            has_begun: false,
            consequences: Vec::new(),
            pending: BTreeMap::new(),
            next_tag: 0,
            queue: VecDeque::new(),
        }
    }

    /// Remembers what the next session needs.
    fn keep(&self, device: &str, session: &ServerSession, received: &Received) {
        let nonce = |credentials: Option<&WireCredentials>| {
            credentials
                .map(|credentials| credentials.nonce.clone())
                .unwrap_or_default()
        };
        let nonces = Nonces {
            client: nonce(session.client_credentials()),
            server: nonce(session.server_credentials()),
        };
        self.devices.set_nonces(device, nonces);
        if let Some(info) = &received.device_info {
            self.devices.remember(device, &info.manufacturer, &info.model);
        }
    }

    /// The commands that do an operation.
    fn commands(&self, operation: &Operation) -> Vec<Command> {
        let is_separate = self.is_odd(Oddity::SeparateCommands);
        let mut commands = commands(operation, is_separate);
        if let (Operation::AddEntry { .. }, Some(Command::Add(add))) = (operation, commands.first_mut())
            && self.has(Deviation::EntryWithoutUrl)
        {
            add.items.truncate(1);
            commands.truncate(1);
        }
        commands
    }

    /// A command as it goes out: where that is an oddity, what changes the tree goes in a Sequence. What may have to be sent in
    /// parts cannot (OMA-TS-DM_Protocol 7).
    fn odd(&self, operation: &Operation, command: Command) -> Command {
        let is_long = matches!(operation, Operation::AddEntry { url, .. } if url.len() > LONGEST_TOGETHER);
        let is_change = !matches!(command, Command::Get(_) | Command::Sequence(_)) && !is_long;
        match is_change && self.is_odd(Oddity::CommandsInSequence) {
            true => in_order(vec![command]),
            false => command,
        }
    }

    fn is_odd(&self, oddity: Oddity) -> bool {
        self.office.oddities.has(oddity)
    }

    fn has(&self, deviation: Deviation) -> bool {
        let deviations: &Deviations = &self.office.deviations;
        deviations.has(deviation)
    }
}

impl Sessions {
    fn remove(&mut self, key: &Key) -> Option<Session> {
        self.going_on.remove(key).or_else(|| self.finished.remove(key))
    }

    /// Keeps a session; the one that is kept no longer, if there are too many.
    fn keep(&mut self, key: Key, session: Session) -> Option<Session> {
        let (sessions, most) = match session.wire.is_over() {
            true => (&mut self.finished, MAX_FINISHED),
            false => (&mut self.going_on, MAX_SESSIONS),
        };
        sessions.insert(key, session);
        if sessions.len() <= most {
            return None;
        }
        let oldest = sessions.iter().min_by_key(|(_, session)| session.heard);
        let key = oldest.map(|(key, _)| key.clone())?;
        sessions.remove(&key)
    }
}

impl Session {
    /// Notes what the device has said of the commands.
    fn hear(&mut self, received: &Received) {
        for status in &received.statuses {
            if let Some((_, outcome)) = self.pending.get_mut(&status.tag)
                && (outcome.status.is_none() || outcome.is_success())
            {
                outcome.status = Some(status.code.0);
            }
        }
        for results in &received.results {
            if let Some((_, outcome)) = self.pending.get_mut(&results.tag) {
                outcome.value = results.items.first().and_then(Item::text).map(str::to_owned);
            }
        }
    }

    /// Whether commands of what is under way have yet to go out, as they did not fit in the last message, or go again.
    fn has_unsent(&self) -> bool {
        !self.queue.is_empty() || (!self.pending.is_empty() && self.wire.has_unsent())
    }

    /// Whether a command of what is under way has not been answered, or not been sent.
    fn is_open(&self) -> bool {
        let unanswered = self.wire.unanswered();
        !self.queue.is_empty() || self.pending.keys().any(|tag| unanswered.contains(tag))
    }

    /// What has come of the commands once all of them have gone out, or those that are left never will.
    fn finish(&mut self) -> Vec<(Job, Outcome)> {
        let unsent = self.queue.drain(..).map(|(tag, _)| tag);
        for tag in self.wire.unanswered().into_iter().chain(unsent) {
            // That a part of it was answered is not what became of it.
            if let Some((_, outcome)) = self.pending.get_mut(&tag)
                && outcome.is_success()
            {
                outcome.status = None;
            }
        }
        std::mem::take(&mut self.pending).into_values().collect()
    }

    /// Notes that commands go out.
    fn send(&mut self, jobs: Vec<Job>) -> Vec<(Tag, Job)> {
        let mut tagged = Vec::new();
        for job in jobs {
            self.next_tag += 1;
            let tag = Tag(self.next_tag);
            self.pending.insert(tag, (job.clone(), Outcome::default()));
            tagged.push((tag, job));
        }
        tagged
    }
}

impl<M: Managing + Sync> Handler for DmServer<M> {
    async fn handle(self: Arc<Self>, request: HttpRequest) -> Reply {
        if request.path != self.url.path() {
            return Reply::empty(404);
        }
        if request.method != "POST" {
            return Reply::empty(405);
        }
        let Some(encoding) = request.media_type.as_deref().and_then(Encoding::from_media_type) else {
            return Reply::empty(415);
        };
        if encoding == Encoding::Wbxml && self.has(Deviation::RefusesWbxml) {
            return Reply::empty(415);
        }
        let Ok(reading) = syncml::read(&request.body, encoding) else {
            return Reply::empty(400);
        };
        let mut message = reading.message;
        if self.has(Deviation::IgnoresMessageSize) {
            message.header.max_message_size = None;
        }
        let carried = Carried {
            message: &message,
            body: &request.body,
            hmac: request.hmac.as_deref(),
        };
        let (answer, outgoing) = self.take(carried, encoding);
        let media_type = irregular::media_type(encoding, &self.office.deviations);
        let mut reply = Reply::new(200, media_type, answer.body);
        reply.hmac = answer.hmac;
        if outgoing.is_empty() {
            return reply;
        }
        let (reply, sent) = reply.announcing();
        let office = Arc::clone(&self.office);
        self.office.background.spawn(async move {
            // An answer that could not be written is not taken back.
            drop(sent.await);
            office.send(outgoing);
        });
        reply
    }
}

/// The longest URL that is added together with its entry. Only an item alone in its command can be sent in parts
/// (OMA-TS-DM_Protocol 7).
const LONGEST_TOGETHER: usize = 512;

/// The commands that do an operation.
fn commands(operation: &Operation, is_separate: bool) -> Vec<Command> {
    let get = |uri: String| Command::Get(syncml::Operation::on(vec![Item::at(&uri)]));
    match operation {
        Operation::AddEntry { entry, leaf, url } => {
            let interior = Item::at(&entry.to_string()).with_meta(meta("node", None));
            let leaf = Item::at(&format!("{entry}/{leaf}")).with_meta(meta("chr", Some("text/plain")));
            let leaf = leaf.with_text(url);
            let add = |items| Command::Add(syncml::Operation::on(items));
            match is_separate || url.len() > LONGEST_TOGETHER {
                true => vec![add(vec![interior]), add(vec![leaf])],
                false => vec![add(vec![interior, leaf])],
            }
        }
        Operation::ReadAcl { node } => vec![get(format!("{node}?prop=ACL"))],
        Operation::WriteAcl { node, acl } => vec![replace_acl(node, acl)],
        Operation::WriteAclsAndDelete { acls, account } => {
            let writes = acls.iter().map(|(node, acl)| replace_acl(node, acl));
            vec![in_order(writes.chain([delete(account)]).collect())]
        }
        Operation::Read { node } => vec![get(node.to_string())],
        Operation::Delete { node } => vec![delete(node)],
    }
}

fn replace_acl(node: &NodeUri, acl: &str) -> Command {
    let item = Item::at(&format!("{node}?prop=ACL")).with_text(acl);
    Command::Replace(syncml::Operation::on(vec![item]))
}

fn delete(node: &NodeUri) -> Command {
    Command::Delete(syncml::Operation::on(vec![Item::at(&node.to_string())]))
}

/// Commands that are carried out in their order; without a Sequence, in whichever (OMA-TS-DM_Protocol 8).
fn in_order(commands: Vec<Command>) -> Command {
    Command::Sequence(Group {
        commands,
        ..Group::default()
    })
}

fn forget_challenge(command: &mut Command) {
    if let Command::Status(status) = command {
        status.challenge = None;
    }
}

fn meta(format: &str, media_type: Option<&str>) -> Meta {
    Meta {
        format: Some(format.to_owned()),
        media_type: media_type.map(str::to_owned),
        ..Meta::default()
    }
}
