//! The mock DM Client: a management tree with ACLs, accounts, and the sessions that it opens.

use std::sync::Arc;
use std::time::Duration;

use dmconform_case::claims;
use dmconform_case::test_case::FieldChange;
use dmconform_judge::Observed;
use dmconform_model::transcript::{
    AccountState, Authentication as Outcome, Body, DeviceState, EndpointKind, NodeState,
};
use dmconform_model::{Event, MessageId, Part, Role, Step};
use dmconform_oddity::Oddity;
use oma_dm::account::Account;
use oma_dm::auth::{HMAC_HEADER, Secret};
use oma_dm::bootstrap;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::session::client::{ClientConfig, ClientSession, End, Step as Next};
use oma_dm::session::{Authentication, Carried, Device};
use oma_dm::syncml::{self, AlertCode, Command, Encoding, StatusCode};
use oma_dm::tree::{self, Tree};
use oma_dm::uri::NodeUri;

use crate::change::Changes;
use crate::context::{CaseContext, endpoint};
use crate::dial::{Line, Outgoing};
use crate::hostile;
use crate::listener::{encoding, hmac};
use crate::script::Performed;
use crate::server_side::sealed;
use crate::stage::{Presents, Stage};

/// The mock client of one case.
pub struct MockClient {
    /// Its management tree.
    pub tree: Tree,
    /// What it says of itself.
    pub device_info: DeviceInfo,
    sessions: u32,
    to_dms_1: Option<Line>,
    to_dms_2: Option<Line>,
}

impl MockClient {
    /// A client with this tree.
    pub const fn new(tree: Tree, device_info: DeviceInfo) -> Self {
        Self {
            tree,
            device_info,
            sessions: 0,
            to_dms_1: None,
            to_dms_2: None,
        }
    }
}

/// After how many polls without anything new the client comes less often.
const POLLS_IN_A_ROW: u32 = 4;
/// How many times longer it stays away then, at most.
const LONGEST_PAUSE: u32 = 4;

/// Polls DMS-1 as long as it could have something to say. Ends with the case.
///
/// Where nothing happens, the client comes less and less often: a product that stands still is not to be kept busy. In a
/// window it always comes as often as at first, since that is what gives the product its opportunity.
pub async fn poll(stage: Arc<Stage>, context: Arc<CaseContext>) {
    let usual = (context.window() / 8).clamp(Duration::from_millis(15), Duration::from_secs(5));
    let interval = context.poll.unwrap_or(usual);
    let mut failures = 0;
    let mut known = news(&context);
    let mut idle = 0_u32;
    while !context.is_over() {
        let may_speak = context.header.is_real(Role::Dms1)
            || context.oddities.has(Oddity::PollsOften)
            || context
                .offers
                .get(&Role::Dms1)
                .is_some_and(crate::server_side::Offers::is_waiting);
        if may_speak && !is_early(&context) {
            // Between polls, which is most of the time, nothing is kept of one.
            match Box::pin(poll_once(&stage, &context)).await {
                Ok(()) => failures = 0,
                Err(reason) => {
                    failures += 1;
                    if failures == 20 {
                        let reason = format!("20 sessions with DMS-1 in a row failed: {reason}");
                        context.recorder.record(Event::ScriptStopped {
                            role: Role::DmClient,
                            reason,
                        });
                        return;
                    }
                }
            }
        }
        let pause = 1 + idle.saturating_sub(POLLS_IN_A_ROW).min(LONGEST_PAUSE - 1);
        idle += 1;
        for _ in 0..pause {
            let mut over = context.over.subscribe();
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = context.something_to_say(Role::Dms1) => {}
                _ = over.wait_for(|over| *over) => return,
            }
            let now = news(&context);
            if now != known || now.holding {
                (known, idle) = (now, 0);
                break;
            }
        }
    }
}

/// What has happened in a case besides polls.
#[derive(PartialEq, Eq)]
struct News {
    occurrences: usize,
    changes: usize,
    holding: bool,
}

