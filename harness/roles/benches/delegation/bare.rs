//! The connections and exchanges of a delegation with bare tokio-rustls and hyper: as many, as long, nothing read or recorded.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use dmconform_judge::Transcript;
use dmconform_model::transcript::{ConnectionId, EndpointKind, ExchangeId};
use dmconform_model::{Event, Role};
use dmconform_tls::Identity;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::scene::{Scene, identity};

/// One exchange: the connection it passes on, and the two bodies.
struct Exchange {
    connection: ConnectionId,
    is_mutual: bool,
    is_last: bool,
    asked: Bytes,
    media_type: String,
    answered: Bytes,
}

pub(crate) struct Bare {
    exchanges: Vec<Exchange>,
    /// The answers still to be given, in their order.
    answers: Arc<Mutex<VecDeque<Bytes>>>,
    /// Where client certificates are asked for, and where not.
    mutual: SocketAddr,
    plain: SocketAddr,
    acceptor: TlsAcceptor,
    with_certificate: TlsConnector,
    without: TlsConnector,
}

type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

impl Bare {
    /// What passes in a transcript, as those see it who begin the exchanges.
    pub(crate) async fn like(transcript: &Transcript, scene: &Scene) -> Self {
        let answers = Arc::default();
        let (server, client) = (
            identity(&scene.stage, Role::Dms2),
            identity(&scene.stage, Role::Dms1),
        );
        let roots = Arc::new(roots(scene.stage.roots().pem()));
        let asking = server_config(&server, Some(&roots));
        let mutual = serve(&asking, &answers).await;
        let plain = serve(&server_config(&server, None), &answers).await;
        Self {
            exchanges: exchanges(transcript),
            answers,
            mutual,
            plain,
            acceptor: TlsAcceptor::from(asking),
            with_certificate: TlsConnector::from(client_config(&roots, Some(&client))),
            without: TlsConnector::from(client_config(&roots, None)),
        }
    }

    pub(crate) fn in_words(&self) -> String {
        let connections: BTreeMap<ConnectionId, bool> = self
            .exchanges
            .iter()
            .map(|one| (one.connection, one.is_mutual))
            .collect();
        let mutual = connections.values().filter(|mutual| **mutual).count();
        let octets: usize = self
            .exchanges
            .iter()
            .map(|one| one.asked.len() + one.answered.len())
            .sum();
        format!(
            "a delegation: {} connections, {mutual} of them mutual, {} exchanges, {octets} octets of bodies",
            connections.len(),
            self.exchanges.len()
        )
    }

    /// One mutual handshake of TLS 1.3.
    pub(crate) async fn handshake(&self) {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("it listens");
        let accepting = async {
            let (socket, _) = listener.accept().await.expect("somebody connects");
            socket.set_nodelay(true).expect("the socket is open");
            self.acceptor.accept(socket).await.expect("both are good")
        };
        let dialling = async {
            let socket = TcpStream::connect(address).await.expect("somebody listens");
            socket.set_nodelay(true).expect("the socket is open");
            self.with_certificate
                .connect(name(), socket)
                .await
                .expect("both are good")
        };
        let _ = tokio::join!(accepting, dialling);
    }

    /// All exchanges, one after the other.
    pub(crate) async fn replay(&self) {
        let mut open: BTreeMap<ConnectionId, Sender> = BTreeMap::new();
        for exchange in &self.exchanges {
            let mut sender = match open.remove(&exchange.connection) {
                Some(sender) => sender,
                None => self.connect(exchange.is_mutual).await,
            };
            lock(&self.answers).push_back(exchange.answered.clone());
            let request = hyper::Request::post("/delegation")
                .header("host", "127.0.0.1")
                .header("content-type", &exchange.media_type)
                .body(Full::new(exchange.asked.clone()))
                .expect("it is a request");
            let answer = sender.send_request(request).await.expect("somebody answers");
            let body = answer.into_body().collect().await.expect("it is a whole answer");
            assert_eq!(body.to_bytes().len(), exchange.answered.len());
            if !exchange.is_last {
                open.insert(exchange.connection, sender);
            }
        }
    }

    async fn connect(&self, is_mutual: bool) -> Sender {
        let (address, connector) = match is_mutual {
            true => (self.mutual, &self.with_certificate),
            false => (self.plain, &self.without),
        };
        let socket = TcpStream::connect(address).await.expect("somebody listens");
        socket.set_nodelay(true).expect("the socket is open");
        let stream = connector.connect(name(), socket).await.expect("both are good");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("nothing was said yet");
        tokio::spawn(connection);
        sender
    }
}

fn exchanges(transcript: &Transcript) -> Vec<Exchange> {
    let mut begun: Vec<(ExchangeId, Exchange)> = Vec::new();
    for record in &transcript.records {
        match &record.event {
            Event::RequestSent(request) => {
                for (_, earlier) in &mut begun {
                    earlier.is_last &= earlier.connection != request.connection;
                }
                let media_type = request.headers.iter().find(|(name, _)| name == "content-type");
                let exchange = Exchange {
                    connection: request.connection,
                    is_mutual: request.endpoint.kind == EndpointKind::Delegation,
                    is_last: true,
                    asked: Bytes::from(request.body.bytes.clone()),
                    media_type: media_type.map_or("text/plain", |(_, value)| value).to_owned(),
                    answered: Bytes::new(),
                };
                begun.push((request.exchange, exchange));
            }
            Event::ResponseReceived(response) => {
                let mut asked = begun
                    .iter_mut()
                    .filter(|(number, _)| *number == response.exchange);
                if let Some((_, exchange)) = asked.next() {
                    exchange.answered = Bytes::from(response.body.bytes.clone());
                }
            }
            _ => {}
        }
    }
    begun.into_iter().map(|(_, exchange)| exchange).collect()
}

async fn serve(config: &Arc<ServerConfig>, answers: &Arc<Mutex<VecDeque<Bytes>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it listens");
    let (acceptor, answers) = (TlsAcceptor::from(Arc::clone(config)), Arc::clone(answers));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, answers) = (acceptor.clone(), Arc::clone(&answers));
            tokio::spawn(async move {
                socket.set_nodelay(true).expect("the socket is open");
                let stream = acceptor.accept(socket).await.expect("both are good");
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let answer = lock(&answers).pop_front().unwrap_or_default();
                    async move {
                        request
                            .into_body()
                            .collect()
                            .await
                            .expect("it is a whole request");
                        Ok::<_, Infallible>(hyper::Response::new(Full::new(answer)))
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                // How it ends is the client's affair.
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

fn server_config(identity: &Identity, asking: Option<&Arc<RootCertStore>>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has all of them");
    let builder = match asking {
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("there are roots"))
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = chain_and_key(identity);
    let mut config = builder
        .with_single_cert(chain, key)
        .expect("the key is that of the leaf");
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

fn client_config(roots: &Arc<RootCertStore>, identity: Option<&Identity>) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has all of them")
        .with_root_certificates(Arc::clone(roots));
    let mut config = match identity.map(chain_and_key) {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .expect("the key is that of the leaf"),
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn chain_and_key(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = CertificateDer::pem_slice_iter(identity.chain_pem().as_bytes());
    let chain: Result<_, _> = chain.collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes());
    (chain.expect("it is PEM"), key.expect("it is PEM"))
}

fn roots(pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(root.expect("it is PEM")).expect("it is a root");
    }
    roots
}

fn name() -> ServerName<'static> {
    ServerName::try_from("127.0.0.1").expect("it is an address")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
