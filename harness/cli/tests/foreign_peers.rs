//! A product that answers nonsense: wiremock behind a TLS terminator of its own plays DMS-2 in a whole run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wiremock::matchers::{body_string_contains, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const DELEGATION: &str = "application/vnd.dm.delegation+xml";
const SYNCML: &str = "application/vnd.syncml.dm+xml";
/// The product's terminator requires certificates; so these are passed whatever is answered inside.
const TLS_CASES: [&str; 6] = [
    "010.none",
    "010.unknown-authority",
    "010.self-signed",
    "040.expired",
    "040.not-yet-valid",
    "060",
];

#[rstest]
#[case::server_error(Nonsense::ServerError, "500")]
#[case::html(Nonsense::Html, "200")]
#[case::another_media_type(Nonsense::Json, "200")]
#[case::another_document(Nonsense::WrongXml, "200")]
#[case::half_a_document(Nonsense::HalfXml, "200")]
#[case::no_body(Nonsense::Empty, "200 without a body")]
#[case::binary(Nonsense::Binary, "200")]
#[case::a_redirection(Nonsense::Redirection, "302")]
#[case::a_circle_of_redirections(Nonsense::Circle, "307")]
#[case::two_documents(Nonsense::TwoDocuments, "200")]
#[case::less_than_announced(Nonsense::Cut, "broke off")]
#[case::silence(Nonsense::Silence, "no answer came in time")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_for_the_url_fails_the_case_that_asks_and_harms_no_other(
    #[case] nonsense: Nonsense,
    #[case] observed: &str,
) {
    let product = Product::start().await;
    product.answer("<InitiationRequest", Nonsense::Empty).await;
    product.answer("<BootstrapServerURLRequest", nonsense).await;
    let bystander = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/implementations/reference-bootstrap-server.yaml"
    );
    let cases = [
        "DEL-DMS2-3-0[12]0",
        "DEL-DMS2-1-0[1-6]0",
        "DEL-DMS2-0-010",
        "DEL-BS-*",
    ];
    let mut arguments = vec!["--implementation", bystander];
    arguments.extend(cases.iter().flat_map(|case| ["--case", case]));
    let run = product.run(&arguments).await;

    assert_eq!(run.code, Some(1), "{run:#?}");
    assert_eq!(run.results["problems"], Value::Array(Vec::new()), "{run:#?}");
    let asks = run.case("DEL-DMS2-3-010");
    assert_eq!(asks["verdict"], "fail", "{asks:#}");
    run.assert_useful(asks, "DEL-3-2", "3", observed);
    // The URL cannot be looked at: not passed, and the case that owns the breach is named.
    let looks = run.case("DEL-DMS2-3-020");
    assert_eq!(looks["verdict"], "inconclusive", "{looks:#}");
    assert_eq!(looks["findings"][0]["blame"], "dms-2", "{looks:#}");
    assert_eq!(looks["findings"][0]["see"], "DEL-DMS2-3-010", "{looks:#}");
    assert_eq!(run.case("DEL-DMS2-0-010")["verdict"], "fail");

    for number in TLS_CASES {
        let case = run.case(&format!("DEL-DMS2-1-{number}"));
        assert_eq!(case["verdict"], "pass", "{case:#}");
    }
    let others = run.cases().iter();
    let others: Vec<&Value> = others
        .filter(|case| case["implementation"] == "reference-bootstrap-server")
        .collect();
    assert!(others.len() >= 5, "{others:#?}");
    assert!(others.iter().all(|case| case["verdict"] == "pass"), "{others:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_url_in_another_session_is_found_by_the_case_that_compares_sessions() {
    let product = Product::start().await;
    product.answer("<InitiationRequest", Nonsense::Empty).await;
    product
        .answer("<BootstrapServerURLRequest", Nonsense::WrongSession)
        .await;
    let run = product.run(&["--case", "DEL-DMS2-0-[01]10"]).await;
    // The requirement is inferred and weighs no more than a warning; the delegation came to no end.
    assert_eq!(run.code, Some(3), "{run:#?}");
    let compares = run.case("DEL-DMS2-0-110");
    assert_eq!(compares["verdict"], "warn", "{compares:#}");
    run.assert_useful(compares, "DEL-0-1", "3", "somebody else");
    let whole = run.case("DEL-DMS2-0-010");
    assert_eq!(whole["verdict"], "inconclusive", "{whole:#}");
    run.assert_useful(whole, "DEL-0-1", "3", "somebody else");
}