fn news(context: &CaseContext) -> News {
    context.recorder.with(|observed| News {
        occurrences: observed.occurrences.len(),
        changes: observed.changes.len(),
        holding: observed.is_holding(),
    })
}

/// Whether the client has yet to wait: one that is to come for the entry with other credentials than its own comes when
/// there is an entry to come for, and not before, so that none of its sessions is as it should be.
fn is_early(context: &CaseContext) -> bool {
    let url = MessageId::answer(Step::UrlRequest);
    context.case().other_credentials_for_dms_1().is_some() && !context.recorder.seen(url)
}

async fn poll_once(stage: &Arc<Stage>, context: &Arc<CaseContext>) -> Result<(), String> {
    let mut client = context.client.lock().await;
    let server_id = context.server_id(Role::Dms1).to_owned();
    let Some((root, mut account)) = Account::find(&client.tree, &server_id) else {
        return Ok(());
    };
    if let Some(credentials) = context.case().other_credentials_for_dms_1() {
        let entry = MessageId::answer(Step::BootstrapEntry);
        let is_first = |observed: &Observed| observed.changes.iter().all(|applied| applied.at != entry);
        if context.recorder.with(is_first) {
            let change = context.changes(entry).in_words().unwrap_or_default();
            context.recorder.record(Event::Changed {
                at: entry,
                exchange: None,
                change,
            });
        }
        change_credentials(&mut account, credentials);
        // That it is refused is what the case is about.
        let _ = session(stage, context, &mut client, Role::Dms1, &root, account, None).await;
        return Ok(());
    }
    session(stage, context, &mut client, Role::Dms1, &root, account, None).await?;
    if !context.oddities.has(Oddity::PollsOften) {
        return Ok(());
    }
    match Account::find(&client.tree, &server_id) {
        Some((root, account)) => session(stage, context, &mut client, Role::Dms1, &root, account, None).await,
        None => Ok(()),
    }
}

/// Fetches the bootstrap from the URL of the newest entry, and applies it.
pub(crate) async fn fetch(stage: &Arc<Stage>, context: &Arc<CaseContext>, changes: &Changes) -> Performed {
    let mut client = context.client.lock().await;
    let Some(url) = newest_url(context, &client.tree) else {
        return Performed::Stuck("there is no URL in the Bootstrap Config object".to_owned());
    };
    let body = changes.corrupt.map_or_else(Vec::new, |corruption| {
        hostile::spoil(context, corruption, Vec::new(), String::new()).0
    });
    let outgoing = Outgoing {
        observer: Role::DmClient,
        endpoint: endpoint(Role::BootstrapServer, EndpointKind::Bootstrap),
        url,
        method: "GET".to_owned(),
        headers: vec![(
            "accept".to_owned(),
            "application/vnd.syncml.dm+wbxml, application/vnd.syncml.dm+xml".to_owned(),
        )],
        body: body.into(),
        presents: Presents::Nothing,
        change: changes
            .in_words()
            .map(|words| (MessageId::request(Step::BootstrapFetch), words)),
        close_at: changes.close_at,
        version: changes.version,
        slow: changes.slow,
        resuming: None,
        plaintext: false,
    };
    let answer = match stage.exchange(context, outgoing).await {
        Ok(answer) => answer,
        Err(failed) => {
            return Performed::Stuck(format!("the bootstrap could not be fetched: {}", failed.reason));
        }
    };
    if !(200..300).contains(&answer.status) {
        return Performed::Stuck(format!("the bootstrap was answered with {}", answer.status));
    }
    let media_type = answer
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let media_type = media_type.map_or("", |(_, value)| value);
    let applied = bootstrap::read(&answer.body, media_type)
        .map_err(|error| error.to_string())
        .and_then(|read| bootstrap::apply(&read, &mut client.tree).map_err(|error| error.to_string()));
    match applied {
        Ok(_) => {
            record_state(context, &client.tree, "the bootstrap was applied");
            Performed::Accepted
        }
        Err(reason) => Performed::Stuck(format!("the bootstrap could not be applied: {reason}")),
    }
}

