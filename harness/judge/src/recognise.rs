//! Recognises the messages of the procedure in what passed on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dmconform_case::document::{self, Answered, Unrecognised};
use dmconform_model::transcript::{
    Authentication, Body, ConnectionId, EndpointKind, Event, ExchangeId, Request, Response,
};
use dmconform_model::{MessageId, Record, Role, Step};
use oma_dm::account::Account;
use oma_dm::auth::HMAC_HEADER;
use oma_dm::syncml::StatusCode;

use crate::dm_session::{DmSession, KnownTree};
use crate::header::Header;
use crate::never::speaker;
use crate::observed::{DmAnswer, HeaderCode, Observed, Probe};
use crate::occurrence::{Fields, Occurrence};
use crate::package::{Package, content_type, text};
use crate::readings::Readings;
use crate::regularity::{self, Irregular, Said};
use crate::sessions::{SessionKey, Sessions};
use crate::state;

/// What recognising remembers from one record to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recogniser {
    /// The exchanges in which a third server spoke: they are no messages of this delegation.
    third: BTreeSet<ExchangeId>,
    /// The exchanges in which the harness has changed something.
    changed: BTreeSet<ExchangeId>,
    /// What the requests were that are not answered yet.
    requests: BTreeMap<ExchangeId, Asked>,
    sessions: Sessions,
    readings: Arc<Readings>,
    known: KnownTree,
}

/// A request that is not answered yet.
#[derive(Clone, Debug)]
struct Asked {
    message: Option<MessageId>,
    /// The messages between the servers in it: a profile may let a request say two things.
    delegation: Vec<MessageId>,
    /// The DM session it belongs to.
    session: Option<SessionKey>,
    kind: EndpointKind,
    server: Role,
}

/// Where and by whom something was seen.
struct Seen<'r> {
    seq: u64,
    at_us: u64,
    connection: ConnectionId,
    exchange: ExchangeId,
    observer: Role,
    /// Whether the observer sent it.
    sent: bool,
    /// The message in it, where somebody has read it already.
    read: Option<&'r Arc<Package>>,
}

impl Recogniser {
    /// One that reads messages together with others.
    pub(crate) fn reading(readings: Arc<Readings>) -> Self {
        Self {
            readings,
            ..Self::default()
        }
    }

    /// Takes one record, and the message in it, where somebody has read it already; what it recognises goes to `observed`.
    pub(crate) fn feed(
        &mut self,
        header: &Header,
        observed: &mut Observed,
        record: &Record,
        read: Option<&Arc<Package>>,
    ) {
        let seen = |exchange, connection, observer, sent| Seen {
            seq: record.seq,
            at_us: record.at_us,
            connection,
            exchange,
            observer,
            sent,
            read,
        };
        match &record.event {
            Event::RequestSent(request) => {
                self.request(
                    header,
                    observed,
                    request,
                    &seen(request.exchange, request.connection, request.observer, true),
                );
            }
            Event::RequestReceived(request) => {
                self.request(
                    header,
                    observed,
                    request,
                    &seen(request.exchange, request.connection, request.observer, false),
                );
            }
            Event::ResponseSent(response) => {
                self.response(
                    header,
                    observed,
                    response,
                    &seen(response.exchange, response.connection, response.observer, true),
                );
            }
            Event::ResponseReceived(response) => {
                self.response(
                    header,
                    observed,
                    response,
                    &seen(response.exchange, response.connection, response.observer, false),
                );
            }
            Event::DeviceState(state) => {
                self.known.acls = state.acls.iter().cloned().collect();
                self.known.accounts = state
                    .accounts
                    .iter()
                    .map(|account| (account.node.clone(), account.server_id.clone()))
                    .collect();
            }
            Event::Changed {
                exchange: Some(exchange),
                change,
                ..
            } if change == THIRD_SERVER => {
                self.third.insert(*exchange);
            }
            Event::Changed {
                exchange: Some(exchange),
                ..
            } => {
                self.changed.insert(*exchange);
            }
            Event::Authenticated {
                exchange,
                who,
                outcome,
            } => authenticated(observed, *exchange, *who, *outcome),
            _ => {}
        }
    }

