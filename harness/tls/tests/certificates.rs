//! The certificates of the test authority, as OpenSSL sees them: each flavour is bad in its one way, and in no other.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use dmconform_model::certificate::Certificate;
use dmconform_tls::{Authority, Identity, Party, now, write_store};
use rstest::rstest;
use tempfile::TempDir;

/// The server identifier in the certificates.
const SERVER: &str = "dms2.dmconform.test";

/// What makes a bad certificate good: what is asked otherwise, or what is trusted besides.
enum Remedy {
    /// Another moment, in seconds from now.
    At(i64),
    /// The stranger's root trusted, or the leaf itself.
    Trusting(usize),
    /// The intermediate certificate at hand.
    Intermediate,
    /// Another host asked for.
    Host(&'static str),
    /// No particular use asked for.
    AnyUse,
}

#[rstest]
#[case::expired(Certificate::Expired, "certificate has expired", Remedy::At(-5 * 86_400))]
#[case::not_yet_valid(Certificate::NotYetValid, "certificate is not yet valid", Remedy::At(25 * 86_400))]
#[case::unknown_authority(
    Certificate::UnknownAuthority,
    "self-signed certificate in certificate chain",
    Remedy::Trusting(1)
)]
#[case::self_signed(Certificate::SelfSigned, "self-signed certificate", Remedy::Trusting(0))]
#[case::missing_intermediate(
    Certificate::MissingIntermediate,
    "unable to get local issuer certificate",
    Remedy::Intermediate
)]
#[case::wrong_name(
    Certificate::WrongName,
    "hostname mismatch",
    Remedy::Host("elsewhere.dmconform.test")
)]
#[case::wrong_use(Certificate::WrongUse, "unsuitable certificate purpose", Remedy::AnyUse)]
#[case::other_server(
    Certificate::OtherServer,
    "hostname mismatch",
    Remedy::Host("other.dmconform.test")
)]
fn a_bad_certificate_is_bad_in_one_way_only(
    #[case] flavour: Certificate,
    #[case] complaint: &str,
    #[case] remedy: Remedy,
) {
    let Some(shop) = Shop::open(flavour) else { return };
    let mut usual = Question::new();
    // Dialled by address, the certificate of another server is as good as any.
    if flavour == Certificate::OtherServer {
        assert_eq!(shop.verify(&usual.host("localhost")), Ok(()));
    }
    usual = usual.host(SERVER);
    let refused = shop.verify(&usual).expect_err("OpenSSL should refuse it");
    assert!(refused.contains(complaint), "{refused}");

    let remedied = match remedy {
        Remedy::At(seconds) => usual.at(now().unix_timestamp() + seconds),
        Remedy::Trusting(place) => usual.trusting(place),
        Remedy::Intermediate => usual.with_intermediate(),
        Remedy::Host(host) => usual.host(host),
        Remedy::AnyUse => usual.any_use(),
    };
    assert_eq!(shop.verify(&remedied), Ok(()));
}

#[rstest]
#[case(Certificate::Revoked, false)]
#[case(Certificate::Good, true)]
fn only_a_revoked_certificate_is_on_the_revocation_list(
    #[case] flavour: Certificate,
    #[case] accepted: bool,
    #[values("-crl_check", "-crl_check_all")] looks: &str,
) {
    let Some(shop) = Shop::open(flavour) else { return };
    // Whoever does not look at the list finds nothing wrong with it.
    assert_eq!(shop.verify(&Question::new().host(SERVER)), Ok(()));
    let output = shop.run(&[
        "verify",
        "-x509_strict",
        "-CAfile",
        "roots.pem",
        "-untrusted",
        "intermediate.pem",
        "-CRLfile",
        "revocation-list.pem",
        looks,
        "leaf.pem",
    ]);
    assert_eq!(output.status.success(), accepted, "{}", text(&output));
    assert_eq!(
        text(&output).contains("certificate revoked"),
        !accepted,
        "{}",
        text(&output)
    );
}

