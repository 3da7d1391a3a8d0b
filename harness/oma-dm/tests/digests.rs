//! The digests against those that Python's own library computes from the formulas.

#![expect(clippy::disallowed_types, reason = "a foreign program is the oracle")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use oma_dm::auth::{self, HmacHeader, Secret};

/// The formulas of OMA-TS-DM_Security 5.3 and 5.4, once more. Reads lines of hexadecimal fields: name, secret, nonce, body.
const FORMULAS: &str = r#"
import base64, hashlib, sys
digest = lambda octets: hashlib.md5(octets).digest()
for line in sys.stdin:
    name, secret, nonce, body = (bytes.fromhex(field[1:]) for field in line.split())
    user = base64.b64encode(digest(name + b":" + secret))
    plain = base64.b64encode(name + b":" + secret).decode()
    md5 = base64.b64encode(digest(b":".join([user, nonce]))).decode()
    whole = digest(b":".join([user, nonce, base64.b64encode(digest(body))]))
    print(plain, md5, base64.b64encode(whole).decode(), whole.hex())
"#;

/// Runs the formulas; nothing where there is no Python.
fn python(lines: &str) -> Option<String> {
    let started = Command::new("python3")
        .args(["-c", FORMULAS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        let skipped = "skipped: python3 not installed";
        assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
        // Written past the test framework, which would keep it to itself.
        let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
        return None;
    };
    let mut input = child.stdin.take().expect("standard input is a pipe");
    input
        .write_all(lines.as_bytes())
        .expect("the program reads its input");
    drop(input);
    let output = child.wait_with_output().expect("its output is readable");
    assert!(output.status.success(), "the formulas did not run");
    Some(String::from_utf8(output.stdout).expect("it prints text"))
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn all_digests_are_those_of_the_formulas() {
    let long: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let samples: [(&str, &str, &[u8], &[u8]); 5] = [
        ("dev-0001", "s3cret-dev", b"nonce-A", b"<SyncML/>"),
        (
            "dms2.example",
            "srv-pw-2",
            b"\0\0\0\0",
            b"\x02\xd8\0\0\0\0\xa7\x0cdms2.example",
        ),
        ("", "", b"", b""),
        ("dev:with:colons", "p\u{e4}ssword", b":", &long),
        ("n", "secret", &long, b"\x02\xa4\x01\x6a\0"),
    ];
    let lines = samples.map(|(name, secret, nonce, body)| {
        // A letter before each field, so that empty ones are fields too.
        let fields = [name.as_bytes(), secret.as_bytes(), nonce, body];
        fields.map(|field| format!("x{}", hexadecimal(field))).join(" ") + "\n"
    });
    let Some(computed) = python(&lines.concat()) else {
        return;
    };
    assert_eq!(computed.lines().count(), samples.len());
    for ((name, secret, nonce, body), line) in samples.into_iter().zip(computed.lines()) {
        let secret = Secret::new(secret);
        let header = HmacHeader::sign(name, &secret, nonce, body).unwrap().to_string();
        let own = [
            auth::basic(name, &secret),
            auth::md5(name, &secret, nonce),
            auth::mac(name, &secret, nonce, body),
            hexadecimal(&auth::notification_digest(name, &secret, nonce, body)),
        ];
        assert_eq!(own.join(" "), line);
        assert!(header.ends_with(&format!("mac={}", own[2])), "{header}");
    }
}