    fn request(&mut self, header: &Header, observed: &mut Observed, request: &Request, seen: &Seen<'_>) {
        if self.third.contains(&request.exchange) {
            return;
        }
        let server = request.endpoint.role;
        let mut asked = Asked {
            message: None,
            delegation: Vec::new(),
            session: None,
            kind: request.endpoint.kind,
            server,
        };
        match request.endpoint.kind {
            EndpointKind::Delegation => {
                for (message, fields) in self.delegation_requests(header, observed, request, seen) {
                    asked.message = Some(message);
                    asked.delegation.push(message);
                    let note = document_note(&fields);
                    emit(header, observed, seen, message, true, fields, note);
                }
            }
            EndpointKind::Bootstrap if !request.body.is_empty() && is_of_dm_session(&request.headers) => {
                let what = "a message of a DM session at the Bootstrap Server".to_owned();
                observed.unrecognised.push((seen.seq, what));
            }
            EndpointKind::Bootstrap => {
                let message = MessageId::request(Step::BootstrapFetch);
                asked.message = Some(message);
                let fields = Fields::from([
                    ("url".to_owned(), vec![request.url.clone()]),
                    ("method".to_owned(), vec![request.method.clone()]),
                ]);
                emit(
                    header,
                    observed,
                    seen,
                    message,
                    true,
                    fields,
                    format!("{} {}", request.method, request.url),
                );
            }
            EndpointKind::Dm => self.client_package(header, observed, request, seen, &mut asked),
        }
        if let Some(exchange) = observed.exchanges.get_mut(&request.exchange) {
            exchange.message = asked.message;
        }
        self.requests.insert(request.exchange, asked);
    }

    fn delegation_requests(
        &self,
        header: &Header,
        observed: &mut Observed,
        request: &Request,
        seen: &Seen<'_>,
    ) -> Vec<(MessageId, Fields)> {
        let from = speaker(request.endpoint.role, EndpointKind::Delegation);
        let opener = header.case.given.opens;
        let said = document::Request {
            method: &request.method,
            target: &request.url,
            headers: &request.headers,
            body: &request.body.bytes,
        };
        let is_possible = |message| header.procedure.sender(message, opener) == Some(from);
        self.readings
            .request(&header.profile, &said, is_possible)
            .unwrap_or_else(|unrecognised| {
                let what = match unrecognised {
                    Unrecognised::Unreadable { .. } => unrecognised.to_string(),
                    Unrecognised::Unknown(what) => format!("{what} from {}", from.title()),
                };
                observed.unrecognised.push((seen.seq, what));
                Vec::new()
            })
    }

    /// Reads what somebody saw as a message of a DM session.
    fn message(
        &self,
        body: &Body,
        headers: &[(String, String)],
        seen: &Seen<'_>,
    ) -> Result<Arc<Package>, String> {
        match seen.read {
            Some(package) => Ok(Arc::clone(package)),
            None => self.readings.message(&body.bytes, content_type(headers)),
        }
    }

    fn client_package(
        &mut self,
        header: &Header,
        observed: &mut Observed,
        request: &Request,
        seen: &Seen<'_>,
        asked: &mut Asked,
    ) {
        let package = match self.message(&request.body, &request.headers, seen) {
            Ok(package) => package,
            Err(error) => {
                observed
                    .unrecognised
                    .push((seen.seq, format!("no SyncML message: {error}")));
                return;
            }
        };
        let key = (
            seen.observer,
            request.endpoint.role,
            package.header().session_id.clone(),
        );
        asked.session = Some(key.clone());
        let session = self.sessions.of(key, seen.seq);
        if session.is_over_by(&package) {
            *session = DmSession::default();
        }
        let said = Said {
            seq: seen.seq,
            sender: Role::DmClient,
            observer: seen.observer,
            package: &package,
            is_sealed: is_sealed(&request.headers),
        };
        let irregular = session.regularity.client_sent(&said);
        note_said(observed, &said, seen.exchange, request.endpoint.role, irregular);
        let answered = session.client_sent(&package);
        let opens = package.opens();
        if opens {
            session.opened_by = package.opening_alerts().collect();
        }
        let opened_by: Vec<String> = session.opened_by.iter().map(u16::to_string).collect();
        record_probe_answers(session, observed, &package, seen.seq);
        for step in answered {
            let accepted = step.codes.iter().all(|code| StatusCode(*code).is_success());
            let codes: Vec<String> = step.codes.iter().map(u16::to_string).collect();
            let note = format!("Status {}", codes.join(", "));
            let fields = Fields::from([
                ("status".to_owned(), codes),
                ("address".to_owned(), vec![request.url.clone()]),
                ("session".to_owned(), vec![package.header().session_id.clone()]),
                ("alert".to_owned(), opened_by.clone()),
            ]);
            emit(header, observed, seen, step.message, accepted, fields, note);
        }
        if opens && request.endpoint.role == Role::Dms2 {
            let message = MessageId::request(Step::ClientSession);
            asked.message = Some(message);
            let fields = session_fields(request, &package);
            let note = format!(
                "package 1 from {}, Alert {}",
                package.header().source.uri,
                joined(package.alerts())
            );
            emit(header, observed, seen, message, true, fields, note);
        }
    }

