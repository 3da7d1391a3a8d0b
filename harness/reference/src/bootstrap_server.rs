//! The Bootstrap Server: hands out the bootstraps that DMS-2 has put there (step 5).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use oma_dm::bootstrap;
use oma_dm::syncml;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::accounts;
use crate::background::lock;
use crate::config::{Account, Credentials, Encoding};
use crate::delegation::ledger::Bootstrap;
use crate::deviation::{Deviation, Deviations};
use crate::http::client::{HttpClient, Question};
use crate::http::server::{Handler, HttpRequest, Reply};
use crate::management;
use crate::url::{Url, decode_segment};

/// The most bootstraps that are kept; the first to come are the first to go.
const MAX_BOOTSTRAPS: usize = 16_384;

/// The bootstraps, by the token in their URL.
#[derive(Debug, Default)]
pub(crate) struct Store {
    kept: Mutex<Kept>,
    /// Whom to tell that a bootstrap was fetched.
    listener: Mutex<Option<mpsc::UnboundedSender<Fetch>>>,
}

/// Somebody fetches a bootstrap.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) token: String,
    /// Told when this has been heard.
    pub(crate) heard: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    by_token: BTreeMap<String, (u64, Account)>,
    next: u64,
}

impl Store {
    /// Keeps the account that is handed out for a token.
    pub(crate) fn put(&self, token: &str, account: Account) {
        let mut kept = lock(&self.kept);
        kept.next += 1;
        let number = kept.next;
        kept.by_token.insert(token.to_owned(), (number, account));
        if kept.by_token.len() > MAX_BOOTSTRAPS {
            let oldest = kept.by_token.iter().min_by_key(|(_, (number, _))| *number);
            if let Some(token) = oldest.map(|(token, _)| token.clone()) {
                kept.by_token.remove(&token);
            }
        }
    }

    /// Hears from now on which tokens are fetched.
    pub(crate) fn listen(&self) -> mpsc::UnboundedReceiver<Fetch> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *lock(&self.listener) = Some(sender);
        receiver
    }

    fn account(&self, token: &str) -> Option<Account> {
        lock(&self.kept)
            .by_token
            .get(token)
            .map(|(_, account)| account.clone())
    }

    /// Says that a bootstrap is being fetched, and waits until that was heard: the client may be quick to open its session.
    async fn is_being_fetched(&self, token: &str) {
        let (heard, hearing) = oneshot::channel();
        let fetch = Fetch {
            token: token.to_owned(),
            heard,
        };
        let is_said = lock(&self.listener)
            .as_ref()
            .is_some_and(|listener| listener.send(fetch).is_ok());
        if is_said {
            // Whoever listens may be gone by now.
            drop(hearing.await);
        }
    }
}

/// How DMS-2 puts bootstraps where they are fetched.
pub(crate) enum Provider {
    /// Into the store of this process.
    Shared { store: Arc<Store>, account: Account },
    /// To the management address of another process.
    Remote {
        client: HttpClient,
        url: Url,
        account: Account,
    },
    /// Not at all: the Bootstrap Server knows every device, or this server is not DMS-2.
    Nowhere,
}

impl Provider {
    /// Puts a bootstrap there.
    pub(crate) async fn provide(&self, bootstrap: Bootstrap) -> Result<(), String> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Shared { store, account } => {
                store.put(&bootstrap.token, resolved(account, &bootstrap.device));
                Ok(())
            }
            Self::Remote { client, url, account } => {
                let account = resolved(account, &bootstrap.device);
                let body = management::to_json(&Description::of(&account));
                let question = Question {
                    method: "PUT",
                    body: Some((management::JSON, body)),
                    accept: None,
                    hmac: None,
                };
                let url = url.with_segment("bootstraps").parse::<Url>();
                let url = url.and_then(|url| url.with_segment(&bootstrap.token).parse::<Url>());
                let url = url.map_err(|error| format!("failed to {error}"))?;
                let answer = client
                    .ask(&url, question)
                    .await
                    .map_err(|error| format!("failed to {error}"))?;
                match answer.is_success() {
                    true => Ok(()),
                    false => Err(format!("the Bootstrap Server answered {}", answer.status)),
                }
            }
        }
    }
}

/// The account of one device.
fn resolved(account: &Account, device: &str) -> Account {
    Account {
        credentials: account.credentials.of(device),
        ..account.clone()
    }
}

/// What answers devices.
pub(crate) struct BootstrapServer {
    pub(crate) path: String,
    pub(crate) encoding: Encoding,
    pub(crate) store: Arc<Store>,
    /// The account for devices of which nothing was put, and those devices; all when there is no list.
    pub(crate) fallback: Option<(Account, Option<Vec<String>>)>,
    pub(crate) deviations: Deviations,
}

