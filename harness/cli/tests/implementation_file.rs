//! What implementation files can say of a product, each tried on the reference implementation as a vendor would.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{fixtures, is_there};

/// A folder with an implementation file.
struct Lab {
    folder: TempDir,
    text: String,
}

impl Lab {
    /// One with the file of a form of the reference implementation, of which one runs at a time.
    fn of(product: &str) -> Self {
        let mut lab = Self::of_instances(product);
        let kept = lab.text.lines().filter(|line| !line.starts_with("  instances:"));
        lab.text = kept.map(|line| format!("{line}\n")).collect();
        lab
    }

    /// The same, with as many at a time as the file has it.
    fn of_instances(product: &str) -> Self {
        let text = fs::read_to_string(fixtures().join(format!("{product}.yaml")));
        Self {
            folder: TempDir::new().expect("a folder can be made"),
            text: text.expect("the file is there"),
        }
    }

    /// Puts a text in place of another, which must be there.
    fn change(&mut self, from: &str, to: &str) -> &mut Self {
        assert!(self.text.contains(from), "`{from}` is not in\n{}", self.text);
        self.text = self.text.replace(from, to);
        self
    }

    /// Says something more.
    fn add(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).expect("the folder can be written to");
        self
    }

    fn command(&self, cases: &[&str]) -> Command {
        self.write("product.yaml", &self.text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
        command.args(["run", "--implementation"]);
        command.arg(self.path("product.yaml"));
        command.arg("--out").arg(self.path("out"));
        for case in cases {
            command.args(["--case", case]);
        }
        command.stdin(Stdio::null());
        command
    }

    fn check(&self) -> Output {
        self.write("product.yaml", &self.text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
        command.arg("check").arg(self.path("product.yaml"));
        command.output().expect("the program starts")
    }

    fn assert_is_in_order(&self) {
        let output = self.check();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
    }

    /// That `check` sees what a run would end with.
    fn assert_is_refused(&self, why: &str) {
        let output = self.check();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }

    fn run(&self, cases: &[&str]) -> Output {
        self.command(cases).output().expect("the program starts")
    }

    /// The verdicts, with the reasons where there are any.
    fn verdicts(&self) -> Vec<(String, String)> {
        let results = fs::read(self.path("out/results.json")).expect("the run writes its results");
        let results: Value = serde_json::from_slice(&results).expect("the results are JSON");
        let cases = results["cases"].as_array().expect("there are cases").iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        cases
            .map(|case| (text(&case["verdict"]), text(&case["reason"])))
            .collect()
    }

    fn assert_passes(&self, cases: &[&str]) {
        let output = self.run(cases);
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{shown}{}", said(&output));
        assert!(
            self.verdicts().iter().all(|(verdict, _)| verdict == "pass"),
            "{shown}"
        );
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Addresses of loopback that nobody listens at.
fn free_addresses(count: usize) -> Vec<String> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("loopback has a free port"))
        .collect();
    let addresses = listeners
        .iter()
        .map(|listener| listener.local_addr().expect("it listens").to_string());
    addresses.collect()
}

const DMS_1_WHOLE: &str = "DEL-DMS1-0-010";
const DMS_2_WHOLE: &str = "DEL-DMS2-0-010";
const CLIENT_WHOLE: &str = "DEL-CLIENT-0-010";

#[test]
fn peers_listen_where_the_configuration_of_the_product_has_them() {
    let mut lab = Lab::of("reference-dms-1");
    let at = free_addresses(3);
    let (dm, delegation, bootstrap) = (&at[0], &at[1], &at[2]);
    lab.change(
        "${mock.dms-2.delegation}",
        &format!("https://{delegation}/delegation"),
    )
    .change("${server-id.dms-2}", "dms2.fixed.test")
    .add(&format!(
        "peers:\n  dms-2: {{server-id: dms2.fixed.test, listen: {{dm: \"{dm}\", delegation: \"{delegation}\"}}}}\n  \
         bootstrap-server: {{listen: {{bootstrap: \"{bootstrap}\"}}}}\n"
    ));
    lab.assert_passes(&[DMS_1_WHOLE]);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = taken.local_addr().expect("it listens");
    let mut lab = Lab::of("reference-dms-1");
    lab.add(&format!("peers: {{dms-2: {{listen: {{dm: \"{address}\"}}}}}}\n"));
    let output = lab.run(&[DMS_1_WHOLE]);
    assert_eq!(output.status.code(), Some(5));
    let said = said(&output);
    assert!(
        said.contains(&format!(
            "{address}, at which the mock dms-2 is to listen for dm, cannot be had"
        )),
        "{said}"
    );
}

#[test]
fn one_device_of_its_own_credentials_is_enough() {
    let mut lab = Lab::of("reference-dms-1");
    lab.change(
        "devices: {pattern: \"urn:dmconform:device:{}\", count: 200}",
        "devices:\n  list: [{id: \"urn:acme:7\", credentials: {dms-1: {client-name: acme-seven, client-secret: seven-secret}}}]",
    )
    .change("${credentials.dms-1.client-name}", "acme-seven")
    .change("${credentials.dms-1.client-secret}", "seven-secret");
    let output = lab.run(&["DEL-DMS1-0-*"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let needs_two = "it takes part in one delegation at a time, and the case needs two";
    let verdicts = lab.verdicts();
    assert!(
        verdicts.iter().any(|(_, reason)| reason == needs_two),
        "{verdicts:?}"
    );
}

#[test]
fn a_secret_of_the_environment_is_used_and_shows_nowhere() {
    let mut lab = Lab::of("reference-dms-2-bootstrap-server");
    lab.add(
        "credentials: {dms-2: {client-secret: {environment: ACME_SECRET}, server-secret: {file: server.secret}}}\n",
    )
    .write("server.secret", "the secret of the server\n");
    let mut command = lab.command(&[DMS_2_WHOLE, "DEL-BS-*"]);
    let output = command.env("ACME_SECRET", "the secret of the device").output();
    let output = output.expect("the program starts");
    let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), said(&output));
    assert_eq!(output.status.code(), Some(0), "{shown}");
    let results = fs::read_to_string(lab.path("out/results.json")).expect("there are results");
    let mut seen = vec![shown, results];
    let mut masks = 0;
    let transcripts = lab.path("out/transcripts/product");
    for entry in fs::read_dir(transcripts).expect("there are transcripts") {
        let path = entry.expect("it can be looked at").path();
        let text = fs::read_to_string(path).expect("it can be read");
        masks += usize::from(text.contains("***"));
        seen.push(text);
    }
    assert!(masks > 0, "the secrets were in no transcript at all");
    for text in seen {
        assert!(!text.contains("the secret of"), "a secret shows in {text}");
    }
}

#[test]
fn a_secret_that_is_not_there_is_named_before_anything_runs() {
    let mut lab = Lab::of("reference-dms-2");
    lab.add("credentials: {dms-2: {client-secret: {environment: DMCONFORM_IS_NOT_SET}}}\n");
    let output = lab.run(&[DMS_2_WHOLE]);
    assert_eq!(output.status.code(), Some(5));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("`DMCONFORM_IS_NOT_SET`: it is not set"), "{shown}");
}

