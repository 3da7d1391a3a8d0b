//! The mock servers' side of DM sessions: what they have to say to the client, and what it answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use dmconform_case::claims::{BeforeNotification, StartedBy};
use dmconform_case::test_case::{Change, FieldChange, Look, ProbeCommand, State, What};
use dmconform_model::transcript::Authentication as Outcome;
use dmconform_model::{Event, MessageId, Role, Step};
use dmconform_oddity::Oddity;
use oma_dm::account::Credentials;
use oma_dm::acl::{Acl, Right};
use oma_dm::auth::{HMAC_HEADER, HmacHeader};
use oma_dm::notification::{Notification, NotificationError};
use oma_dm::session::server::{ServerConfig, ServerSession, Tag, Turn};
use oma_dm::session::{Authentication, Carried, Order};
use oma_dm::syncml::{self, AlertCode, Command, Format, Group, Item, Message, Meta, Operation, StatusCode};
use tokio::sync::Notify;

use crate::bootstrap::{credentials, scheme};
use crate::change::Changes;
use crate::context::CaseContext;
use crate::delegation::fault;
use crate::documents::fill;
use crate::hostile;
use crate::http::server::{Received, Reply};
use crate::kept_sessions::{KeptSessions, Key};
use crate::listener::{encoding, hmac};
use crate::script::Performed;
use crate::stage::lock;

/// What a mock server has to say to the client, and the sessions it says it in.
#[derive(Default)]
pub struct Offers {
    state: Mutex<OfferState>,
    /// Told when there is something more to say.
    came: Notify,
}

#[derive(Default)]
struct OfferState {
    waiting: Vec<(Tag, Command)>,
    next: u64,
    sessions: KeptSessions,
    /// The sessions in which something was read that nobody needs: an oddity.
    read_already: BTreeSet<Key>,
    /// The sessions that the client has opened because it was asked to.
    asked_for: BTreeSet<Key>,
    /// Those that it has opened before it was asked to come.
    came_before: BTreeSet<Key>,
    /// When the client was last asked to come.
    notified: Option<Instant>,
    /// The credentials with the nonces of the last session, the client's and the server's.
    credentials: Option<(Credentials, Credentials)>,
    /// What Gets found, by tag.
    results: BTreeMap<Tag, String>,
    /// The status of each command, by tag.
    statuses: BTreeMap<Tag, u16>,
}

impl Offers {
    /// Adds a command; its tag.
    pub fn push(&self, command: Command) -> Tag {
        let mut state = lock(&self.state);
        state.next += 1;
        let tag = Tag(state.next);
        state.waiting.push((tag, command));
        drop(state);
        self.came.notify_one();
        tag
    }

    /// Waits until there is something more to say; for one that waits at a time.
    pub async fn more(&self) {
        self.came.notified().await;
    }

    /// How much there was to say so far.
    pub fn count(&self) -> u64 {
        lock(&self.state).next
    }

    /// Notes that the client was asked to come.
    pub fn note_notified(&self) {
        lock(&self.state).notified = Some(Instant::now());
    }

    /// Whether something waits for the client to come.
    pub fn is_waiting(&self) -> bool {
        !lock(&self.state).waiting.is_empty()
    }

    /// Whether the client has yet to say something about a command, whether it has been told it or not.
    pub fn is_unanswered(&self) -> bool {
        let state = lock(&self.state);
        (1..=state.next).any(|number| !state.statuses.contains_key(&Tag(number)))
    }

    /// Gives up what waits: it goes out in a package that nobody can read, and is not said again.
    fn lose(&self) {
        let mut state = lock(&self.state);
        let lost: Vec<Tag> = state.waiting.iter().map(|(tag, _)| *tag).collect();
        state.statuses.extend(lost.into_iter().map(|tag| (tag, 0)));
    }

    fn result(&self, tag: Tag) -> Option<Option<String>> {
        let state = lock(&self.state);
        let status = state.statuses.get(&tag)?;
        let found = state.results.get(&tag).cloned();
        // A Status without a Results may be followed by it only if it says so.
        if StatusCode(*status).is_success() {
            found.map(Some)
        } else {
            Some(None)
        }
    }
}