fn newest_url(context: &CaseContext, tree: &Tree) -> Option<String> {
    let config = &context.profile().bootstrap_config;
    let root = NodeUri::parse(&config.root).ok()?;
    let entries = tree.children(&root);
    let urls = entries.filter_map(|(entry, _)| {
        let leaf = entry.join(&config.url_leaf).ok()?;
        tree.text(&leaf).map(str::to_owned)
    });
    urls.last()
}

/// Opens the session with DMS-2.
pub(crate) async fn open_session(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    changes: &Changes,
) -> Performed {
    let mut client = context.client.lock().await;
    let dms_1 = context.server_id(Role::Dms1);
    let dms_2 = context.server_id(Role::Dms2);
    // A bootstrap for another server is judged where it was fetched; the client uses what it got.
    let found = Account::find(&client.tree, dms_2).or_else(|| {
        Account::read_all(&client.tree)
            .into_iter()
            .find(|(_, account)| account.server_id != dms_1)
    });
    let Some((root, mut account)) = found else {
        return Performed::Stuck("the client has no account of DMS-2".to_owned());
    };
    let uses_nonce_again = changes.fields.get("nonce") == Some(&FieldChange::Removed);
    if uses_nonce_again {
        // A good session first, with what is then used again.
        let account = account.clone();
        if let Err(reason) = session(stage, context, &mut client, Role::Dms2, &root, account, None).await {
            return Performed::Stuck(format!("the session with DMS-2 failed: {reason}"));
        }
    }
    if let Some(change) = changes.in_words().filter(|_| !changes.is_spoiled()) {
        context.recorder.record(Event::Changed {
            at: MessageId::request(Step::ClientSession),
            exchange: None,
            change,
        });
    }
    if let Some(credentials) = changes.fields.get("credentials") {
        change_credentials(&mut account, credentials);
    }
    if let (Some(FieldChange::To(nonce)), Some(credentials)) =
        (changes.fields.get("nonce"), &mut account.client_credentials)
    {
        credentials.nonce = nonce.as_bytes().to_vec();
    }
    let mac = changes.fields.get("mac").cloned();
    if let Err(reason) = session(stage, context, &mut client, Role::Dms2, &root, account, mac).await {
        return Performed::Stuck(format!("the session with DMS-2 failed: {reason}"));
    }
    if context.recorder.seen(MessageId::answer(Step::ClientSession)) {
        if context.oddities.has(Oddity::ComesBack)
            && let Some((root, account)) = Account::find(&client.tree, dms_2)
        {
            // What comes of it is judged like everything else.
            let _ = session(stage, context, &mut client, Role::Dms2, &root, account, None).await;
        }
        return Performed::Accepted;
    }
    Performed::Stuck("DMS-2 did not take the session".to_owned())
}

/// Gives the client another secret than its own, or none.
fn change_credentials(account: &mut Account, change: &FieldChange) {
    match (change, &mut account.client_credentials) {
        (FieldChange::Removed, credentials) => *credentials = None,
        (FieldChange::To(secret), Some(credentials)) => credentials.secret = Secret::new(secret),
        (FieldChange::To(_), None) => {}
    }
}

