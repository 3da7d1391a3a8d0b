//! A lab that has certified a product.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use dmconform_bundle::SigningKey;

use crate::common;

/// The key of the lab: of the first test vector of RFC 8032.
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// The case that tests take out, or judge otherwise.
pub(crate) const CASE: &str = "DEL-BS-5-040";

pub(crate) static LAB: LazyLock<Lab> = LazyLock::new(Lab::certify);

/// A lab that has certified a product, at the second attempt.
pub(crate) struct Lab {
    pub(crate) folder: PathBuf,
    pub(crate) said: String,
    pub(crate) bundle: Vec<u8>,
}

impl Lab {
    pub(crate) fn certify() -> Self {
        // Nothing drops what is static: what is left is one folder in that of the build.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder can be made");
        let at = |name: &str| folder.join(name);
        let product = product();
        let broken = product.replace("[\"${self}\", reference", "[\"false\", reference");
        fs::write(at("acme.yaml"), broken).expect("the folder can be written to");
        let output = certify(&folder, "broken", &[]);
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        fs::write(at("acme.yaml"), product).expect("the folder can be written to");
        let output = certify(&folder, "run", &[]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}\n{}", text(&output.stderr));
        fs::write(at("key.pem"), KEY).expect("the folder can be written to");
        let output = bundle(&folder, "bundle.tar");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let bundle = fs::read(at("bundle.tar")).expect("it was written");
        Self { folder, said, bundle }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A Bootstrap Server of another name than the reference implementation.
pub(crate) fn product() -> String {
    let path = common::fixtures().join("reference-bootstrap-server.yaml");
    let text = fs::read_to_string(path).expect("the file is there");
    text.replace("vendor: dmconform", "vendor: Acme")
        .replace("reference implementation", "Bootstrapper")
}

pub(crate) fn dmconform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

pub(crate) fn certify(folder: &Path, run: &str, further: &[&str]) -> Output {
    let [product, log, out] =
        ["acme.yaml", "attempts.jsonl", run].map(|name| folder.join(name).display().to_string());
    let arguments = [
        "run",
        "--certification",
        "--implementation",
        &product,
        "--attempts",
        &log,
        "--out",
        &out,
    ];
    dmconform(&[&arguments[..], further].concat())
}

pub(crate) fn bundle(folder: &Path, name: &str) -> Output {
    let [run, key, out] = ["run", "key.pem", name].map(|name| folder.join(name).display().to_string());
    dmconform(&["bundle", "create", &run, "--key", &key, "--out", &out])
}

pub(crate) fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

pub(crate) fn lab_key() -> SigningKey {
    SigningKey::from_pem(KEY).expect("it is a key")
}