/// Answers a package of the client.
pub(crate) async fn answer(
    context: &Arc<CaseContext>,
    role: Role,
    exchange: u64,
    request: &Received,
    message: &Message,
) -> Reply {
    let encoding = encoding(&request.headers);
    let Some(offers) = context.offers.get(&role) else {
        return Reply::new(404, "text/plain", Vec::new());
    };
    let carried = Carried {
        message,
        body: &request.body,
        hmac: hmac(&request.headers),
    };
    let taken = receive(context, role, offers, carried, encoding);
    if let Some(outcome) = taken.outcome {
        context.recorder.record(Event::Authenticated {
            exchange,
            who: Role::DmClient,
            outcome,
        });
    }
    let opens = context.recorder.with(|observed| {
        observed
            .exchanges
            .get(&exchange)
            .is_some_and(|known| known.message == Some(MessageId::request(Step::ClientSession)))
    });
    let entry = MessageId::request(Step::BootstrapEntry);
    let key = Key::of(message);
    let (message, mut changes) = if opens {
        let answer = MessageId::answer(Step::ClientSession);
        (answer, context.changes(answer))
    } else if role == Role::Dms1 && offers.is_waiting() && context.changes(entry).is_spoiled() {
        // The package that carries the entry.
        offers.lose();
        (entry, context.changes(entry))
    } else {
        (entry, Changes::default())
    };
    let is_again = context
        .recorder
        .with(|observed| observed.changes.iter().any(|change| change.at == message));
    // The digest is wrong once, with something to act upon in spite of it; what comes after is as it should be.
    match changes.fields.contains_key("mac") {
        true if is_again => drop(changes.fields.remove("mac")),
        true => drop(offers.push(Command::get("./DevInfo/DevId"))),
        false => {}
    }
    if changes.delay {
        context.hold(message).await;
    }
    let words = changes
        .in_words()
        .or_else(|| changes.omit.then(|| "it is not sent".to_owned()));
    if let Some(change) = words.filter(|_| changes.certificate.is_none()) {
        context.recorder.record(Event::Changed {
            at: message,
            exchange: Some(exchange),
            change,
        });
    }
    if let Some(status) = changes.answer {
        return Reply::new(status, "text/plain", Vec::new());
    }
    let entry = context.changes(MessageId::request(Step::BootstrapEntry));
    let spoilt = Spoilt {
        mac: changes.fields.get("mac"),
        size: entry.fields.get("size"),
    };
    let (body, seal) = respond(context, offers, &key, &taken, encoding, &spoilt);
    let media_type = encoding.media_type().to_owned();
    let (body, media_type) = match changes.corrupt {
        Some(corruption) => hostile::spoil(context, corruption, body, media_type),
        None => (body, media_type),
    };
    let mut reply = Reply::new(200, &media_type, body).with_fault(fault(&changes));
    reply
        .headers
        .extend(seal.map(|seal| (HMAC_HEADER.to_owned(), seal)));
    reply
}

/// What a package of the client came to.
struct Taken {
    /// The server that it was said to.
    role: Role,
    /// What it proved, where anything is asked for.
    outcome: Option<Outcome>,
    turn: Turn,
    is_repeated: bool,
}