/// Holds one DM session to its end; `mac` is what becomes of the digest of its first message.
async fn session(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    client: &mut MockClient,
    server: Role,
    root: &NodeUri,
    account: Account,
    mut mac: Option<FieldChange>,
) -> Result<(), String> {
    client.sessions += 1;
    let session_id = format!("{:X}", client.sessions);
    let seed = format!("{}-{server}-{session_id}-client", context.token);
    let mut config = ClientConfig::new(
        account,
        client.device_info.clone(),
        session_id,
        AlertCode::CLIENT_INITIATED,
        seed.as_bytes(),
    );
    config.encoding = wire_encoding(context.case().given.encoding);
    if let Some(octets) = context.case().given.max_message_size {
        config.max_message_size = Some(octets.into());
    }
    config.events = context.oddities.events();
    let written = config.encoding;
    let (mut session, mut message) = ClientSession::start(config);
    let mut change = None;
    let opening = MessageId::request(Step::ClientSession);
    let mut spoiled = Some(opening).filter(|_| server == Role::Dms2);
    let mut repeated = spoiled;
    let ended = loop {
        let url = session.address().to_owned();
        let body = match written {
            Encoding::Xml => context.oddities.syncml(syncml::write(&message, written), None),
            Encoding::Wbxml => syncml::write(&message, written),
        };
        let mut headers = vec![("content-type".to_owned(), written.media_type().to_owned())];
        let seal = sealed(mac.take().as_ref(), &body, |body| session.seal(body));
        headers.extend(seal.map(|seal| (HMAC_HEADER.to_owned(), seal)));
        let mut package = Package {
            url,
            headers,
            body,
            changes: None,
            change: change.take(),
        };
        if let Some(at) = spoiled.take() {
            package.spoil(context, at);
        }
        let again = repeated.take().map(|at| (at, package.clone()));
        let (exchange, answer) = match say(stage, context, client, server, package).await {
            Ok(answered) => answered,
            Err(reason) => break Err(reason),
        };
        if let Some((at, package)) = again {
            repeat(stage, context, client, server, at, &package).await;
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(reason) => break Err(reason),
        };
        let before = client.tree.clone();
        let mut device = Overridden {
            tree: &mut client.tree,
            context,
            statuses: statuses(context, exchange),
        };
        let next = session.receive_carried(answer.carried(), &mut device);
        record_authentication(context, exchange, server, session.server_authentication());
        if client.tree != before {
            record_state(
                context,
                &client.tree,
                &format!("a package of {} was carried out", server.title()),
            );
        }
        message = match next {
            Next::Send(message) => *message,
            Next::Ended(End::Finished) => break Ok(()),
            Next::Ended(end) => break Err(format!("the session ended early: {end:?}")),
        };
        (mac, change) = changed_seal(context, exchange);
        let mut answers = carried(context, exchange).into_iter().map(MessageId::answer);
        spoiled = answers.find(|answer| {
            let changes = context.changes(*answer);
            changes.is_spoiled() || changes.version.is_some()
        });
        let mut answers = carried(context, exchange).into_iter().map(MessageId::answer);
        repeated = answers.find(|answer| context.changes(*answer).repeat > 0);
        if !may_answer(context, exchange).await {
            break Err("the client withholds its Status, as the case asks for".to_owned());
        }
    };
    keep_nonces(&session, &mut client.tree, root);
    ended
}

/// Says a message again, octet for octet, as often as the case asks for, as a client does that got no answer. What is answered then
/// has been answered before.
async fn repeat(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    client: &mut MockClient,
    server: Role,
    at: MessageId,
    package: &Package,
) {
    for _ in 0..context.changes(at).repeat {
        let package = Package {
            change: Some((at, "the same again".to_owned())),
            ..package.clone()
        };
        let _ = say(stage, context, client, server, package).await;
    }
}

/// Writes the nonces that moved on in a session, and nothing else: what the server has changed in the account, or removed with it,
/// is as the server left it.
fn keep_nonces(session: &ClientSession, tree: &mut Tree, root: &NodeUri) {
    if let Ok(account) = Account::read(tree, root) {
        // An account that was read has room for a nonce.
        let _ = session.renew(account).write_nonces_to(tree, root);
    }
}

/// An answer of a server, with what carried it.
struct Answered {
    message: syncml::Message,
    body: Vec<u8>,
    hmac: Option<String>,
}

impl Answered {
    fn carried(&self) -> Carried<'_> {
        Carried {
            message: &self.message,
            body: &self.body,
            hmac: self.hmac.as_deref(),
        }
    }
}

/// A package of the client, ready to be sent.
#[derive(Clone)]
struct Package {
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How it is spoiled on its way, and as which message.
    changes: Option<(MessageId, Changes)>,
    /// What else the case changes about it, in words.
    change: Option<(MessageId, String)>,
}