#[rstest]
#[case::server_error(Nonsense::ServerError)]
#[case::html(Nonsense::Html)]
#[case::another_document(Nonsense::WrongXml)]
#[case::half_a_package(Nonsense::HalfSyncml)]
#[case::no_body(Nonsense::Empty)]
#[case::binary(Nonsense::BinarySyncml)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_in_the_dm_session_fails_the_case_that_asks(#[case] nonsense: Nonsense) {
    let product = Product::start().await;
    product.answer("<InitiationRequest", Nonsense::Empty).await;
    let urls = product.folder.path().join("out/work/nonsense/bootstrap-url");
    product.answer("<BootstrapServerURLRequest", GoodUrl(urls)).await;
    let session = Mock::given(method("POST")).and(path("/dm"));
    session.respond_with(nonsense).mount(&product.http).await;
    let run = product
        .run(&[
            "--case",
            "DEL-DMS2-3-0[12]0",
            "--case",
            "DEL-DMS2-6-0*",
            "--case",
            "DEL-DMS2-7-010",
        ])
        .await;

    assert_eq!(run.code, Some(1), "{run:#?}");
    for asked in ["DEL-DMS2-3-010", "DEL-DMS2-3-020"] {
        assert_eq!(run.case(asked)["verdict"], "pass", "{:#}", run.case(asked));
    }
    let takes = run.case("DEL-DMS2-6-010");
    assert_eq!(takes["verdict"], "fail", "{takes:#}");
    run.assert_useful(takes, "DEL-6-4", "6", "");
    for after in ["DEL-DMS2-6-020", "DEL-DMS2-6-030", "DEL-DMS2-7-010"] {
        let case = run.case(after);
        assert_ne!(case["verdict"], "pass", "{case:#}");
        assert_ne!(case["verdict"], "error", "{case:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_that_does_no_delegation_at_all_withstands_nothing() {
    let product = Product::start().await;
    product.answer("", Nonsense::ServerError).await;
    let run = product.run(&["--case", "ROB-DMS2-0-0[13]0.question"]).await;
    // Nothing else was judged, so these are what the exit code is about.
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert_eq!(run.cases().len(), 2, "{run:#?}");
    for case in run.cases() {
        assert_eq!(case["verdict"], "inconclusive", "{case:#}");
        let reason = case["reason"].as_str().expect("it says why");
        assert!(
            reason.contains("no whole delegation took place even before"),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_that_answers_nothing_but_errors_passes_nothing_that_it_should_have_done() {
    let product = Product::start().await;
    product.answer("", Nonsense::ServerError).await;
    let run = product.run(&["--case", "DEL-DMS2-*"]).await;
    assert_eq!(run.code, Some(3), "{run:#?}");
    for case in run.cases() {
        assert_ne!(case["verdict"], "error", "{case:#}");
        if case["verdict"] != "pass" {
            continue;
        }
        // What it should refuse, it does refuse.
        let checks = case["checks"].as_array().expect("a case has checks");
        let refused = |check: &Value| {
            check["what"]
                .as_str()
                .is_some_and(|what| what.contains("was refused"))
        };
        assert!(!checks.is_empty() && checks.iter().all(refused), "{case:#}");
    }
    assert_eq!(run.case("DEL-DMS2-0-010")["verdict"], "inconclusive");
    assert_eq!(run.case("DEL-DMS2-3-010")["verdict"], "inconclusive");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_that_is_not_there_fails_nothing_and_passes_nothing() {
    let product = Product::start().await;
    product.gone().await;
    let run = product.run(&["--case", "DEL-DMS2-[0-3]-*"]).await;
    assert_eq!(run.code, Some(5), "{run:#?}");
    assert!(
        run.said.contains("nothing can be reached at 127.0.0.1:"),
        "{}",
        run.said
    );
    assert_eq!(run.results, Value::Null, "something was run");
}

/// What a product makes of a request.
#[derive(Clone, Copy, Debug)]
enum Nonsense {
    ServerError,
    Html,
    Json,
    WrongXml,
    HalfXml,
    HalfSyncml,
    Empty,
    /// A redirection to where the request came.
    Circle,
    /// Two answers, one after the other.
    TwoDocuments,
    /// Less than Content-Length says, and then the connection is closed.
    Cut,
    Redirection,
    WrongSession,
    Binary,
    BinarySyncml,
    Silence,
}

impl Respond for Nonsense {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let ok = ResponseTemplate::new(200);
        match self {
            Self::ServerError => ResponseTemplate::new(500).set_body_raw("it fell over", "text/plain"),
            Self::Html => ok.set_body_raw("<!doctype html><p>Please log in<br></html>", "text/html"),
            Self::Json => ok.set_body_raw(r#"{"url": "https://127.0.0.1:9/bootstrap"}"#, "application/json"),
            Self::WrongXml => ok.set_body_raw("<weather><today>rain</today></weather>", DELEGATION),
            Self::HalfXml => ok.set_body_raw(
                answer(&element(request, "SessionID"), NOWHERE).split_at(90).0,
                DELEGATION,
            ),
            Self::HalfSyncml => {
                let half = "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD>";
                ok.set_body_raw(half, SYNCML)
            }
            Self::Empty => ok,
            Self::Circle => ResponseTemplate::new(307).insert_header("location", "/delegation"),
            Self::TwoDocuments => {
                let one = answer(&element(request, "SessionID"), NOWHERE);
                ok.set_body_raw(format!("{one}{one}"), DELEGATION)
            }
            Self::Cut => ok
                .insert_header(CUT, "here")
                .set_body_raw(answer(&element(request, "SessionID"), NOWHERE), DELEGATION),
            Self::Redirection => ResponseTemplate::new(302).insert_header("location", NOWHERE),
            Self::WrongSession => {
                ok.set_body_raw(answer("the session of somebody else", NOWHERE), DELEGATION)
            }
            Self::Binary => ok.set_body_raw(vec![0, 159, 146, 150, 255], "application/octet-stream"),
            Self::BinarySyncml => {
                ok.set_body_raw(vec![2, 159, 146, 150, 255], "application/vnd.syncml.dm+wbxml")
            }
            Self::Silence => ok.set_delay(Duration::from_secs(600)),
        }
    }
}

/// The terminator cuts off the end of an answer with this header field.
const CUT: &str = "x-cut";

/// Nobody listens there.
const NOWHERE: &str = "https://127.0.0.1:9/bootstrap";

/// The URL of the mock Bootstrap Server, which the run writes to a file of the product.
struct GoodUrl(PathBuf);

impl Respond for GoodUrl {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let base = std::fs::read_to_string(&self.0).expect("the run has written the product's files");
        let url = format!("{}/{}", base.trim(), element(request, "DeviceID"));
        ResponseTemplate::new(200).set_body_raw(answer(&element(request, "SessionID"), &url), DELEGATION)
    }
}

fn answer(session: &str, url: &str) -> String {
    format!(
        "<Answer xmlns=\"urn:dmconform:delegation:0\"><SessionID>{session}</SessionID><Result>accepted</Result>\
         <BootstrapServerURL>{url}</BootstrapServerURL></Answer>"
    )
}

/// The text of an element of a request, as a careless product reads it.
fn element(request: &Request, name: &str) -> String {
    let body = String::from_utf8_lossy(&request.body);
    let inner = body.split_once(&format!("<{name}>"));
    let inner = inner.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    inner.map_or("", |(text, _)| text).to_owned()
}

/// A product of wiremock and a TLS terminator, with its implementation file. It runs already, at fixed addresses.
struct Product {
    folder: TempDir,
    http: MockServer,
    terminators: Vec<tokio::task::JoinHandle<()>>,
}

impl Product {
    /// Starts it; it answers nothing but 404 so far.
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        let http = MockServer::start().await;
        let delegation = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let dm = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let file = format!(
            r#"implementation: {{vendor: Foreign, product: nonsense, version: "1"}}
plays: [dms-2]
supports: {{opens: either}}
identity:
  dms-2: {{server-id: dms2.foreign.test}}
devices: {{pattern: "urn:foreign:device:{{}}", count: 200}}
endpoints:
  dms-2: {{dm: "https://{}/dm", delegation: "https://{}/delegation"}}
files:
  bootstrap-url: "${{mock.bootstrap-server.bootstrap-base}}"
limits: {{reacts-within: 300ms, window: 400ms, step-deadline: 3s}}
"#,
            dm.local_addr().expect("it is bound"),
            delegation.local_addr().expect("it is bound"),
        );
        std::fs::write(folder.path().join("nonsense.yaml"), file).expect("the directory is writable");
        // The run makes the certificates before it says anything to anybody.
        let certificates = folder.path().join("out/work/nonsense/certificates");
        let behind = *http.address();
        let terminators = [(delegation, true), (dm, false)].map(|(listener, mutual)| {
            let certificates = certificates.clone();
            tokio::spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(terminate(socket, certificates.clone(), mutual, behind));
                }
            })
        });
        Self {
            folder,
            http,
            terminators: terminators.into(),
        }
    }

    /// Stops listening.
    async fn gone(&self) {
        for terminator in &self.terminators {
            terminator.abort();
        }
        while !self.terminators.iter().all(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
    }

    /// Answers the requests with a text in their bodies, at its delegation endpoint.
    async fn answer(&self, to: &str, with: impl Respond + 'static) {
        let asked = Mock::given(method("POST")).and(path("/delegation"));
        asked
            .and(body_string_contains(to))
            .respond_with(with)
            .mount(&self.http)
            .await;
    }

    /// Runs the harness against it.
    async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
        command.current_dir(self.folder.path());
        command.args(["run", "--implementation", "nonsense.yaml", "--out", "out"]);
        command.args(arguments);
        let running = tokio::task::spawn_blocking(move || command.output());
        let output = running
            .await
            .expect("waiting does not panic")
            .expect("the harness runs");
        Run::read(&self.folder.path().join("out"), &output)
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        for terminator in &self.terminators {
            terminator.abort();
        }
    }
}

