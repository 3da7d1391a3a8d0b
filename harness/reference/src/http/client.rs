//! The client: connections, each for a request or for those of a session, and one failure when a request does not work.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_oddity::{OddBody, Oddities, Oddity};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use oma_dm::auth::HMAC_HEADER;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::background::lock;
use crate::deviation::Deviation;
use crate::frailty::Frailty;
use crate::http::{MAX_BODY, hmac_of};
use crate::outdated_tls;
use crate::url::Url;

/// Sends requests, each over a connection of its own if nothing else is said.
#[derive(Clone)]
pub(crate) struct HttpClient {
    security: Security,
    timeout: Duration,
    oddities: Oddities,
    /// Whether connections are kept.
    keeps: bool,
    /// Those that are, by authority.
    kept: Arc<Mutex<BTreeMap<String, SendRequest<OddBody>>>>,
    frailty: Frailty,
}

#[derive(Clone)]
enum Security {
    Tls(TlsConnector),
    Plain,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: &'static str,
    /// Media type and body; a request without body has none.
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
    pub(crate) accept: Option<&'static str>,
    /// The header that seals a SyncML message.
    pub(crate) hmac: Option<String>,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    /// With its parameters.
    pub(crate) media_type: Option<String>,
    /// The header that seals a SyncML message.
    pub(crate) hmac: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl HttpAnswer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why no answer came.
#[derive(Debug, Error)]
pub(crate) enum RequestError {
    #[error("send a request to `{url}`: only https is spoken here")]
    NotSecure { url: String },
    #[error("reach `{url}`: {source}")]
    Unreachable { url: String, source: io::Error },
    #[error("agree on TLS with `{url}`: {source}")]
    Tls { url: String, source: io::Error },
    #[error("get an answer from `{url}`: {problem}")]
    Http { url: String, problem: String },
    #[error("get an answer from `{url}` within {} s", limit.as_secs())]
    TimedOut { url: String, limit: Duration },
}

impl HttpClient {
    /// A client that speaks TLS only.
    pub(crate) fn secure(connector: TlsConnector, timeout: Duration, frailty: Frailty) -> Self {
        Self {
            security: Security::Tls(connector),
            timeout,
            oddities: Oddities::default(),
            keeps: false,
            kept: Arc::default(),
            frailty,
        }
    }

    /// A client that never speaks TLS.
    pub(crate) fn plain(timeout: Duration) -> Self {
        Self {
            security: Security::Plain,
            timeout,
            oddities: Oddities::default(),
            keeps: false,
            kept: Arc::default(),
            frailty: Frailty::default(),
        }
    }

    /// The same with these oddities.
    pub(crate) fn with_oddities(mut self, oddities: &Oddities) -> Self {
        self.oddities = oddities.clone();
        self.keeps = oddities.has(Oddity::ConnectionsKept);
        self
    }

    /// The same for the messages of one management session: they go over one connection, as those of devices do.
    pub(crate) fn for_session(&self) -> Self {
        Self {
            keeps: !self.oddities.has(Oddity::ConnectionForEachMessage),
            kept: Arc::default(),
            ..self.clone()
        }
    }

    /// Sends a request and reads all of the answer.
    pub(crate) async fn ask(&self, url: &Url, question: Question) -> Result<HttpAnswer, RequestError> {
        self.frailty.stand().await;
        if let Some(_turn) = self.frailty.turn().await {
            return self.connect_and_ask(url, question).await;
        }
        if self.frailty.has(Deviation::WaitsForSilentPeers) {
            return self.connect_and_ask(url, question).await;
        }
        let limit = self.timeout;
        match timeout(limit, self.connect_and_ask(url, question)).await {
            Ok(result) => result,
            Err(_) => Err(RequestError::TimedOut {
                url: url.to_string(),
                limit,
            }),
        }
    }

    async fn connect_and_ask(&self, url: &Url, question: Question) -> Result<HttpAnswer, RequestError> {
        let connector = match &self.security {
            Security::Tls(_) if !url.is_secure() => {
                return Err(RequestError::NotSecure { url: url.to_string() });
            }
            Security::Tls(connector) => Some(connector),
            Security::Plain => None,
        };
        if self.keeps
            && let Some(sender) = self.kept_connection(url)
        {
            return self.ask_on(sender, url, question).await;
        }
        let unreachable = |source| RequestError::Unreachable {
            url: url.to_string(),
            source,
        };
        let stream = TcpStream::connect((url.host(), url.port()))
            .await
            .map_err(unreachable)?;
        // Latency matters more than a packet; a stack that cannot do it still works.
        drop(stream.set_nodelay(true));
        let Some(connector) = connector else {
            return self.exchange(stream, url, question).await;
        };
        let failed = |source| RequestError::Tls {
            url: url.to_string(),
            source,
        };
        let name = ServerName::try_from(url.host().to_owned())
            .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let stream = match connector.connect(name, stream).await {
            Ok(stream) => stream,
            Err(source) => {
                if self.frailty.has(Deviation::FallsBackToOutdatedTls) {
                    outdated_tls::offer((url.host(), url.port())).await;
                }
                return Err(failed(source));
            }
        };
        self.exchange(stream, url, question).await
    }

