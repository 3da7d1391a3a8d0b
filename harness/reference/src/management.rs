//! The management ports of the servers: JSON over plain HTTP on loopback.

use std::sync::Arc;

use oma_dm::uri::NodeUri;
use serde::{Deserialize, Serialize};

use crate::background::lock;
use crate::delegation::delegated::Delegated;
use crate::delegation::delegating::Delegating;
use crate::delegation::document::{DelegationType, Document, Kind, Scope};
use crate::delegation::ledger::{Machine, Outgoing, Side, View};
use crate::entropy;
use crate::http::server::{Handler, HttpRequest, Reply};
use crate::known_devices::KnownDevices;
use crate::office::Office;
use crate::url::decode_segment;

/// The media type of everything here.
pub(crate) const JSON: &str = "application/json";

/// The management port of DMS-1 or DMS-2.
///
/// `POST /delegations` opens one (or prepares for one that the peer opens), `GET /delegations` and `GET /delegations/ID` show
/// them, `DELETE /delegations?device=ID` gives up those of a device that are open.
pub(crate) struct Management<M> {
    pub(crate) office: Arc<Office<M>>,
    pub(crate) devices: Arc<KnownDevices>,
}

/// The body of `POST /delegations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Order {
    device: String,
    /// May be left out when it is known from DevInfo.
    manufacturer: Option<String>,
    model: Option<String>,
    /// May be left out when there is only one.
    peer: Option<String>,
    #[serde(default = "whole_tree")]
    tree: Vec<String>,
    #[serde(default = "full_permanent", rename = "type")]
    delegation_type: String,
    #[serde(default)]
    remove_account: bool,
    session: Option<String>,
    /// The role that opens; this one when left out.
    opener: Option<String>,
}

fn whole_tree() -> Vec<String> {
    vec![".".to_owned()]
}

fn full_permanent() -> String {
    "full-permanent".to_owned()
}

/// A delegation as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    session: String,
    device: String,
    delegating_server: String,
    delegated_server: String,
    tree: Vec<String>,
    opener: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<View> for Shown {
    fn from(view: View) -> Self {
        Self {
            session: view.terms.session,
            device: view.terms.device,
            delegating_server: view.terms.delegating,
            delegated_server: view.terms.delegated,
            tree: view.terms.scope.map(|scope| scope.tree_parts).unwrap_or_default(),
            opener: view.opener.role(),
            state: view.state,
            reason: view.reason,
        }
    }
}

/// A server that can be told to open a delegation.
pub(crate) trait Opening: Machine {
    fn open(&mut self, terms: Document, wants_removal: bool) -> Vec<Outgoing>;

    /// The peer will open.
    fn expect(&mut self, device: &str, peer: &str, wants_removal: bool);
}

impl Opening for Delegating {
    fn open(&mut self, terms: Document, wants_removal: bool) -> Vec<Outgoing> {
        Self::open(self, terms, wants_removal)
    }

    fn expect(&mut self, device: &str, peer: &str, wants_removal: bool) {
        Self::expect(self, device, peer, wants_removal);
    }
}

impl Opening for Delegated {
    fn open(&mut self, terms: Document, _: bool) -> Vec<Outgoing> {
        Self::open(self, terms)
    }

    fn expect(&mut self, _: &str, _: &str, _: bool) {}
}

