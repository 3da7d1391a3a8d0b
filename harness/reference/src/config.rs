//! The configuration file of a process: one TOML file, one section per role.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use oma_dm::acl::Acl;
use oma_dm::uri::NodeUri;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::role::RoleName;
use crate::url::Url;

/// The most devices in a section.
const MAX_DEVICES: usize = 100_000;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Certificates of every role that has none of its own.
    #[serde(default)]
    pub(crate) tls: TlsFiles,
    pub(crate) dms_1: Option<DelegatingServer>,
    pub(crate) dms_2: Option<DelegatedServer>,
    pub(crate) bootstrap_server: Option<BootstrapServer>,
    pub(crate) dm_client: Option<DmClient>,
}

/// Where certificates are read from; PEM.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsFiles {
    /// The authorities that are trusted.
    pub(crate) roots: Option<PathBuf>,
    /// The own certificate, followed by the authorities between it and the root.
    pub(crate) certificate: Option<PathBuf>,
    /// The key of the own certificate.
    pub(crate) key: Option<PathBuf>,
    /// Revocation lists; a peer on one of them is refused.
    #[serde(default)]
    pub(crate) revocation_lists: Vec<PathBuf>,
}

impl TlsFiles {
    /// These files, and where nothing is said, those of `other`.
    fn or(&self, other: &Self) -> Self {
        let lists = if self.revocation_lists.is_empty() {
            other
        } else {
            self
        };
        Self {
            roots: self.roots.clone().or_else(|| other.roots.clone()),
            certificate: self.certificate.clone().or_else(|| other.certificate.clone()),
            key: self.key.clone().or_else(|| other.key.clone()),
            revocation_lists: lists.revocation_lists.clone(),
        }
    }

    /// Takes relative paths as relative to the configuration file.
    fn resolve(&mut self, folder: &Path) {
        let files = [&mut self.roots, &mut self.certificate, &mut self.key];
        let paths = files.into_iter().flatten().chain(&mut self.revocation_lists);
        for path in paths {
            *path = folder.join(&*path);
        }
    }
}

/// Section `[dms-1]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DelegatingServer {
    #[serde(deserialize_with = "server_id")]
    pub(crate) server_id: String,
    /// Where devices open DM sessions.
    pub(crate) dm_listen: SocketAddr,
    /// The URL that devices have of it.
    pub(crate) dm_url: Url,
    /// Where its peers send delegation messages.
    pub(crate) delegation_listen: SocketAddr,
    #[serde(default = "delegation_path", deserialize_with = "path")]
    pub(crate) delegation_path: String,
    #[serde(deserialize_with = "loopback")]
    pub(crate) management_listen: SocketAddr,
    /// What devices authenticate with, and it to them.
    pub(crate) credentials: Credentials,
    #[serde(default)]
    pub(crate) bootstrap_config: BootstrapConfig,
    /// Where devices keep their accounts.
    #[serde(default = "account_root", deserialize_with = "node_uri")]
    pub(crate) account_root: NodeUri,
    /// Whether it removes its account in delegations that a peer opens.
    #[serde(default)]
    pub(crate) remove_account: bool,
    #[serde(default)]
    pub(crate) tls: TlsFiles,
    #[serde(default)]
    pub(crate) timeouts: Timeouts,
    #[serde(default, rename = "peer")]
    pub(crate) peers: Vec<Peer>,
}

/// Section `[dms-2]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DelegatedServer {
    #[serde(deserialize_with = "server_id")]
    pub(crate) server_id: String,
    pub(crate) dm_listen: SocketAddr,
    pub(crate) dm_url: Url,
    pub(crate) delegation_listen: SocketAddr,
    #[serde(default = "delegation_path", deserialize_with = "path")]
    pub(crate) delegation_path: String,
    #[serde(deserialize_with = "loopback")]
    pub(crate) management_listen: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) bootstrap: BootstrapUrls,
    #[serde(default)]
    pub(crate) tls: TlsFiles,
    #[serde(default)]
    pub(crate) timeouts: Timeouts,
    #[serde(default, rename = "peer")]
    pub(crate) peers: Vec<Peer>,
}

