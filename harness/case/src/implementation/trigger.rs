//! How a product is made to do something.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credentials::Secret;
use super::start::Command;

/// How a product is made to do something. What has no trigger it does by itself, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Triggers {
    /// Makes a server open a delegation, or take part in one.
    pub start_delegation: Option<Trigger>,
    /// Makes a client open a DM session with a server (`${server}` is its identifier).
    pub contact_server: Option<Trigger>,
    /// Makes a client fetch the bootstrap that step 4 told it of, where it does not by itself.
    pub fetch_bootstrap: Option<Trigger>,
    /// Puts a device back to where it was before the first delegation.
    pub reset_device: Option<Trigger>,
    /// Puts the account of DMS-1 onto a client, where its configuration does not have it.
    pub provision_account: Option<Trigger>,
    /// Hands a notification (package 0) to a device: the body is the notification, whatever `body` says.
    pub notify_device: Option<HttpTrigger>,
    /// Prepares a Bootstrap Server to hand out the bootstrap of a device.
    pub provision_bootstrap: Option<Trigger>,
}

impl Triggers {
    /// Every trigger there is, with its name; that of notifications is none of these.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Trigger)> {
        let named = [
            ("start-delegation", &self.start_delegation),
            ("contact-server", &self.contact_server),
            ("fetch-bootstrap", &self.fetch_bootstrap),
            ("reset-device", &self.reset_device),
            ("provision-account", &self.provision_account),
            ("provision-bootstrap", &self.provision_bootstrap),
        ];
        named
            .into_iter()
            .filter_map(|(name, trigger)| Some((name, trigger.as_ref()?)))
    }

    /// Whether somebody has to do something by hand.
    pub fn ask_the_operator(&self) -> bool {
        self.all()
            .any(|(_, trigger)| matches!(trigger, Trigger::Prompt(_)))
    }
}

/// One way to make a product do something; variables of the delegation may be used in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// An HTTP request.
    Http(HttpTrigger),
    /// A command that is run to its end.
    Command(Command),
    /// A text that asks the operator to do it.
    Prompt(String),
}

/// An HTTP request that is a trigger; any 2xx answer says that it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpTrigger {
    /// The method.
    #[serde(default = "post")]
    pub method: String,
    /// The URL (http or https).
    pub url: String,
    /// Further header fields.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// The body.
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
