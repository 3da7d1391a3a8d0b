//! The management port of the DM Client: JSON over plain HTTP on loopback.

use std::sync::Arc;

use oma_dm::account::Account;
use oma_dm::notification::{Notification, SignedNotification, ZeroNonce};
use serde::Serialize;

use crate::background::Background;
use crate::deviation::Deviation;
use crate::dm_client::Client;
use crate::dm_client::device::Device;
use crate::dm_client::session::Opening;
use crate::http::server::{Handler, HttpRequest, Reply};
use crate::management::{JSON, error, parameter, to_json};
use crate::url::decode_segment;

/// What answers at the management port.
///
/// `GET /devices` names them, `GET /devices/ID` shows one, `POST /devices/ID/reset` puts it back,
/// `POST /devices/ID/sessions?server=ID` opens a session (with DMS-1 when no server is named); `wait=true` answers when it is over.
/// `POST /devices/ID/notifications` hands over a notification, as octets: a stand-in for WAP push.
pub(crate) struct ClientManagement {
    pub(crate) client: Arc<Client>,
    pub(crate) background: Background,
}

/// A device as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    device: String,
    is_busy: bool,
    accounts: Vec<ShownAccount>,
    nodes: Vec<ShownNode>,
    events: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShownAccount {
    server_id: String,
    address: String,
    node: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ShownNode {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    acl: String,
}

impl ClientManagement {
    async fn open_session(&self, device: &Arc<Device>, request: &HttpRequest) -> Reply {
        let server_id =
            parameter(request, "server").unwrap_or_else(|| self.client.config.account.server_id.clone());
        if Account::find(&device.tree(), &server_id).is_none() {
            return error(409, &format!("the device has no account of `{server_id}`"));
        }
        let waits = parameter(request, "wait").is_some_and(|value| value == "true");
        let (client, device) = (Arc::clone(&self.client), Arc::clone(device));
        if waits {
            return match client.run(&device, &server_id, Opening::Own).await {
                Ok(()) => Reply::new(200, JSON, to_json(&serde_json::json!({ "outcome": "done" }))),
                Err(problem) => error(502, &problem),
            };
        }
        let is_new = device.queue(&server_id);
        if is_new {
            self.background.spawn(async move {
                // What went wrong stands among the device's events.
                drop(client.run(&device, &server_id, Opening::Own).await);
            });
        }
        let state = if is_new { "begun" } else { "waiting already" };
        Reply::new(202, JSON, to_json(&serde_json::json!({ "session": state })))
    }
}

impl ClientManagement {
    /// Takes a notification. Whoever sends one learns nothing of what comes of it (OMA-TS-DM_Notification 5).
    fn notified(&self, device: &Arc<Device>, request: &HttpRequest) -> Reply {
        let found = Notification::read(&request.body)
            .map_err(|error| error.to_string())
            .and_then(|signed| self.asked_by(device, &signed));
        match found {
            Ok((server_id, session)) => {
                let (client, device) = (Arc::clone(&self.client), Arc::clone(device));
                self.background.spawn(async move {
                    // What went wrong stands among the device's events.
                    drop(client.run(&device, &server_id, Opening::Notified(session)).await);
                });
            }
            Err(problem) => device.note(format!("notification: {problem}")),
        }
        Reply::empty(202)
    }

    /// The server that a notification is from, and the session it asks for, if its digest is right.
    fn asked_by(&self, device: &Device, signed: &SignedNotification) -> Result<(String, u16), String> {
        let server_id = &signed.notification.server_id;
        let (_, account) = Account::find(&device.tree(), server_id)
            .ok_or_else(|| format!("there is no account of `{server_id}`"))?;
        let is_by = |account: Account| {
            let server = account.server_credentials;
            server.is_some_and(|server| {
                signed
                    .verify(&server.secret, &server.nonce, &ZeroNonce::ALL)
                    .is_some()
            })
        };
        let is_known = || device.first_account(server_id).is_some_and(is_by);
        let is_heeded = is_by(account)
            || self.client.has(Deviation::ActsOnForgedNotification)
            || (self.client.has(Deviation::ActsOnReplayedNotification) && is_known());
        is_heeded
            .then(|| (server_id.clone(), signed.notification.session_id))
            .ok_or_else(|| format!("its digest is not that of `{server_id}`"))
    }
}

impl Handler for ClientManagement {
    async fn handle(self: Arc<Self>, request: HttpRequest) -> Reply {
        let mut segments = request.path.trim_start_matches('/').split('/');
        if segments.next() != Some("devices") {
            return error(404, "there is nothing here but /devices");
        }
        let Some(id) = segments.next().filter(|id| !id.is_empty()) else {
            let ids: Vec<_> = self.client.devices.keys().collect();
            return Reply::new(200, JSON, to_json(&ids));
        };
        let device = decode_segment(id).and_then(|id| self.client.devices.get(&id));
        let Some(device) = device else {
            return error(404, "there is no such device");
        };
        match (request.method.as_str(), segments.next(), segments.next()) {
            ("GET", None, None) => Reply::new(200, JSON, to_json(&shown(device))),
            ("POST", Some("reset"), None) => {
                device.reset();
                Reply::empty(204)
            }
            ("POST", Some("sessions"), None) => self.open_session(device, &request).await,
            ("POST", Some("notifications"), None) => self.notified(device, &request),
            _ => error(
                404,
                "write GET /devices/ID, or POST to /devices/ID/sessions, /devices/ID/notifications or /devices/ID/reset",
            ),
        }
    }
}

fn shown(device: &Device) -> Shown {
    let tree = device.tree();
    let accounts = Account::read_all(&tree)
        .into_iter()
        .map(|(node, account)| ShownAccount {
            server_id: account.server_id,
            address: account.address,
            node: node.to_string(),
        });
    let nodes = tree.nodes().map(|(uri, node)| ShownNode {
        uri: uri.to_string(),
        value: node.text().filter(|_| !is_secret(uri.name())).map(str::to_owned),
        acl: node.acl.to_string(),
    });
    Shown {
        device: device.id.clone(),
        is_busy: device.is_queued() || device.session.try_lock().is_err(),
        accounts: accounts.collect(),
        nodes: nodes.collect(),
        events: device.events(),
    }
}

fn is_secret(name: Option<&str>) -> bool {
    matches!(name, Some("AAuthSecret" | "AAuthData"))
}
