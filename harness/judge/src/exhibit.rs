//! Records as people read them: bodies decoded, secrets left out, the facts of the connections beside them.
//!
//! What is made here leaves the run: in reports, and with whoever they are sent to.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::document::content;
use dmconform_case::profile::{Content, Syntax};
use dmconform_model::ladder::{ConnectionFacts, Exhibit, ExhibitBody};
use dmconform_model::tls::Facts;
use dmconform_model::transcript::{
    Body, ConnectionId, DeviceState, Endpoint, EndpointKind, Request, Response, Side,
};
use dmconform_model::{Event, Record, Role};

use crate::expectation::BESIDE;
use crate::header::Header;
use crate::package::content_type;
use crate::redact::Redaction;

/// How many characters of a body are shown.
const SHOWN: usize = 6_000;

/// The records of these numbers, and the connections that they are about.
pub(crate) fn of(
    header: &Header,
    records: &[Record],
    redaction: &Redaction,
    shown: &BTreeSet<u64>,
) -> (Vec<Exhibit>, Vec<ConnectionFacts>) {
    let shower = Shower {
        redaction,
        syntax: header.profile.delegation.syntax,
        media_type: &header.profile.delegation.media_type,
    };
    let exhibits: Vec<Exhibit> = records
        .iter()
        .filter(|record| shown.contains(&record.seq))
        .map(|record| shower.exhibit(record))
        .collect();
    let wanted: BTreeSet<ConnectionId> = exhibits.iter().filter_map(|exhibit| exhibit.connection).collect();
    let mut connections: BTreeMap<ConnectionId, Vec<(String, String)>> = BTreeMap::new();
    for record in records {
        if let Some((connection, facts)) = connection_facts(record, redaction)
            && wanted.contains(&connection)
        {
            connections.entry(connection).or_default().extend(facts);
        }
    }
    let connections = connections
        .into_iter()
        .map(|(connection, facts)| ConnectionFacts { connection, facts })
        .collect();
    (exhibits, connections)
}

/// The connection that a record is shown with.
pub(crate) fn connection_of(record: &Record) -> Option<ConnectionId> {
    match &record.event {
        Event::RequestSent(request) | Event::RequestReceived(request) => Some(request.connection),
        Event::ResponseSent(response) | Event::ResponseReceived(response) => Some(response.connection),
        Event::Plaintext { connection, .. } => Some(*connection),
        other => in_words(other).1,
    }
}

/// Whether a record says something of a connection itself.
pub(crate) const fn is_about_connection(record: &Record) -> bool {
    matches!(
        record.event,
        Event::ConnectionOpened { .. }
            | Event::TlsEstablished { .. }
            | Event::TlsFailed { .. }
            | Event::ConnectionClosed { .. }
    )
}

struct Shower<'a> {
    redaction: &'a Redaction,
    syntax: Syntax,
    /// What delegation documents are sent as.
    media_type: &'a str,
}

