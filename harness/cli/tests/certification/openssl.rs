//! openssl makes the keys, and verifies what is signed with them.

use std::fs;
use std::process::Command;

use dmconform_bundle::{names, sha256, unpack};
use oma_dm::auth::from_base64;
use serde_json::Value;
use tempfile::TempDir;

use super::lab::{LAB, dmconform, text};
use crate::common;

#[test]
fn openssl_makes_keys_and_verifies_statements() {
    if !common::is_there("openssl", "signatures of bundles") {
        return;
    }
    let folder = TempDir::new().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let (key, public) = (at("key.pem"), at("public.pem"));
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", &key]);
    openssl(&["pkey", "-in", &key, "-pubout", "-out", &public]);
    let (run, bundle) = (LAB.at("run").display().to_string(), at("bundle.tar"));
    let output = dmconform(&["bundle", "create", &run, "--key", &key, "--out", &bundle]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let output = dmconform(&["bundle", "verify", &bundle, "--key", &public]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let files = unpack(&fs::read(&bundle).expect("it was written")).expect("it is an archive");
    assert_eq!(fs::read(&public).expect("it was written"), files[names::KEY]);
    let envelope: Value = serde_json::from_slice(&files[names::STATEMENT]).expect("it is JSON");
    let octets = |value: &Value| from_base64(value.as_str().expect("it is text")).expect("it is base64");
    let payload = octets(&envelope["payload"]);
    let kind = envelope["payloadType"].as_str().expect("it is text");
    let before = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    fs::write(at("signed"), [before.as_bytes(), &payload].concat()).expect("it can be written");
    fs::write(at("signature"), octets(&envelope["signatures"][0]["sig"])).expect("it can be written");
    let said = openssl(&[
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        &public,
        "-rawin",
        "-in",
        &at("signed"),
        "-sigfile",
        &at("signature"),
    ]);
    assert!(said.contains("Signature Verified Successfully"), "{said}");
    let statement: Value = serde_json::from_slice(&payload).expect("it is JSON");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(
        statement["predicateType"],
        "https://in-toto.io/attestation/test-result/v0.1"
    );
    assert_eq!(
        statement["subject"][1]["digest"]["sha256"],
        sha256(&files[names::MANIFEST])
    );
    assert_eq!(statement["predicate"]["result"], "PASSED");
}
