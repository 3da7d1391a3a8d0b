//! Implementation files: what a product claims (ICS) and what the harness must know to test it (IXIT).

use std::collections::BTreeMap;

use dmconform_model::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_text::as_text;
use crate::claims::{Authentication, BootstrapForm, Claim, Encoding};
use crate::schema::names;
use crate::test_case::Opener;

/// One product and how it is tested, as `fixtures/implementations/*.yaml` states it.
///
/// Texts may contain variables, `${name}`; [`crate::template`] says which there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Implementation {
    /// Who makes it and what it is called.
    pub implementation: Product,
    /// The roles it plays; every other role is a mock.
    #[schemars(with = "Vec<names::Role>", length(min = 1))]
    pub plays: Vec<Role>,
    /// What it claims to support.
    #[serde(default)]
    pub supports: Supports,
    /// The identifiers of the roles it plays.
    #[serde(default)]
    #[schemars(with = "names::ByRole<Identity>")]
    pub identity: BTreeMap<Role, Identity>,
    /// The devices that cases lease; each runs one case at a time.
    pub devices: Devices,
    /// Names of free TCP ports that the harness picks: `${port.NAME}`.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Where it listens.
    #[serde(default)]
    #[schemars(with = "names::ByRole<Endpoints>")]
    pub endpoints: BTreeMap<Role, Endpoints>,
    /// Files written to its working directory before it starts: name → content.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// How it is started; absent for a product that runs already.
    #[serde(default)]
    pub start: Option<Start>,
    /// How it is made to do something.
    #[serde(default)]
    pub triggers: Triggers,
    /// How long it may take.
    #[serde(default)]
    pub limits: Limits,
    /// The credentials in use between the device and the servers.
    #[serde(default)]
    pub credentials: Credentials,
}

/// A product's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Product {
    /// Who makes it.
    pub vendor: String,
    /// What it is called.
    pub product: String,
    /// Which version.
    pub version: String,
}

/// What a product claims to support (ICS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Supports {
    /// Who may open a delegation in which it takes part.
    pub opens: Opens,
    /// Whether, as DMS-1, it removes its own account (step 8b).
    pub removes_own_account: Removal,
    /// How the messages of its DM sessions may be written. A client says in which way it writes itself.
    pub encodings: Vec<Encoding>,
    /// How it proves itself in DM sessions, and lets others do it.
    pub authentication: Vec<Authentication>,
    /// The forms of bootstrap documents that it takes, as a client.
    pub bootstraps: Vec<BootstrapForm>,
    /// Further claims.
    pub claims: Vec<Claim>,
}

impl Supports {
    /// Whether a claim is made, by the name that requirements use for it: of an encoding, a way to prove oneself, a form of
    /// bootstrap, or anything else.
    pub fn includes(&self, claim: &str) -> bool {
        self.encodings.iter().any(|known| known.as_str() == claim)
            || self.authentication.iter().any(|known| known.as_str() == claim)
            || self.bootstraps.iter().any(|known| known.as_str() == claim)
            || self.claims.iter().any(|known| known.as_str() == claim)
    }
}

impl Default for Supports {
    fn default() -> Self {
        Self {
            opens: Opens::default(),
            removes_own_account: Removal::default(),
            encodings: vec![Encoding::default()],
            authentication: vec![Authentication::default()],
            bootstraps: vec![BootstrapForm::default()],
            claims: Vec::new(),
        }
    }
}

/// Who may open a delegation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Opens {
    /// DMS-1 only.
    #[serde(rename = "dms-1")]
    Dms1,
    /// DMS-2 only.
    #[serde(rename = "dms-2")]
    Dms2,
    /// Either.
    #[default]
    #[serde(rename = "either")]
    Either,
}

impl Opens {
    /// Whether this claim includes an opener.
    pub const fn includes(self, opener: Opener) -> bool {
        matches!(
            (self, opener),
            (Self::Either, _) | (Self::Dms1, Opener::Dms1) | (Self::Dms2, Opener::Dms2)
        )
    }
}

/// Whether DMS-1 removes its own account from the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// In every delegation.
    Always,
    /// In none.
    Never,
    /// When the trigger asks for it.
    #[default]
    OnRequest,
}

/// The identifiers of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// The server identifier (DMAcc ServerID).
    pub server_id: String,
}

/// The pool of devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Devices {
    /// The device identifier with `{}` where a number goes, from 1 to `count`: `urn:example:{}`.
    pub pattern: String,
    /// How many there are.
    pub count: u32,
    /// The manufacturer in DevInfo.
    #[serde(default = "default_manufacturer")]
    pub manufacturer: String,
    /// The model in DevInfo.
    #[serde(default = "default_model")]
    pub model: String,
}

fn default_manufacturer() -> String {
    "Example Devices".to_owned()
}

