//! What is in a bundle, by the names of its files, and as it is read.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_judge::Transcript;
use dmconform_model::tls::PeerCertificate;
use dmconform_model::{CaseId, Event, RunRecord};
use dmconform_runner::Selection;
use serde::Serialize;

use crate::archive::Files;
use crate::attempts::Log;
use crate::certification::{Certification, Locked, text};
use crate::digest::{evidence, sha256};
use crate::refusal::Refusal;

/// The names of the files in a bundle.
pub mod names {
    use dmconform_model::CaseId;

    /// The digests of all files but those of the seal.
    pub const MANIFEST: &str = "manifest.sha256";
    /// The signed statement.
    pub const STATEMENT: &str = "statement.dsse.json";
    /// The key that verifies it.
    pub const KEY: &str = "key.pem";
    /// What vouches for everything else.
    pub const SEAL: [&str; 3] = [MANIFEST, STATEMENT, KEY];
    /// The implementation file: the claims.
    pub const IMPLEMENTATION: &str = "implementation.yaml";
    /// The profile.
    pub const PROFILE: &str = "profile.yaml";
    /// The cases that the claims select, resolved.
    pub const CASES: &str = "cases.json";
    /// The certificates that the product presented.
    pub const CERTIFICATES: &str = "certificates.json";
    /// The results.
    pub const RESULTS: &str = "results.json";
    /// What the log of attempts says of the product.
    pub const ATTEMPTS: &str = "attempts.jsonl";
    /// The folder of the catalogue.
    pub const CATALOGUE: &str = "catalogue/";
    /// The folder of the transcripts.
    pub const TRANSCRIPTS: &str = "transcripts/";

    /// The transcript of a case of a product.
    pub fn transcript(product: &str, case: &CaseId) -> String {
        format!("{TRANSCRIPTS}{product}/{case}.jsonl")
    }
}

/// A bundle as it was read; nothing in it has been compared yet.
pub(crate) struct Contents {
    pub(crate) locked: Locked,
    pub(crate) record: RunRecord,
    pub(crate) log: Log,
    pub(crate) transcripts: BTreeMap<String, Transcript>,
    /// The digest of the results.
    pub(crate) results: String,
    /// The digest of the transcripts.
    pub(crate) evidence: String,
}

impl Contents {
    /// Reads the files of a bundle.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub(crate) fn read(files: &Files) -> Result<Self, Refusal> {
        let results = file(files, names::RESULTS)?;
        let record = RunRecord::read(results).map_err(|error| Refusal::Unreadable {
            name: names::RESULTS.to_owned(),
            why: error.to_string(),
        })?;
        let [target] = record.run.targets.as_slice() else {
            return Err(Refusal::NotOneProduct);
        };
        let catalogue = below(files, names::CATALOGUE);
        let catalogue = catalogue
            .map(|(name, octets)| (name[names::CATALOGUE.len()..].to_owned(), octets.clone()))
            .collect();
        let locked = Locked::new(
            &catalogue,
            file(files, names::IMPLEMENTATION)?,
            file(files, names::PROFILE)?,
            &target.name,
        )?;
        let log =
            Log::read_part(text(names::ATTEMPTS, file(files, names::ATTEMPTS)?)?).map_err(
                |error| match error.is_newer {
                    true => Refusal::Unreadable {
                        name: names::ATTEMPTS.to_owned(),
                        why: format!("line {}: {}", error.line, error.why),
                    },
                    false => Refusal::BrokenLog(error),
                },
            )?;
        let mut transcripts = BTreeMap::new();
        for (name, octets) in below(files, names::TRANSCRIPTS) {
            let read = dmconform_judge::read(text(name, octets)?);
            let transcript = read.map_err(|error| Refusal::Unreadable {
                name: name.clone(),
                why: error.to_string(),
            })?;
            transcripts.insert(name.clone(), transcript);
        }
        let all = below(files, names::TRANSCRIPTS);
        Ok(Self {
            locked,
            results: sha256(results),
            evidence: evidence(all.map(|(name, octets)| (name.as_str(), octets.as_slice()))),
            record,
            log,
            transcripts,
        })
    }

    /// What is stated of the run: by its last attempt, whose run it should be.
    pub(crate) fn certification(&self) -> Result<Certification, Refusal> {
        let run = &self.record.run.id;
        let began = self.log.began(run);
        let (number, began) = began.ok_or_else(|| Refusal::NoAttempt(run.clone()))?;
        Ok(self.locked.certification(&self.record, began, number))
    }
}

/// A file that has to be there.
pub(crate) fn file<'a>(files: &'a Files, name: &str) -> Result<&'a [u8], Refusal> {
    let found = files.get(name).ok_or_else(|| Refusal::Missing(name.to_owned()))?;
    Ok(found)
}

/// The files of a folder.
fn below<'a>(files: &'a Files, folder: &'static str) -> impl Iterator<Item = (&'a String, &'a Vec<u8>)> {
    files.iter().filter(move |(name, _)| name.starts_with(folder))
}

/// The cases that the claims select, resolved, as a bundle holds them.
///
/// # Panics
/// Never: cases have only types that JSON can hold.
pub(crate) fn cases_text(selection: &Selection) -> String {
    let text =
        serde_json::to_string_pretty(&selection.cases).expect("a case has text keys and finite numbers only");
    format!("{text}\n")
}

/// A certificate that the other end presented, and in which cases.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Seen<'a> {
    certificate: &'a PeerCertificate,
    cases: BTreeSet<&'a CaseId>,
}

/// The certificates that the other ends presented, as a bundle holds them.
///
/// # Panics
/// Never: what is known of a certificate are texts.
pub(crate) fn certificates_text(transcripts: &BTreeMap<String, Transcript>) -> String {
    let mut seen: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    for transcript in transcripts.values() {
        for record in &transcript.records {
            let Event::TlsEstablished { facts, .. } = &record.event else {
                continue;
            };
            if let Some(certificate) = &facts.peer {
                let entry = seen.entry(&certificate.sha256).or_insert_with(|| Seen {
                    certificate,
                    cases: BTreeSet::new(),
                });
                entry.cases.insert(&transcript.header.case.id);
            }
        }
    }
    let seen: Vec<Seen<'_>> = seen.into_values().collect();
    let text = serde_json::to_string_pretty(&seen).expect("what is known of a certificate are texts");
    format!("{text}\n")
}