#[test]
fn an_authority_of_the_users_own_issues_the_certificates() {
    let mut lab = Lab::of("reference-dms-1");
    let authority = lab.path("authority");
    let made = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["certs", "--out"])
        .arg(&authority)
        .output();
    assert!(made.expect("the program starts").status.success());
    // What the product trusts is what it was configured with, and not what the run writes.
    lab.change("${tls.roots}", &authority.join("roots.pem").display().to_string())
        .add("certificates:\n  authority: {roots: authority/roots.pem, certificate: authority/intermediate.pem, key: authority/intermediate.key}\n");
    lab.assert_passes(&[DMS_1_WHOLE]);
    lab.change(
        "certificate: authority/intermediate.pem",
        "certificate: authority/roots.pem",
    );
    let output = lab.run(&[DMS_1_WHOLE]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5));
    assert!(shown.contains("it is a root"), "{shown}");
    lab.assert_is_refused("it is a root");
}

#[test]
fn an_authority_that_may_not_sign_lists_is_refused_where_revocation_is_claimed() {
    let mut lab = Lab::of("reference-dms-1");
    if !is_there("openssl", "an authority that signs no lists") {
        return;
    }
    let openssl = |words: &str| {
        let made = Command::new("openssl")
            .args(words.split(' '))
            .current_dir(lab.folder.path())
            .output();
        let made = made.expect("openssl starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    lab.write(
        "issuing.cnf",
        "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\nsubjectKeyIdentifier = hash\n",
    );
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -subj /CN=root",
    );
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout issuing.key -out issuing.csr -subj /CN=issuing",
    );
    openssl(
        "x509 -req -in issuing.csr -CA root.pem -CAkey root.key -CAcreateserial -extfile issuing.cnf -out issuing.pem",
    );
    lab.add("certificates:\n  authority: {roots: root.pem, certificate: issuing.pem, key: issuing.key}\n");
    lab.assert_is_refused("issue it with the key usage cRLSign, or leave the claim out");
    let output = lab.run(&[DMS_1_WHOLE]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{shown}");
    assert!(shown.contains("the key usage cRLSign"), "{shown}");
    lab.change("revocation, ", "");
    lab.assert_is_in_order();
}

