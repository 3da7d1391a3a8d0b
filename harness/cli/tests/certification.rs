//! Certification: what it refuses, what it leaves behind, and that nobody can change it unnoticed.
//!
//! One product is certified once for all of these tests; what is done to its bundle is done in memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use dmconform_bundle::{
    Attempt, Ended, Files, Log, Refusal, SigningKey, Stage, Trust, evidence, names, seal, sha256, unpack,
    verify,
};
use dmconform_case::Suite;
use dmconform_case::ledger::ledger;
use dmconform_model::result::{RunRecord, summarise, summarise_robustness};
use dmconform_model::{CaseId, CaseResult, Verdict};
use oma_dm::auth::from_base64;
use rstest::rstest;
use serde_json::Value;
use tempfile::TempDir;

mod common;

/// The key of the lab: of the first test vector of RFC 8032.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// The case that tests take out, or judge otherwise.
const CASE: &str = "DEL-BS-5-040";

static LAB: LazyLock<Lab> = LazyLock::new(Lab::certify);

/// A lab that has certified a product, at the second attempt.
struct Lab {
    folder: TempDir,
    said: String,
    bundle: Vec<u8>,
}

impl Lab {
    fn certify() -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let at = |name: &str| folder.path().join(name);
        let product = product();
        let broken = product.replace("[\"${self}\", reference", "[\"false\", reference");
        fs::write(at("acme.yaml"), broken).expect("the folder can be written to");
        let output = certify(folder.path(), "broken", &[]);
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        fs::write(at("acme.yaml"), product).expect("the folder can be written to");
        let output = certify(folder.path(), "run", &[]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}\n{}", text(&output.stderr));
        fs::write(at("key.pem"), KEY).expect("the folder can be written to");
        let output = bundle(folder.path(), "bundle.tar");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let bundle = fs::read(at("bundle.tar")).expect("it was written");
        Self { folder, said, bundle }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A Bootstrap Server of another name than the reference implementation.
fn product() -> String {
    let path = common::fixtures().join("reference-bootstrap-server.yaml");
    let text = fs::read_to_string(path).expect("the file is there");
    text.replace("vendor: dmconform", "vendor: Acme")
        .replace("reference implementation", "Bootstrapper")
}

fn dmconform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn certify(folder: &Path, run: &str, further: &[&str]) -> Output {
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

fn bundle(folder: &Path, name: &str) -> Output {
    let [run, key, out] = ["run", "key.pem", name].map(|name| folder.join(name).display().to_string());
    dmconform(&["bundle", "create", &run, "--key", &key, "--out", &out])
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn lab_key() -> SigningKey {
    SigningKey::from_pem(KEY).expect("it is a key")
}

#[test]
fn a_product_is_certified_and_anybody_can_verify_its_bundle() {
    for line in [
        "outcome: certified\n",
        "product: Acme Bootstrapper 0.1 as bootstrap-server",
        "claims: authentication: md5",
        "attempt: 2; the others until then: error",
        "selected: 15 cases",
    ] {
        assert!(LAB.said.contains(line), "{line}\n{}", LAB.said);
    }
    let path = LAB.at("bundle.tar").display().to_string();
    let fingerprint = lab_key().public().fingerprint();
    let output = dmconform(&[
        "bundle",
        "verify",
        &path,
        "--fingerprint",
        &fingerprint,
        "--certified",
    ]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("verified: the bundle is whole"), "{said}");
    assert!(
        said.contains(&format!("signed by: {fingerprint}, as was asked for")),
        "{said}"
    );
    let output = dmconform(&["bundle", "verify", &path, "--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(told["verified"], true);
    assert_eq!(told["certification"]["outcome"], "certified");
    assert_eq!(told["other-attempts"][0]["outcome"], "error");
}

#[test]
fn the_same_run_and_the_same_key_make_the_same_bundle() {
    let output = bundle(LAB.folder.path(), "again.tar");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(fs::read(LAB.at("again.tar")).expect("it was written") == LAB.bundle);
    let output = bundle(LAB.folder.path(), "again.tar");
    assert_eq!(output.status.code(), Some(5), "nothing is overwritten");
}

#[test]
fn a_bundle_can_be_made_without_a_key_and_says_whose_it_is_not() {
    let [run, out] = ["run", "unkeyed.tar"].map(|name| LAB.at(name).display().to_string());
    let output = dmconform(&["bundle", "create", &run, "--out", &out]);
    assert!(text(&output.stdout).contains("made for this bundle and is kept nowhere"));
    let bundle = fs::read(&out).expect("it was written");
    assert!(verify(&bundle, &Trust::Anybody).is_ok());
    let lab = Trust::Fingerprint(lab_key().public().fingerprint());
    assert_eq!(
        verify(&bundle, &lab).expect_err("it is another key").code(),
        "other-key"
    );
}

#[test]
fn a_run_that_was_changed_afterwards_makes_no_bundle() {
    let folder = TempDir::new().expect("a folder can be made");
    let output = Command::new("cp")
        .args(["-r"])
        .arg(LAB.at("run"))
        .arg(folder.path())
        .output();
    assert!(output.is_ok_and(|output| output.status.success()));
    fs::write(folder.path().join("key.pem"), KEY).expect("the folder can be written to");
    let results = folder.path().join("run/results.json");
    let changed = fs::read_to_string(&results).expect("it is there").replacen(
        "\"verdict\": \"pass\"",
        "\"verdict\": \"fail\"",
        1,
    );
    fs::write(&results, changed).expect("it can be written");
    let output = bundle(folder.path(), "bundle.tar");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("the results say fail, and its transcript shows pass"),
        "{said}"
    );
}

#[test]
fn what_is_no_bundle_is_refused_and_what_is_not_there_is_a_mistake() {
    let path = LAB.at("acme.yaml").display().to_string();
    let output = dmconform(&["bundle", "verify", &path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("refused: failed to read the archive"));
    assert_eq!(
        dmconform(&["bundle", "verify", "nowhere.tar"]).status.code(),
        Some(2)
    );
    let output = dmconform(&["bundle", "verify", &path, "--fingerprint", "abc"]);
    assert_eq!(output.status.code(), Some(2));
}

#[rstest]
#[case(&["--case", "DEL-BS-*"])]
#[case(&["--role", "bootstrap-server"])]
#[case(&["--cases", "acme.yaml"])]
#[case(&["--seed", "7"])]
#[case(&["--strict"])]
#[case(&["--deviation", "acl-wildcard"])]
#[case(&["--oddity", "chunked-body"])]
#[case(&["--peer-oddity", "all"])]
fn nothing_turns_what_is_asked_of_a_product(#[case] option: &[&str]) {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("acme.yaml"), product()).expect("the folder can be written to");
    let output = certify(folder.path(), "run", option);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains(&format!("certify with {}", option[0])), "{said}");
    assert!(!folder.path().join("attempts.jsonl").exists());
}

#[test]
fn a_certification_is_of_one_product() {
    let output = dmconform(&["run", "--certification"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("name it with --implementation"));
    let path = LAB.at("acme.yaml").display().to_string();
    let two = [
        "run",
        "--certification",
        "--implementation",
        &path,
        "--implementation",
        &path,
    ];
    let output = dmconform(&two);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("several products at once"));
}

#[test]
fn a_log_of_attempts_that_was_changed_ends_a_certification_before_it_begins() {
    let folder = TempDir::new().expect("a folder can be made");
    fs::write(folder.path().join("acme.yaml"), product()).expect("the folder can be written to");
    let log = fs::read_to_string(LAB.at("attempts.jsonl")).expect("it is there");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 4, "two attempts began and ended");
    let without_the_first = format!("{}\n", lines[2..].join("\n"));
    fs::write(folder.path().join("attempts.jsonl"), without_the_first).expect("it can be written");
    let output = certify(folder.path(), "run", &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("line 1") && said.contains("lines were taken out"),
        "{said}"
    );
    assert!(!folder.path().join("run").exists());
}

#[test]
fn an_attempt_that_is_ended_from_outside_leaves_its_trace() {
    let folder = TempDir::new().expect("a folder can be made");
    let starts_slowly = product().replace("[\"${self}\", reference, bootstrap-server", "[sleep, \"3\"");
    let starts_slowly = starts_slowly.replace(", --config, \"${work}/reference.toml\"", "]\n  # [");
    fs::write(folder.path().join("acme.yaml"), starts_slowly).expect("the folder can be written to");
    let [product, log, out] =
        ["acme.yaml", "attempts.jsonl", "run"].map(|name| folder.path().join(name).display().to_string());
    let mut run = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args([
            "run",
            "--certification",
            "--implementation",
            &product,
            "--attempts",
            &log,
            "--out",
            &out,
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let is_written = || fs::read_to_string(&log).is_ok_and(|text| text.ends_with('\n'));
    let mut looks = 0;
    while !is_written() && looks < 500 {
        std::thread::sleep(Duration::from_millis(10));
        looks += 1;
    }
    run.kill().expect("it runs");
    run.wait().expect("it ends");
    let written = fs::read_to_string(&log).expect("it was written");
    let log = Log::read(&written).expect("it holds together");
    let last = log.last().expect("there is a line");
    assert!(matches!(last.stage, Stage::Began(_)), "{written}");
    let output = dmconform(&["bundle", "create", &out, "--out", "never.tar"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("it is no certification that was ended"),
        "{output:?}"
    );
}

#[test]
fn any_bit_that_is_changed_is_noticed() {
    let octets = LAB.bundle.len();
    let in_the_middle = (0..octets).step_by(octets / 97);
    let at_the_ends = (0..1_024).step_by(31).chain(octets - 1_536..octets);
    for at in in_the_middle.chain(at_the_ends.step_by(11)) {
        let mut changed = LAB.bundle.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(verify(&changed, &Trust::Anybody).is_err(), "octet {at}");
    }
}

#[test]
fn a_bundle_that_was_cut_is_refused_wherever_it_was() {
    for end in (0..LAB.bundle.len()).step_by(LAB.bundle.len() / 23) {
        assert!(
            verify(&LAB.bundle[..end], &Trust::Anybody).is_err(),
            "octet {end}"
        );
    }
}

#[rstest]
#[case::taken_out(|files: &mut Files| drop(files.remove(names::CASES)), "missing")]
#[case::put_in(|files: &mut Files| drop(files.insert("waiver.txt".to_owned(), b"all is well".to_vec())), "added")]
#[case::changed(|files: &mut Files| files.get_mut(names::RESULTS).expect("it is there").push(b' '), "changed")]
#[case::without_a_signature(|files: &mut Files| drop(files.remove(names::STATEMENT)), "missing")]
fn a_file_that_is_not_as_it_was_signed_is_named(#[case] change: fn(&mut Files), #[case] expected: &str) {
    let mut files = unpack(&LAB.bundle).expect("it is an archive");
    change(&mut files);
    assert_eq!(refused(&packed(&files)).code(), expected);
}

#[test]
fn the_key_of_somebody_else_is_refused() {
    let attacker = SigningKey::generate().expect("there is randomness");
    let files = unpack(&LAB.bundle).expect("it is an archive");
    let sealed = seal(files, &attacker).expect("it can be sealed");
    assert!(verify(&sealed, &Trust::Anybody).is_ok(), "what is in it is true");
    let lab = Trust::Fingerprint(lab_key().public().fingerprint());
    assert_eq!(
        verify(&sealed, &lab).expect_err("it is another key").code(),
        "other-key"
    );
    let mut files = unpack(&LAB.bundle).expect("it is an archive");
    files.insert(names::KEY.to_owned(), attacker.public().to_pem().into_bytes());
    assert_eq!(refused(&packed(&files)).code(), "other-key");
}

/// Somebody who may sign, and has everything else fit what was changed.
struct Forger {
    files: Files,
    record: RunRecord,
}

impl Forger {
    fn new() -> Self {
        let files = unpack(&LAB.bundle).expect("it is an archive");
        let record = serde_json::from_slice(&files[names::RESULTS]).expect("they are results");
        Self { files, record }
    }

    fn transcript(&mut self) -> &mut Vec<u8> {
        let name = format!("transcripts/acme/{CASE}.jsonl");
        self.files.get_mut(&name).expect("it is there")
    }

    fn replace(&mut self, name: &str, from: &str, to: &str) {
        let octets = self.files.get_mut(name).expect("it is there");
        let changed = text(octets).replace(from, to);
        assert_ne!(*octets, changed.as_bytes(), "`{from}` is not in {name}");
        *octets = changed.into_bytes();
    }

    fn replace_in_transcripts(&mut self, from: &str, to: &str) {
        let names: Vec<String> = self.files.keys().cloned().collect();
        for name in names.iter().filter(|name| name.starts_with(names::TRANSCRIPTS)) {
            self.replace(name, from, to);
        }
    }

    fn leave_out(&mut self, case: &str) {
        self.files.remove(&format!("transcripts/acme/{case}.jsonl"));
        self.record.cases.retain(|result| result.id.0 != case);
    }

    fn say(&mut self, verdict: Verdict) {
        self.result().verdict = verdict;
    }

    fn result(&mut self) -> &mut CaseResult {
        let mut cases = self.record.cases.iter_mut();
        cases.find(|result| result.id.0 == CASE).expect("it is there")
    }

    /// The bundle, in which everything fits what was changed as far as it can be made to, with the statement that it makes.
    fn sealed(self) -> Vec<u8> {
        seal(
            self.fitting(),
            &SigningKey::generate().expect("there is randomness"),
        )
        .expect("it can be sealed")
    }

    /// The same, with a statement that nobody will come to look at.
    fn signed(self) -> Vec<u8> {
        signed_by_hand(self.fitting())
    }

    fn fitting(mut self) -> Files {
        self.record.summary = summarise(&self.record.cases);
        self.record.robustness = summarise_robustness(&self.record.cases);
        self.record.ledger = ledger(&Suite::embedded(), &self.record.cases);
        let results = serde_json::to_vec(&self.record).expect("results can be written");
        let transcripts = self
            .files
            .iter()
            .filter(|(name, _)| name.starts_with(names::TRANSCRIPTS));
        let ended = Ended {
            outcome: dmconform_bundle::Outcome::of(&self.record),
            results: sha256(&results),
            transcripts: evidence(transcripts.map(|(name, octets)| (name.as_str(), octets.as_slice()))),
        };
        let attempts = self.written_anew(&ended);
        self.files.insert(names::RESULTS.to_owned(), results);
        self.files
            .insert(names::ATTEMPTS.to_owned(), attempts.into_bytes());
        self.files
    }

    /// The attempts, as if this run had come to this end.
    fn written_anew(&self, ended: &Ended) -> String {
        let mut attempts = String::new();
        for line in text(&self.files[names::ATTEMPTS]).lines() {
            let Attempt {
                at,
                product,
                run,
                mut stage,
                ..
            } = serde_json::from_str(line).expect("it is an attempt");
            if run == self.record.run.id && matches!(stage, Stage::Ended(_)) {
                stage = Stage::Ended(ended.clone());
            }
            let log = Log::read(&attempts).expect("it holds together");
            attempts += &log.next(&at, &product, &run, stage);
        }
        attempts
    }
}

fn refused(bundle: &[u8]) -> Refusal {
    verify(bundle, &Trust::Anybody).expect_err("it is refused")
}

/// An archive as bundles are, whatever is in it.
fn packed(files: &Files) -> Vec<u8> {
    dmconform_bundle::pack(files).expect("the names are good")
}

#[test]
fn a_forger_who_changes_nothing_makes_a_bundle_that_is_true() {
    let verified = verify(&Forger::new().sealed(), &Trust::Anybody);
    verified.expect("what is in it is true");
}

#[test]
fn a_case_that_was_left_out_is_missed_whoever_signs() {
    let mut forger = Forger::new();
    forger.leave_out(CASE);
    let missed = CaseId(CASE.to_owned());
    assert_eq!(refused(&forger.signed()), Refusal::PartialSelection(missed));
}

#[test]
fn a_case_that_was_said_not_to_apply_is_missed_whoever_signs() {
    let mut forger = Forger::new();
    forger.files.remove(&format!("transcripts/acme/{CASE}.jsonl"));
    forger.say(Verdict::NotApplicable);
    assert_eq!(refused(&forger.signed()).code(), "partial-selection");
}

#[rstest]
#[case(Verdict::Fail)]
#[case(Verdict::Inconclusive)]
#[case(Verdict::Warn)]
fn a_verdict_that_does_not_follow_from_its_transcript_is_refused(#[case] verdict: Verdict) {
    let mut forger = Forger::new();
    forger.say(verdict);
    let expected = Refusal::OtherVerdict {
        case: CaseId(CASE.to_owned()),
        stated: verdict.to_string(),
        here: "pass".to_owned(),
    };
    assert_eq!(refused(&forger.signed()), expected);
}

#[test]
fn a_pass_is_refused_where_the_transcript_shows_none() {
    let mut forger = Forger::new();
    let transcript = text(forger.transcript());
    *forger.transcript() = transcript
        .replace("\"status\":200", "\"status\":404")
        .into_bytes();
    assert_eq!(refused(&forger.signed()).code(), "other-verdict");
}

#[test]
fn what_is_said_beside_the_verdict_has_to_follow_too() {
    let mut forger = Forger::new();
    forger.result().observed.clear();
    assert_eq!(refused(&forger.signed()).code(), "other-account");
}

#[test]
fn a_bundle_with_something_that_could_not_be_judged_is_true_and_no_certificate() {
    let mut forger = Forger::new();
    let transcript = text(forger.transcript()).replace("\"status\":200", "\"status\":404");
    let read = dmconform_judge::read(&transcript).expect("it is a transcript");
    *forger.transcript() = transcript.into_bytes();
    *forger.result() = dmconform_judge::Judge::transcript(read);
    let path = LAB.at("inconclusive.tar");
    fs::write(&path, forger.sealed()).expect("it can be written");
    let path = path.display().to_string();
    let output = dmconform(&["bundle", "verify", &path]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("outcome: not certified: something could not be judged"),
        "{said}"
    );
    let output = dmconform(&["bundle", "verify", &path, "--certified"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("refused: what it states was verified, and it does not state"),
        "{said}"
    );
}

#[test]
fn a_transcript_is_judged_by_the_case_that_was_published() {
    let mut forger = Forger::new();
    let transcript = text(forger.transcript());
    let (header, records) = transcript.split_once('\n').expect("there are records");
    let mut header: Value = serde_json::from_str(header).expect("it is JSON");
    header["case"]["expect"] = Value::Array(Vec::new());
    *forger.transcript() = format!("{header}\n{records}").into_bytes();
    assert_eq!(
        refused(&forger.signed()).to_string(),
        format!(
            "take the transcript of {CASE}: its case is not that of the catalogue, the claims or the run"
        )
    );
}

#[test]
fn a_transcript_of_another_run_is_refused() {
    let mut forger = Forger::new();
    let id = format!("\"run\":\"{}\"", forger.record.run.id);
    let transcript = text(forger.transcript()).replace(&id, "\"run\":\"20260101T000000-1\"");
    *forger.transcript() = transcript.into_bytes();
    assert_eq!(refused(&forger.signed()).code(), "other-header");
}

#[test]
fn other_claims_than_those_of_the_run_are_refused() {
    let mut forger = Forger::new();
    forger.replace(names::IMPLEMENTATION, "step-deadline: 5s", "step-deadline: 9s");
    assert_eq!(refused(&forger.signed()).code(), "not-locked");
}

#[test]
fn a_catalogue_that_was_never_published_is_refused() {
    let mut forger = Forger::new();
    let name = forger
        .files
        .keys()
        .find(|name| name.starts_with(names::CATALOGUE));
    let name = name.expect("it is there").clone();
    forger
        .files
        .get_mut(&name)
        .expect("it is there")
        .extend_from_slice(b"# Nothing.\n");
    let files = forger.files;
    let sealed = seal(files.clone(), &lab_key());
    assert_eq!(
        sealed.expect_err("nothing can be stated").code(),
        "unknown-catalogue"
    );
    // Who has a program of their own may sign it all the same.
    assert_eq!(refused(&signed_by_hand(files)).code(), "unknown-catalogue");
}

/// A bundle with a manifest and a signature that fit, and any statement.
fn signed_by_hand(mut files: Files) -> Vec<u8> {
    for name in names::SEAL {
        files.remove(name);
    }
    let lines = files
        .iter()
        .map(|(name, octets)| format!("{}  {name}\n", sha256(octets)));
    let manifest: String = lines.collect();
    let envelope = dmconform_bundle::Envelope::seal(b"{}", &lab_key());
    files.insert(names::MANIFEST.to_owned(), manifest.into_bytes());
    files.insert(names::STATEMENT.to_owned(), envelope.to_json());
    files.insert(names::KEY.to_owned(), lab_key().public().to_pem().into_bytes());
    packed(&files)
}

#[test]
fn a_statement_that_says_something_else_than_the_files_is_refused() {
    let files = unpack(&LAB.bundle).expect("it is an archive");
    assert_eq!(refused(&signed_by_hand(files)), Refusal::OtherStatement);
}

#[test]
fn a_file_that_has_no_place_in_a_bundle_is_refused_whoever_signs() {
    let mut forger = Forger::new();
    forger
        .files
        .insert("waiver.txt".to_owned(), b"all is well".to_vec());
    assert_eq!(
        refused(&forger.signed()),
        Refusal::Unexpected("waiver.txt".to_owned())
    );
}

#[rstest]
#[case::the_first_attempt(0..2, "broken-log")]
#[case::an_end_in_between(1..2, "broken-log")]
#[case::the_end_of_this_run(3..4, "other-attempt")]
fn attempts_with_a_gap_are_refused_whoever_signs(
    #[case] gap: std::ops::Range<usize>,
    #[case] expected: &str,
) {
    let mut files = unpack(&LAB.bundle).expect("it is an archive");
    let lines = text(&files[names::ATTEMPTS]);
    let lines = lines.lines().enumerate().filter(|(at, _)| !gap.contains(at));
    let kept: String = lines.map(|(_, line)| format!("{line}\n")).collect();
    files.insert(names::ATTEMPTS.to_owned(), kept.into_bytes());
    assert_eq!(refused(&signed_by_hand(files)).code(), expected);
}

#[test]
fn what_another_version_of_the_judge_says_otherwise_is_reported_case_by_case() {
    let of_another_version = |verdict: Option<Verdict>| {
        let mut forger = Forger::new();
        forger.replace_in_transcripts("{\"judge\":\"0.1.0\"", "{\"judge\":\"0.0.9\"");
        forger.replace(names::ATTEMPTS, "\"judge\":\"0.1.0\"", "\"judge\":\"0.0.9\"");
        if let Some(verdict) = verdict {
            forger.say(verdict);
        }
        verify(&forger.sealed(), &Trust::Anybody)
    };
    let verified = of_another_version(None).expect("this version says the same");
    assert_eq!(verified.certification.judge, "0.0.9");
    let refusal =
        of_another_version(Some(Verdict::Inconclusive)).expect_err("this version says something else");
    assert!(
        refusal
            .to_string()
            .ends_with("judges one case otherwise; verify with 0.0.9"),
        "{refusal}"
    );
    let Refusal::JudgedOtherwise { differences, .. } = refusal else {
        panic!("it is another reason: {refusal}");
    };
    let found: Vec<_> = differences
        .iter()
        .map(|found| (found.case.0.as_str(), found.stated.as_str(), found.here.as_str()))
        .collect();
    assert_eq!(found, [(CASE, "inconclusive", "pass")]);
}

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
