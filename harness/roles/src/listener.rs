//! What a mock server's listener does with a request: finds its case, records it, and lets the role answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use dmconform_case::document;
use dmconform_judge::content_type;
use dmconform_model::transcript::{Body, Endpoint, EndpointKind, Request, Response};
use dmconform_model::{Event, Role};
use oma_dm::auth::HMAC_HEADER;
use oma_dm::session::server::ServerSession;
use oma_dm::syncml::{Encoding, Message};

use crate::context::CaseContext;
use crate::dial::{dress, kept};
use crate::http::server::{Handler, Received, Reply};
use crate::relay::Passing;
use crate::stage::Stage;
use crate::{bootstrap, delegation, documents, server_side};

/// Handles the requests at one endpoint.
pub(crate) struct EndpointHandler {
    pub(crate) stage: Weak<Stage>,
    pub(crate) endpoint: Endpoint,
}

impl Handler for EndpointHandler {
    fn handle(self: Arc<Self>, request: Received) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(async move {
            match self.stage.upgrade() {
                Some(stage) => answer(&stage, self.endpoint, request).await,
                None => Reply::new(503, "text/plain", Vec::new()),
            }
        })
    }
}

async fn answer(stage: &Arc<Stage>, endpoint: Endpoint, request: Received) -> Reply {
    let relay = stage.relay_at(endpoint);
    let endpoint = match relay {
        Some(_) => endpoint,
        None => meant(endpoint, &request),
    };
    let message = match endpoint.kind {
        EndpointKind::Dm => stage
            .readings
            .message(&request.body, content_type(&request.headers))
            .ok(),
        EndpointKind::Delegation | EndpointKind::Bootstrap => None,
    };
    let message = message.as_ref().map(|package| package.message());
    let found = find(stage, endpoint, &request, message);
    if let (Some(relay), None) = (&relay, &found) {
        stage.stray(format!(
            "{} {:?}: {} {} passed the relay and belongs to no running case",
            endpoint.role, endpoint.kind, request.method, request.target
        ));
        let passing = Passing {
            endpoint,
            exchange: stage.next_exchange(),
            request: &request,
            context: None,
        };
        return stage.pass(relay, passing).await;
    }
    let Some(context) = found else {
        let what = format!(
            "{} {:?}: {} {}",
            endpoint.role, endpoint.kind, request.method, request.target
        );
        stage.stray(format!("{what} belongs to no running case"));
        let (body, media_type) = documents::refusal(None, "", "unknown");
        return Reply::new(404, &media_type, body);
    };
    stage.introduce(&context, request.connection);
    let exchange = stage.next_exchange();
    let observer = endpoint.role;
    let body = match request.too_large {
        Some(whole) => Body {
            bytes: Vec::new(),
            whole_length: Some(whole),
        },
        // It was read whole, and is judged as a whole.
        None => Body::new(request.body.clone()),
    };
    context.recorder.record(Event::RequestReceived(Request {
        exchange,
        connection: request.connection,
        observer,
        endpoint,
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body,
    }));
    if let (Some(relay), None) = (&relay, request.too_large) {
        delegation::learn_session(&context, exchange);
        let passing = Passing {
            endpoint,
            exchange,
            request: &request,
            context: Some(&context),
        };
        return stage.pass(relay, passing).await;
    }
    let connection = request.connection;
    let mut reply = if request.too_large.is_some() {
        Reply::new(413, "text/plain", Vec::new())
    } else {
        match endpoint.kind {
            EndpointKind::Delegation => delegation::answer(&context, exchange).await,
            EndpointKind::Dm => match message {
                Some(message) => {
                    server_side::answer(&context, endpoint.role, exchange, &request, message).await
                }
                None => Reply::new(400, "text/plain", Vec::new()),
            },
            EndpointKind::Bootstrap => bootstrap::answer(&context, exchange).await,
        }
    };
    if let Some(delay) = context.oddities.delay() {
        tokio::time::sleep(delay).await;
    }
    dress(&context.oddities, &mut reply.headers);
    let response = Response {
        exchange,
        connection,
        observer,
        status: reply.status,
        headers: reply.headers.clone(),
        body: kept(&reply.body),
    };
    reply.before_write = Some(Box::new(move || {
        context.recorder.record(Event::ResponseSent(response));
    }));
    reply
}

/// A Bootstrap Server that is on the same machine as DMS-2 shares its listener.
fn meant(endpoint: Endpoint, request: &Received) -> Endpoint {
    let co_located = endpoint.role == Role::Dms2 && request.target.starts_with("/bootstrap/");
    if co_located {
        return Endpoint {
            role: Role::BootstrapServer,
            kind: EndpointKind::Bootstrap,
        };
    }
    endpoint
}

fn find(
    stage: &Stage,
    endpoint: Endpoint,
    request: &Received,
    message: Option<&Message>,
) -> Option<Arc<CaseContext>> {
    match endpoint.kind {
        EndpointKind::Delegation => {
            let said = document::Request {
                method: &request.method,
                target: &request.target,
                headers: &request.headers,
                body: &request.body,
            };
            let read = stage.readings.request(&stage.profile, &said, |_| true);
            let messages = read.unwrap_or_default();
            let first = |name: &str| {
                let mut values = messages
                    .iter()
                    .filter_map(|(_, fields)| fields.get(name)?.first());
                values.next().map(String::as_str)
            };
            stage.router.by_document(first("device"), first("session"))
        }
        EndpointKind::Dm => {
            let device = message.map(|message| ServerSession::peek(message).device_id);
            stage.router.by_document(device.as_deref(), None)
        }
        EndpointKind::Bootstrap => stage.router.by_target(&request.target),
    }
}

/// The encoding of a SyncML message by its media type; XML where it says nothing that is known.
pub(crate) fn encoding(headers: &[(String, String)]) -> Encoding {
    Encoding::from_media_type(content_type(headers)).unwrap_or(Encoding::Xml)
}

/// What seals a SyncML message, if anything does.
pub(crate) fn hmac(headers: &[(String, String)]) -> Option<&str> {
    headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(HMAC_HEADER))
        .map(|(_, value)| value.as_str())
}
