//! The example configurations put to use: certificates, free ports, processes' worth of roles, and their management ports.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dmconform_reference::{Deviation, Error, Manners, RoleName, serve};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// A folder with certificates and configurations whose ports are free.
pub(crate) struct World {
    folder: tempfile::TempDir,
    ports: BTreeMap<u16, u16>,
    running: Vec<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

/// Management ports as the examples have them.
pub(crate) const DMS_1: u16 = 18103;
pub(crate) const DMS_2: u16 = 18203;
pub(crate) const CLIENT: u16 = 18401;

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let world = Self {
            ports: free_ports(),
            folder,
            running: Vec::new(),
        };
        world.write_certificates();
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"))
            .expect("the folder is there")
        {
            let path = entry.expect("the folder can be read").path();
            let text = std::fs::read_to_string(&path).expect("an example is text");
            world.write(
                path.file_name().and_then(|name| name.to_str()).expect("a name"),
                &text,
            );
        }
        world
    }

    /// Writes a configuration, with the ports of the examples replaced by free ones.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let mut text = text.to_owned();
        // In two rounds, since a free port may be the one of another example.
        for example in self.ports.keys() {
            text = text.replace(&format!(":{example}"), &format!(":<{example}>"));
        }
        for (example, free) in &self.ports {
            text = text.replace(&format!(":<{example}>"), &format!(":{free}"));
        }
        std::fs::write(self.path(name), text).expect("the folder can be written");
    }

    /// Changes a configuration.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).expect("it was written");
        assert!(text.contains(from), "`{from}` is not in {name}");
        std::fs::write(self.path(name), text.replace(from, to)).expect("the folder can be written");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Plays roles, and waits until they listen.
    pub(crate) async fn start(&mut self, roles: &[RoleName], config: &str, deviations: &[Deviation]) {
        let (stop, stopped) = oneshot::channel();
        let (roles, path) = (roles.to_vec(), self.path(config));
        let manners = Manners {
            deviations: deviations.to_vec(),
            ..Manners::default()
        };
        let mut task = tokio::spawn(async move {
            serve(&roles, &path, manners, async {
                drop(stopped.await);
            })
            .await
        });
        tokio::select! {
            ended = &mut task => panic!("{config}: {ended:?}"),
            () = self.listening(config) => {}
        }
        self.running.push(Running { stop, task });
    }

    /// Waits until something listens at every address at which a configuration says that it listens.
    async fn listening(&self, config: &str) {
        let text = std::fs::read_to_string(self.path(config)).expect("it was written");
        let listens = text.lines().filter(|line| line.contains("listen = "));
        for address in listens.filter_map(|line| line.split('"').nth(1)) {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// All four roles: apart, or DMS-2 and the Bootstrap Server in one process.
    pub(crate) async fn start_all(&mut self, is_apart: bool, deviation: Option<(RoleName, Deviation)>) {
        let of = |role| {
            deviation
                .iter()
                .filter(|one| one.0 == role)
                .map(|one| one.1)
                .collect::<Vec<_>>()
        };
        self.start(&[RoleName::Dms1], "dms-1.toml", &of(RoleName::Dms1))
            .await;
        self.start(&[RoleName::DmClient], "dm-client.toml", &of(RoleName::DmClient))
            .await;
        let (dms2, bootstrap_server) = (of(RoleName::Dms2), of(RoleName::BootstrapServer));
        if is_apart {
            self.start(&[RoleName::Dms2], "dms-2.toml", &dms2).await;
            self.start(
                &[RoleName::BootstrapServer],
                "bootstrap-server.toml",
                &bootstrap_server,
            )
            .await;
        } else {
            let roles = [RoleName::Dms2, RoleName::BootstrapServer];
            let deviations = [dms2, bootstrap_server].concat();
            self.start(&roles, "dms-2-and-bootstrap-server.toml", &deviations)
                .await;
        }
    }

    pub(crate) async fn stop(self) {
        for running in self.running {
            running.stop.send(()).ok();
            running
                .task
                .await
                .expect("nothing panics")
                .expect("nothing fails");
        }
    }

    pub(crate) fn address(&self, example_port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.ports[&example_port]))
    }

    /// Asks a management port.
    pub(crate) async fn ask(
        &self,
        port: u16,
        method: &str,
        target: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address(port))
            .await
            .expect("the management port listens");
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream
            .write_all(request.as_bytes())
            .await
            .expect("the request can be written");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("the answer can be read");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("an HTTP status");
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body)
            .unwrap_or_default();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Tells a server to open a delegation; gives back the session.
    pub(crate) async fn open(&self, port: u16, order: Value) -> String {
        let (status, shown) = self.ask(port, "POST", "/delegations", Some(order)).await;
        assert_eq!(status, 201, "{shown}");
        shown["session"].as_str().expect("a session").to_owned()
    }

    /// Lets a device open a session, and waits until all that follows from it is done.
    pub(crate) async fn poll(&self, device: &str) -> (u16, Value) {
        let target = format!("/devices/{}/sessions?wait=true", encoded(device));
        self.ask(CLIENT, "POST", &target, None).await
    }

    pub(crate) async fn device(&self, device: &str) -> Value {
        self.ask(CLIENT, "GET", &format!("/devices/{}", encoded(device)), None)
            .await
            .1
    }

    pub(crate) async fn state(&self, port: u16, session: &str) -> String {
        let (_, shown) = self
            .ask(port, "GET", &format!("/delegations/{session}"), None)
            .await;
        shown["state"].as_str().unwrap_or("unknown").to_owned()
    }

    /// Waits until a delegation is in a state; the state it is in when it takes too long.
    pub(crate) async fn wait_for(&self, port: u16, session: &str, wanted: &str) -> String {
        let mut state = String::new();
        for _ in 0..200 {
            state = self.state(port, session).await;
            if state == wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        state
    }

    /// Sends octets over TLS, with a client certificate or without, and reads all that comes back.
    pub(crate) async fn send_tls(
        &self,
        port: u16,
        certificate: Option<&str>,
        octets: &[u8],
    ) -> std::io::Result<Vec<u8>> {
        let folder = self.path("certificates");
        let read = |name: String| std::fs::read(folder.join(name)).expect("it was written");
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(&read("root.pem".to_owned())).expect("PEM"))
            .expect("a root");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots);
        let config = match certificate {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let chain = CertificateDer::from_pem_slice(&read(format!("{name}.pem"))).expect("PEM");
                let key = PrivateKeyDer::from_pem_slice(&read(format!("{name}.key"))).expect("PEM");
                builder
                    .with_client_auth_cert(vec![chain], key)
                    .expect("they go together")
            }
        };
        let stream = TcpStream::connect(self.address(port)).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        // A peer that refuses may close before all is written; what it says counts.
        stream.write_all(octets).await.ok();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer).await {
            Err(error) if answer.is_empty() => Err(error),
            _ => Ok(answer),
        }
    }

    /// Posts a body over TLS: the status of the answer, and the answer.
    pub(crate) async fn post_tls(
        &self,
        port: u16,
        certificate: Option<&str>,
        (path, media_type): (&str, &str),
        body: &[u8],
    ) -> (u16, String) {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n"
        );
        let answer = self
            .send_tls(port, certificate, &[head.as_bytes(), body].concat())
            .await
            .expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (
            answer
                .get(9..12)
                .and_then(|status| status.parse().ok())
                .unwrap_or_default(),
            answer,
        )
    }

    fn write_certificates(&self) {
        let folder = self.path("certificates");
        std::fs::create_dir(&folder).expect("the folder can be written");
        let authority = authority("root of the test");
        std::fs::write(folder.join("root.pem"), authority.pem()).expect("the folder can be written");
        for (name, server_id) in [
            ("dms1", "dms1.example"),
            ("dms2", "dms2.example"),
            ("dms3", "dms3.example"),
            ("bootstrap-server", "bootstrap.example"),
        ] {
            self.write_certificate(name, server_id, &authority, |_| {});
        }
        let stranger = self::authority("somebody else");
        self.write_certificate("stranger", "dms2.example", &stranger, |_| {});
        self.write_certificate("expired", "dms2.example", &authority, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        self.write_certificate("elsewhere", "dms2.example", &authority, |params| {
            params.subject_alt_names.truncate(1);
        });
    }

    fn write_certificate(
        &self,
        name: &str,
        server_id: &str,
        authority: &CertifiedIssuer<'static, KeyPair>,
        change: impl FnOnce(&mut CertificateParams),
    ) {
        let mut params =
            CertificateParams::new(vec![server_id.to_owned(), "localhost".to_owned()]).expect("DNS names");
        params
            .subject_alt_names
            .push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.distinguished_name.push(DnType::CommonName, server_id);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, authority).expect("the authority signs");
        let folder = self.path("certificates");
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem())
            .expect("the folder can be written");
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem())
            .expect("the folder can be written");
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().expect("a key can be made");
    CertifiedIssuer::self_signed(params, key).expect("an authority signs itself")
}

/// A free port for each of the examples, below those that outgoing connections get, and each given out once.
fn free_ports() -> BTreeMap<u16, u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    let free = || {
        let number = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(10_000 + number % 20_000).expect("it is below 30 000");
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    };
    let mut ports = std::iter::repeat_with(free).take(20_000).flatten();
    [18101, 18102, 18103, 18201, 18202, 18203, 18301, 18302, 18401]
        .map(|example| (example, ports.next().expect("there are free ports")))
        .into()
}

pub(crate) fn encoded(device: &str) -> String {
    device.replace(':', "%3A")
}

/// The node of a device that is shown.
pub(crate) fn node<'a>(device: &'a Value, uri: &str) -> Option<&'a Value> {
    device["nodes"].as_array()?.iter().find(|node| node["uri"] == uri)
}

/// The servers of which a device has an account.
pub(crate) fn servers(device: &Value) -> Vec<&str> {
    let accounts = device["accounts"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    accounts
        .iter()
        .filter_map(|account| account["server-id"].as_str())
        .collect()
}