#[rstest]
fn a_good_certificate_serves_servers_and_clients(#[values("sslserver", "sslclient")] purpose: &'static str) {
    let Some(shop) = Shop::open(Certificate::Good) else {
        return;
    };
    for host in [SERVER, "localhost"] {
        assert_eq!(shop.verify(&Question::new().purpose(purpose).host(host)), Ok(()));
    }
    let by_address = shop.openssl(&["x509", "-noout", "-in", "leaf.pem", "-checkip", "127.0.0.1"]);
    assert!(by_address.contains("does match"), "{by_address}");
}

#[rstest]
fn a_stored_authority_issues_certificates_that_are_as_good(
    #[values("sslserver", "sslclient")] purpose: &'static str,
) {
    let Some(mut shop) = Shop::open(Certificate::Good) else {
        return;
    };
    let authority = Authority::load(shop.folder.path(), now()).expect("the authority was stored");
    shop.identity = authority
        .issue(&party(), Certificate::Good)
        .expect("a certificate is made")
        .expect("a good certificate is one");
    shop.write("leaf.pem", shop.identity.chain_pem());
    assert_eq!(
        shop.verify(&Question::new().purpose(purpose).host(SERVER)),
        Ok(())
    );
}

#[test]
fn an_intermediate_and_a_revocation_list_name_the_key_that_signed_them() {
    let Some(shop) = Shop::open(Certificate::Good) else {
        return;
    };
    let key_of = |file: &str| {
        let shown = shop.openssl(&["x509", "-noout", "-ext", "subjectKeyIdentifier", "-in", file]);
        shown.lines().last().unwrap_or_default().trim().to_owned()
    };
    let (root, intermediate) = (key_of("roots.pem"), key_of("intermediate.pem"));
    assert!(
        root.contains(':') && root != intermediate,
        "{root}, {intermediate}"
    );
    let extension = "authorityKeyIdentifier";
    let shown = shop.openssl(&["x509", "-noout", "-ext", extension, "-in", "intermediate.pem"]);
    assert!(shown.contains(&root), "{shown}");
    let list = shop.openssl(&["crl", "-noout", "-text", "-in", "revocation-list.pem"]);
    assert!(list.contains(&intermediate), "{list}");
}

#[test]
fn a_good_certificate_is_valid_from_a_day_before_the_run() {
    let Some(shop) = Shop::open(Certificate::Good) else {
        return;
    };
    for (day_before, accepted) in [(23 * 3600, true), (25 * 3600, false)] {
        let moment = shop.began - day_before;
        let verified = shop.verify(&Question::new().host(SERVER).at(moment));
        assert_eq!(verified.is_ok(), accepted, "{day_before} s before: {verified:?}");
    }
    let thirty_days = 30 * 86_400;
    let question = |moment| Question::new().host(SERVER).at(moment);
    assert_eq!(shop.verify(&question(shop.began + thirty_days - 60)), Ok(()));
    assert!(shop.verify(&question(shop.began + thirty_days + 60)).is_err());
}

#[test]
fn a_revocation_list_is_as_old_as_the_certificates() {
    let Some(shop) = Shop::open(Certificate::Good) else {
        return;
    };
    let moment = (shop.began - 23 * 3600).to_string();
    let files = ["-CAfile", "roots.pem", "-untrusted", "intermediate.pem"];
    let list = ["-CRLfile", "revocation-list.pem", "-crl_check_all"];
    let arguments = [&["verify", "-attime", &moment][..], &files, &list, &["leaf.pem"]].concat();
    shop.openssl(&arguments);
}

#[test]
fn a_leaf_says_what_it_is_for_and_that_it_issues_nothing() {
    let Some(shop) = Shop::open(Certificate::Good) else {
        return;
    };
    let extensions = "subjectAltName,keyUsage,extendedKeyUsage,authorityKeyIdentifier";
    let shown = shop.openssl(&[
        "x509", "-noout", "-subject", "-issuer", "-ext", extensions, "-in", "leaf.pem",
    ]);
    for wanted in [
        "subject=CN = dms2.dmconform.test",
        "issuer=CN = dmconform test intermediate",
        "DNS:dms2.dmconform.test, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
        "Digital Signature",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "X509v3 Authority Key Identifier",
    ] {
        assert!(shown.contains(wanted), "`{wanted}` is not in:\n{shown}");
    }
    let whole = shop.openssl(&["x509", "-noout", "-text", "-in", "leaf.pem"]);
    assert!(!whole.contains("CA:TRUE"), "{whole}");
}

