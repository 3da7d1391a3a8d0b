//! An HTTPS listener whose certificate can be exchanged, and whose answers can be spoiled.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dmconform_model::transcript::BROKEN_OFF;
use dmconform_oddity::{Oddities, Oddity};
use dmconform_tls::{AcceptError, ServerConfig, Stream, accept};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::body::{Reply as Wire, WireBody};
use super::impatient::Impatient;
use super::{MAX_FIELDS, MAX_HEAD, Observer, agreed};

/// The largest body that a listener reads, in octets.
const MAX_BODY: usize = 1024 * 1024;
/// How long a handshake or a body may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take until the head of the next request has arrived. Products keep connections open between requests.
const HEAD_PATIENCE: Duration = Duration::from_secs(120);
/// How long a peer may take to take what is written to it.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How long no connection can be accepted until that is held against the machine, and no longer against the product.
const SHORTAGE: Duration = Duration::from_millis(500);
/// How many connections of one listener are open at once.
const MAX_CONNECTIONS: usize = 1024;

/// How long draining waits for connections to end, which they do as soon as they are told to.
pub const LONGEST_DRAIN: Duration = Duration::from_secs(5);

/// What a listener takes at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in octets.
    pub body: usize,
    /// How long a handshake or a body may take.
    pub patience: Duration,
    /// How long it may take until the head of the next request has arrived.
    pub head_patience: Duration,
    /// How long a peer may take to take what is written to it.
    pub write_patience: Duration,
    /// How many connections are open at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: MAX_BODY,
            patience: PATIENCE,
            head_patience: HEAD_PATIENCE,
            write_patience: WRITE_PATIENCE,
            connections: MAX_CONNECTIONS,
        }
    }
}

/// A request that was read whole.
pub struct Received {
    /// The connection it came on.
    pub connection: u64,
    /// The method.
    pub method: String,
    /// The request target: path and query.
    pub target: String,
    /// The absolute URL, from the Host field.
    pub url: String,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body; nothing if it was too large.
    pub body: Vec<u8>,
    /// The length of a body that was too large, as far as it is known.
    pub too_large: Option<u64>,
}

/// What answers a request.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What is wrong with how it is sent.
    pub fault: Option<Fault>,
    /// Called immediately before the first octet is written.
    pub before_write: Option<Box<dyn FnOnce() + Send>>,
}

/// What is wrong with how an answer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed instead.
    CloseBefore,
    /// The connection is closed in the middle of the body.
    CloseMiddle,
    /// The connection is closed right after it.
    CloseAfter,
    /// It is sent an octet at a time, and never to its end.
    Trickle,
    /// Nothing is ever sent.
    Never,
}

impl Reply {
    /// An answer with a body of a media type; an empty body has none.
    pub fn new(status: u16, media_type: &str, body: Vec<u8>) -> Self {
        let headers = if body.is_empty() {
            Vec::new()
        } else {
            vec![("content-type".to_owned(), media_type.to_owned())]
        };
        Self {
            status,
            headers,
            body,
            fault: None,
            before_write: None,
        }
    }

    /// The same, with a fault.
    #[must_use]
    pub const fn with_fault(mut self, fault: Option<Fault>) -> Self {
        self.fault = fault;
        self
    }
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request that was read whole.
    fn handle(self: Arc<Self>, request: Received) -> Pin<Box<dyn Future<Output = Reply> + Send>>;
}

