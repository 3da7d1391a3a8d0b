//! The server: listens, and hands each request, read whole, to a handler.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use dmconform_oddity::{OddBody, Oddities, Oddity};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use oma_dm::auth::HMAC_HEADER;
use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::deviation::Deviation;
use crate::frailty::Frailty;
use crate::http::{MAX_BODY, hmac_of};
use crate::{outdated_tls, tls};

/// How long a peer may take for the TLS handshake, and again for the header of a request.
const PATIENCE: Duration = Duration::from_secs(15);

/// How many connections a listener serves at once.
const MAX_CONNECTIONS: usize = 1024;

/// How a listener speaks.
#[derive(Clone)]
pub(crate) enum Security {
    /// Without TLS.
    Plain,
    /// With TLS and nothing else.
    Tls(tls::Acceptor),
    /// With TLS, and without where the peer begins so.
    Either(tls::Acceptor),
}

/// A request with all its body.
#[derive(Clone, Debug)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    /// Without query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// As the peer wrote it.
    pub(crate) media_type: Option<String>,
    /// The header that seals a SyncML message.
    pub(crate) hmac: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The names in the peer's certificate; nothing when it has shown none.
    pub(crate) peer: Option<Arc<[String]>>,
}

/// What a handler answers.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) media_type: Option<&'static str>,
    /// The header that seals a SyncML message.
    pub(crate) hmac: Option<String>,
    pub(crate) body: Vec<u8>,
    sent: Option<oneshot::Sender<()>>,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// An answer with a body.
    pub(crate) fn new(status: u16, media_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            media_type: Some(media_type),
            hmac: None,
            body,
            sent: None,
        }
    }

    /// Also says when the answer is out, or has been given up.
    pub(crate) fn announcing(mut self) -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        self.sent = Some(sender);
        (self, receiver)
    }
}

/// What answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(self: Arc<Self>, request: HttpRequest) -> impl Future<Output = Reply> + Send;
}

/// Binds an address. What has bound it a moment ago, and is gone, is no hindrance.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Serves a listener until it is dropped; the connections go with it.
pub(crate) async fn serve<H: Handler>(
    listener: TcpListener,
    security: Security,
    handler: Arc<H>,
    oddities: Oddities,
    frailty: Frailty,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely; they come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (security, handler, frailty) = (security.clone(), Arc::clone(&handler), frailty.clone());
        let oddities = oddities.clone();
        connections.spawn(async move {
            connection(stream, security, handler, &oddities, frailty).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection<H: Handler>(
    stream: TcpStream,
    security: Security,
    handler: Arc<H>,
    oddities: &Oddities,
    frailty: Frailty,
) {
    let _turn = frailty.turn().await;
    frailty.stand().await;
    // Latency matters more than a packet; a stack that cannot do it still works.
    drop(stream.set_nodelay(true));
    let acceptor = match security {
        Security::Plain => return requests(stream, None, handler, oddities, frailty).await,
        Security::Tls(acceptor) => acceptor,
        Security::Either(acceptor) => match begins_with_tls(&stream).await {
            true => acceptor,
            false => return requests(stream, None, handler, oddities, frailty).await,
        },
    };
    if frailty.has(Deviation::SpeaksOutdatedTls) && outdated_tls::is_offered(&stream).await {
        drop(timeout(PATIENCE, outdated_tls::choose(stream)).await);
        return;
    }
    let Ok(Ok(stream)) = timeout(PATIENCE, acceptor.accept(stream)).await else {
        return;
    };
    let chain = stream.get_ref().1.peer_certificates();
    let leaf = chain.and_then(<[_]>::first);
    let peer = leaf.map(|leaf| Arc::<[String]>::from(tls::names(leaf)));
    if let (Some(leaf), Some(names)) = (leaf, &peer) {
        frailty.meet_certificate(names, leaf);
        frailty.stand().await;
    }
    let is_resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    let is_trusted = is_resumed && frailty.has(Deviation::TrustsResumedSessions);
    requests(stream, peer.filter(|_| !is_trusted), handler, oddities, frailty).await;
}

async fn begins_with_tls(stream: &TcpStream) -> bool {
    const HANDSHAKE_RECORD: u8 = 22;
    let mut first = [0];
    matches!(timeout(PATIENCE, stream.peek(&mut first)).await, Ok(Ok(1)) if first == [HANDSHAKE_RECORD])
}

async fn requests<S, H>(
    stream: S,
    peer: Option<Arc<[String]>>,
    handler: Arc<H>,
    oddities: &Oddities,
    frailty: Frailty,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let is_one_at_a_time = frailty.has(Deviation::WaitsForSlowPeers);
    let seen = frailty.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (peer, handler, frailty) = (peer.clone(), Arc::clone(&handler), frailty.clone());
        let oddities = oddities.clone();
        async move {
            let reply = match read(request, peer, &frailty).await {
                Ok(request) => handler.handle(request).await,
                Err(status) => Reply::empty(status),
            };
            if let Some(delay) = oddities.delay() {
                tokio::time::sleep(delay).await;
            }
            Ok::<_, Infallible>(response(reply, &oddities))
        }
    });
    let ended = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(!is_one_at_a_time)
        .title_case_headers(oddities.has(Oddity::TitleCaseHeaderNames))
        .serve_connection(TokioIo::new(oddities.stream(stream)), service)
        .await;
    // How a connection ends is the peer's affair, but for those who make it theirs.
    if ended.is_err_and(|error| error.is_incomplete_message()) {
        seen.meet_broken_connection();
    }
}

async fn read(
    request: Request<Incoming>,
    peer: Option<Arc<[String]>>,
    frailty: &Frailty,
) -> Result<HttpRequest, u16> {
    let (head, body) = request.into_parts();
    let body = match timeout(PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            frailty.meet_huge_body();
            return Err(413);
        }
        Ok(Err(_)) => {
            frailty.meet_broken_connection();
            return Err(400);
        }
        Err(_) => return Err(408),
    };
    frailty.meet_body(&body).await;
    Ok(HttpRequest {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        media_type: head
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        hmac: hmac_of(&head.headers),
        body,
        peer,
    })
}

fn response(reply: Reply, oddities: &Oddities) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody {
        body: oddities.body(reply.body),
        sent: reply.sent,
    });
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(media_type) = reply.media_type {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, value(&oddities.media_type(media_type)));
    }
    for (name, text) in oddities.header_fields() {
        if let Ok(name) = name.parse::<HeaderName>() {
            response.headers_mut().append(name, value(&text));
        }
    }
    if let Some(seal) = reply
        .hmac
        .as_deref()
        .and_then(|seal| HeaderValue::from_str(seal).ok())
    {
        response.headers_mut().insert(HMAC_HEADER, seal);
    }
    response
}

/// The value of a header field that is written here.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A body that says when it is no longer needed.
struct ReplyBody {
    body: OddBody,
    sent: Option<oneshot::Sender<()>>,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        if let Some(sent) = self.sent.take() {
            // Nobody may be waiting any more.
            sent.send(()).ok();
        }
    }
}