#[rstest]
#[case("roots.pem", "CA:TRUE")]
#[case("intermediate.pem", "CA:TRUE, pathlen:0")]
fn an_authority_signs_certificates_and_nothing_else(#[case] file: &str, #[case] constraints: &str) {
    let Some(shop) = Shop::open(Certificate::Good) else {
        return;
    };
    let shown = shop.openssl(&["x509", "-noout", "-ext", "basicConstraints,keyUsage", "-in", file]);
    assert!(shown.contains(constraints), "{shown}");
    assert!(shown.contains("Certificate Sign, CRL Sign"), "{shown}");
    assert!(shown.contains("critical"), "{shown}");
    assert!(!shown.contains("Digital Signature"), "{shown}");
}

#[rstest]
fn every_key_is_the_key_of_its_certificate(
    #[values(
        Certificate::Good,
        Certificate::UnknownAuthority,
        Certificate::Expired,
        Certificate::NotYetValid,
        Certificate::WrongName,
        Certificate::WrongUse,
        Certificate::SelfSigned,
        Certificate::MissingIntermediate,
        Certificate::OtherServer
    )]
    flavour: Certificate,
) {
    let Some(shop) = Shop::open(flavour) else { return };
    let certified = shop.openssl(&["x509", "-noout", "-pubkey", "-in", "leaf.pem"]);
    let owned = shop.openssl(&["pkey", "-pubout", "-in", "leaf.key"]);
    assert_eq!(certified, owned);
    assert!(certified.contains("BEGIN PUBLIC KEY"), "{certified}");
    let chain = shop.identity.chain_pem().matches("BEGIN CERTIFICATE").count();
    let alone = matches!(
        flavour,
        Certificate::SelfSigned | Certificate::MissingIntermediate
    );
    assert_eq!(chain, if alone { 1 } else { 2 });
}

#[test]
fn no_certificate_is_no_certificate() {
    let authority = Authority::new(now()).expect("an authority is made");
    let issued = authority.issue(&party(), Certificate::None);
    assert!(issued.expect("nothing can fail").is_none());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_written_even_over_older_files() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a temporary directory is made");
    let store = folder.path().join("certificates");
    fs::create_dir(&store).expect("the directory is made");
    fs::set_permissions(&store, fs::Permissions::from_mode(0o755)).expect("its mode is set");
    let older = store.join("dms-2.key");
    fs::write(&older, "an older key").expect("the older file is written");
    fs::set_permissions(&older, fs::Permissions::from_mode(0o644)).expect("its mode is set");

    let authority = Authority::new(now()).expect("an authority is made");
    let identity = authority
        .issue(&party(), Certificate::Good)
        .expect("a certificate is made")
        .expect("a good certificate is one");
    write_store(
        &store,
        &authority,
        &authority.roots(),
        Some(""),
        &[("dms-2", &identity)],
    )
    .expect("it is written");

    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&store), 0o700);
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(&store).expect("the directory is readable") {
        let path = entry.expect("its entry is readable").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        );
    }
    names.sort();
    assert_eq!(
        names,
        [
            "dms-2.key",
            "dms-2.pem",
            "intermediate.key",
            "intermediate.pem",
            "revocation-list.pem",
            "roots.pem"
        ]
    );
    assert_eq!(
        fs::read_to_string(older).expect("the key is readable"),
        identity.key_pem()
    );
}

#[test]
fn a_key_does_not_show_in_debug_output() {
    let authority = Authority::new(now()).expect("an authority is made");
    let identity = authority.issue(&party(), Certificate::Good).expect("it is made");
    assert_eq!(format!("{identity:?}"), "Some(Identity { .. })");
}

