//! Real products that are observed as they talk to each other: whom a failure is blamed on, and who cannot be observed.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{fixtures, is_there};

/// A product by the name of its implementation file, and the switch that breaks it.
type Product = (&'static str, &'static str);

/// A folder with the implementation files of products.
struct Lab {
    folder: TempDir,
    products: Vec<&'static str>,
}

impl Lab {
    fn of(products: &[Product]) -> Self {
        let lab = Self {
            folder: TempDir::new().expect("a folder can be made"),
            products: products.iter().map(|(name, _)| *name).collect(),
        };
        for (name, switch) in products {
            let text =
                fs::read_to_string(fixtures().join(format!("{name}.yaml"))).expect("the file is there");
            let text = text
                .replace("${directory}", &fixtures().display().to_string())
                .replace("${deviations}", switch);
            fs::write(lab.file(name), text).expect("the folder can be written to");
        }
        lab
    }

    fn file(&self, product: &str) -> PathBuf {
        self.folder.path().join(format!("{product}.yaml"))
    }

    /// Puts a text in place of another in the file of a product, where it must be.
    fn change(&self, product: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.file(product)).expect("the file is there");
        assert!(text.contains(from), "`{from}` is not in\n{text}");
        fs::write(self.file(product), text.replace(from, to)).expect("the folder can be written to");
        self
    }

    fn observe(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
        command.arg("observe");
        for product in &self.products {
            command.arg("--implementation").arg(self.file(product));
        }
        command.arg("--out").arg(self.folder.path().join("out"));
        command.args(more).output().expect("the program starts")
    }

    fn assert_passes(&self) {
        self.assert_passes_with(&[]);
    }

    fn assert_passes_with(&self, more: &[&str]) {
        let output = self.observe(more);
        let said = shown(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let cases = self.cases();
        // One for each server that may open, at least.
        assert!(cases.len() >= 2, "{said}");
        for case in &cases {
            assert_eq!(case["verdict"], "pass", "{case}");
        }
        let cleared = said.matches("nothing is blamed on it").count();
        assert_eq!(cleared, self.products.len(), "{said}");
    }

    fn cases(&self) -> Vec<Value> {
        let results =
            fs::read(self.folder.path().join("out/results.json")).expect("the run writes its results");
        let results: Value = serde_json::from_slice(&results).expect("the results are JSON");
        results["cases"].as_array().expect("there are cases").clone()
    }
}