impl Shower<'_> {
    fn exhibit(&self, record: &Record) -> Exhibit {
        let mut exhibit = Exhibit {
            record: record.seq,
            at_us: record.at_us,
            title: String::new(),
            connection: None,
            facts: Vec::new(),
            body: None,
        };
        match &record.event {
            Event::RequestSent(request) => self.request(&mut exhibit, request, "sends"),
            Event::RequestReceived(request) => self.request(&mut exhibit, request, "receives"),
            Event::ResponseSent(response) => self.response(&mut exhibit, response, "answers"),
            Event::ResponseReceived(response) => self.response(&mut exhibit, response, "reads the answer"),
            Event::DeviceState(state) => {
                exhibit.title = format!("the mock client's tree after {}", state.after);
                exhibit.facts = tree_facts(state);
            }
            Event::Plaintext {
                connection,
                first_bytes,
            } => {
                exhibit.title = "octets that are no TLS".to_owned();
                exhibit.connection = Some(*connection);
                exhibit.body = self.body(first_bytes, "");
            }
            Event::Fetched { url, first_bytes } => {
                exhibit.title = format!("somebody fetched {url}");
                exhibit.body = self.body(first_bytes, "");
            }
            other => {
                let (title, connection) = in_words(other);
                exhibit.title = title;
                exhibit.connection = connection;
            }
        }
        exhibit.title = self.redaction.text(&exhibit.title);
        exhibit
    }

    fn request(&self, exhibit: &mut Exhibit, request: &Request, does: &str) {
        let observer = request.observer.title();
        exhibit.title = format!("mock {observer} {does} {} {}", request.method, request.url);
        exhibit.connection = Some(request.connection);
        exhibit.facts = self.headers(&request.headers);
        exhibit.body = self.body(&request.body, content_type(&request.headers));
    }

    fn response(&self, exhibit: &mut Exhibit, response: &Response, does: &str) {
        exhibit.title = format!("mock {} {does} {}", response.observer.title(), response.status);
        exhibit.connection = Some(response.connection);
        exhibit.facts = self.headers(&response.headers);
        exhibit.body = self.body(&response.body, content_type(&response.headers));
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let shown = headers.iter().map(|(name, value)| {
            let value = self.redaction.header(name, value);
            (name.clone(), value)
        });
        shown.collect()
    }

    fn body(&self, body: &Body, media_type: &str) -> Option<ExhibitBody> {
        if body.is_empty() && body.whole_length.is_none() {
            return None;
        }
        let is_delegation = media_type.starts_with(self.media_type);
        let (kind, text) = match json(&body.bytes, is_delegation.then_some(self.syntax), media_type) {
            Some(value) => ("JSON".to_owned(), format!("{:#}", self.redaction.json(value))),
            None => self.redaction.document(&body.bytes, media_type),
        };
        let text = self.redaction.text(&text);
        let end = text.char_indices().nth(SHOWN).map(|(end, _)| end);
        let kept = u64::try_from(body.bytes.len()).unwrap_or(u64::MAX);
        Some(ExhibitBody {
            kind,
            octets: body.whole_length.unwrap_or(kept),
            is_cut: end.is_some() || body.whole_length.is_some(),
            text: end.map_or_else(|| text.clone(), |end| text[..end].to_owned()),
        })
    }
}

/// A body that is JSON, by what it was sent as.
fn json(octets: &[u8], syntax: Option<Syntax>, media_type: &str) -> Option<serde_json::Value> {
    if syntax != Some(Syntax::Json) && !media_type.contains("json") {
        return None;
    }
    match content(Syntax::Json, octets) {
        Ok(Content::Json(value)) => Some(value),
        _ => None,
    }
}

/// An event without parts to look at.
fn in_words(event: &Event) -> (String, Option<ConnectionId>) {
    match event {
        Event::ConnectionOpened { connection, .. } => {
            (format!("connection {connection} is opened"), Some(*connection))
        }
        Event::TlsEstablished { connection, .. } => (
            format!("TLS is established on connection {connection}"),
            Some(*connection),
        ),
        Event::TlsFailed {
            connection, reason, ..
        } => (
            format!("TLS is not established on connection {connection}: {reason}"),
            Some(*connection),
        ),
        Event::ConnectionClosed { connection, how } => {
            (format!("connection {connection} ends: {how}"), Some(*connection))
        }
        Event::ExchangeFailed {
            connection,
            reason,
            observer,
            ..
        } => (
            format!("mock {} gets no answer: {reason}", observer.title()),
            *connection,
        ),
        Event::Authenticated { who, outcome, .. } => (
            format!("the credentials of {} are {outcome:?}", who.title()).to_lowercase(),
            None,
        ),
        Event::Changed { at, change, .. } => (format!("changed at {at}: {change}"), None),
        Event::WindowOpened { holding } => (format!("{holding} is held back from here"), None),
        Event::WindowClosed { holding } => (format!("{holding} is let go"), None),
        Event::DeadlinePassed { awaiting } => (format!("the limit for {awaiting} passed"), None),
        Event::Triggered { trigger, .. } if trigger == BESIDE => (format!("{trigger} has come as far"), None),
        Event::Triggered { trigger, .. } => (format!("the product is asked: {trigger}"), None),
        Event::ScriptStopped { role, reason } => {
            (format!("mock {} cannot go on: {reason}", role.title()), None)
        }
        Event::ProductExited { reason } => (format!("the product ended: {reason}"), None),
        Event::Aborted { reason } => (format!("the case was broken off: {reason}"), None),
        Event::Health { whole, observed, .. } => {
            let came = if *whole {
                "a whole delegation"
            } else {
                "no whole delegation"
            };
            (format!("{came} beside the case: {observed}"), None)
        }
        Event::Ended => ("the case is over".to_owned(), None),
        Event::RequestSent(_)
        | Event::RequestReceived(_)
        | Event::ResponseSent(_)
        | Event::ResponseReceived(_)
        | Event::DeviceState(_)
        | Event::Plaintext { .. }
        | Event::Fetched { .. } => (String::new(), None),
    }
}

