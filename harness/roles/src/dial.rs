//! Exchanges that a mock role begins, recorded as they happen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use dmconform_case::test_case::CloseAt;
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use dmconform_model::transcript::{Body, Endpoint, Request, Response};
use dmconform_model::{Event, MessageId, Role};
use dmconform_oddity::{Oddities, Oddity};
use dmconform_tls::ClientConfig;
use hyper::body::Bytes;

use crate::context::CaseContext;
use crate::hosts::Hosts;
use crate::http::client::{self, Answer, Connection, ExchangeError, Limits, Sending, Target};
use crate::stage::{DialObserver, Presents, Stage, lock};

/// The largest answer that a mock role reads, in octets.
const MAX_ANSWER: usize = 1024 * 1024;

/// A request that a mock role sends.
pub struct Outgoing {
    /// Which mock role.
    pub observer: Role,
    /// Where to.
    pub endpoint: Endpoint,
    /// The absolute URL.
    pub url: String,
    /// The method.
    pub method: String,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body; cheap to clone, since some are large.
    pub body: Bytes,
    /// What the role presents.
    pub presents: Presents,
    /// What the case changes about it, in words.
    pub change: Option<(MessageId, String)>,
    /// Where the connection is closed while it is sent.
    pub close_at: Option<CloseAt>,
    /// The only version of TLS that is spoken.
    pub version: Option<Version>,
    /// Whether it is sent an octet at a time, and never to its end.
    pub slow: bool,
    /// The TLS of a party that resumes its sessions: it is used instead of a new one.
    pub resuming: Option<ClientConfig>,
    /// Whether it goes without TLS.
    pub plaintext: bool,
}

impl Outgoing {
    /// Whether nothing is changed about its connection, so that one will do that stands already.
    const fn is_ordinary(&self) -> bool {
        self.close_at.is_none() && self.version.is_none() && self.resuming.is_none() && !self.plaintext
    }
}

/// An exchange that came to no answer.
pub struct Failed {
    /// What happened.
    pub reason: String,
}

/// An open connection of a mock role.
pub struct Line {
    connection: Connection,
    target: Target,
}

/// Connections that mock servers keep, where that is an oddity.
#[derive(Default)]
pub struct KeptLines {
    by_role: Mutex<BTreeMap<Role, Line>>,
}

impl KeptLines {
    fn take(&self, role: Role) -> Option<Line> {
        lock(&self.by_role).remove(&role)
    }

    fn keep(&self, role: Role, line: Line) {
        lock(&self.by_role).insert(role, line);
    }
}

impl Stage {
    /// Opens a connection, sends a request, reads the answer, and records all of it.
    ///
    /// # Errors
    /// When no answer comes; that is recorded, too.
    pub async fn exchange(
        self: &Arc<Self>,
        context: &Arc<CaseContext>,
        outgoing: Outgoing,
    ) -> Result<Answer, Failed> {
        let role = outgoing.observer;
        let is_kept = context.oddities.has(Oddity::ConnectionsKept)
            && outgoing.presents == Presents::Own(role, Certificate::Good)
            && outgoing.is_ordinary();
        let mut line = if is_kept { context.lines.take(role) } else { None };
        let exchanged = self.exchange_on(context, outgoing, &mut line).await;
        if is_kept && let Some(line) = line {
            context.lines.keep(role, line);
        }
        exchanged.map(|(_, answer)| answer)
    }

    /// The same on a connection that is kept for the next exchange, with the number of the exchange.
    ///
    /// # Errors
    /// When no answer comes; that is recorded, too.
    pub async fn exchange_on(
        self: &Arc<Self>,
        context: &Arc<CaseContext>,
        mut outgoing: Outgoing,
        line: &mut Option<Line>,
    ) -> Result<(u64, Answer), Failed> {
        dress(&context.oddities, &mut outgoing.headers);
        let exchange = self.next_exchange();
        if let Some((at, change)) = outgoing.change.clone() {
            context.recorder.record(Event::Changed {
                at,
                exchange: Some(exchange),
                change,
            });
        }
        let sent = self.try_exchange(context, &outgoing, exchange, line).await;
        match sent {
            Ok(answer) => {
                let number = line.as_ref().map_or(0, |line| line.connection.number);
                let is_last = context.oddities.has(Oddity::ConnectionForEachMessage);
                if answer.status >= 500 || answer.too_large || is_last {
                    *line = None;
                }
                context.recorder.record(Event::ResponseReceived(Response {
                    exchange,
                    connection: number,
                    observer: outgoing.observer,
                    status: answer.status,
                    headers: answer.headers.clone(),
                    body: Body {
                        bytes: answer.body.clone(),
                        whole_length: answer.too_large.then_some(MAX_ANSWER as u64 + 1),
                    },
                }));
                Ok((exchange, answer))
            }
            Err((connection, error)) => {
                *line = None;
                if error.ours {
                    // Nothing that is missing now is missing because of the product.
                    let reason = error.reason.clone();
                    context.recorder.record(Event::Aborted { reason });
                }
                context.recorder.record(Event::ExchangeFailed {
                    exchange,
                    observer: outgoing.observer,
                    endpoint: outgoing.endpoint,
                    connection,
                    reason: error.reason.clone(),
                    refused_by_peer: error.refused_by_peer,
                    unreadable: error.unreadable,
                });
                Err(Failed { reason: error.reason })
            }
        }
    }

