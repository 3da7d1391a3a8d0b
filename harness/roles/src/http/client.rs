//! An HTTPS client that says exactly when it writes, and who broke off.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dmconform_case::test_case::CloseAt;
use dmconform_model::transcript::BROKEN_OFF;
use dmconform_model::{is_out_of_files, remedy};
use dmconform_oddity::{OddBody, Oddities, Oddity};
use dmconform_tls::{ClientConfig, HandshakeError, Stream, connect, late_alert};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::alerted::{self, Alerted};
use super::{MAX_FIELDS, MAX_HEAD, Observer, agreed};

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The socket.
    pub address: SocketAddr,
    /// The host in the URL: what the certificate must be for.
    pub host: String,
    /// Host and port as the Host field has them.
    pub authority: String,
}

/// A request to be sent.
pub struct Sending {
    /// The method.
    pub method: String,
    /// The request target: path and query.
    pub target: String,
    /// The header fields besides Host and Content-Length.
    pub headers: Vec<(String, String)>,
    /// The body; cheap to clone, since some are large.
    pub body: Bytes,
    /// Where the connection is closed while it is sent.
    pub close_at: Option<CloseAt>,
}

/// An answer that was read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body; nothing if it was too large.
    pub body: Vec<u8>,
    /// Whether the body was larger than the limit.
    pub too_large: bool,
}

/// An exchange that came to no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ExchangeError {
    /// What happened.
    pub reason: String,
    /// Whether the other end refused: alert, close, reset.
    pub refused_by_peer: bool,
    /// Whether what came back is no HTTP.
    pub unreadable: bool,
    /// Whether it never came to the other end, since this machine has no more of something.
    pub ours: bool,
}

impl ExchangeError {
    /// One that is nobody's refusal.
    pub(crate) const fn because(reason: String) -> Self {
        Self {
            reason,
            refused_by_peer: false,
            unreadable: false,
            ours: false,
        }
    }
}

/// What a client takes at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in octets.
    pub body: usize,
    /// How long connecting, and how long an answer may take.
    pub patience: Duration,
}

/// An open connection.
pub struct Connection {
    /// Its number.
    pub number: u64,
    authority: String,
    sender: SendRequest<OddBody>,
    oddities: Oddities,
    /// Ends with why the other end has refused the connection, if it did after the handshake.
    driving: tokio::task::JoinHandle<Option<String>>,
}

/// Opens a connection.
///
/// # Errors
/// When the socket is not reachable, or the handshake comes to nothing: what the observer was told, too.
pub async fn open(
    target: &Target,
    tls: &ClientConfig,
    observer: Arc<dyn Observer>,
    limits: Limits,
    oddities: &Oddities,
) -> Result<Connection, (Option<u64>, ExchangeError)> {
    let (number, stream) = open_stream(target, tls, &observer, limits).await?;
    drive(number, stream, target, observer, oddities).await
}

/// Opens a connection without TLS.
///
/// # Errors
/// When the socket is not reachable.
pub async fn open_plain(
    target: &Target,
    observer: Arc<dyn Observer>,
    limits: Limits,
    oddities: &Oddities,
) -> Result<Connection, (Option<u64>, ExchangeError)> {
    let (number, socket) = open_socket(target, &observer, limits).await?;
    drive(number, socket, target, observer, oddities).await
}

/// Speaks HTTP on a stream.
async fn drive<S>(
    number: u64,
    stream: S,
    target: &Target,
    observer: Arc<dyn Observer>,
    oddities: &Oddities,
) -> Result<Connection, (Option<u64>, ExchangeError)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = Alerted::new(stream, number, Arc::clone(&observer));
    let handshake = hyper::client::conn::http1::Builder::new()
        .title_case_headers(oddities.has(Oddity::TitleCaseHeaderNames))
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .handshake(TokioIo::new(oddities.stream(stream)))
        .await;
    let (sender, connection) = handshake.map_err(|error| (Some(number), failed(&error)))?;
    let driving = tokio::spawn(async move {
        let (how, alert) = match connection.await {
            Ok(()) => ("closed".to_owned(), None),
            Err(error) => match late_alert(&error).map(|alert| alerted::in_words(&alert)) {
                Some(alert) => (alert.clone(), Some(alert)),
                None => (format!("{BROKEN_OFF}: {error}"), None),
            },
        };
        observer.closed(number, &how);
        alert
    });
    Ok(Connection {
        number,
        authority: target.authority.clone(),
        sender,
        oddities: oddities.clone(),
        driving,
    })
}