    /// A connection that is still open.
    fn kept_connection(&self, url: &Url) -> Option<SendRequest<OddBody>> {
        let sender = lock(&self.kept).remove(&url.authority());
        sender.filter(SendRequest::is_ready)
    }

    /// Asks on a connection that was kept.
    async fn ask_on(
        &self,
        sender: SendRequest<OddBody>,
        url: &Url,
        question: Question,
    ) -> Result<HttpAnswer, RequestError> {
        let (answer, sender) = self.say(sender, url, question).await?;
        lock(&self.kept).insert(url.authority(), sender);
        Ok(answer)
    }

    /// Asks on a connection that was just opened.
    async fn exchange<S>(&self, stream: S, url: &Url, question: Question) -> Result<HttpAnswer, RequestError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let failed = |problem: &dyn std::error::Error| RequestError::Http {
            url: url.to_string(),
            problem: with_causes(problem),
        };
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .title_case_headers(self.oddities.has(Oddity::TitleCaseHeaderNames))
            .handshake(TokioIo::new(self.oddities.stream(stream)))
            .await
            .map_err(|error| failed(&error))?;
        let mut connection = Box::pin(connection);
        let mut answer = pin!(self.say(sender, url, question));
        // A certificate refused under TLS 1.3 shows in the connection, not in the request: its error goes first.
        let result = tokio::select! {
            biased;
            result = &mut answer => result,
            result = &mut connection => match result {
                Err(error) => {
                    self.frailty.meet_broken_connection();
                    return Err(failed(&error));
                }
                Ok(()) => return answer.await.map(|(answer, _)| answer),
            },
        };
        let result = match result {
            Ok((answer, sender)) if self.keeps => {
                // It ends when its sender is dropped, or the peer closes it.
                tokio::spawn(connection);
                lock(&self.kept).insert(url.authority(), sender);
                return Ok(answer);
            }
            // Without its sender, the connection ends.
            result => result.map(|(answer, _)| answer),
        };
        let end = timeout(Duration::from_millis(200), connection).await;
        match (result, end) {
            (Err(_), Ok(Err(cause))) => Err(failed(&cause)),
            (result, _) => result,
        }
    }

    /// Sends a request and reads all of the answer, while somebody drives the connection.
    async fn say(
        &self,
        mut sender: SendRequest<OddBody>,
        url: &Url,
        question: Question,
    ) -> Result<(HttpAnswer, SendRequest<OddBody>), RequestError> {
        let turn = self.frailty.turn_to_ask().await;
        let response = sender
            .send_request(request(url, question, &self.oddities))
            .await
            .map_err(|error| {
                self.frailty.meet_broken_connection();
                RequestError::Http {
                    url: url.to_string(),
                    problem: with_causes(&error),
                }
            })?;
        drop(turn);
        let answer = collect(response, url, &self.frailty).await?;
        Ok((answer, sender))
    }
}

fn request(url: &Url, question: Question, oddities: &Oddities) -> Request<OddBody> {
    let (media_type, body) = question.body.unzip();
    let mut request = Request::new(oddities.body(body.unwrap_or_default()));
    *request.method_mut() = question.method.parse().expect("a method written here");
    // A target that cannot be parsed has no URL.
    *request.uri_mut() = oddities
        .request_target(&url.authority(), url.target())
        .parse()
        .unwrap_or_default();
    let headers = request.headers_mut();
    if let Ok(host) = HeaderValue::from_str(&url.authority()) {
        headers.insert(HOST, host);
    }
    if let Some(media_type) = media_type
        && let Ok(value) = HeaderValue::from_str(&oddities.media_type(media_type))
    {
        headers.insert(CONTENT_TYPE, value);
    }
    for (name, text) in oddities.header_fields() {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&text)) {
            headers.append(name, value);
        }
    }
    if let Some(accept) = question.accept {
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
    }
    if let Some(seal) = question.hmac.and_then(|seal| HeaderValue::from_str(&seal).ok()) {
        headers.insert(HMAC_HEADER, seal);
    }
    request
}

async fn collect(
    response: Response<Incoming>,
    url: &Url,
    frailty: &Frailty,
) -> Result<HttpAnswer, RequestError> {
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body,
        Err(error) => {
            if error.is::<http_body_util::LengthLimitError>() {
                frailty.meet_huge_body();
            } else {
                frailty.meet_broken_connection();
            }
            return Err(RequestError::Http {
                url: url.to_string(),
                problem: with_causes(error.as_ref()),
            });
        }
    };
    let body = body.to_bytes().to_vec();
    frailty.meet_body(&body).await;
    Ok(HttpAnswer {
        status: head.status.as_u16(),
        media_type: head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        hmac: hmac_of(&head.headers),
        body,
    })
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