#[test]
fn a_product_that_never_says_that_it_is_ready_is_an_error() {
    let mut lab = Lab::of("reference-dms-1");
    let start = lab.text.find("\nstart:").expect("there is a start");
    let triggers = lab.text.find("\ntriggers:").expect("there are triggers");
    lab.text.replace_range(
        start..triggers,
        "\nstart: {command: [sh, -c, \"echo waking up; sleep 60\"], ready: {log: \"at your service\", within: 500ms}}",
    );
    let output = lab.run(&[DMS_1_WHOLE]);
    assert_eq!(output.status.code(), Some(5));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("500ms passed before it said `at your service`") && shown.contains("waking up"),
        "{shown}"
    );
}

#[test]
fn what_a_product_leaves_behind_when_it_ends_is_ended_and_told() {
    let mut lab = Lab::of("reference-dms-1");
    let start = lab.text.find("\nstart:").expect("there is a start");
    let triggers = lab.text.find("\ntriggers:").expect("there are triggers");
    lab.text.replace_range(
        start..triggers,
        "\nstart: {command: [sh, -c, \"sleep 61 & echo $! > left.pid\"], ready: {log: never, within: 20s}}",
    );
    let output = lab.run(&[DMS_1_WHOLE]);
    assert_eq!(output.status.code(), Some(5));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("and left processes behind, which were ended"),
        "{shown}"
    );
    let left = fs::read_to_string(lab.path("out/work/product/left.pid")).expect("it was started");
    let alive = Command::new("kill")
        .args(["-0", left.trim()])
        .stderr(Stdio::null())
        .status();
    assert!(!alive.expect("kill is there").success(), "{left} still runs");
}

#[test]
fn a_product_in_the_background_is_ended_by_its_own_command() {
    let mut lab = Lab::of("reference-dms-1");
    lab.change(
        "command: [\"${self}\", reference, dms-1,",
        "detached: true\n  command: [sh, -c, 'printf %s reset > ready; \"$@\" > log 2>&1 & echo $! > product.pid', sh, \"${self}\", reference, dms-1,",
    )
    // A shell gives what it puts into the background no input.
    .change(", --until-input-ends", "")
    .add("stop: {command: [sh, -c, 'kill $(cat product.pid) && echo stopped > stopped']}\n")
    .add("reset: {command: [sh, -c, 'test ! -e ready']}\n");
    lab.assert_passes(&[DMS_1_WHOLE]);
    assert!(lab.path("out/work/product/stopped").exists());
}

#[test]
fn a_trigger_can_be_a_command() {
    if !is_there("curl", "a trigger that is a command") {
        return;
    }
    let mut lab = Lab::of("reference-dm-client");
    lab.change(
        "contact-server: {http: {url: \"http://127.0.0.1:${port.management}/devices/${device}/sessions?server=${server}\"}}",
        "contact-server: {command: {command: [curl, --fail, --silent, --show-error, --request, POST, \"http://127.0.0.1:${port.management}/devices/${device}/sessions?server=${server}\"]}}",
    );
    lab.assert_passes(&[CLIENT_WHOLE]);
}

#[test]
fn a_trigger_can_be_a_question_to_the_operator() {
    let mut lab = Lab::of("reference-dm-client");
    lab.change(
        "reset-device: {http: {url: \"http://127.0.0.1:${port.management}/devices/${device}/reset\"}}",
        "reset-device: {prompt: \"put ${device} back to its beginning\"}",
    );
    let mut command = lab.command(&[CLIENT_WHOLE]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("it has an input");
    input.write_all(b"\n").expect("it reads its input");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("put urn:dmconform:device:1 back to its beginning"));
}