    async fn try_exchange(
        self: &Arc<Self>,
        context: &Arc<CaseContext>,
        outgoing: &Outgoing,
        exchange: u64,
        line: &mut Option<Line>,
    ) -> Result<Answer, (Option<u64>, ExchangeError)> {
        let place = match Place::of(&outgoing.url, &self.hosts).await {
            Ok(place) if place.is_tls => place,
            Ok(_) => {
                let reason = format!("`{}` is no https URL", outgoing.url);
                return Err((None, harness_error(reason)));
            }
            Err(reason) => return Err((None, harness_error(reason))),
        };
        let limits = Limits {
            body: MAX_ANSWER,
            patience: self.patience,
        };
        let sending = Sending {
            method: outgoing.method.clone(),
            target: place.target.clone(),
            headers: outgoing.headers.clone(),
            body: outgoing.body.clone(),
            close_at: outgoing.close_at,
        };
        let tls = match &outgoing.resuming {
            Some(tls) => Ok(tls.clone()),
            None => self.client_tls(outgoing.presents, outgoing.version),
        };
        let tls = tls.map_err(|error| (None, harness_error(error.to_string())))?;
        let observer = Arc::new(DialObserver {
            stage: Arc::clone(self),
            context: Arc::downgrade(context),
            observer: outgoing.observer,
            endpoint: outgoing.endpoint,
            presents: outgoing.presents,
        });
        let target = Target {
            address: place.address,
            host: place.host,
            authority: place.authority,
        };
        let record = |connection| record_request(context, outgoing, exchange, connection);
        if outgoing.plaintext {
            let mut connection = client::open_plain(&target, observer, limits, &context.oddities).await?;
            let number = connection.number;
            let answered = connection.exchange(sending, || record(number), limits).await;
            // What a TLS listener says to that is no HTTP: an alert, which refuses it.
            return answered.map_err(|error| {
                let refused_by_peer = error.refused_by_peer || error.unreadable;
                (
                    Some(number),
                    ExchangeError {
                        refused_by_peer,
                        unreadable: false,
                        ..error
                    },
                )
            });
        }
        if outgoing.slow {
            return Err(client::trickle(&target, &tls, observer, &sending, record, limits).await);
        }
        if outgoing.close_at.is_some() {
            return Err(client::break_off(&target, &tls, observer, &sending, record, limits).await);
        }
        // Who is told to go on elsewhere goes there (OMA-TS-SyncML_RepPro, RespURI).
        let leads_there = |line: &Line| line.connection.is_open() && line.target == target;
        if !line.as_ref().is_some_and(leads_there) {
            let connection = client::open(&target, &tls, observer, limits, &context.oddities).await?;
            *line = Some(Line { connection, target });
        }
        let Some(Line { connection, .. }) = line else {
            return Err((None, harness_error("the connection was just opened".to_owned())));
        };
        let number = connection.number;
        connection
            .exchange(sending, || record(number), limits)
            .await
            .map_err(|error| (Some(number), error))
    }
}

/// Adds to the header of a message what is unusual about it.
pub(crate) fn dress(oddities: &Oddities, headers: &mut Vec<(String, String)>) {
    for (name, value) in headers.iter_mut() {
        if name == "content-type" {
            *value = oddities.media_type(value);
        }
    }
    headers.extend(oddities.header_fields());
}

fn record_request(context: &CaseContext, outgoing: &Outgoing, exchange: u64, connection: u64) {
    context.recorder.record(Event::RequestSent(Request {
        exchange,
        connection,
        observer: outgoing.observer,
        endpoint: outgoing.endpoint,
        method: outgoing.method.clone(),
        url: outgoing.url.clone(),
        headers: outgoing.headers.clone(),
        body: kept(&outgoing.body),
    }));
}

/// A body that a mock role sends, as a transcript keeps it: what is larger than any document is cut. What a peer sends is bounded as it is
/// read, and kept whole, since it is judged.
pub(crate) fn kept(body: &[u8]) -> Body {
    const KEPT: usize = 256 * 1024;
    if body.len() <= KEPT {
        return Body::new(body.to_vec());
    }
    Body {
        bytes: body[..1024].to_vec(),
        whole_length: Some(body.len() as u64),
    }
}

fn harness_error(reason: String) -> ExchangeError {
    ExchangeError::because(reason)
}

/// Where a URL leads.
pub(crate) struct Place {
    pub(crate) is_tls: bool,
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) authority: String,
    pub(crate) target: String,
}

impl Place {
    /// Where a URL leads, if it may be gone to.
    pub(crate) async fn of(url: &str, hosts: &Hosts) -> Result<Self, String> {
        let uri: hyper::Uri = url
            .parse()
            .map_err(|error| format!("`{url}` is no URL: {error}"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("`{url}` is no http or https URL")),
        };
        let authority = uri.authority().ok_or_else(|| format!("`{url}` names no host"))?;
        // An address of IPv6 has brackets in a URL and in the Host field, and nowhere else (RFC 3986, section 3.2.2).
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let ip = hosts.address(&host, port).await?;
        Ok(Self {
            is_tls,
            address: SocketAddr::new(ip, port),
            host,
            authority: authority.as_str().to_owned(),
            target: uri
                .path_and_query()
                .map_or("/", |target| target.as_str())
                .to_owned(),
        })
    }
}