async fn open_socket(
    target: &Target,
    observer: &Arc<dyn Observer>,
    limits: Limits,
) -> Result<(u64, TcpStream), (Option<u64>, ExchangeError)> {
    let unreachable = |reason: String| {
        let reason = format!("no connection to {}: {reason}", target.authority);
        (None, ExchangeError::because(reason))
    };
    let connecting = tokio::time::timeout(limits.patience, TcpStream::connect(target.address)).await;
    let socket = connecting
        .map_err(|_| unreachable("it was not accepted in time".to_owned()))?
        .map_err(
            |error| match is_out_of_files(&error) || error.kind() == ErrorKind::AddrNotAvailable {
                true => {
                    let (number, failed) = unreachable(format!("{error}; {}", remedy(&error)));
                    (number, ExchangeError { ours: true, ..failed })
                }
                false => unreachable(error.to_string()),
            },
        )?;
    let _ = socket.set_nodelay(true);
    Ok((observer.opened(target.address), socket))
}

async fn open_stream(
    target: &Target,
    tls: &ClientConfig,
    observer: &Arc<dyn Observer>,
    limits: Limits,
) -> Result<(u64, Stream), (Option<u64>, ExchangeError)> {
    let (number, socket) = open_socket(target, observer, limits).await?;
    match connect(socket, &target.host, tls, limits.patience, observer.tap(number)).await {
        Ok(stream) => {
            observer.established(number, stream.facts());
            Ok((number, stream))
        }
        Err(error) => {
            agreed(observer.as_ref(), number, &error);
            observer.failed(number, &error.to_string(), error.refused_by_peer());
            Err((Some(number), handshake_failed(&error)))
        }
    }
}

fn handshake_failed(error: &HandshakeError) -> ExchangeError {
    ExchangeError {
        refused_by_peer: error.refused_by_peer(),
        ..ExchangeError::because(error.to_string())
    }
}

impl Connection {
    /// Whether another exchange can be tried on it.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and reads the answer. `before_write` runs immediately before the first octet is written.
    ///
    /// # Errors
    /// When no answer comes, or none that can be read.
    pub async fn exchange(
        &mut self,
        sending: Sending,
        before_write: impl FnOnce(),
        limits: Limits,
    ) -> Result<Answer, ExchangeError> {
        let request = request(&sending, &self.authority, &self.oddities)?;
        let ready = tokio::time::timeout(limits.patience, self.sender.ready()).await;
        if let Ok(Err(error)) = ready {
            return Err(self.explain(failed(&error)).await);
        }
        before_write();
        let answering = self.sender.send_request(request);
        let response = match tokio::time::timeout(limits.patience, answering).await {
            Err(_) => return Err(timed_out()),
            Ok(Err(error)) => return Err(self.explain(failed(&error)).await),
            Ok(Ok(response)) => response,
        };
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        let headers = headers.collect();
        let status = parts.status.as_u16();
        let reading = Limited::new(body, limits.body).collect();
        match tokio::time::timeout(limits.patience, reading).await {
            Err(_) => Err(timed_out()),
            Ok(Ok(body)) => Ok(Answer {
                status,
                headers,
                body: body.to_bytes().to_vec(),
                too_large: false,
            }),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Ok(Answer {
                status,
                headers,
                body: Vec::new(),
                too_large: true,
            }),
            Ok(Err(error)) => {
                let reason = format!("the answer broke off: {error}");
                Err(ExchangeError {
                    unreadable: true,
                    ..ExchangeError::because(reason)
                })
            }
        }
    }

    /// An alert says more than the error that follows from it.
    async fn explain(&mut self, error: ExchangeError) -> ExchangeError {
        let driven = tokio::time::timeout(Duration::from_millis(200), &mut self.driving).await;
        match driven {
            Ok(Ok(Some(reason))) => ExchangeError {
                refused_by_peer: true,
                ..ExchangeError::because(reason)
            },
            _ => error,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropping the sender ends the driver in order, unless the peer holds it up.
        let driving = self.driving.abort_handle();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            driving.abort();
        });
    }
}