fn shown(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// Whether all products are made of what is there to run them.
fn can_run(products: &[Product]) -> bool {
    let is_python = |(name, _): &Product| name.starts_with("python");
    !products.iter().any(is_python) || is_there("python3", "products in Python")
}

const DMS_1: Product = ("reference-dms-1", "");
const DMS_2: Product = ("reference-dms-2-bootstrap-server", "");
const CLIENT: Product = ("reference-dm-client", "");
const PYTHON_DMS_1: Product = ("python-dms-1-xml", "");
const PYTHON_DMS_2: Product = ("python-dms-2-xml", "");

/// A client that writes XML, between the servers that can read it.
fn three_products() -> Lab {
    let lab = Lab::of(&[DMS_1, CLIENT, PYTHON_DMS_2]);
    lab.change("reference-dm-client", "encodings: [wbxml]", "encodings: [xml]")
        .change(
            "reference-dm-client",
            "    [dm-client]\n",
            "    [dm-client]\n    encoding = \"xml\"\n",
        );
    lab
}

#[rstest]
#[case(&[DMS_1, PYTHON_DMS_2])]
#[case(&[PYTHON_DMS_1, DMS_2])]
#[case(&[("python-dms-1", ""), ("python-dms-2", "")])]
fn products_that_keep_to_the_procedure_pass_every_delegation(#[case] products: &[Product]) {
    if !can_run(products) {
        return;
    }
    Lab::of(products).assert_passes();
}

#[test]
fn three_products_that_keep_to_the_procedure_pass_every_delegation() {
    if !is_there("python3", "products in Python") {
        return;
    }
    three_products().assert_passes();
}

#[test]
fn delegations_are_told_apart_by_their_sessions_where_messages_name_no_device() {
    let lab = Lab::of(&[DMS_1, DMS_2]);
    for (product, _) in [DMS_1, DMS_2] {
        // Who opens chooses the session.
        lab.change(product, r#", "session": "${session}"}"#, "}");
    }
    let profile =
        fs::read_to_string(fixtures().join("../profiles/default.yaml")).expect("the profile is there");
    let (before, after) = profile.split_once("  \"7\":").expect("the profile has step 7");
    // Where this profile has the device from step 7 on, the products write nothing.
    let after = after.replace("DeviceID", "Handset");
    let file = lab.folder.path().join("profile.yaml");
    fs::write(&file, format!("{before}  \"7\":{after}")).expect("the folder can be written to");
    lab.assert_passes_with(&["--profile", &file.display().to_string()]);
}

#[rstest]
#[case(&[("reference-dms-1", "acl-wildcard"), PYTHON_DMS_2], "dms-1")]
#[case(&[DMS_1, ("python-dms-2-xml", "complete-never-sent")], "dms-2")]
#[case(&[("python-dms-1-xml", "acl-before-bootstrap-complete"), DMS_2], "dms-1")]
#[case(&[PYTHON_DMS_1, ("reference-dms-2-bootstrap-server", "complete-never-sent")], "dms-2")]
#[case(&[("python-dms-1", ""), ("python-dms-2", "complete-never-sent")], "dms-2")]
fn a_failure_is_blamed_on_the_product_that_is_broken(#[case] products: &[Product], #[case] blamed: &str) {
    if !can_run(products) {
        return;
    }
    let lab = Lab::of(products);
    let output = lab.observe(&["--case", "OBS-DMS1"]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let cases = lab.cases();
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["verdict"], "fail");
    let findings = cases[0]["findings"].as_array().expect("there are findings");
    let blames: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding["blame"].as_str())
        .collect();
    assert_eq!(blames, BTreeSet::from([blamed]), "{findings:?}");
}

#[test]
fn products_of_the_same_role_cannot_be_observed_together() {
    let output = Lab::of(&[DMS_1, PYTHON_DMS_1]).observe(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(shown(&output).contains("both play dms-1"), "{}", shown(&output));
}

#[test]
fn products_of_different_profiles_cannot_be_observed_together() {
    let output = Lab::of(&[DMS_1, ("python-dms-2", "")]).observe(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = shown(&output);
    assert!(
        said.contains("as the profile default has them, the other as json-rest"),
        "{said}"
    );
}

#[test]
fn a_client_and_a_server_that_share_no_encoding_cannot_be_observed_together() {
    let output = Lab::of(&[DMS_1, CLIENT, PYTHON_DMS_2]).observe(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = shown(&output);
    assert!(
        said.contains(
            "reference-dm-client and python-dms-2-xml together: `supports.encodings` has nothing in common"
        ),
        "{said}"
    );
}

#[test]
fn products_whose_files_say_different_things_of_the_device_cannot_be_observed_together() {
    let lab = Lab::of(&[DMS_1, CLIENT]);
    lab.change(
        "reference-dm-client",
        "devices: {",
        "devices: {manufacturer: Acme, ",
    );
    let output = lab.observe(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = shown(&output);
    assert!(
        said.contains("`devices.manufacturer` is not the same in both files"),
        "{said}"
    );
}

#[test]
fn what_passes_a_relay_by_is_inconclusive() {
    if !is_there("python3", "products in Python") {
        return;
    }
    let lab = Lab::of(&[DMS_1, PYTHON_DMS_2]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = taken.local_addr().expect("it listens").to_string();
    drop(taken);
    lab.change("python-dms-2-xml", "127.0.0.1:${port.delegation}", &address)
        .change(
            "python-dms-2-xml",
            "ports: [dm, delegation, management",
            "ports: [dm, management",
        )
        .change(
            "reference-dms-1",
            "${mock.dms-2.delegation}",
            &format!("https://{address}/delegation"),
        );
    let output = lab.observe(&["--case", "OBS-DMS1"]);
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    let cases = lab.cases();
    assert_eq!(cases.len(), 1);
    let reason = cases[0]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("dms-1 may reach dms-2 past the relay"),
        "{reason}"
    );
}

#[test]
fn a_bootstrap_that_passes_a_relay_by_is_blamed_on_nobody() {
    if !is_there("python3", "products in Python") {
        return;
    }
    let lab = three_products();
    lab.change(
        "python-dms-2-xml",
        "${public.bootstrap-server.bootstrap-base}",
        "https://127.0.0.1:${port.bootstrap}/bootstrap",
    );
    let output = lab.observe(&["--case", "OBS-DMS1"]);
    assert_eq!(output.status.code(), Some(3), "{}", shown(&output));
    let cases = lab.cases();
    let reason = cases[0]["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("dm-client may reach bootstrap-server past the relay") && !reason.contains("broke"),
        "{reason}"
    );
}