/// Ends TLS and passes on what was inside. Between servers both sides have certificates; devices have none.
async fn terminate(socket: TcpStream, certificates: PathBuf, mutual: bool, behind: std::net::SocketAddr) {
    let read =
        |name: &str| std::fs::read(certificates.join(name)).expect("the run has made the certificates");
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(&read("roots.pem")) {
        let root = root.expect("a root is a certificate");
        roots.add(root).expect("a root can be trusted");
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read("dms-2.pem")).collect();
    let key = PrivateKeyDer::from_pem_slice(&read("dms-2.key")).expect("a key is a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider has both versions");
    let config = if mutual {
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(clients.build().expect("there is a root"))
    } else {
        config.with_no_client_auth()
    };
    let config = config
        .with_single_cert(chain.expect("the chain is readable"), key)
        .expect("the key is that of the certificate");
    let Ok(mut outside) = TlsAcceptor::from(Arc::new(config)).accept(socket).await else {
        return;
    };
    let Ok(mut inside) = TcpStream::connect(behind).await else {
        return;
    };
    let (mut from_outside, mut to_outside) = tokio::io::split(&mut outside);
    let (mut from_inside, mut to_inside) = inside.split();
    // Either side may end it, in order or not.
    tokio::select! {
        _ = tokio::io::copy(&mut from_outside, &mut to_inside) => {}
        () = answers(&mut from_inside, &mut to_outside) => {}
    }
}