    fn response(&mut self, header: &Header, observed: &mut Observed, response: &Response, seen: &Seen<'_>) {
        let Some(asked) = self.requests.remove(&response.exchange) else {
            return;
        };
        let positive = (200..300).contains(&response.status);
        match asked.kind {
            EndpointKind::Delegation => {
                for message in asked.delegation {
                    let answer = MessageId::answer(message.step);
                    self.delegation_answer(header, observed, response, seen, answer);
                }
            }
            EndpointKind::Bootstrap if asked.message.is_none() => {}
            EndpointKind::Bootstrap => {
                let (fields, readable) = bootstrap_fields(header, response, &self.readings);
                let note = match (positive, &readable) {
                    (true, Ok(())) => format!(
                        "{}: bootstrap of {}",
                        response.status,
                        joined(fields.get("server").into_iter().flatten())
                    ),
                    (true, Err(reason)) => format!("{}, but {reason}", response.status),
                    (false, _) => format!("{}", response.status),
                };
                let message = MessageId::answer(Step::BootstrapFetch);
                emit(
                    header,
                    observed,
                    seen,
                    message,
                    positive && readable.is_ok(),
                    fields,
                    note,
                );
            }
            EndpointKind::Dm => self.server_package(header, observed, response, seen, &asked, positive),
        }
    }

    fn delegation_answer(
        &self,
        header: &Header,
        observed: &mut Observed,
        response: &Response,
        seen: &Seen<'_>,
        message: MessageId,
    ) {
        let Some(document) = header.profile.messages.get(&message) else {
            return;
        };
        let said = document::Answer {
            headers: &response.headers,
            body: &response.body.bytes,
        };
        let body = if response.body.is_empty() {
            " without a body"
        } else {
            ""
        };
        let read = self
            .readings
            .document(said.body, header.profile.delegation.syntax);
        let answered =
            header
                .profile
                .answered_with(message, document, response.status, &said, read.as_deref().ok());
        let Ok(Answered { fields, refused }) = answered else {
            let unknown = if body.is_empty() {
                " with an unknown body"
            } else {
                body
            };
            let note = format!("{}{unknown}", response.status);
            emit(header, observed, seen, message, false, Fields::new(), note);
            return;
        };
        let note = match document_note(&fields) {
            said if said.is_empty() && !body.is_empty() => format!("{}{body}", response.status),
            said => format!("{}{body}: {said}", response.status),
        };
        emit(header, observed, seen, message, refused.is_none(), fields, note);
    }