impl Package {
    /// Spoils it as the case asks for at a message.
    fn spoil(&mut self, context: &Arc<CaseContext>, at: MessageId) {
        let changes = context.changes(at);
        if let Some(corruption) = changes.corrupt {
            let is_type = |(name, _): &&mut (String, String)| name == "content-type";
            let media_type = self.headers.iter_mut().find(is_type).map(|(_, value)| value);
            let mut unused = String::new();
            let media_type = media_type.unwrap_or(&mut unused);
            let body = std::mem::take(&mut self.body);
            (self.body, *media_type) = hostile::spoil(context, corruption, body, std::mem::take(media_type));
        }
        if changes.is_spoiled() || changes.version.is_some() {
            self.changes = Some((at, changes));
        }
    }
}

type Said = (u64, Result<Answered, String>);

async fn say(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    client: &mut MockClient,
    server: Role,
    package: Package,
) -> Result<Said, String> {
    let Package {
        url,
        headers,
        body,
        changes,
        change,
    } = package;
    let (at, changes) =
        changes.unwrap_or_else(|| (MessageId::request(Step::ClientSession), Changes::default()));
    let outgoing = Outgoing {
        observer: Role::DmClient,
        endpoint: endpoint(server, EndpointKind::Dm),
        url,
        method: "POST".to_owned(),
        headers,
        body: body.into(),
        presents: Presents::Nothing,
        change: changes
            .in_words()
            .filter(|_| changes.is_spoiled())
            .map(|words| (at, words))
            .or(change),
        close_at: changes.close_at,
        version: changes.version,
        slow: changes.slow,
        resuming: None,
        plaintext: false,
    };
    let line = if server == Role::Dms1 {
        &mut client.to_dms_1
    } else {
        &mut client.to_dms_2
    };
    if outgoing.version.is_some() {
        *line = None;
    }
    let (exchange, answer) = stage
        .exchange_on(context, outgoing, line)
        .await
        .map_err(|failed| failed.reason)?;
    if !(200..300).contains(&answer.status) {
        return Ok((exchange, Err(format!("it answered {}", answer.status))));
    }
    let read = syncml::read(&answer.body, encoding(&answer.headers)).map(|reading| reading.message);
    let hmac = hmac(&answer.headers).map(str::to_owned);
    let read = read.map_err(|error| error.to_string());
    let answered = read.map(|message| Answered {
        message,
        body: answer.body,
        hmac,
    });
    Ok((exchange, answered))
}

const fn wire_encoding(encoding: claims::Encoding) -> Encoding {
    match encoding {
        claims::Encoding::Xml => Encoding::Xml,
        claims::Encoding::Wbxml => Encoding::Wbxml,
    }
}

/// Records what a server has proved by now: once is enough for a session, whichever of its messages it was in.
fn record_authentication(context: &CaseContext, exchange: u64, server: Role, found: Authentication) {
    let outcome = match found {
        Authentication::Verified => Outcome::Verified,
        Authentication::Wrong => Outcome::Wrong,
        Authentication::Missing => Outcome::Missing,
        Authentication::NotNeeded | Authentication::Unsupported => return,
    };
    context.recorder.record(Event::Authenticated {
        exchange,
        who: server,
        outcome,
    });
}

/// The steps of DMS-1 that an exchange carried.
fn carried(context: &CaseContext, exchange: u64) -> Vec<Step> {
    context.recorder.with(|observed| {
        let in_exchange = observed
            .occurrences
            .iter()
            .rev()
            .filter(|seen| seen.exchange == exchange);
        in_exchange
            .filter(|seen| seen.message.part == Part::Request && seen.from == Role::Dms1)
            .map(|seen| seen.message.step)
            .collect()
    })
}