/// Section `[bootstrap-server]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BootstrapServer {
    pub(crate) listen: SocketAddr,
    #[serde(default = "bootstrap_path", deserialize_with = "path")]
    pub(crate) path: String,
    /// Where bootstraps can be put; needed only when DMS-2 is another process and tokens are random.
    #[serde(default, deserialize_with = "optional_loopback")]
    pub(crate) management_listen: Option<SocketAddr>,
    #[serde(default)]
    pub(crate) encoding: Encoding,
    /// The account that every known device gets when nothing was put for the token.
    pub(crate) account: Option<Account>,
    /// The devices that the account is for; every device when this is absent.
    pub(crate) devices: Option<Devices>,
    #[serde(default)]
    pub(crate) tls: TlsFiles,
}

/// Section `[dm-client]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DmClient {
    #[serde(deserialize_with = "loopback")]
    pub(crate) management_listen: SocketAddr,
    pub(crate) devices: Devices,
    #[serde(default = "manufacturer")]
    pub(crate) manufacturer: String,
    #[serde(default = "model")]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) encoding: Encoding,
    /// The account of DMS-1 that each device starts with.
    pub(crate) account: Account,
    /// What is known of DMS-2 without a bootstrap; only for the deviation `session-before-bootstrap`.
    pub(crate) early_account: Option<Account>,
    #[serde(default)]
    pub(crate) bootstrap_config: BootstrapConfig,
    #[serde(default)]
    pub(crate) tls: TlsFiles,
    #[serde(default)]
    pub(crate) timeouts: Timeouts,
    /// Further nodes that each device starts with, parents first.
    #[serde(default, rename = "node")]
    pub(crate) nodes: Vec<TreeNode>,
}

/// Another server that delegations are done with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Peer {
    #[serde(deserialize_with = "server_id")]
    pub(crate) server_id: String,
    #[serde(deserialize_with = "secure_url")]
    pub(crate) delegation_url: Url,
}

/// What a device and a server authenticate with. In texts, `${device}` stands for the device identifier.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Credentials {
    #[serde(default = "device_variable")]
    pub(crate) client_name: String,
    pub(crate) client_password: String,
    /// The first nonce of the device, base64 in the file.
    #[serde(default, deserialize_with = "nonce")]
    pub(crate) client_nonce: Vec<u8>,
    pub(crate) server_password: String,
    /// The first nonce of the server, base64 in the file.
    #[serde(default, deserialize_with = "nonce")]
    pub(crate) server_nonce: Vec<u8>,
}

impl Credentials {
    /// The credentials of one device.
    pub(crate) fn of(&self, device: &str) -> Self {
        let fill = |pattern: &str| pattern.replace("${device}", device);
        Self {
            client_name: fill(&self.client_name),
            client_password: fill(&self.client_password),
            server_password: fill(&self.server_password),
            ..self.clone()
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("client_name", &self.client_name)
            .finish_non_exhaustive()
    }
}

/// A server as a device knows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Account {
    #[serde(deserialize_with = "server_id")]
    pub(crate) server_id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) address: Url,
    pub(crate) credentials: Credentials,
}

/// Where DMS-2's bootstraps are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct BootstrapUrls {
    /// What the URL that is handed out begins with; the token follows after a `/`.
    #[serde(deserialize_with = "secure_url")]
    pub(crate) url: Url,
    /// Random where the Bootstrap Server can be told, the device where not.
    pub(crate) token: Option<Token>,
    /// The management address of a Bootstrap Server in another process, where bootstraps are put.
    #[serde(default, deserialize_with = "optional_plain_url")]
    pub(crate) provision: Option<Url>,
}