    fn server_package(
        &mut self,
        header: &Header,
        observed: &mut Observed,
        response: &Response,
        seen: &Seen<'_>,
        asked: &Asked,
        positive: bool,
    ) {
        let answers_session = asked.message == Some(MessageId::request(Step::ClientSession));
        let message = MessageId::answer(Step::ClientSession);
        let package = self.message(&response.body, &response.headers, seen);
        let is_changed = self.changed.contains(&seen.exchange);
        if let Some(session) = asked.session.as_ref().and_then(|key| self.sessions.get_mut(key))
            && (package.is_err() || !positive || is_changed)
        {
            // What HTTP refuses is said; a good answer without a message says nothing.
            if positive && !is_changed {
                let regularity = &session.regularity;
                let irregular = regularity.server_said_nothing(seen.seq, asked.server, seen.observer);
                regularity::add(&mut observed.irregular, irregular);
            }
            session.regularity.spoil();
        }
        let (Ok(package), Some(key), true) = (&package, &asked.session, positive) else {
            if answers_session {
                let unreadable = package.err().filter(|_| positive);
                let reason = unreadable.map_or(String::new(), |error| format!(", {error}"));
                emit(
                    header,
                    observed,
                    seen,
                    message,
                    false,
                    Fields::new(),
                    format!("{}{reason}", response.status),
                );
            }
            return;
        };
        let session = self.sessions.of(key.clone(), seen.seq);
        let said = Said {
            seq: seen.seq,
            sender: asked.server,
            observer: seen.observer,
            package,
            is_sealed: is_sealed(&response.headers),
        };
        let irregular = session.regularity.server_sent(&said);
        note_said(observed, &said, seen.exchange, asked.server, irregular);
        let code = package.header_status();
        let admitted = code.is_none_or(|code| (200..300).contains(&code));
        let asked_at = observed
            .exchanges
            .get(&response.exchange)
            .and_then(|exchange| exchange.request);
        if let Some(asked_at) = asked_at.filter(|_| admitted && seen.observer == Role::DmClient) {
            observed.dm_answers.push(DmAnswer {
                server: asked.server,
                session: package.header().session_id.clone(),
                asked: asked_at,
                answered: seen.seq,
            });
        }
        if answers_session {
            let open = session.regularity.without_status();
            let statuses = if open.is_empty() {
                "complete".to_owned()
            } else {
                format!("none for {}", open.join(", "))
            };
            let fields = Fields::from([
                ("statuses".to_owned(), vec![statuses]),
                ("encoding".to_owned(), vec![package.encoding.to_owned()]),
                ("scheme".to_owned(), vec![scheme(package, &response.headers)]),
            ]);
            // A challenge is a refusal until the client has said the same again with the credentials asked for.
            let accepted = admitted;
            let note = code.map_or_else(
                || "package 2 without a header Status".to_owned(),
                |code| format!("package 2, header Status {code}"),
            );
            emit(header, observed, seen, message, accepted, fields, note);
        }
        let (carried, others) = session.server_sent(header, &self.known, asked.server, package);
        for mut step in carried {
            step.fields
                .insert("scheme".to_owned(), vec![scheme(package, &response.headers)]);
            emit(
                header,
                observed,
                seen,
                MessageId::request(step.step),
                true,
                step.fields,
                step.note,
            );
        }
        for other in others {
            if header.is_real(asked.server) && !state::is_looked_at(header, asked.server, &other) {
                continue;
            }
            session.probes.insert(other.key, observed.probes.len());
            observed.probes.push(Probe {
                sent: seen.seq,
                server: asked.server,
                command: other.command,
                node: other.node,
                status: None,
                result: None,
            });
        }
    }
}

/// How a change of the kind `from-third-server` is named in a transcript.
pub const THIRD_SERVER: &str = "sent by a third server with a certificate of its own";

fn record_probe_answers(session: &DmSession, observed: &mut Observed, package: &Package, seq: u64) {
    if session.probes.is_empty() {
        return;
    }
    for status in package.statuses() {
        let key = (status.message_ref.clone(), status.command_ref.clone());
        if let Some(probe) = session
            .probes
            .get(&key)
            .and_then(|index| observed.probes.get_mut(*index))
        {
            probe.status = Some((seq, status.code.0));
        }
    }
    for results in package.results() {
        let is_it = |(message, command): &(String, String)| {
            *command == results.command_ref
                && (*message == results.message_ref || results.message_ref.is_empty())
        };
        // `MsgRef` may be left out: it is the last such command then.
        let asked = session.probes.iter().filter(|(key, _)| is_it(key));
        let asked = asked.max_by_key(|(_, index)| **index);
        if let Some(probe) = asked.and_then(|(_, index)| observed.probes.get_mut(*index)) {
            let said = results
                .items
                .last()
                .map(|item| text(item).unwrap_or_default().into_owned());
            probe.result = said.or_else(|| probe.result.take());
        }
    }
}