fn default_model() -> String {
    "Model 1".to_owned()
}

impl Devices {
    /// The identifier of the device with a number, from 1.
    pub fn id(&self, number: u32) -> String {
        self.pattern.replace("{}", &number.to_string())
    }
}

/// Where a role of the product listens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Endpoints {
    /// The URL of DM sessions.
    pub dm: Option<String>,
    /// The URL of messages between the servers.
    pub delegation: Option<String>,
    /// The URL of the bootstrap of one device; `${device}` stands for its identifier.
    pub bootstrap: Option<String>,
}

/// How a product is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Start {
    /// The program and its arguments. `${self}` is this harness.
    pub command: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// When it is ready.
    pub ready: Ready,
}

/// When a product is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ready {
    /// The addresses that must accept connections.
    pub tcp: Vec<String>,
    /// How long that may take.
    pub within: Duration,
}

/// How a product is made to do something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Triggers {
    /// Makes a server open a delegation, or take part in one.
    pub start_delegation: Option<HttpTrigger>,
    /// Makes a client open a DM session with a server (`${server}` is its identifier).
    pub contact_server: Option<HttpTrigger>,
    /// Puts a device back to where it was before the first delegation.
    pub reset_device: Option<HttpTrigger>,
    /// Hands a notification (package 0) to a device: the body is the notification, whatever `body` says.
    pub notify_device: Option<HttpTrigger>,
    /// Prepares a Bootstrap Server to hand out the bootstrap of a device.
    pub provision_bootstrap: Option<HttpTrigger>,
}

/// An HTTP request that is a trigger; any 2xx answer says that it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpTrigger {
    /// The method.
    #[serde(default = "post")]
    pub method: String,
    /// The URL (plain HTTP).
    pub url: String,
    /// The body; variables of the delegation may be used in it.
    #[serde(default)]
    pub body: String,
    /// The media type of the body.
    #[serde(default = "json")]
    pub media_type: String,
}

fn post() -> String {
    "POST".to_owned()
}

fn json() -> String {
    "application/json".to_owned()
}

/// How long a product may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// The longest it takes to react to something when nothing holds it up. A window that is shorter proves nothing.
    pub reacts_within: Duration,
    /// How long a message is held back to see what the product does meanwhile.
    pub window: Duration,
    /// How long an awaited message may take before it counts as not sent.
    pub step_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reacts_within: Duration { milliseconds: 10_000 },
            window: Duration { milliseconds: 15_000 },
            step_deadline: Duration { milliseconds: 30_000 },
        }
    }
}

/// A span of time, written with its unit: `300ms`, `20s`, `2min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    /// Its length in milliseconds.
    pub milliseconds: u64,
}

impl Duration {
    /// The span as the standard library has it.
    pub const fn get(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.milliseconds)
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.milliseconds {
            0 => f.write_str("0s"),
            ms if ms.is_multiple_of(60_000) => write!(f, "{}min", ms / 60_000),
            ms if ms.is_multiple_of(1000) => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl std::str::FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || format!("read `{text}` as a span of time: write a number and ms, s or min, such as `300ms`");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text
            .get(..digits)
            .and_then(|number| number.parse().ok())
            .ok_or_else(problem)?;
        let factor = match text.get(digits..).map(str::trim) {
            Some("ms") => 1,
            Some("s") => 1000,
            Some("min") => 60_000,
            _ => return Err(problem()),
        };
        let milliseconds = number
            .checked_mul(factor)
            .filter(|ms| *ms <= 86_400_000)
            .ok_or_else(problem)?;
        Ok(Self { milliseconds })
    }
}

as_text!(Duration);

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ *(ms|s|min)$",
            "description": "A span of time with its unit, such as 300ms, 20s or 2min."
        })
    }
}

/// The credentials in use between the device and the servers (test credentials; patterns may use `${device}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Credentials {
    /// Between the device and DMS-1.
    pub dms_1: AccountCredentials,
    /// Between the device and DMS-2.
    pub dms_2: AccountCredentials,
}

impl Default for Credentials {
    fn default() -> Self {
        let account = |server: &str| AccountCredentials {
            client_name: "${device}".to_owned(),
            client_secret: format!("client-secret-{server}"),
            server_secret: format!("server-secret-{server}"),
            nonce: "bm9uY2U=".to_owned(),
            node: format!("./DMAcc/dms{server}"),
        };
        Self {
            dms_1: account("1"),
            dms_2: account("2"),
        }
    }
}

/// The credentials of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AccountCredentials {
    /// The name the device authenticates with (AAuthName).
    pub client_name: String,
    /// The device's secret.
    pub client_secret: String,
    /// The server's secret; its name is its server identifier.
    pub server_secret: String,
    /// The first nonce, in base64.
    pub nonce: String,
    /// The root node of the account in the client's tree.
    pub node: String,
}