/// What the last segment of a bootstrap URL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Token {
    /// Nothing that can be guessed; the Bootstrap Server must be told (same process, or `provision`).
    Random,
    /// The device identifier, percent-encoded.
    Device,
}

/// How SyncML is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Encoding {
    Xml,
    #[default]
    Wbxml,
}

/// The devices: a pattern with a number, and names of their own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Devices {
    /// The identifier, with `{}` where the number from 1 to `count` goes.
    pub(crate) pattern: String,
    pub(crate) count: u32,
    pub(crate) ids: Vec<String>,
}

impl Devices {
    /// All identifiers.
    pub(crate) fn all(&self) -> impl Iterator<Item = String> {
        let numbered = (1..=self.count).map(|number| self.pattern.replace("{}", &number.to_string()));
        numbered.chain(self.ids.iter().cloned())
    }

    /// What is wrong with them, if anything is.
    fn problem(&self) -> Option<String> {
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        let all = count.saturating_add(self.ids.len());
        match () {
            () if all > MAX_DEVICES => Some(format!(
                "`devices` names {all}, and {MAX_DEVICES} is the most: write fewer"
            )),
            () if count > 0 && self.pattern.is_empty() => Some(
                "`devices.count` is without `devices.pattern`: write one, with `{}` where the number goes"
                    .to_owned(),
            ),
            () if count > 1 && !self.pattern.contains("{}") => Some(format!(
                "`devices.pattern = \"{}\"` gives all {count} devices the same identifier: write `{{}}` where the number goes",
                self.pattern
            )),
            () => None,
        }
    }
}

/// The place of Bootstrap Server URLs in the tree. No public text fixes the names; these are this implementation's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct BootstrapConfig {
    #[serde(deserialize_with = "node_uri")]
    pub(crate) root: NodeUri,
    #[serde(deserialize_with = "node_name")]
    pub(crate) url_leaf: String,
}

impl Default for BootstrapConfig {
    fn default() -> Self {
        let root = NodeUri::parse("./BootstrapConfig").expect("a constant that is a URI");
        Self {
            root,
            url_leaf: "URL".to_owned(),
        }
    }
}

/// A node that each device starts with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TreeNode {
    #[serde(deserialize_with = "node_uri")]
    pub(crate) uri: NodeUri,
    /// The text of a leaf; an interior node has none.
    pub(crate) value: Option<String>,
    #[serde(default, deserialize_with = "acl")]
    pub(crate) acl: Option<Acl>,
}

/// How long others may take.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Timeouts {
    request_seconds: u64,
    session_seconds: u64,
}