/// The statuses that the case wants instead of what the tree would give.
fn statuses(context: &CaseContext, exchange: u64) -> Vec<(Step, u16)> {
    let steps = carried(context, exchange).into_iter();
    steps
        .filter_map(|step| {
            let answer = MessageId::answer(step);
            let status = context.changes(answer).answer?;
            let change = format!("its status is {status}");
            context.recorder.record(Event::Changed {
                at: answer,
                exchange: Some(exchange),
                change,
            });
            Some((step, status))
        })
        .collect()
}

/// What becomes of the digest of the message with the Status for a step, and what that is called.
fn changed_seal(context: &CaseContext, exchange: u64) -> (Option<FieldChange>, Option<(MessageId, String)>) {
    let steps = carried(context, exchange).into_iter();
    let changed = steps.map(MessageId::answer).find_map(|answer| {
        let changes = context.changes(answer);
        let mac = changes.fields.get("mac").cloned()?;
        Some((mac, (answer, changes.in_words().unwrap_or_default())))
    });
    changed.unzip()
}

/// Holds back the Status for a step where the case asks for it; false if it is not to be sent at all.
async fn may_answer(context: &CaseContext, exchange: u64) -> bool {
    for step in carried(context, exchange) {
        let answer = MessageId::answer(step);
        let changes = context.changes(answer);
        if changes.delay {
            context.hold(answer).await;
        }
        if changes.omit {
            let change = "it is not sent".to_owned();
            context.recorder.record(Event::Changed {
                at: answer,
                exchange: Some(exchange),
                change,
            });
            context.hold(answer).await;
            return false;
        }
    }
    true
}

/// A tree of which the case overrides some answers.
struct Overridden<'a> {
    tree: &'a mut Tree,
    context: &'a CaseContext,
    statuses: Vec<(Step, u16)>,
}

impl Device for Overridden<'_> {
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<tree::Outcome> {
        let Some(&(_, status)) = self
            .statuses
            .iter()
            .find(|(step, _)| concerns(self.context, *step, command))
        else {
            return self.tree.execute(server_id, command);
        };
        let mut refused = Vec::new();
        refuse(command, StatusCode(status), &mut refused);
        refused
    }
}

/// Whether a command, or one inside of it, carries a step.
fn concerns(context: &CaseContext, step: Step, command: &Command) -> bool {
    let root = &context.profile().bootstrap_config.root;
    let at = |items: &[syncml::Item], test: &dyn Fn(&str) -> bool| {
        items.iter().any(|item| item.target.as_deref().is_some_and(test))
    };
    match (step, command) {
        (_, Command::Sequence(group) | Command::Atomic(group)) => {
            group.commands.iter().any(|inner| concerns(context, step, inner))
        }
        (Step::BootstrapEntry, Command::Add(edit) | Command::Replace(edit)) => {
            at(&edit.items, &|target| target.starts_with(root.as_str()))
        }
        (Step::AclUpdate, Command::Replace(edit)) => at(&edit.items, &|target| target.ends_with("?prop=ACL")),
        (Step::AccountRemoval, Command::Delete(_)) => true,
        _ => false,
    }
}

fn refuse(command: &Command, status: StatusCode, refused: &mut Vec<tree::Outcome>) {
    let outcome = |item: Option<usize>, target: Option<String>| tree::Outcome {
        command_id: command.id().to_owned(),
        command: command.name(),
        item,
        target,
        source: None,
        status,
        results: Vec::new(),
        items: Vec::new(),
    };
    match command {
        Command::Sequence(group) | Command::Atomic(group) => {
            refused.push(outcome(None, None));
            for inner in &group.commands {
                refuse(inner, status, refused);
            }
        }
        Command::Add(edit) | Command::Replace(edit) | Command::Delete(edit) => {
            refused.extend(
                edit.items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| outcome(Some(index), item.target.clone())),
            );
        }
        _ => refused.push(outcome(None, None)),
    }
}

/// Records the accounts and ACLs of the tree.
pub fn record_state(context: &CaseContext, tree: &Tree, after: &str) {
    record_tree(context, tree, after, Vec::new());
}