/// Records an occurrence, once: what passes between two mock roles is seen at both ends, and counts where it is
/// written, because only that convicts.
fn emit(
    header: &Header,
    observed: &mut Observed,
    seen: &Seen<'_>,
    message: MessageId,
    accepted: bool,
    fields: Fields,
    note: String,
) {
    let opener = header.case.given.opens;
    let (Some(from), Some(to)) = (
        header.procedure.sender(message, opener),
        header.procedure.receiver(message, opener),
    ) else {
        return;
    };
    if !seen.sent && !header.is_real(from) {
        return;
    }
    observed.occurrences.push(Occurrence {
        message,
        from,
        to,
        seq: seen.seq,
        at_us: seen.at_us,
        connection: seen.connection,
        exchange: seen.exchange,
        observer: seen.observer,
        sent_by_observer: seen.sent,
        accepted,
        fields,
        note,
    });
}

fn authenticated(observed: &mut Observed, exchange: ExchangeId, who: Role, outcome: Authentication) {
    let message = match who {
        Role::DmClient => MessageId::request(Step::ClientSession),
        _ => MessageId::answer(Step::ClientSession),
    };
    let text = match outcome {
        Authentication::Verified => "verified",
        Authentication::Wrong => "wrong",
        Authentication::Missing => "missing",
    };
    let of_message = |seen: &&mut Occurrence| seen.message == message && seen.from == who;
    let note = |seen: &mut Occurrence| {
        seen.fields
            .insert("authentication".to_owned(), vec![text.to_owned()]);
    };
    let mut found = observed.occurrences.iter_mut().rev().filter(of_message);
    let session = match found.find(|seen| seen.exchange == exchange) {
        Some(seen) => {
            note(seen);
            seen.fields.get("session").cloned()
        }
        None => None,
    };
    // Who was challenged and has proved himself then is authenticated: once in a session is enough, in whichever message
    // (OMA-TS-DM_Security 5.3).
    if outcome != Authentication::Verified {
        return;
    }
    let mut found = observed.occurrences.iter_mut().rev().filter(of_message);
    let is_missing = |seen: &Occurrence| seen.values("authentication").contains("missing");
    match session {
        Some(session) => found
            .filter(|seen| seen.fields.get("session") == Some(&session) && is_missing(seen))
            .for_each(note),
        None => found
            .next()
            .filter(|seen| is_missing(seen))
            .into_iter()
            .for_each(note),
    }
}

fn bootstrap_fields(
    header: &Header,
    response: &Response,
    readings: &Readings,
) -> (Fields, Result<(), String>) {
    let bootstrap = match readings.bootstrap(&response.body.bytes, content_type(&response.headers)) {
        Ok(bootstrap) => bootstrap,
        Err(error) => return (Fields::new(), Err(error)),
    };
    let mut fields = Fields::new();
    let is_of_dms_2 = |account: &Account| account.server_id == header.parties.dms_2;
    let has_dms_2 = bootstrap.accounts().any(is_of_dms_2);
    for account in bootstrap.accounts() {
        let mut put = |field: &str, value: String| fields.entry(field.to_owned()).or_default().push(value);
        put("server", account.server_id.clone());
        // There may be accounts of other servers beside that of DMS-2 (OMA-TS-DM_Bootstrap 5.4.5).
        if has_dms_2 && !is_of_dms_2(account) {
            continue;
        }
        put("address", account.url().into_owned());
        put(
            "credentials",
            if right_credentials(header, account) {
                "right"
            } else {
                "wrong"
            }
            .to_owned(),
        );
    }
    if bootstrap.accounts().next().is_none() {
        return (fields, Err("there is no account in it".to_owned()));
    }
    fields.insert("readable".to_owned(), vec!["yes".to_owned()]);
    (fields, Ok(()))
}

