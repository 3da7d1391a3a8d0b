//! Somebody who may sign, and has everything else fit what they changed.

use dmconform_bundle::{
    Attempt, Ended, Envelope, Files, Log, Outcome, Refusal, SigningKey, Stage, Trust, evidence, names, pack,
    seal, sha256, unpack, verify,
};
use dmconform_case::Suite;
use dmconform_case::ledger::ledger;
use dmconform_model::result::{RunRecord, summarise, summarise_robustness};
use dmconform_model::{CaseResult, Verdict};

use super::lab::{CASE, LAB, lab_key, text};

/// Somebody who may sign, and has everything else fit what was changed.
pub(crate) struct Forger {
    pub(crate) files: Files,
    pub(crate) record: RunRecord,
}

impl Forger {
    pub(crate) fn new() -> Self {
        let files = unpack(&LAB.bundle).expect("it is an archive");
        let record = serde_json::from_slice(&files[names::RESULTS]).expect("they are results");
        Self { files, record }
    }

    pub(crate) fn transcript(&mut self) -> &mut Vec<u8> {
        let name = format!("transcripts/acme/{CASE}.jsonl");
        self.files.get_mut(&name).expect("it is there")
    }

    pub(crate) fn replace(&mut self, name: &str, from: &str, to: &str) {
        let octets = self.files.get_mut(name).expect("it is there");
        let changed = text(octets).replace(from, to);
        assert_ne!(*octets, changed.as_bytes(), "`{from}` is not in {name}");
        *octets = changed.into_bytes();
    }

    pub(crate) fn replace_in_transcripts(&mut self, from: &str, to: &str) {
        let names: Vec<String> = self.files.keys().cloned().collect();
        for name in names.iter().filter(|name| name.starts_with(names::TRANSCRIPTS)) {
            self.replace(name, from, to);
        }
    }

    pub(crate) fn leave_out(&mut self, case: &str) {
        self.files.remove(&format!("transcripts/acme/{case}.jsonl"));
        self.record.cases.retain(|result| result.id.0 != case);
    }

    pub(crate) fn say(&mut self, verdict: Verdict) {
        self.result().verdict = verdict;
    }

    pub(crate) fn result(&mut self) -> &mut CaseResult {
        let mut cases = self.record.cases.iter_mut();
        cases.find(|result| result.id.0 == CASE).expect("it is there")
    }

    /// The bundle, in which everything fits what was changed as far as it can be made to, with the statement that it makes.
    pub(crate) fn sealed(self) -> Vec<u8> {
        seal(
            self.fitting(),
            &SigningKey::generate().expect("there is randomness"),
        )
        .expect("it can be sealed")
    }

    /// The same, with a statement that nobody will come to look at.
    pub(crate) fn signed(self) -> Vec<u8> {
        signed_by_hand(self.fitting())
    }

    pub(crate) fn fitting(mut self) -> Files {
        self.record.summary = summarise(&self.record.cases);
        self.record.robustness = summarise_robustness(&self.record.cases);
        self.record.ledger = ledger(&Suite::embedded(), &self.record.cases);
        let results = serde_json::to_vec(&self.record).expect("results can be written");
        let transcripts = self
            .files
            .iter()
            .filter(|(name, _)| name.starts_with(names::TRANSCRIPTS));
        let ended = Ended {
            outcome: Outcome::of(&self.record),
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
    pub(crate) fn written_anew(&self, ended: &Ended) -> String {
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

pub(crate) fn refused(bundle: &[u8]) -> Refusal {
    verify(bundle, &Trust::Anybody).expect_err("it is refused")
}

/// A bundle with a manifest and a signature that fit, and any statement.
pub(crate) fn signed_by_hand(mut files: Files) -> Vec<u8> {
    for name in names::SEAL {
        files.remove(name);
    }
    let lines = files
        .iter()
        .map(|(name, octets)| format!("{}  {name}\n", sha256(octets)));
    let manifest: String = lines.collect();
    let envelope = Envelope::seal(b"{}", &lab_key());
    files.insert(names::MANIFEST.to_owned(), manifest.into_bytes());
    files.insert(names::STATEMENT.to_owned(), envelope.to_json());
    files.insert(names::KEY.to_owned(), lab_key().public().to_pem().into_bytes());
    pack(&files).expect("the names are good")
}