/// A listener.
pub struct Server {
    address: SocketAddr,
    tls: Arc<Mutex<ServerConfig>>,
    drain: watch::Sender<u64>,
    open: Arc<watch::Sender<Open>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Listens on an address, and answers from now on.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        address: SocketAddr,
        tls: ServerConfig,
        handler: Arc<dyn Handler>,
        observer: Arc<dyn Observer>,
        limits: Limits,
        oddities: Oddities,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let tls = Arc::new(Mutex::new(tls));
        let drain = watch::Sender::new(0);
        let open = Arc::new(watch::Sender::new(Open::new()));
        let shared = Shared {
            tls: Arc::clone(&tls),
            handler,
            observer,
            limits,
            oddities,
            drain: drain.subscribe(),
            open: Arc::clone(&open),
        };
        let accepting = tokio::spawn(accept_all(listener, shared));
        Ok(Self {
            address,
            tls,
            drain,
            open,
            accepting,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Presents something else to new connections.
    pub fn set_tls(&self, tls: ServerConfig) {
        *self.tls.lock().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    /// Closes every connection that is open now, and waits until they are closed; not for those that are opened meanwhile, and not
    /// without end.
    pub async fn drain(&self) {
        self.drain.send_modify(|round| *round += 1);
        let round = *self.drain.borrow();
        let mut open = self.open.subscribe();
        let none_of_before = open.wait_for(|open| open.range(..round).all(|(_, count)| *count == 0));
        // The sender lives as long as the server.
        let _ = tokio::time::timeout(LONGEST_DRAIN, none_of_before).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone)]
struct Shared {
    tls: Arc<Mutex<ServerConfig>>,
    handler: Arc<dyn Handler>,
    observer: Arc<dyn Observer>,
    limits: Limits,
    oddities: Oddities,
    drain: watch::Receiver<u64>,
    open: Arc<watch::Sender<Open>>,
}

async fn accept_all(listener: TcpListener, shared: Shared) {
    let room = Arc::new(Semaphore::new(shared.limits.connections));
    // Dropped with the task, which ends every connection.
    let mut connections = JoinSet::new();
    let mut starving: Option<Instant> = None;
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (socket, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give connections the time to end.
                let since = *starving.get_or_insert_with(Instant::now);
                if since.elapsed() >= SHORTAGE {
                    shared.observer.starved(&error);
                    starving = None;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        starving = None;
        let shared = shared.clone();
        connections.spawn(async move {
            serve(socket, address, shared).await;
            drop(permit);
        });
    }
}

/// How many connections are open of those that were accepted before each draining.
type Open = BTreeMap<u64, usize>;

/// Counts a connection as closed when it is dropped.
struct Counted {
    open: Arc<watch::Sender<Open>>,
    round: u64,
}

impl Counted {
    fn new(open: &Arc<watch::Sender<Open>>, round: u64) -> Self {
        open.send_modify(|open| *open.entry(round).or_default() += 1);
        Self {
            open: Arc::clone(open),
            round,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.send_modify(|open| {
            let left = open.get(&self.round).map_or(0, |count| count.saturating_sub(1));
            match left {
                0 => open.remove(&self.round),
                _ => open.insert(self.round, left),
            };
        });
    }
}

async fn serve(socket: TcpStream, address: SocketAddr, shared: Shared) {
    // Before anything is read that a draining goes with: what was another one then ends with it.
    let mut drain = shared.drain.clone();
    let round = *drain.borrow_and_update();
    let _open = Counted::new(&shared.open, round);
    let connection = shared.observer.opened(address);
    let _ = socket.set_nodelay(true);
    let tls = shared.tls.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let stream = tokio::select! {
        accepted = accept(socket, &tls, shared.limits.patience, shared.observer.tap(connection)) => accepted,
        _ = drain.changed() => return shared.observer.closed(connection, "drained"),
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(AcceptError::Plaintext { first }) => {
            shared.observer.plaintext(connection, &first);
            return shared.observer.closed(connection, "closed, because it is no TLS");
        }
        Err(AcceptError::Nothing) => {
            return shared.observer.closed(connection, "closed, nothing was said");
        }
        Err(AcceptError::Handshake(error)) => {
            agreed(shared.observer.as_ref(), connection, &error);
            shared
                .observer
                .failed(connection, &error.to_string(), error.refused_by_peer());
            return shared.observer.closed(connection, "closed during the handshake");
        }
    };
    shared.observer.established(connection, stream.facts());
    let how = exchange_all(stream, connection, &shared, drain).await;
    shared.observer.closed(connection, &how);
}

async fn exchange_all(
    stream: Stream,
    connection: u64,
    shared: &Shared,
    mut drain: watch::Receiver<u64>,
) -> String {
    let limits = shared.limits;
    let oddities = &shared.oddities;
    let handler = Arc::clone(&shared.handler);
    let wire_oddities = oddities.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (handler, oddities) = (Arc::clone(&handler), wire_oddities.clone());
        async move {
            let received = read(request, connection, limits).await?;
            let reply = handler.handle(received).await;
            WireBody::response(reply, &oddities).await
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(limits.head_patience)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .title_case_headers(oddities.has(Oddity::TitleCaseHeaderNames))
        .half_close(false);
    let stream = Impatient::new(stream, limits.write_patience);
    let stream = TokioIo::new(oddities.stream(stream));
    let mut serving = std::pin::pin!(builder.serve_connection(stream, service));
    tokio::select! {
        ended = serving.as_mut() => match ended {
            Ok(()) => "closed".to_owned(),
            Err(error) => ended_by(&error),
        },
        _ = drain.changed() => "drained".to_owned(),
    }
}

fn ended_by(error: &hyper::Error) -> String {
    match dmconform_tls::late_alert(error) {
        Some(alert) => format!("{BROKEN_OFF} by the peer's alert `{alert}`"),
        None => format!("{BROKEN_OFF}: {error}"),
    }
}

async fn read(request: hyper::Request<Incoming>, connection: u64, limits: Limits) -> Result<Received, Wire> {
    let (parts, body) = request.into_parts();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let host = headers
        .iter()
        .find(|(name, _)| name == "host")
        .map_or("", |(_, value)| value.as_str());
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let url = format!("https://{host}{target}");
    let announced = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<u64>().ok());
    let reading = Limited::new(body, limits.body).collect();
    let (body, too_large) = match tokio::time::timeout(limits.patience, reading).await {
        Err(_) => return Err(Wire("the body did not arrive in time".to_owned())),
        Ok(Ok(body)) => (body.to_bytes().to_vec(), None),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            (Vec::new(), Some(announced.unwrap_or(limits.body as u64 + 1)))
        }
        Ok(Err(error)) => return Err(Wire(format!("the body broke off: {error}"))),
    };
    let method = parts.method.as_str().to_owned();
    Ok(Received {
        connection,
        method,
        target,
        url,
        headers,
        body,
        too_large,
    })
}