fn receive(
    context: &CaseContext,
    role: Role,
    offers: &Offers,
    carried: Carried<'_>,
    encoding: syncml::Encoding,
) -> Taken {
    let message = carried.message;
    let mut state = lock(&offers.state);
    let known = state
        .credentials
        .clone()
        .unwrap_or_else(|| first_credentials(context, role));
    match opening_alert(message) {
        Some(AlertCode::SERVER_INITIATED) => {
            state.asked_for.insert(Key::of(message));
        }
        Some(_) => {
            state.asked_for.remove(&Key::of(message));
            if state.notified.is_none() {
                state.came_before.insert(Key::of(message));
            }
        }
        None => {}
    }
    let session = state.sessions.of(message, |number| {
        let session_id = &message.header.session_id;
        let address = context.endpoints(role).dm.unwrap_or_default();
        // A client may give two of its sessions the same identifier; their nonces differ all the same.
        let seed = format!("{}-{role}-{session_id}-{number}", context.token);
        let mut config = ServerConfig::new(address, Some(known.1.clone()), seed.as_bytes());
        config.encoding = encoding;
        config.max_message_size = context.case().given.max_message_size.map(u64::from);
        config.longest_sent = config.max_message_size;
        if context.case().given.response_uri {
            config.response_uri = Some(format!("{}?go-on={session_id}", config.address));
        }
        ServerSession::new(config, Some(known.0.clone()))
    });
    let received = session.receive_carried(carried);
    // What is repeated may be of a session before the last one: its nonces are old.
    let moved = session
        .client_credentials()
        .cloned()
        .zip(session.server_credentials().cloned())
        .filter(|_| received.order != Order::Repeated);
    for status in &received.statuses {
        state.statuses.insert(status.tag, status.code.0);
    }
    for result in &received.results {
        let text = result
            .items
            .iter()
            .find_map(|item| item.text().map(str::to_owned))
            .unwrap_or_default();
        state.results.insert(result.tag, text);
    }
    state.credentials = moved.or(Some(known));
    let outcome = match received.authentication {
        Authentication::Verified => Some(Outcome::Verified),
        Authentication::Wrong => Some(Outcome::Wrong),
        Authentication::Missing => Some(Outcome::Missing),
        Authentication::NotNeeded | Authentication::Unsupported => None,
    };
    Taken {
        role,
        outcome,
        turn: received.turn,
        is_repeated: received.order == Order::Repeated,
    }
}

/// The Alert that opens a session, if a message has one (OMA-TS-DM_Protocol 8).
fn opening_alert(message: &syncml::Message) -> Option<AlertCode> {
    message.commands.iter().find_map(|command| match command {
        Command::Alert(alert)
            if [AlertCode::SERVER_INITIATED, AlertCode::CLIENT_INITIATED].contains(&alert.code) =>
        {
            Some(alert.code)
        }
        _ => None,
    })
}

/// Whether a session of the client is one in which DMS-1 says what it has to say. Where the case is about notifications, a client may
/// come by itself as well, and what it is notified of waits for the session that it is asked for: in one that was open before, nothing
/// is said, and where a notification came that is none, not until the client had the time to react to the good one.
fn is_the_time(context: &CaseContext, state: &OfferState, key: &Key, role: Role) -> bool {
    let given = &context.case().given;
    let is_notified = given.started_by == StartedBy::Notification && role == Role::Dms1;
    if !is_notified || state.asked_for.contains(key) {
        return true;
    }
    let Some(notified) = state.notified else {
        return false;
    };
    match given.before_notification {
        BeforeNotification::Nothing => !state.came_before.contains(key),
        BeforeNotification::Forged | BeforeNotification::Replayed => {
            notified.elapsed() >= context.header.limits.reacts_within.get()
        }
    }
}

/// The credentials of the client and of a server before their first session.
fn first_credentials(context: &CaseContext, role: Role) -> (Credentials, Credentials) {
    let of_role = if role == Role::Dms1 {
        &context.credentials.dms_1
    } else {
        &context.credentials.dms_2
    };
    credentials(of_role, context.server_id(role), scheme(context, role))
}

/// A notification by which a mock server asks the client to open a session (OMA-TS-DM_Notification 6).
///
/// # Errors
/// When the server's identifier cannot stand in one.
pub fn notification(
    context: &CaseContext,
    role: Role,
    session_id: u16,
) -> Result<Vec<u8>, NotificationError> {
    let moved_on = context
        .offers
        .get(&role)
        .and_then(|offers| lock(&offers.state).credentials.clone());
    let (_, server) = moved_on.unwrap_or_else(|| first_credentials(context, role));
    Notification::new(context.server_id(role), session_id).sign(&server.secret, &server.nonce)
}

/// What of an answer is not as the session has it.
struct Spoilt<'a> {
    /// The digest of the message.
    mac: Option<&'a FieldChange>,
    /// The size that is announced with the first part of an object.
    size: Option<&'a FieldChange>,
}

