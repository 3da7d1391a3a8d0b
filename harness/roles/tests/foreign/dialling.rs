//! OpenSSL as a server stands in for a product: the mock role that dials it refuses a bad certificate, and the
//! transcript says who broke what.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use dmconform_model::certificate::Certificate;
use dmconform_model::result::Blame;
use dmconform_model::{Event, MessageId, Role, Step, Verdict};
use dmconform_roles::play;
use rstest::rstest;

use crate::scene::{LIMIT, OnDisk, Scene, stage};
use crate::tools::missing;

#[rstest]
#[case::expired(Certificate::Expired, "expired")]
#[case::not_yet_valid(Certificate::NotYetValid, "not valid yet")]
#[case::wrong_name(Certificate::WrongName, "not valid for name")]
#[case::unknown_authority(Certificate::UnknownAuthority, "UnknownIssuer")]
#[case::self_signed(Certificate::SelfSigned, "UnknownIssuer")]
#[case::missing_intermediate(Certificate::MissingIntermediate, "UnknownIssuer")]
#[case::wrong_use(Certificate::WrongUse, "key usage")]
#[tokio::test]
async fn a_product_with_a_bad_certificate_is_told_nothing(
    #[case] flavour: Certificate,
    #[case] reason: &str,
    #[values("-tls1_2", "-tls1_3")] version: &str,
) {
    if missing("openssl") {
        return;
    }
    let server = SServer::start(flavour, &[version]);
    let scene = server.dialled().await;
    let events = scene.events();
    let failed = events.iter().find_map(|event| match event {
        Event::TlsFailed {
            reason,
            refused_by_peer,
            presented,
            ..
        } => Some((reason, *refused_by_peer, *presented)),
        _ => None,
    });
    let (recorded, refused_by_peer, presented) = failed.expect("the handshake fails");
    assert!(
        recorded.starts_with("refused the peer: invalid peer certificate"),
        "{recorded}"
    );
    assert!(recorded.contains(reason), "{recorded}");
    assert!(!refused_by_peer, "it was the harness that refused");
    assert_eq!(presented, Certificate::Good);
    assert!(nothing_sent(&events), "{events:#?}");
    let stopped = events.iter().any(
        |event| matches!(event, Event::ScriptStopped { role: Role::Dms1, reason } if reason.contains(recorded.as_str())),
    );
    assert!(stopped, "{events:#?}");
    assert_judged(&scene, recorded);
}

#[rstest]
#[tokio::test]
async fn a_product_that_refuses_the_good_certificate_of_its_peer_is_said_to_refuse(
    #[values("-tls1_2", "-tls1_3")] version: &str,
) {
    if missing("openssl") {
        return;
    }
    // It trusts its own authority only, which is not the one of the run.
    let strict = ["-Verify", "2", "-verify_return_error", version];
    let server = SServer::trusting_nobody(&strict);
    let scene = server.dialled().await;
    let events = scene.events();
    let failed = events.iter().find_map(|event| match event {
        Event::ExchangeFailed {
            reason,
            refused_by_peer,
            ..
        } => Some((reason, *refused_by_peer)),
        _ => None,
    });
    let (reason, refused_by_peer) = failed.expect("there is no answer");
    assert_eq!(reason, "the peer sent the alert `unknown_ca`");
    assert!(refused_by_peer);
    // Under TLS 1.3 the alert comes after our side has completed the handshake; it is told of the connection all the same.
    let of_connection = |event: &&Event| match event {
        Event::TlsFailed { refused_by_peer, .. } => *refused_by_peer,
        _ => false,
    };
    assert_eq!(events.iter().filter(of_connection).count(), 1, "{events:#?}");
    assert_judged(&scene, reason);
}

