//! The mock DM Client: a management tree with ACLs, accounts, and the sessions that it opens.

mod answers;
mod polls;
mod session;
mod state;

use std::sync::Arc;

use dmconform_case::test_case::FieldChange;
use dmconform_judge::content_type;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Event, MessageId, Role, Step};
use dmconform_oddity::Oddity;
use oma_dm::account::Account;
use oma_dm::auth::Secret;
use oma_dm::bootstrap;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::tree::Tree;
use oma_dm::uri::NodeUri;

pub use self::polls::poll;
use self::session::session;
pub use self::state::{record_state, record_whole_state};
use crate::change::Changes;
use crate::context::{CaseContext, endpoint};
use crate::dial::{Line, Outgoing};
use crate::hostile;
use crate::script::Performed;
use crate::stage::{Presents, Stage};

/// The mock client of one case.
pub struct MockClient {
    /// Its management tree.
    pub tree: Tree,
    /// What it says of itself.
    pub device_info: DeviceInfo,
    /// The number of its last session, which the next one's identifier follows.
    last_session: u16,
    to_dms_1: Option<Line>,
    to_dms_2: Option<Line>,
}

impl MockClient {
    /// A client with this tree, whose last session had this number: a server may take a session for one that it knows already where
    /// their identifiers are the same.
    pub const fn new(tree: Tree, device_info: DeviceInfo, last_session: u16) -> Self {
        Self {
            tree,
            device_info,
            last_session,
            to_dms_1: None,
            to_dms_2: None,
        }
    }

    const fn line_to(&mut self, server: Role) -> &mut Option<Line> {
        match server {
            Role::Dms1 => &mut self.to_dms_1,
            _ => &mut self.to_dms_2,
        }
    }
}

/// Fetches the bootstrap from the URL of the newest entry, and applies it.
pub(crate) async fn fetch(stage: &Arc<Stage>, context: &Arc<CaseContext>, changes: &Changes) -> Performed {
    let room = context.room_for_session().await;
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
            "application/vnd.syncml.dm+wbxml, application/vnd.syncml.dm+xml, application/vnd.wap.connectivity-wbxml, \
             text/vnd.wap.connectivity-xml"
                .to_owned(),
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
    let answered = stage.exchange(context, outgoing).await;
    drop(room);
    let answer = match answered {
        Ok(answer) => answer,
        Err(failed) => {
            return Performed::Stuck(format!("the bootstrap could not be fetched: {}", failed.reason));
        }
    };
    if !(200..300).contains(&answer.status) {
        return Performed::Stuck(format!("the bootstrap was answered with {}", answer.status));
    }
    let applied = stage
        .readings
        .bootstrap(&answer.body, content_type(&answer.headers))
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
    let _room = context.room_for_session().await;
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
        let used = account.clone();
        if let Err(reason) = session(stage, context, &mut client, Role::Dms2, &root, used, None).await {
            return Performed::Stuck(format!("the session with DMS-2 failed: {reason}"));
        }
        // What was used may be used again until there is another (OMA-TS-DM_Security 5.3.3).
        if !has_new_nonce(&client.tree, &root, &account) {
            return Performed::Stuck("DMS-2 has given the client no new nonce".to_owned());
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

/// Whether the client has another nonce for a server by now than the one that it has used.
fn has_new_nonce(tree: &Tree, root: &NodeUri, used: &Account) -> bool {
    let nonce = |account: &Account| {
        account
            .client_credentials
            .as_ref()
            .map(|known| known.nonce.clone())
    };
    Account::read(tree, root).is_ok_and(|account| nonce(&account) != nonce(used))
}

/// Gives the client another secret than its own, or none.
fn change_credentials(account: &mut Account, change: &FieldChange) {
    match (change, &mut account.client_credentials) {
        (FieldChange::Removed, credentials) => *credentials = None,
        (FieldChange::To(secret), Some(credentials)) => credentials.secret = Secret::new(secret),
        (FieldChange::To(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use oma_dm::account::Credentials;

    use super::*;

    #[test]
    fn a_nonce_is_new_only_once_the_server_has_given_another() {
        let account = |nonce: &[u8]| {
            let mut account = Account::new("dms2.example", "https://dms2.example/dm");
            let credentials = Credentials::digest("device-1", Secret::new("of the device"), nonce.to_vec());
            account.client_credentials = Some(credentials);
            account
        };
        let root = NodeUri::parse("./DMAcc/dms2").expect("it is a URI");
        let has_new = |now: &[u8]| {
            let mut tree = Tree::new();
            account(now).write_to(&mut tree, &root).expect("there is room");
            has_new_nonce(&tree, &root, &account(b"nonce-A"))
        };
        assert!(!has_new(b"nonce-A"));
        assert!(has_new(b"nonce-B"));
    }
}
