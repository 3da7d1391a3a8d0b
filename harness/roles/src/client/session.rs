//! The sessions that the mock client opens.

use std::sync::Arc;

use dmconform_case::claims;
use dmconform_case::test_case::FieldChange;
use dmconform_judge::{Package as ReadPackage, content_type};
use dmconform_model::transcript::{Authentication as Outcome, EndpointKind};
use dmconform_model::{Event, MessageId, Role, Step};
use oma_dm::account::Account;
use oma_dm::auth::HMAC_HEADER;
use oma_dm::session::client::{ClientConfig, ClientSession, End, Step as Next};
use oma_dm::session::{Authentication, Carried};
use oma_dm::syncml::{self, AlertCode, Encoding};
use oma_dm::tree::Tree;
use oma_dm::uri::NodeUri;

use super::MockClient;
use super::answers::{Overridden, carried, changed_seal, may_answer, statuses};
use super::state::record_state;
use crate::change::Changes;
use crate::context::{CaseContext, endpoint};
use crate::dial::Outgoing;
use crate::hostile;
use crate::listener::hmac;
use crate::server_side::sealed;
use crate::stage::{Presents, Stage};

/// Holds one DM session to its end, for which there is room; `mac` is what becomes of the digest of its first message.
pub(super) async fn session(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    client: &mut MockClient,
    server: Role,
    root: &NodeUri,
    account: Account,
    mut mac: Option<FieldChange>,
) -> Result<(), String> {
    client.last_session = client.last_session.checked_add(1).unwrap_or(1);
    let session_id = format!("{:X}", client.last_session);
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
            Encoding::Xml => context
                .oddities
                .syncml(syncml::write(&message, written), session.longest_taken()),
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
            // A server may end a session so that has nothing to say (OMA-TS-DM_Protocol 8.1).
            Next::Ended(End::Aborted) if session.server_authentication() == Authentication::Verified => {
                break Ok(());
            }
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
    if context.sessions.is_some() {
        *client.line_to(server) = None;
    }
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
    package: Arc<ReadPackage>,
    body: Vec<u8>,
    hmac: Option<String>,
}

impl Answered {
    fn carried(&self) -> Carried<'_> {
        Carried {
            message: self.package.message(),
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
    let line = client.line_to(server);
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
    let read = stage
        .readings
        .message(&answer.body, content_type(&answer.headers));
    let hmac = hmac(&answer.headers).map(str::to_owned);
    let answered = read.map(|package| Answered {
        package,
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

#[cfg(test)]
mod tests {
    use oma_dm::account::Credentials;
    use oma_dm::acl::{Acl, Right};
    use oma_dm::auth::Secret;
    use oma_dm::devinfo::DeviceInfo;
    use oma_dm::session::server::{ServerConfig, ServerSession, Tag};
    use oma_dm::syncml::{Command, StatusCode};

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