/// Sends a request and closes the connection where the case says, without reading an answer.
///
/// # Errors
/// Always, in the end: there is no answer to a request that was broken off.
pub async fn break_off(
    target: &Target,
    tls: &ClientConfig,
    observer: Arc<dyn Observer>,
    sending: &Sending,
    before_write: impl FnOnce(u64),
    limits: Limits,
) -> (Option<u64>, ExchangeError) {
    let (number, mut stream) = match open_stream(target, tls, &observer, limits).await {
        Ok(opened) => opened,
        Err(failed) => return failed,
    };
    let written = written(sending, &target.authority);
    let kept = match sending.close_at {
        None | Some(CloseAt::Start) => 0,
        Some(CloseAt::Middle) => written.len() / 2,
        Some(CloseAt::End) => written.len(),
    };
    before_write(number);
    // What does not arrive any more is what is asked for; who takes nothing is not waited for.
    let writing = async {
        let _ = stream.write_all(&written[..kept]).await;
        let _ = stream.shutdown().await;
    };
    let _ = tokio::time::timeout(limits.patience, writing).await;
    observer.closed(number, "closed by the harness, as the case asks for");
    let reason = "the harness closed the connection, as the case asks for".to_owned();
    (Some(number), ExchangeError::because(reason))
}

/// How long nothing happens between two octets of a message that trickles in.
const BETWEEN_OCTETS: Duration = Duration::from_millis(5);
/// How many octets trickle in before the sender falls silent.
const TRICKLE: usize = 120;
/// How long a connection is held that is silent. What is tried with the product meanwhile must not wait for it.
const HELD: Duration = Duration::from_secs(20);

/// Sends the beginning of a request an octet at a time, and then nothing more; the connection stays open for a while.
///
/// # Errors
/// Always, in the end: there is no answer to a request that never comes to its end.
pub async fn trickle(
    target: &Target,
    tls: &ClientConfig,
    observer: Arc<dyn Observer>,
    sending: &Sending,
    before_write: impl FnOnce(u64),
    limits: Limits,
) -> (Option<u64>, ExchangeError) {
    let (number, mut stream) = match open_stream(target, tls, &observer, limits).await {
        Ok(opened) => opened,
        Err(failed) => return failed,
    };
    let written = written(sending, &target.authority);
    before_write(number);
    let kept = TRICKLE.min(written.len().saturating_sub(1));
    let (fallen_silent, silence) = tokio::sync::oneshot::channel();
    // On its own: a case that is over before the last octet is out must not close the connection.
    tokio::spawn(async move {
        for octet in &written[..kept] {
            // Who has had enough closes the connection, which is as good an answer as any.
            if stream.write_all(std::slice::from_ref(octet)).await.is_err() || stream.flush().await.is_err() {
                break;
            }
            tokio::time::sleep(BETWEEN_OCTETS).await;
        }
        // Nobody waits for it where the case is over.
        let _ = fallen_silent.send(());
        tokio::time::sleep(HELD).await;
        drop(stream);
        observer.closed(
            number,
            "closed by the harness, which had fallen silent, as the case asks for",
        );
    });
    let _ = silence.await;
    let reason = "the harness sent it an octet at a time and fell silent, as the case asks for".to_owned();
    (Some(number), ExchangeError::because(reason))
}

fn written(sending: &Sending, authority: &str) -> Vec<u8> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: {authority}\r\n",
        sending.method, sending.target
    );
    for (name, value) in &sending.headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    let head = format!("{head}content-length: {}\r\n\r\n", sending.body.len());
    [head.as_bytes(), &sending.body].concat()
}

fn request(
    sending: &Sending,
    authority: &str,
    oddities: &Oddities,
) -> Result<hyper::Request<OddBody>, ExchangeError> {
    let mut request = hyper::Request::builder()
        .method(sending.method.as_str())
        .uri(oddities.request_target(authority, &sending.target))
        .header("host", authority);
    for (name, value) in &sending.headers {
        request = request.header(name, value);
    }
    request
        .body(oddities.body(sending.body.clone()))
        .map_err(|error| ExchangeError::because(format!("the request cannot be written: {error}")))
}

fn failed(error: &hyper::Error) -> ExchangeError {
    if let Some(alert) = late_alert(error) {
        let reason = alerted::in_words(&alert);
        return ExchangeError {
            refused_by_peer: true,
            ..ExchangeError::because(reason)
        };
    }
    if error.is_parse() {
        let reason = format!("the answer is no HTTP: {error}");
        return ExchangeError {
            unreadable: true,
            ..ExchangeError::because(reason)
        };
    }
    let closed = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    let reason = if closed {
        "the peer closed the connection without an answer".to_owned()
    } else {
        error.to_string()
    };
    ExchangeError {
        refused_by_peer: closed || std::error::Error::source(error).is_some(),
        ..ExchangeError::because(reason)
    }
}

fn timed_out() -> ExchangeError {
    ExchangeError::because("no answer came in time".to_owned())
}