fn party() -> Party {
    Party {
        server_id: SERVER.to_owned(),
        hosts: Vec::new(),
    }
}

/// A certificate of one flavour on disk, for OpenSSL to look at.
struct Shop {
    folder: TempDir,
    identity: Identity,
    began: i64,
}

impl Shop {
    /// Nothing where there is no OpenSSL.
    fn open(flavour: Certificate) -> Option<Self> {
        if !common::has_openssl() {
            return None;
        }
        let now = now();
        let authority = Authority::new(now).expect("an authority is made");
        let identity = authority
            .issue(&party(), flavour)
            .expect("a certificate is made")
            .expect("this flavour is a certificate");
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        write_store(
            folder.path(),
            &authority,
            &authority.roots(),
            authority
                .revocation_list_pem()
                .expect("the list is signed")
                .as_deref(),
            &[("leaf", &identity)],
        )
        .expect("the certificates are written");
        Some(Self {
            folder,
            identity,
            began: now.unix_timestamp(),
        })
    }

    /// What `openssl verify` says; its complaint if it does not accept the certificate.
    fn verify(&self, question: &Question) -> Result<(), String> {
        let blocks: Vec<&str> = self
            .identity
            .chain_pem()
            .split_inclusive("-----END CERTIFICATE-----\n")
            .collect();
        let chain = blocks.get(1..).unwrap_or_default().concat();
        self.write("presented.pem", &chain);
        // Strictly: with all that RFC 5280 asks of a certificate, as some products do.
        let mut arguments = vec!["verify", "-x509_strict", "-CAfile", "trusted.pem"];
        match question.trusting {
            Some(place) => self.write("trusted.pem", blocks[place]),
            None => {
                let roots = std::fs::read_to_string(self.folder.path().join("roots.pem"));
                self.write("trusted.pem", &roots.expect("the roots were written"));
            }
        }
        if !chain.is_empty() {
            arguments.extend(["-untrusted", "presented.pem"]);
        }
        if question.intermediate {
            arguments.extend(["-untrusted", "intermediate.pem"]);
        }
        let moment = question.moment.map(|moment| moment.to_string());
        if let Some(moment) = &moment {
            arguments.extend(["-attime", moment]);
        }
        if let Some(purpose) = question.purpose {
            arguments.extend(["-purpose", purpose]);
        }
        if let Some(host) = question.host {
            arguments.extend(["-verify_hostname", host]);
        }
        arguments.push("leaf.pem");
        let output = self.run(&arguments);
        if output.status.success() {
            return Ok(());
        }
        Err(text(&output))
    }

    fn openssl(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LC_ALL", "C")
            .output()
            .expect("OpenSSL was there a moment ago")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("the temporary directory is writable");
    }
}

fn text(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    format!("{out}{err}")
}

/// What OpenSSL is asked about a certificate.
#[derive(Clone, Copy)]
struct Question {
    purpose: Option<&'static str>,
    host: Option<&'static str>,
    moment: Option<i64>,
    trusting: Option<usize>,
    intermediate: bool,
}

impl Question {
    const fn new() -> Self {
        Self {
            purpose: Some("sslserver"),
            host: None,
            moment: None,
            trusting: None,
            intermediate: false,
        }
    }

    const fn purpose(mut self, purpose: &'static str) -> Self {
        self.purpose = Some(purpose);
        self
    }

    const fn any_use(mut self) -> Self {
        self.purpose = None;
        self
    }

    const fn host(mut self, host: &'static str) -> Self {
        self.host = Some(host);
        self
    }

    const fn at(mut self, moment: i64) -> Self {
        self.moment = Some(moment);
        self
    }

    /// Trusts the certificate at a place of the presented chain instead of the run's root.
    const fn trusting(mut self, place: usize) -> Self {
        self.trusting = Some(place);
        self
    }

    const fn with_intermediate(mut self) -> Self {
        self.intermediate = true;
        self
    }
}