#[tokio::test]
async fn a_product_that_takes_the_message_and_never_answers_has_given_no_answer() {
    if missing("openssl") {
        return;
    }
    // Without an option that makes it answer, it prints what it gets and waits for somebody to type.
    let server = SServer::start(Certificate::Good, &["-Verify", "2"]);
    let scene = server.dialled().await;
    let events = scene.events();
    assert!(!nothing_sent(&events), "{events:#?}");
    let facts = events.iter().find_map(|event| match event {
        Event::TlsEstablished { facts, .. } => Some(facts),
        _ => None,
    });
    let facts = facts.expect("the handshake is through");
    assert_eq!(facts.version, "TLSv1.3");
    let peer = facts.peer.as_ref().expect("a server has a certificate");
    assert_eq!(peer.subject, "CN=dms2.dmconform.test");
    assert_judged(&scene, "no answer came in time");
}

/// The case is not passed, and what is said about it names what happened.
fn assert_judged(scene: &Scene, happened: &str) {
    scene.context.recorder.record(Event::DeadlinePassed {
        awaiting: MessageId::answer(Step::Initiation),
    });
    let result = scene.judged();
    assert_eq!(result.verdict, Verdict::Inconclusive, "{result:#?}");
    let told = result
        .findings
        .iter()
        .any(|finding| finding.observed.contains(happened));
    assert!(told, "nothing says `{happened}`: {result:#?}");
    // Whatever a requirement was found to be broken by is the product's.
    let blamed = result.findings.iter().filter_map(|finding| finding.blame);
    assert!(
        blamed.into_iter().all(|blame| blame == Blame::Dms2),
        "{result:#?}"
    );
}

fn nothing_sent(events: &[Event]) -> bool {
    !events.iter().any(|event| matches!(event, Event::RequestSent(_)))
}

/// A server that is ended when it is dropped.
struct SServer {
    child: Child,
    scene: Scene,
    /// Held open: the server ends with its standard input.
    _input: Option<ChildStdin>,
}

impl SServer {
    /// One that presents a certificate of DMS-2 of this kind.
    fn start(flavour: Certificate, options: &[&str]) -> Self {
        // The address is only known once it listens: a scene for the certificate first, then one for the case.
        let scene = Scene::dialling(stage(), "127.0.0.1:1");
        let files = scene.certificate(Role::Dms2, flavour);
        let roots = scene.roots();
        Self::spawn(scene, &files, &roots, options)
    }

    /// One with a good certificate that trusts nobody else's.
    fn trusting_nobody(options: &[&str]) -> Self {
        let scene = Scene::dialling(stage(), "127.0.0.1:1");
        let stranger = scene.certificate(Role::Dms2, Certificate::SelfSigned);
        let own = std::fs::read(&stranger.chain).expect("the certificate was just written");
        let trusted = format!("{}.trusted", stranger.chain);
        std::fs::write(&trusted, own).expect("the temporary directory is writable");
        let files = scene.certificate(Role::Dms2, Certificate::Good);
        Self::spawn(scene, &files, &trusted, options)
    }

    fn spawn(scene: Scene, files: &OnDisk, roots: &str, options: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-cert",
            &files.chain,
            "-key",
            &files.key,
        ]);
        if let Some(issuers) = &files.issuers {
            command.args(["-cert_chain", issuers]);
        }
        let mut child = command
            .args(["-CAfile", roots, "-naccept", "1"])
            .args(options)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("OpenSSL was there a moment ago");
        let input = child.stdin.take();
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let address = loop {
            said.clear();
            let read = output.read_line(&mut said).expect("its output is readable");
            assert_ne!(read, 0, "the server ended before it listened");
            if let Some(address) = said.trim().strip_prefix("ACCEPT ") {
                break address.to_owned();
            }
        };
        // What it says later would fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let scene = Scene::dialling(Arc::clone(&scene.stage), &address);
        Self {
            child,
            scene,
            _input: input,
        }
    }

    /// Lets mock DMS-1 dial it, until it has nothing more to say.
    async fn dialled(mut self) -> Scene {
        let scene = &self.scene;
        let playing = play(Arc::clone(&scene.stage), Arc::clone(&scene.context), Role::Dms1);
        tokio::time::timeout(LIMIT, playing)
            .await
            .expect("the script stops");
        // Errors mean that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.scene
    }
}