fn tree_facts(state: &DeviceState) -> Vec<(String, String)> {
    let accounts = state
        .accounts
        .iter()
        .map(|account| (account.node.clone(), format!("account of {}", account.server_id)));
    let acls = state
        .acls
        .iter()
        .map(|(node, acl)| (node.clone(), format!("ACL {acl}")));
    accounts.chain(acls).collect()
}

/// What a record says of a connection.
fn connection_facts(record: &Record, redaction: &Redaction) -> Option<(ConnectionId, Vec<(String, String)>)> {
    let fact = |name: &str, value: String| (name.to_owned(), redaction.text(&value));
    match &record.event {
        Event::ConnectionOpened {
            connection,
            observer,
            side,
            endpoint,
            address,
            since_us,
        } => {
            let ends = match side {
                Side::Accepted => format!("accepted by mock {} from {address}", observer.title()),
                Side::Dialled => format!("opened by mock {} to {address}", observer.title()),
            };
            let facts = vec![
                fact("connection", ends),
                fact("endpoint", endpoint_in_words(*endpoint)),
                fact("opened", crate::never::milliseconds(*since_us)),
            ];
            Some((*connection, facts))
        }
        Event::TlsEstablished {
            connection,
            facts,
            presented,
        } => {
            let mut found = tls_facts(facts);
            let presented = serde_json::to_value(presented).ok()?;
            found.push(("mock role presented", presented.as_str()?.to_owned()));
            let found = found.into_iter().map(|(name, value)| fact(name, value));
            Some((*connection, found.collect()))
        }
        Event::TlsFailed {
            connection, reason, ..
        } => Some((
            *connection,
            vec![fact("TLS", format!("not established: {reason}"))],
        )),
        Event::ConnectionClosed { connection, how } => Some((*connection, vec![fact("ended", how.clone())])),
        _ => None,
    }
}

fn tls_facts(facts: &Facts) -> Vec<(&'static str, String)> {
    let resumed = if facts.resumed { ", resumed" } else { "" };
    let mut found = vec![(
        "TLS",
        format!("{}{resumed}, {}", facts.version, facts.cipher_suite),
    )];
    if let Some(name) = &facts.server_name {
        found.push(("server name asked for", name.clone()));
    }
    match &facts.peer {
        None => found.push(("certificate of the other end", "none".to_owned())),
        Some(peer) => found.extend([
            ("certificate of the other end", peer.subject.clone()),
            ("issued by", peer.issuer.clone()),
            ("its names", peer.names.join(", ")),
            ("its validity", peer.validity.clone()),
            ("its SHA-256", peer.sha256.clone()),
            ("certificates in the chain", peer.chain_length.to_string()),
        ]),
    }
    found
}

fn endpoint_in_words(endpoint: Endpoint) -> String {
    let kind = match endpoint.kind {
        EndpointKind::Dm => "DM sessions",
        EndpointKind::Delegation => "what the servers say to each other",
        EndpointKind::Bootstrap => "bootstraps",
    };
    let role: Role = endpoint.role;
    format!("{}, for {kind}", role.title())
}