/// The answer to a package, and what seals it.
fn respond(
    context: &CaseContext,
    offers: &Offers,
    key: &Key,
    taken: &Taken,
    encoding: syncml::Encoding,
    spoilt: &Spoilt<'_>,
) -> (Vec<u8>, Option<String>) {
    let oddities = &context.oddities;
    let mut state = lock(&offers.state);
    let is_the_time = is_the_time(context, &state, key, taken.role);
    let OfferState {
        waiting,
        sessions,
        credentials,
        read_already,
        ..
    } = &mut *state;
    let Some(session) = sessions.get_mut(key) else {
        return (Vec::new(), None);
    };
    let mut commands: Vec<_> = match taken.turn {
        Turn::Commands if oddities.has(Oddity::OneCommandPerMessage) && is_the_time => {
            waiting.drain(..waiting.len().min(1)).collect()
        }
        Turn::Commands if !is_the_time => Vec::new(),
        Turn::Commands => std::mem::take(waiting),
        Turn::Wait | Turn::Over => Vec::new(),
    };
    for (_, command) in &mut commands {
        *command = odd(context, command.clone());
    }
    let reads = oddities.has(Oddity::ReadsFirst) && taken.turn == Turn::Commands;
    if reads && read_already.insert(key.clone()) {
        commands.insert(0, (Tag(u64::MAX), Command::get("./DevInfo/Lang")));
    }
    let longest = context.case().given.max_message_size.map(u64::from);
    let longest = session.longest_taken().into_iter().chain(longest).min();
    let mut message = session.respond(commands);
    if let Some(size) = spoilt.size {
        announce(&mut message, size);
    }
    let body = syncml::write(&message, encoding);
    let body = match encoding {
        syncml::Encoding::Xml => oddities.syncml(body, longest),
        syncml::Encoding::Wbxml => body,
    };
    let seal = sealed(spoilt.mac, &body, |body| session.seal(body));
    let moved = session
        .client_credentials()
        .cloned()
        .zip(session.server_credentials().cloned());
    if let Some(moved) = moved.filter(|_| !taken.is_repeated) {
        *credentials = Some(moved);
    }
    (body, seal)
}

/// A command as it goes out: where that is an oddity, what changes the tree goes in a Sequence of its own. What may have to be sent
/// in parts cannot (OMA-TS-DM_Protocol 7).
fn odd(context: &CaseContext, command: Command) -> Command {
    let is_whole = context.case().given.max_message_size.is_none();
    let is_change = matches!(
        command,
        Command::Add(_) | Command::Replace(_) | Command::Delete(_)
    );
    match context.oddities.has(Oddity::CommandsInSequence) && is_change && is_whole {
        true => in_order(vec![command]),
        false => command,
    }
}

/// Commands that are carried out in their order; without a Sequence, in whichever (OMA-TS-DM_Protocol 8).
fn in_order(commands: Vec<Command>) -> Command {
    Command::Sequence(Group {
        commands,
        ..Group::default()
    })
}

/// What goes beside a message to prove it: as it should be, over other octets, or not at all.
pub(crate) fn sealed(
    change: Option<&FieldChange>,
    body: &[u8],
    seal: impl Fn(&[u8]) -> Option<HmacHeader>,
) -> Option<String> {
    let seal = match change {
        None => seal(body),
        Some(FieldChange::To(text)) => seal(text.as_bytes()),
        Some(FieldChange::Removed) => None,
    };
    seal.map(|seal| seal.to_string())
}

/// Announces the parts of objects that begin in a message with another size, or none.
fn announce(message: &mut syncml::Message, size: &FieldChange) {
    for command in &mut message.commands {
        if let Command::Add(operation) | Command::Replace(operation) = command {
            let first_parts = operation.items.iter_mut().filter(|item| item.meta.size.is_some());
            for item in first_parts {
                item.meta.size = match size {
                    FieldChange::To(text) => text.parse().ok(),
                    FieldChange::Removed => None,
                };
            }
        }
    }
}

/// Whether a client has given DMS-1 another nonce than the first one; it has a window's time for that.
async fn has_new_nonce(context: &CaseContext, offers: &Offers) -> bool {
    let (_, first) = first_credentials(context, Role::Dms1);
    let moved_on = context.until(|_| {
        let state = lock(&offers.state);
        let known = state.credentials.as_ref();
        known.is_some_and(|(_, server)| server.nonce != first.nonce)
    });
    tokio::time::timeout(context.window(), moved_on)
        .await
        .unwrap_or(false)
}