/// Whether the credentials of an account are those that the device and DMS-2 have.
fn right_credentials(header: &Header, account: &Account) -> bool {
    let known = &header.dms_2_credentials;
    let client = account.client_credentials.as_ref();
    let server = account.server_credentials.as_ref();
    client.is_some_and(|client| {
        client.name == known.client_name && client.secret.expose() == known.client_secret
    }) && server.is_some_and(|server| server.secret.expose() == known.server_secret)
}

fn session_fields(request: &Request, package: &Package) -> Fields {
    let mut fields = Fields::from([
        ("device".to_owned(), vec![package.header().source.uri.clone()]),
        ("address".to_owned(), vec![request.url.clone()]),
        ("session".to_owned(), vec![package.header().session_id.clone()]),
        ("encoding".to_owned(), vec![package.encoding.to_owned()]),
        ("scheme".to_owned(), vec![scheme(package, &request.headers)]),
        (
            "alert".to_owned(),
            package.opening_alerts().map(|code| code.to_string()).collect(),
        ),
    ]);
    for (field, leaf) in [("manufacturer", "./DevInfo/Man"), ("model", "./DevInfo/Mod")] {
        if let Some(value) = package.own_value(leaf) {
            fields.insert(field.to_owned(), vec![value.into_owned()]);
        }
    }
    fields
}

/// Keeps what a message of a DM session says besides the steps that it carries.
fn note_said(
    observed: &mut Observed,
    said: &Said<'_>,
    exchange: ExchangeId,
    server: Role,
    irregular: Vec<Irregular>,
) {
    let (count, last) = observed.said.entry(said.sender).or_default();
    *count += 1;
    *last = said.seq;
    regularity::add(&mut observed.irregular, irregular);
    if let Some(code) = said.package.header_status() {
        observed.header_codes.push(HeaderCode {
            seq: said.seq,
            exchange,
            sender: said.sender,
            server,
            session: said.package.header().session_id.clone(),
            code,
        });
    }
}

/// Whether a body is said to be a message of a DM session (OMA-TS-DM_Protocol 5): that is no request for a bootstrap.
fn is_of_dm_session(headers: &[(String, String)]) -> bool {
    let media_type = content_type(headers).to_ascii_lowercase();
    media_type.starts_with("application/vnd.syncml")
}

/// Whether a digest of all of a message goes with it.
fn is_sealed(headers: &[(String, String)]) -> bool {
    headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(HMAC_HEADER))
}

/// In which way a message proves its sender: by a digest over all of it beside the message, by credentials in it, or not
/// at all.
fn scheme(package: &Package, headers: &[(String, String)]) -> String {
    let scheme = package.scheme();
    let name = match (is_sealed(headers), scheme) {
        (true, _) => "mac",
        (false, Some("syncml:auth-md5")) => "md5",
        (false, Some("syncml:auth-basic")) => "basic",
        (false, Some(other)) => other,
        (false, None) => "none",
    };
    name.to_owned()
}