impl<M: Opening> Management<M> {
    fn order(&self, body: &[u8]) -> Result<Reply, (u16, String)> {
        let invalid = |problem: String| (400, problem);
        let order: Order = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("failed to read the order: {error}")))?;
        let side = self.office.side;
        let opener = match order.opener.as_deref() {
            None => side,
            Some("dms-1") => Side::Delegating,
            Some("dms-2") => Side::Delegated,
            Some(other) => return Err(invalid(format!("`{other}` is no opener; write dms-1 or dms-2"))),
        };
        let peer = self.peer(order.peer.as_deref()).map_err(invalid)?;
        let own = lock(&self.office.machine).desk().server_id.clone();
        let (delegating, delegated) = match side {
            Side::Delegating => (own, peer.clone()),
            Side::Delegated => (peer.clone(), own),
        };
        if opener != side {
            lock(&self.office.machine).expect(&order.device, &peer, order.remove_account);
            return Ok(Reply::empty(202));
        }
        let scope = self.scope(&order).map_err(invalid)?;
        let session = order.session.unwrap_or_else(entropy::token);
        let terms = Document {
            kind: Kind::InitiationRequest,
            session: session.clone(),
            delegating,
            delegated,
            device: order.device,
            scope: Some(scope),
        };
        let outgoing = {
            let mut machine = lock(&self.office.machine);
            if machine.view(&session).is_some() {
                return Err((409, format!("the session `{session}` is in use")));
            }
            machine.open(terms, order.remove_account)
        };
        self.office.send(outgoing);
        let shown = lock(&self.office.machine).view(&session).map(Shown::from);
        Ok(Reply::new(201, JSON, to_json(&shown)))
    }

    fn peer(&self, named: Option<&str>) -> Result<String, String> {
        let peers = &self.office.peers;
        match named {
            Some(peer) if peers.contains_key(peer) => Ok(peer.to_owned()),
            Some(peer) => Err(format!("`{peer}` is not among the peers in the configuration")),
            None if peers.len() == 1 => Ok(peers.keys().next().cloned().unwrap_or_default()),
            None => Err("say which `peer`: the configuration names none, or several".to_owned()),
        }
    }

    fn scope(&self, order: &Order) -> Result<Scope, String> {
        if order.device.is_empty() {
            return Err("say which `device`".to_owned());
        }
        let known = self.devices.of(&order.device);
        let given = order.manufacturer.clone().zip(order.model.clone());
        let (manufacturer, model) = given
            .or(known)
            .ok_or_else(|| "say `manufacturer` and `model`: the device is not known yet".to_owned())?;
        if order.tree.is_empty() {
            return Err("say which parts of the `tree`".to_owned());
        }
        for part in &order.tree {
            NodeUri::parse(part)
                .map_err(|error| format!("failed to use `{part}` as a part of the tree: {error}"))?;
        }
        let name = &order.delegation_type;
        let delegation_type = DelegationType::from_name(name).ok_or_else(|| {
            format!("`{name}` is no type; write for example full-permanent or partial-temporary")
        })?;
        Ok(Scope {
            manufacturer,
            model,
            tree_parts: order.tree.clone(),
            delegation_type: Some(delegation_type),
        })
    }

    fn show(&self, session: &str) -> Reply {
        match lock(&self.office.machine).view(session) {
            Some(view) => Reply::new(200, JSON, to_json(&Shown::from(view))),
            None => error(404, &format!("there is no delegation `{session}`")),
        }
    }
}

impl<M: Opening> Handler for Management<M> {
    async fn handle(self: Arc<Self>, request: HttpRequest) -> Reply {
        let session = request
            .path
            .strip_prefix("/delegations/")
            .and_then(decode_segment);
        match (request.method.as_str(), request.path.as_str(), session) {
            ("POST", "/delegations", _) => self
                .order(&request.body)
                .unwrap_or_else(|(status, problem)| error(status, &problem)),
            ("GET", "/delegations", _) => {
                let shown: Vec<_> = lock(&self.office.machine)
                    .views()
                    .into_iter()
                    .map(Shown::from)
                    .collect();
                Reply::new(200, JSON, to_json(&shown))
            }
            ("GET", _, Some(session)) => self.show(&session),
            ("DELETE", "/delegations", _) => match parameter(&request, "device") {
                Some(device) => {
                    let cancelled = lock(&self.office.machine).cancel(&device);
                    Reply::new(200, JSON, to_json(&serde_json::json!({ "cancelled": cancelled })))
                }
                None => error(400, "say which device: /delegations?device=ID"),
            },
            _ => error(404, "there is nothing here but /delegations and /delegations/ID"),
        }
    }
}

/// A parameter of the query.
pub(crate) fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let query = request.query.as_deref()?;
    let (_, value) = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)?;
    decode_segment(value)
}

/// An answer that says what is wrong.
pub(crate) fn error(status: u16, problem: &str) -> Reply {
    Reply::new(status, JSON, to_json(&serde_json::json!({ "error": problem })))
}

/// A value as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value with text keys can be written as JSON")
}