/// Passes answers on, and ends the connection in the middle of one that is to be cut.
async fn answers(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let is_cut = String::from_utf8_lossy(&buffer[..read]).contains(CUT);
        let kept = if is_cut { read - 40 } else { read };
        if to.write_all(&buffer[..kept]).await.is_err() || to.flush().await.is_err() || is_cut {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// What came out of a run.
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    results: Value,
    /// What the harness said.
    said: String,
    out: PathBuf,
}

impl Run {
    fn read(out: &Path, output: &Output) -> Self {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = std::fs::read_to_string(out.join("results.json"));
        let results = text.map(|text| serde_json::from_str(&text).expect("the results are JSON"));
        Self {
            code: output.status.code(),
            // A run that does not begin has none.
            results: results.unwrap_or(Value::Null),
            said,
            out: out.to_owned(),
        }
    }

    fn cases(&self) -> &[Value] {
        let cases = self.results["cases"].as_array();
        cases.unwrap_or_else(|| panic!("no results\n{}", self.said))
    }

    fn case(&self, id: &str) -> &Value {
        let found = self.cases().iter().find(|case| case["id"] == id);
        found.unwrap_or_else(|| panic!("{id} was not run: {}", self.said))
    }

    /// There is a finding that says which requirement DMS-2 broke in which step, what was seen, where the proof is and
    /// how to see it again.
    fn assert_useful(&self, case: &Value, requirement: &str, step: &str, observed: &str) {
        let findings = case["findings"].as_array().expect("a case has findings");
        let finding = findings
            .iter()
            .find(|finding| finding["requirement"] == requirement);
        let finding = finding.unwrap_or_else(|| panic!("nothing about {requirement}: {case:#}"));
        assert_eq!(finding["step"], step, "{finding:#}");
        assert_eq!(finding["blame"], "dms-2", "{finding:#}");
        let seen = finding["observed"].as_str().unwrap_or_default();
        assert!(!seen.is_empty() && seen.contains(observed), "{finding:#}");
        let statement = finding["statement"].as_str().unwrap_or_default();
        assert!(
            statement.contains("DMS-2") || statement.contains("session"),
            "{finding:#}"
        );
        let rerun = finding["rerun"].as_str().unwrap_or_default();
        let id = case["id"].as_str().unwrap_or_default();
        assert_eq!(
            rerun,
            format!("dmconform run --case {id} --implementation nonsense.yaml")
        );

        let transcript = finding["evidence"]["transcript"].as_str().unwrap_or_default();
        let stored = std::fs::read_to_string(self.out.join(transcript)).expect("the transcript is stored");
        let records = finding["evidence"]["records"]
            .as_array()
            .expect("evidence names records");
        assert!(!records.is_empty(), "{finding:#}");
        for record in records {
            assert!(
                stored.contains(&format!("{{\"seq\":{record},")),
                "{record} is not in {transcript}"
            );
        }
    }
}