fn document_note(fields: &Fields) -> String {
    let shown = ["session", "url", "result", "reason"];
    let texts = shown.iter().filter_map(|name| {
        let values = fields.get(*name)?;
        Some(format!("{name} {}", values.join(", ")))
    });
    texts.collect::<Vec<_>>().join(", ")
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values
        .into_iter()
        .map(|value| value.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(messages: &[(MessageId, Role, u64)]) -> Observed {
        let occurrences = messages.iter().map(|(message, from, exchange)| Occurrence {
            from: *from,
            exchange: *exchange,
            fields: Fields::from([("session".to_owned(), vec!["A7".to_owned()])]),
            ..Occurrence::said(*message, 0)
        });
        Observed {
            occurrences: occurrences.collect(),
            ..Observed::default()
        }
    }

    fn said(observed: &Observed) -> Vec<Vec<&str>> {
        let all = observed.occurrences.iter();
        all.map(|seen| seen.values("authentication").into_iter().collect())
            .collect()
    }

    fn header() -> Header {
        let good = include_str!("../../../fixtures/transcripts/good-bootstrap-server.jsonl");
        crate::read(good).expect("the transcript is whole").header
    }

    /// A bootstrap with an account of each of these servers, each at an address that has its name.
    fn bootstrap(servers: &[&str]) -> Response {
        let account = |server: &&str| {
            format!(
                r#"<characteristic type="APPLICATION"><parm name="APPID" value="w7"/>
                   <parm name="PROVIDER-ID" value="{server}"/>
                   <characteristic type="APPADDR"><parm name="ADDR" value="https://{server}/dm"/></characteristic>
                   </characteristic>"#
            )
        };
        let accounts: String = servers.iter().map(account).collect();
        let text = format!(r#"<wap-provisioningdoc version="1.1">{accounts}</wap-provisioningdoc>"#);
        Response {
            exchange: 1,
            connection: 1,
            observer: Role::DmClient,
            status: 200,
            headers: vec![(
                "content-type".to_owned(),
                "text/vnd.wap.connectivity-xml".to_owned(),
            )],
            body: dmconform_model::transcript::Body::new(text.into_bytes()),
        }
    }

    #[test]
    fn of_a_bootstrap_for_several_servers_the_address_is_that_of_dms_2() {
        let header = header();
        let dms_2 = header.parties.dms_2.clone();
        let (fields, read) = bootstrap_fields(
            &header,
            &bootstrap(&[&dms_2, "other.example"]),
            &Readings::default(),
        );
        assert_eq!(read, Ok(()));
        assert_eq!(fields["server"], [dms_2.clone(), "other.example".to_owned()]);
        assert_eq!(fields["address"], [format!("https://{dms_2}/dm")]);
        let (fields, _) = bootstrap_fields(&header, &bootstrap(&["other.example"]), &Readings::default());
        assert_eq!(fields["address"], ["https://other.example/dm"]);
    }

    #[test]
    fn a_bootstrap_that_is_recorded_at_both_ends_is_the_same_there_and_another_one_is_another() {
        let (header, readings) = (header(), Readings::default());
        let servers = |names: &[&str]| {
            let (fields, _) = bootstrap_fields(&header, &bootstrap(names), &readings);
            fields["server"].clone()
        };
        assert_eq!(servers(&["one.example"]), ["one.example"]);
        assert_eq!(servers(&["one.example"]), ["one.example"]);
        assert_eq!(servers(&["other.example"]), ["other.example"]);
        assert_eq!(servers(&["one.example"]), ["one.example"]);
    }

    #[test]
    fn a_message_of_a_dm_session_is_no_request_for_a_bootstrap() {
        let of = |media_type: &str| is_of_dm_session(&[("Content-Type".to_owned(), media_type.to_owned())]);
        assert!(of("application/vnd.syncml.dm+xml; charset=utf-8"));
        assert!(of("application/vnd.syncml.dm+wbxml"));
        assert!(!of("application/json"));
        assert!(!is_of_dm_session(&[]));
    }

    #[test]
    fn who_was_challenged_and_has_proved_himself_then_is_authenticated() {
        let message = MessageId::request(Step::ClientSession);
        let client = Role::DmClient;
        let mut observed = observed(&[(message, client, 1), (message, client, 2)]);
        authenticated(&mut observed, 1, client, Authentication::Missing);
        authenticated(&mut observed, 2, client, Authentication::Verified);
        assert_eq!(said(&observed), [["verified"], ["verified"]]);
    }

    #[test]
    fn a_server_that_proves_itself_in_a_later_message_has_done_so_in_its_session() {
        let message = MessageId::answer(Step::ClientSession);
        let mut observed = observed(&[(message, Role::Dms2, 1)]);
        authenticated(&mut observed, 1, Role::Dms2, Authentication::Missing);
        assert_eq!(said(&observed), [["missing"]]);
        authenticated(&mut observed, 2, Role::Dms2, Authentication::Verified);
        assert_eq!(said(&observed), [["verified"]]);
    }

    #[test]
    fn what_was_wrong_stays_wrong() {
        let message = MessageId::request(Step::ClientSession);
        let client = Role::DmClient;
        let mut observed = observed(&[(message, client, 1), (message, client, 2)]);
        authenticated(&mut observed, 1, client, Authentication::Wrong);
        authenticated(&mut observed, 2, client, Authentication::Verified);
        assert_eq!(said(&observed), [["wrong"], ["verified"]]);
    }
}