impl Timeouts {
    /// For a request, from dialling to the last byte of the answer.
    pub(crate) const fn request(self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    /// After which a DM session in which nothing came is given up, and its commands are sent anew.
    pub(crate) const fn session(self) -> Duration {
        Duration::from_secs(self.session_seconds)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_seconds: 30,
            session_seconds: 60,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read the configuration `{}`: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not what it must be; `problem` says at which line and column.
    #[error("understand the configuration `{}`: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what, over several lines.
        problem: String,
    },
    /// A role is to be played that the file does not describe.
    #[error("find the section `[{role}]` in `{}`: add it, or leave out the role", path.display())]
    MissingSection {
        /// The file.
        path: PathBuf,
        /// The role.
        role: RoleName,
    },
    /// A role needs a certificate file that is not named.
    #[error("find `{key}` for `{role}`: write it below `[tls]` or `[{role}.tls]`")]
    MissingTlsFile {
        /// The role.
        role: RoleName,
        /// `roots`, `certificate` or `key`.
        key: &'static str,
    },
    /// Something that can only be seen when the sections are put to use.
    #[error("use the configuration of `{role}`: {problem}")]
    Unusable {
        /// The role.
        role: RoleName,
        /// What is wrong, and with which key.
        problem: String,
    },
}

impl Config {
    /// Reads a file, and makes sure that it describes every role.
    pub(crate) fn load(path: &Path, roles: &[RoleName]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Malformed {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        config.settle_tls(path.parent().unwrap_or_else(|| Path::new("")));
        if let Some(&role) = roles.iter().find(|role| !config.describes(**role)) {
            return Err(ConfigError::MissingSection {
                path: path.to_owned(),
                role,
            });
        }
        match config.problem_with_devices() {
            Some((role, problem)) => Err(ConfigError::Unusable { role, problem }),
            None => Ok(config),
        }
    }

    fn problem_with_devices(&self) -> Option<(RoleName, String)> {
        let of_client = self.dm_client.as_ref().map(|section| &section.devices);
        let of_server = self
            .bootstrap_server
            .as_ref()
            .and_then(|section| section.devices.as_ref());
        let sections = [
            (RoleName::DmClient, of_client),
            (RoleName::BootstrapServer, of_server),
        ];
        sections
            .into_iter()
            .find_map(|(role, devices)| Some((role, devices?.problem()?)))
    }

    fn describes(&self, role: RoleName) -> bool {
        match role {
            RoleName::DmClient => self.dm_client.is_some(),
            RoleName::Dms1 => self.dms_1.is_some(),
            RoleName::Dms2 => self.dms_2.is_some(),
            RoleName::BootstrapServer => self.bootstrap_server.is_some(),
        }
    }

    /// Gives each section the files it uses.
    fn settle_tls(&mut self, folder: &Path) {
        let sections = [
            self.dms_1.as_mut().map(|section| &mut section.tls),
            self.dms_2.as_mut().map(|section| &mut section.tls),
            self.bootstrap_server.as_mut().map(|section| &mut section.tls),
            self.dm_client.as_mut().map(|section| &mut section.tls),
        ];
        for files in sections.into_iter().flatten() {
            *files = files.or(&self.tls);
            files.resolve(folder);
        }
    }
}

fn account_root() -> NodeUri {
    NodeUri::parse("./DMAcc").expect("a constant that is a URI")
}

fn delegation_path() -> String {
    "/delegation".to_owned()
}

fn bootstrap_path() -> String {
    "/bootstrap".to_owned()
}

fn device_variable() -> String {
    "${device}".to_owned()
}

fn manufacturer() -> String {
    "Example Devices".to_owned()
}

fn model() -> String {
    "Model 1".to_owned()
}

fn server_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match oma_dm::acl::check_server_id(&text) {
        Ok(()) => Ok(text),
        Err(error) => Err(D::Error::custom(error)),
    }
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.starts_with('/') && !text.contains(['?', '#']) {
        true => Ok(text),
        false => Err(D::Error::custom(
            "a path begins with `/` and has neither query nor fragment",
        )),
    }
}

fn loopback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let address = SocketAddr::deserialize(deserializer)?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err(D::Error::custom(
            "management is without TLS; write a loopback address, such as 127.0.0.1:8080",
        )),
    }
}

fn secure_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let url = Url::deserialize(deserializer)?;
    match url.is_secure() {
        true => Ok(url),
        false => Err(D::Error::custom(
            "nothing is spoken here without TLS; write a URL that begins with https://",
        )),
    }
}

fn optional_plain_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let url = Url::deserialize(deserializer)?;
    match url.is_secure() {
        true => Err(D::Error::custom(
            "management is without TLS; write a URL that begins with http://",
        )),
        false => Ok(Some(url)),
    }
}

fn optional_loopback<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    loopback(deserializer).map(Some)
}

fn nonce<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    BASE64
        .decode(text)
        .map_err(|error| D::Error::custom(format_args!("a nonce is written in base64: {error}")))
}

fn acl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Acl>, D::Error> {
    Acl::parse(&String::deserialize(deserializer)?)
        .map(Some)
        .map_err(D::Error::custom)
}

fn node_uri<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodeUri, D::Error> {
    NodeUri::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn node_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match account_root().join(&name) {
        Ok(_) => Ok(name),
        Err(error) => Err(D::Error::custom(error)),
    }
}