/// Performs a step of DMS-1 that is carried in a DM session: says it when the client comes, and waits for the Status.
pub(crate) async fn perform(context: &Arc<CaseContext>, message: MessageId, changes: &Changes) -> Performed {
    let Some(offers) = context.offers.get(&Role::Dms1) else {
        return Performed::Stuck("DMS-1 is not a mock".to_owned());
    };
    let is_after_session = message.step == Step::BootstrapEntry
        && context.case().given.before_notification == BeforeNotification::Replayed;
    if is_after_session
        && !context
            .until(|context| context.recorder.with(|observed| observed.had_session(Role::Dms1)))
            .await
    {
        return Performed::Stuck("the client did not come for the first notification".to_owned());
    }
    if is_after_session && !has_new_nonce(context, offers).await {
        let why =
            "the client has given DMS-1 no new nonce, so that a notification of before is as good once more";
        return Performed::Stuck(why.to_owned());
    }
    let commands = match message.step {
        Step::BootstrapEntry => entry(context, changes),
        Step::AclUpdate => match acls(context, offers, changes).await {
            Some(mut commands) if removes_with_acls(context) => {
                commands.push(removal(context, changes));
                vec![in_order(commands)]
            }
            Some(commands) => commands,
            None => return Performed::Stuck("the client did not say which ACLs there are".to_owned()),
        },
        _ if removes_with_acls(context) => Vec::new(),
        _ => vec![removal(context, changes)],
    };
    if let Some(change) = changes.in_words().filter(|_| !changes.is_spoiled()) {
        context.recorder.record(Event::Changed {
            at: message,
            exchange: None,
            change,
        });
    }
    for command in commands {
        offers.push(command);
    }
    let answer = MessageId::answer(message.step);
    let answered = context
        .until(|context| {
            context
                .recorder
                .with(|observed| observed.all(answer).next().is_some())
        })
        .await;
    if !answered {
        return Performed::Stuck(format!("the client gave no Status for step {}", message.step));
    }
    if context.recorder.seen(answer) {
        return Performed::Accepted;
    }
    Performed::Stuck(format!("the client refused step {}", message.step))
}

/// Whether DMS-1 removes its account in the message that updates the ACLs; not where the case is about either.
fn removes_with_acls(context: &CaseContext) -> bool {
    let case = context.case();
    let is_about_it = |change: &Change| matches!(change.at.step, Step::AclUpdate | Step::AccountRemoval);
    context.oddities.has(Oddity::RemovalWithAcls)
        && case.given.removes_account
        && case.given.max_message_size.is_none()
        && !case.changes.iter().any(is_about_it)
}

fn removal(context: &CaseContext, changes: &Changes) -> Command {
    let node = changed(context, changes, "node", context.credentials.dms_1.node.clone());
    Command::Delete(Operation::on(vec![Item::at(&node)]))
}

fn changed(context: &CaseContext, changes: &Changes, field: &str, usual: String) -> String {
    match changes.fields.get(field) {
        Some(FieldChange::To(text)) => fill(context, text),
        Some(FieldChange::Removed) => String::new(),
        None => usual,
    }
}