#[test]
fn where_nobody_answers_a_question_nothing_is_judged() {
    let mut lab = Lab::of("reference-dm-client");
    lab.change(
        "reset-device: {http: {url: \"http://127.0.0.1:${port.management}/devices/${device}/reset\"}}",
        "reset-device: {prompt: \"put ${device} back to its beginning\"}",
    );
    let output = lab.run(&[CLIENT_WHOLE]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let verdicts = lab.verdicts();
    assert!(verdicts[0].1.contains("standard input has ended"), "{verdicts:?}");
}

#[test]
fn the_nodes_of_cases_are_where_the_product_has_them() {
    let mut lab = Lab::of("reference-dm-client");
    lab.change("./Com", "./Vendor/Acme")
        .change("[[dm-client.node]]\n    uri = \"./Vendor/Acme\"\n", "[[dm-client.node]]\n    uri = \"./Vendor\"\n\n    [[dm-client.node]]\n    uri = \"./Vendor/Acme\"\n")
        .add("nodes: {./Com: ./Vendor/Acme}\n");
    lab.assert_passes(&[CLIENT_WHOLE, "DEL-CLIENT-8-0*"]);
}

#[test]
fn what_is_left_of_a_former_run_at_the_products_address_is_named() {
    let left = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = left.local_addr().expect("it listens").port().to_string();
    let mut lab = Lab::of("reference-dms-1");
    // It is not what shows that the product is ready, and is found all the same.
    lab.change("${port.delegation}", &port)
        .change(&format!("\"127.0.0.1:{port}\", "), "");
    let output = lab.run(&[DMS_1_WHOLE]);
    assert_eq!(output.status.code(), Some(5));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains(&format!("something listens at 127.0.0.1:{port} already")),
        "{shown}"
    );
}