impl BootstrapServer {
    fn account(&self, token: &str) -> Option<Account> {
        if let Some(account) = self.store.account(token) {
            return Some(account);
        }
        let (account, devices) = self.fallback.as_ref()?;
        let is_known = devices
            .as_ref()
            .is_none_or(|devices| devices.iter().any(|device| device == token));
        is_known.then(|| resolved(account, token))
    }

    fn document(&self, account: &Account) -> Option<(&'static str, Vec<u8>)> {
        let mut account = accounts::to_wire(account);
        let has = |deviation| self.deviations.has(deviation);
        if has(Deviation::BootstrapForAnotherServer) {
            account.server_id = format!("another-{}", account.server_id);
        }
        if has(Deviation::BootstrapOfUnnamedServer) {
            let address = account.address.parse::<Url>();
            account.server_id = address.map_or_else(|_| "unnamed".to_owned(), |url| url.host().to_owned());
        }
        if has(Deviation::WrongAddressInBootstrap) {
            account.address = format!("{}/elsewhere", account.address.trim_end_matches('/'));
        }
        if let Some(credentials) = &mut account.client_credentials
            && has(Deviation::WrongCredentialsInBootstrap)
        {
            credentials.secret = oma_dm::auth::Secret::new("not the password");
        }
        let (media_type, encoding) = match self.encoding {
            Encoding::Wbxml => ("application/vnd.syncml.dm+wbxml", syncml::Encoding::Wbxml),
            Encoding::Xml => ("application/vnd.syncml.dm+xml", syncml::Encoding::Xml),
        };
        let mut document = bootstrap::write_dm_profile(&account, encoding).ok()?;
        if has(Deviation::UnreadableBootstrap) {
            document.truncate(document.len() / 2);
        }
        if has(Deviation::EmptyBootstrap) {
            document.clear();
        }
        Some((media_type, document))
    }
}

impl Handler for BootstrapServer {
    async fn handle(self: Arc<Self>, request: HttpRequest) -> Reply {
        if request.method != "GET" {
            return Reply::empty(405);
        }
        let rest = request.path.strip_prefix(self.path.trim_end_matches('/'));
        let token = rest
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(decode_segment);
        let found = token.and_then(|token| Some((self.account(&token)?, token)));
        let Some((account, token)) = found.filter(|_| !self.deviations.has(Deviation::NoBootstrap)) else {
            return Reply::empty(404);
        };
        match self.document(&account) {
            Some((media_type, document)) => {
                self.store.is_being_fetched(&token).await;
                Reply::new(200, media_type, document)
            }
            None => Reply::empty(500),
        }
    }
}

/// Takes the bootstraps that a DMS-2 in another process puts.
pub(crate) struct BootstrapManagement {
    pub(crate) store: Arc<Store>,
}

impl Handler for BootstrapManagement {
    async fn handle(self: Arc<Self>, request: HttpRequest) -> Reply {
        let token = request.path.strip_prefix("/bootstraps/").and_then(decode_segment);
        let Some(token) = token.filter(|token| !token.is_empty() && token.len() <= 512) else {
            return management::error(404, "there is nothing here but /bootstraps/TOKEN");
        };
        if request.method != "PUT" {
            return management::error(405, "write PUT");
        }
        let description: Result<Description, _> = serde_json::from_slice(&request.body);
        let account = description
            .map_err(|error| format!("failed to read the account: {error}"))
            .and_then(Description::account);
        match account {
            Ok(account) => {
                self.store.put(&token, account);
                Reply::empty(204)
            }
            Err(problem) => management::error(400, &problem),
        }
    }
}

/// An account as it is put at the management address. Nonces are in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Description {
    server_id: String,
    #[serde(default)]
    name: Option<String>,
    address: String,
    client_name: String,
    client_password: String,
    #[serde(default)]
    client_nonce: String,
    server_password: String,
    #[serde(default)]
    server_nonce: String,
}

impl Description {
    fn of(account: &Account) -> Self {
        let credentials = account.credentials.clone();
        Self {
            server_id: account.server_id.clone(),
            name: account.name.clone(),
            address: account.address.to_string(),
            client_name: credentials.client_name,
            client_password: credentials.client_password,
            client_nonce: BASE64.encode(credentials.client_nonce),
            server_password: credentials.server_password,
            server_nonce: BASE64.encode(credentials.server_nonce),
        }
    }

    fn account(self) -> Result<Account, String> {
        let nonce = |text: &str| {
            BASE64
                .decode(text)
                .map_err(|error| format!("failed to read a nonce: {error}"))
        };
        let credentials = Credentials {
            client_nonce: nonce(&self.client_nonce)?,
            server_nonce: nonce(&self.server_nonce)?,
            client_name: self.client_name,
            client_password: self.client_password,
            server_password: self.server_password,
        };
        let address = self
            .address
            .parse()
            .map_err(|error| format!("failed to {error}"))?;
        Ok(Account {
            server_id: self.server_id,
            name: self.name,
            address,
            credentials,
        })
    }
}
