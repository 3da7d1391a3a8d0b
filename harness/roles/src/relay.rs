//! Relays: listeners before the endpoints of real products that other real products speak to.
//!
//! A relay is the product's public address. It records what passes, and alters no body.

use std::sync::Arc;

use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::{Body, Endpoint, EndpointKind, Response};
use dmconform_model::{Event, Role};
use dmconform_oddity::Oddities;

use crate::context::CaseContext;
use crate::dial::Place;
use crate::errand::Nobody;
use crate::http::Observer;
use crate::http::client::{self, Answer, ExchangeError, Limits, Sending, Target};
use crate::http::server::{Fault, Received, Reply};
use crate::stage::{DialObserver, Presents, Stage, lock};

/// The largest answer that passes, in octets.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The header fields that do not pass: those that concern one connection only (RFC 9110 7.6.1), those that are made anew with it, and
/// what lets an answer be compressed.
const OF_CONNECTION: [&str; 9] = [
    // What is compressed could not be read on its way; who may not be sent it is not.
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Where a relay passes on what it receives.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    /// The role whose certificate it shows there.
    caller: Role,
    /// The URL of the product's own endpoint; only its host and port matter.
    upstream: String,
}

/// A request on its way through a relay.
pub(crate) struct Passing<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) exchange: u64,
    pub(crate) request: &'a Received,
    /// The case that it belongs to; what belongs to none passes, too.
    pub(crate) context: Option<&'a Arc<CaseContext>>,
}

impl Stage {
    /// Lets the listener of an endpoint relay to the product's own.
    pub fn relay(&self, endpoint: Endpoint, caller: Role, upstream: String) {
        lock(&self.relays).insert(endpoint, Relay { caller, upstream });
    }

    pub(crate) fn relay_at(&self, endpoint: Endpoint) -> Option<Relay> {
        lock(&self.relays).get(&endpoint).cloned()
    }

    /// Passes a request on, and the answer back.
    pub(crate) async fn pass(self: &Arc<Self>, relay: &Relay, passing: Passing<'_>) -> Reply {
        match self.try_pass(relay, &passing).await {
            Ok((connection, answer)) => {
                if let Some(context) = passing.context {
                    context.recorder.record(Event::ResponseReceived(Response {
                        exchange: passing.exchange,
                        connection,
                        observer: passing.endpoint.role,
                        status: answer.status,
                        headers: answer.headers.clone(),
                        body: Body {
                            bytes: answer.body.clone(),
                            whole_length: answer.too_large.then_some(MAX_ANSWER as u64 + 1),
                        },
                    }));
                }
                if answer.too_large {
                    return Reply::new(502, "text/plain", Vec::new()).with_fault(Some(Fault::CloseBefore));
                }
                let mut reply = Reply::new(answer.status, "", answer.body);
                reply.headers = passed_on(&answer.headers);
                reply
            }
            Err((connection, error)) => {
                let what = format!(
                    "{} {:?}: {}",
                    passing.endpoint.role, passing.endpoint.kind, error.reason
                );
                match passing.context {
                    Some(context) => {
                        if error.ours {
                            let reason = error.reason.clone();
                            context.recorder.record(Event::Aborted { reason });
                        }
                        context.recorder.record(Event::ExchangeFailed {
                            exchange: passing.exchange,
                            observer: passing.endpoint.role,
                            endpoint: passing.endpoint,
                            connection,
                            reason: error.reason,
                            refused_by_peer: error.refused_by_peer,
                            unreadable: error.unreadable,
                        });
                    }
                    None => self.stray(what),
                }
                // Who called is told what happened in the only way that a relay has.
                Reply::new(502, "text/plain", Vec::new()).with_fault(Some(Fault::CloseBefore))
            }
        }
    }

    async fn try_pass(
        self: &Arc<Self>,
        relay: &Relay,
        passing: &Passing<'_>,
    ) -> Result<(u64, Answer), (Option<u64>, ExchangeError)> {
        let unreachable = |reason: String| (None, ExchangeError::because(reason));
        let place = Place::of(&relay.upstream, &self.hosts)
            .await
            .map_err(unreachable)?;
        let presents = match passing.endpoint.kind {
            EndpointKind::Delegation => Presents::Own(relay.caller, Certificate::Good),
            EndpointKind::Dm | EndpointKind::Bootstrap => Presents::Nothing,
        };
        let tls = self
            .client_tls(presents, None)
            .map_err(|error| unreachable(error.to_string()))?;
        let observer: Arc<dyn Observer> = match passing.context {
            Some(context) => Arc::new(DialObserver {
                stage: Arc::clone(self),
                context: Arc::downgrade(context),
                observer: relay.caller,
                endpoint: passing.endpoint,
                presents,
            }),
            None => Arc::new(Nobody),
        };
        let limits = Limits {
            body: MAX_ANSWER,
            patience: self.patience,
        };
        let target = Target {
            address: place.address,
            host: place.host,
            authority: place.authority,
        };
        let sending = Sending {
            method: passing.request.method.clone(),
            target: passing.request.target.clone(),
            headers: passed_on(&passing.request.headers),
            body: passing.request.body.clone().into(),
            close_at: None,
        };
        let mut connection = client::open(&target, &tls, observer, limits, &Oddities::default()).await?;
        let number = connection.number;
        let answered = connection.exchange(sending, || (), limits).await;
        answered
            .map(|answer| (number, answer))
            .map_err(|error| (Some(number), error))
    }
}

/// The header fields that go on to the next connection.
fn passed_on(headers: &[(String, String)]) -> Vec<(String, String)> {
    let kept = headers
        .iter()
        .filter(|(name, _)| !OF_CONNECTION.contains(&name.to_lowercase().as_str()));
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::passed_on;

    #[test]
    fn fields_of_a_connection_stay_with_it() {
        let field = |name: &str| (name.to_owned(), "x".to_owned());
        let headers = [
            field("Connection"),
            field("Accept-Encoding"),
            field("x-syncml-hmac"),
            field("Content-Length"),
        ];
        assert_eq!(passed_on(&headers), [field("x-syncml-hmac")]);
    }
}
