//! Authorities of the user's own, made with OpenSSL: what they issue is good, or it is said why they cannot be used.

mod common;

use std::path::Path;
use std::process::Command;

use dmconform_model::certificate::Certificate;
use dmconform_tls::{Authority, AuthorityFiles, LoadError, Party, now, write_store};
use tempfile::TempDir;

/// The key usage of an authority that signs revocation lists, and of one that does not.
const SIGNS_LISTS: &str = "keyCertSign, cRLSign";
const SIGNS_NO_LISTS: &str = "keyCertSign";

/// A root and an issuing authority below it; nothing where there is no OpenSSL.
fn made(subject: &str, key_usage: &str) -> Option<TempDir> {
    if !common::has_openssl() {
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary directory is made");
    let extensions = format!(
        "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, {key_usage}\nsubjectKeyIdentifier = hash\n\
         authorityKeyIdentifier = keyid\n"
    );
    std::fs::write(folder.path().join("issuing.cnf"), extensions).expect("it is writable");
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let root = [
        "-keyout",
        "root.key",
        "-out",
        "root.pem",
        "-subj",
        "/CN=a root",
        "-addext",
        "keyUsage = critical, keyCertSign",
    ];
    openssl(folder.path(), &[&["req", "-x509"][..], &new_key, &root].concat());
    let asked = ["-keyout", "issuing.key", "-out", "issuing.csr", "-subj", subject];
    openssl(folder.path(), &[&["req"][..], &new_key, &asked].concat());
    let signed = [
        "x509",
        "-req",
        "-in",
        "issuing.csr",
        "-CA",
        "root.pem",
        "-CAkey",
        "root.key",
        "-CAcreateserial",
        "-extfile",
        "issuing.cnf",
        "-out",
        "issuing.pem",
    ];
    openssl(folder.path(), &signed);
    Some(folder)
}

fn loaded(folder: &TempDir) -> Result<Authority, LoadError> {
    let file = |name| folder.path().join(name);
    let files = AuthorityFiles {
        roots: file("root.pem"),
        certificate: file("issuing.pem"),
        key: file("issuing.key"),
    };
    Authority::of_files(&files, now())
}

fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .expect("OpenSSL was there a moment ago");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
    said
}

/// Stores what it issues for a server beside it.
fn store(folder: &TempDir, authority: &Authority) {
    let party = Party {
        server_id: "dms2.dmconform.test".to_owned(),
        hosts: Vec::new(),
    };
    let leaf = authority
        .issue(&party, Certificate::Good)
        .expect("a certificate is made")
        .expect("a good certificate is one");
    let list = authority.revocation_list_pem().expect("nothing fails");
    let identities = [("leaf", &leaf)];
    write_store(
        folder.path(),
        authority,
        &authority.roots(),
        list.as_deref(),
        &identities,
    )
    .expect("it is written");
}

#[test]
fn an_authority_whose_subject_cannot_be_written_again_is_refused_with_the_reason() {
    let Some(folder) = made("/DC=acme/DC=example/CN=issuing", SIGNS_LISTS) else {
        return;
    };
    let refused = loaded(&folder).err().expect("nobody would take what it issues");
    let said = refused.to_string();
    assert!(said.contains("issuing.pem"), "{said}");
    assert!(said.contains("has an attribute more than once"), "{said}");
}

#[test]
fn the_revocation_list_of_an_own_authority_names_its_key_as_its_certificate_does() {
    let Some(folder) = made("/O=acme/CN=issuing", SIGNS_LISTS) else {
        return;
    };
    store(&folder, &loaded(&folder).expect("it can be used"));
    let shown = openssl(
        folder.path(),
        &[
            "x509",
            "-noout",
            "-ext",
            "subjectKeyIdentifier",
            "-in",
            "issuing.pem",
        ],
    );
    let key = shown.lines().last().unwrap_or_default().trim();
    let list = openssl(
        folder.path(),
        &["crl", "-noout", "-text", "-in", "revocation-list.pem"],
    );
    assert!(key.contains(':') && list.contains(key), "{key}: {list}");
    let looking = ["-CRLfile", "revocation-list.pem", "-crl_check", "leaf.pem"];
    let chain = [
        "verify",
        "-x509_strict",
        "-CAfile",
        "roots.pem",
        "-untrusted",
        "intermediate.pem",
    ];
    openssl(folder.path(), &[&chain[..], &looking].concat());
}

#[test]
fn an_authority_that_signs_no_revocation_lists_issues_certificates_all_the_same() {
    let Some(folder) = made("/O=acme/CN=issuing", SIGNS_NO_LISTS) else {
        return;
    };
    store(&folder, &loaded(&folder).expect("it can be used"));
    assert!(!folder.path().join("revocation-list.pem").exists());
    let chain = [
        "verify",
        "-x509_strict",
        "-CAfile",
        "roots.pem",
        "-untrusted",
        "intermediate.pem",
    ];
    openssl(folder.path(), &[&chain[..], &["leaf.pem"]].concat());
}