/// Records the mock client's whole tree, with what is in it.
pub fn record_whole_state(context: &CaseContext, tree: &Tree, after: &str) {
    let nodes = tree.nodes().map(|(uri, node)| NodeState {
        uri: uri.to_string(),
        format: node.format().name().to_owned(),
        acl: node.acl.to_string(),
        value: node.value().map(|value| Body::new(value.to_vec())),
    });
    record_tree(context, tree, after, nodes.collect());
}

fn record_tree(context: &CaseContext, tree: &Tree, after: &str, nodes: Vec<NodeState>) {
    let accounts = Account::read_all(tree)
        .into_iter()
        .map(|(node, account)| AccountState {
            node: node.to_string(),
            server_id: account.server_id,
        })
        .collect();
    let acls = tree
        .nodes()
        .filter(|(_, node)| !node.acl.is_empty())
        .map(|(uri, node)| (uri.to_string(), node.acl.to_string()))
        .collect();
    context.recorder.record(Event::DeviceState(DeviceState {
        after: after.to_owned(),
        accounts,
        acls,
        nodes,
    }));
}

#[cfg(test)]
mod tests {
    use oma_dm::account::Credentials;
    use oma_dm::acl::{Acl, Right};
    use oma_dm::session::server::{ServerConfig, ServerSession, Tag};

    use super::*;

    #[test]
    fn what_a_server_writes_in_its_account_outlives_the_session_and_the_nonces_move_on() {
        let device = Credentials::digest("device-1", Secret::new("of the device"), *b"nonce-A");
        let server = Credentials::digest("dms1.example", Secret::new("of the server"), *b"nonce-B");
        let mut account = Account::new("dms1.example", "https://dms1.example/dm");
        account.name = Some("as it was".to_owned());
        account.client_credentials = Some(device.clone());
        account.server_credentials = Some(server.clone());
        let root = NodeUri::parse("./DMAcc/dms1").expect("it is a URI");
        let mut tree = Tree::new();
        account.write_to(&mut tree, &root).expect("there is room");
        let owned = Acl::empty()
            .with(&Right::ALL, "dms1.example")
            .expect("it is an identifier");
        tree.set_acl(&root, owned).expect("it is there");

        let device_info = DeviceInfo {
            device_id: "device-1".to_owned(),
            manufacturer: "Maker".to_owned(),
            model: "Model".to_owned(),
            dm_version: "1.2".to_owned(),
            language: "en".to_owned(),
        };
        let config = ClientConfig::new(account, device_info, "1", AlertCode::CLIENT_INITIATED, b"client");
        let (mut client, package_1) = ClientSession::start(config);
        let config = ServerConfig::new("https://dms1.example/dm", Some(server), b"server");
        let mut server = ServerSession::new(config, Some(device));
        server.receive(&package_1);
        let changes = vec![
            (Tag(1), Command::replace_text("./DMAcc/dms1/Name", "renamed")),
            (
                Tag(2),
                Command::replace_text("./DMAcc/dms1/AppAuth/CLCRED/AAuthSecret", "replaced"),
            ),
        ];
        let Next::Send(package_3) = client.receive(&server.respond(changes), &mut tree) else {
            panic!("there is something to answer")
        };
        let codes: Vec<_> = server.receive(&package_3).statuses;
        assert!(
            codes.iter().all(|status| status.code == StatusCode::OK),
            "{codes:?}"
        );
        client.receive(&server.respond(Vec::new()), &mut tree);
        keep_nonces(&client, &mut tree, &root);

        let (_, kept) = Account::find(&tree, "dms1.example").expect("it is still there");
        assert_eq!(kept.name.as_deref(), Some("renamed"));
        let credentials = kept.client_credentials.expect("they are still there");
        assert_eq!(credentials.secret, Secret::new("replaced"));
        let moved_on = server.client_credentials().map(|known| &known.nonce);
        assert_eq!(Some(&credentials.nonce), moved_on);
        assert_ne!(credentials.nonce, b"nonce-A");
    }
}