/// A new entry of the Bootstrap Config object: its node, then the leaf with the URL.
fn entry(context: &CaseContext, changes: &Changes) -> Vec<Command> {
    let config = &context.profile().bootstrap_config;
    let url = context.recorder.with(|observed| {
        let answer = observed.first(MessageId::answer(Step::UrlRequest))?;
        answer.fields.get("url")?.first().cloned()
    });
    let url = changed(
        context,
        changes,
        "url",
        url.unwrap_or_else(|| context.bootstrap_url.clone()),
    );
    let usual = format!("{}/dms2", config.root);
    // A case that looks at the entry knows its name.
    let is_looked_at = context.case().expect.iter().any(|expectation| {
        matches!(&expectation.what, What::State(State { look: Look::Probe { node, .. }, .. }) if node.starts_with(&usual))
    });
    let node = match is_looked_at {
        true => usual,
        false => format!("{}/{}", config.root, context.oddities.entry_name("dms2")),
    };
    let leaf = format!("{node}/{}", config.url_leaf);
    let interior = Item::at(&node).with_meta(Meta::of_format(Format::Node));
    let leaf = Item::at(&leaf)
        .with_meta(Meta::of_format(Format::Chr))
        .with_text(&url);
    let add = |items| Command::Add(Operation::on(items));
    // Only an item alone in its command can be sent in parts (OMA-TS-DM_Protocol 7).
    let is_separate = context.oddities.has(Oddity::SeparateCommands);
    match context.case().given.max_message_size.is_some() || is_separate {
        true => vec![add(vec![interior]), add(vec![leaf])],
        false => vec![add(vec![interior, leaf])],
    }
}

/// The ACLs of the delegated nodes with all rights for DMS-2 added: reads them first, since a Replace overwrites all.
async fn acls(context: &CaseContext, offers: &Offers, changes: &Changes) -> Option<Vec<Command>> {
    let mut commands = Vec::new();
    for node in &context.case().given.tree {
        let target = format!("{node}?prop=ACL");
        let tag = offers.push(Command::Get(Operation::on(vec![Item::at(&target)])));
        if !context.until(|_| offers.result(tag).is_some()).await {
            return None;
        }
        let found = offers.result(tag).flatten().unwrap_or_default();
        let mut acl = Acl::parse(&found).unwrap_or_else(|_| Acl::empty());
        let delegated = changed(
            context,
            changes,
            "servers",
            context.server_id(Role::Dms2).to_owned(),
        );
        for right in [Right::Add, Right::Delete, Right::Exec, Right::Get, Right::Replace] {
            // DMS-1 keeps its rights: it may have to finish what it began.
            for server in [delegated.as_str(), context.server_id(Role::Dms1)] {
                let _ = acl.add(right, server);
            }
        }
        let text = changed(context, changes, "acl", context.oddities.acl(&acl.to_string()));
        commands.push(Command::Replace(Operation::on(vec![
            Item::at(&target).with_text(&text),
        ])));
    }
    Some(commands)
}

/// Looks at a real client's tree once a message was seen: sends a command and waits for its Status.
pub async fn probe(context: Arc<CaseContext>, state: State) {
    let Look::Probe {
        role, command, node, ..
    } = &state.look
    else {
        return;
    };
    let Some(offers) = context.offers.get(role) else {
        return;
    };
    if !context.until(|context| context.recorder.seen(state.after)).await {
        return;
    }
    // What an answer that is not as it should be does to the client shows only when the client has had its time.
    let spoiled = MessageId::answer(state.after.step);
    let is_spoiled = spoiled != state.after && context.changes(spoiled).in_words().is_some();
    let settled = |context: &CaseContext| {
        context
            .recorder
            .with(|observed| observed.window(spoiled).is_some())
    };
    if is_spoiled && !context.until(settled).await {
        return;
    }
    let item = Item::at(node);
    let command = match command {
        ProbeCommand::Get => Command::Get(Operation::on(vec![item])),
        ProbeCommand::Replace => Command::Replace(Operation::on(vec![item.with_text("set by a probe")])),
        ProbeCommand::Add => {
            let leaf = item
                .with_meta(Meta::of_format(Format::Chr))
                .with_text("added by a probe");
            Command::Add(Operation::on(vec![leaf]))
        }
    };
    let tag = offers.push(command);
    context
        .until(|_| lock(&offers.state).statuses.contains_key(&tag))
        .await;
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::done(200, None)]
    #[case::not_found(404, Some(None))]
    #[case::not_executed(215, Some(None))]
    #[case::rolled_back(216, Some(None))]
    fn results_are_waited_for_where_the_status_says_that_there_are_some(
        #[case] status: u16,
        #[case] result: Option<Option<String>>,
    ) {
        let offers = Offers::default();
        let tag = offers.push(Command::get("./DevInfo/Lang"));
        lock(&offers.state).statuses.insert(tag, status);
        assert_eq!(offers.result(tag), result);
    }
}