#[test]
fn a_product_that_never_says_a_word_is_no_pass_and_holds_nothing_up() {
    let hangs = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = hangs.local_addr().expect("it listens");
    // It takes every connection, and never says a word.
    std::thread::spawn(move || {
        let mut taken = Vec::new();
        for connection in hangs.incoming() {
            taken.push(connection);
        }
    });
    let mut lab = Lab::of("reference-dms-1");
    let start = lab.text.find("\nstart:").expect("there is a start");
    let triggers = lab.text.find("\ntriggers:").expect("there are triggers");
    lab.text.replace_range(start..triggers, "");
    lab.change("127.0.0.1:${port.dm}", &address.to_string())
        .change("127.0.0.1:${port.delegation}", &address.to_string())
        .change("step-deadline: 5s", "step-deadline: 1s");
    let output = lab.run(&["DEL-DMS1-0-030"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    let reason = &lab.verdicts()[0].1;
    assert!(
        reason.contains("the handshake was not finished in time"),
        "{reason}"
    );
}

#[test]
fn a_name_leads_where_the_file_says_and_stands_in_the_certificate() {
    let mut lab = Lab::of("reference-dms-1");
    lab.change(
        "dms-1: {dm: \"https://127.0.0.1:${port.dm}/dm\", delegation: \"https://127.0.0.1:${port.delegation}/delegation\"}",
        "dms-1: {dm: \"https://dms1.acme.test:${port.dm}/dm\", delegation: \"https://dms1.acme.test:${port.delegation}/delegation\"}",
    )
    .add("hosts: {dms1.acme.test: 127.0.0.1}\n");
    // DMS-2 opens, so that mock DMS-2 and the mock client both dial the name.
    lab.assert_passes(&["DEL-DMS1-0-030"]);
    lab.change("hosts: {dms1.acme.test: 127.0.0.1}\n", "");
    let output = lab.run(&["DEL-DMS1-0-030"]);
    assert_eq!(output.status.code(), Some(5));
    assert!(
        said(&output).contains("`dms1.acme.test` has no address"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_client_is_given_its_account_and_told_to_fetch_its_bootstrap() {
    let mut lab = Lab::of("reference-dm-client");
    lab.change(
        "triggers:\n",
        "triggers:\n  provision-account: {command: {command: [sh, -c, 'echo ${device} ${server-id.dms-1} >> provisioned']}}\n  \
         fetch-bootstrap: {command: {command: [sh, -c, 'echo ${device} >> told-to-fetch']}}\n",
    );
    lab.assert_passes(&[CLIENT_WHOLE]);
    let done = |name: &str| fs::read_to_string(lab.path("out/work/product").join(name));
    let provisioned = done("provisioned").expect("the trigger was pulled");
    assert_eq!(provisioned, "urn:dmconform:device:1 dms1.dmconform.test\n");
    assert_eq!(
        done("told-to-fetch").expect("the trigger was pulled"),
        "urn:dmconform:device:1\n"
    );
}

#[test]
fn a_device_can_have_a_bootstrap_of_its_own() {
    let mut lab = Lab::of("reference-dms-1");
    let at = &free_addresses(1)[0];
    let url = format!("https://{at}/by-hand?device=urn:acme:7");
    lab.change(
        "devices: {pattern: \"urn:dmconform:device:{}\", count: 200}",
        &format!("devices: {{list: [{{id: \"urn:acme:7\", bootstrap: \"{url}\"}}]}}"),
    )
    .add(&format!(
        "peers: {{bootstrap-server: {{listen: {{bootstrap: \"{at}\"}}}}}}\n"
    ));
    lab.assert_passes(&[DMS_1_WHOLE]);
    let transcript = lab
        .path("out/transcripts/product")
        .join(format!("{DMS_1_WHOLE}.jsonl"));
    let transcript = fs::read_to_string(transcript).expect("there is a transcript");
    assert!(
        transcript.contains("/by-hand?device=urn:acme:7"),
        "the URL of the device was not used"
    );
}

#[test]
fn a_chain_that_we_did_not_issue_is_trusted_where_its_roots_are_named() {
    let mut lab = Lab::of("reference-dms-1");
    let other = lab.path("other");
    let made = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["certs", "--dms-1", "dms1.reference.test", "--out"])
        .arg(&other)
        .output();
    assert!(made.expect("the program starts").status.success());
    lab.change(
        "${tls.dms-1.certificate}",
        &other.join("dms-1.pem").display().to_string(),
    )
    .change("${tls.dms-1.key}", &other.join("dms-1.key").display().to_string());
    let output = lab.run(&["DEL-DMS1-0-030"]);
    assert_ne!(output.status.code(), Some(0), "a chain of nobody's was trusted");
    lab.add("certificates: {trust: [other/roots.pem]}\n");
    lab.assert_passes(&["DEL-DMS1-0-030"]);
    lab.assert_is_in_order();
    lab.change("other/roots.pem", "other/nothing.pem");
    lab.assert_is_refused("other/nothing.pem");
}

#[test]
fn a_product_is_ready_when_its_url_answers() {
    if !is_there("python3", "readiness by HTTP") {
        return;
    }
    let mut lab = Lab::of("reference-dms-1");
    // Its page for those who look after it is a process of its own here, and goes with it.
    lab.change(
        "command: [\"${self}\", reference, dms-1,",
        "command: [sh, -c, 'python3 -m http.server ${port.web} --bind 127.0.0.1 >/dev/null 2>&1 & exec \"$@\"', sh, \"${self}\", reference, dms-1,",
    )
    .change("ports: [", "ports: [web, ")
    .change("within: 20s}", "http: [\"http://127.0.0.1:${port.web}/\"], within: 20s}");
    lab.assert_passes(&[DMS_1_WHOLE]);
    lab.change("${port.web}/\"]", "${port.web}/nothing-here\"]")
        .change("within: 20s}", "within: 2s}");
    let output = lab.run(&[DMS_1_WHOLE]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(5), "{shown}");
    assert!(
        shown.contains("/nothing-here answered with a status of 2xx"),
        "{shown}"
    );
}

/// Seven cases that want the listener of a mock server to themselves.
const ALONE: [&str; 2] = ["DEL-CLIENT-4-1*", "DEL-CLIENT-5-110*"];

#[test]
fn cases_that_want_a_listener_to_themselves_run_on_several_instances_where_the_file_allows_it() {
    let mut lab = Lab::of_instances("reference-dm-client");
    lab.change("instances: 8", "instances: 2");
    lab.assert_passes(&ALONE);
    assert!(lab.path("out/work/product.2").is_dir());
    assert!(!lab.path("out/work/product.3").exists());
    lab.change("instances: 2", "instances: 1");
    fs::remove_dir_all(lab.path("out")).expect("the run can be removed");
    lab.assert_passes(&["DEL-CLIENT-4-120*"]);
    assert!(!lab.path("out/work/product.2").exists());
}

#[test]
fn an_instance_that_does_not_start_beside_the_others_is_an_error_and_its_cases_run_all_the_same() {
    let mut lab = Lab::of_instances("reference-dm-client");
    // Whatever the first one takes is taken for the second.
    let only = lab.path("only").display().to_string();
    lab.change("instances: 8", "instances: 2").change(
        "command: [\"${self}\", reference",
        &format!("command: [sh, -c, 'mkdir \"$0\" && exec \"$@\"', \"{only}\", \"${{self}}\", reference"),
    );
    let output = lab.run(&ALONE);
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("give `start.instances` a lower number"), "{shown}");
    assert!(
        lab.verdicts().iter().all(|(verdict, _)| verdict == "pass"),
        "{shown}"
    );
    assert!(lab.verdicts().len() >= 6, "{shown}");
}
