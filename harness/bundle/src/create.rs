//! Makes a bundle of what a certification has left behind.

use crate::archive::{Files, pack};
use crate::certification::Outcome;
use crate::contents::{Contents, cases_text, certificates_text, names};
use crate::digest::sha256;
use crate::envelope::Envelope;
use crate::key::SigningKey;
use crate::manifest::manifest;
use crate::refusal::Refusal;
use crate::statement::Statement;
use crate::verify::{Trust, Verified, verify};

/// What a certification has left behind, octet by octet.
#[derive(Clone, Debug, Default)]
pub struct StoredRun {
    /// The catalogue.
    pub catalogue: Files,
    /// The implementation file.
    pub implementation: Vec<u8>,
    /// The profile.
    pub profile: Vec<u8>,
    /// The results.
    pub results: Vec<u8>,
    /// What the log of attempts says of the product, up to the end of this run.
    pub attempts: Vec<u8>,
    /// The transcripts, by their places in the run's directory.
    pub transcripts: Files,
}

/// Why there is no bundle of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The run was not ended in order.
    #[error("make a bundle of the run: not every case was judged ({}); certify once more", .0.as_str())]
    Unfinished(Outcome),
    /// The bundle would be refused.
    #[error("make a bundle that anybody would take; failed to {0}")]
    Refused(Refusal),
}

/// Makes a bundle, and verifies it before it is handed out.
///
/// # Errors
/// Where the run was not ended in order, or is not as it was when it was ended.
pub fn create(run: StoredRun, key: &SigningKey) -> Result<(Vec<u8>, Verified), CreateError> {
    let mut files: Files = run.transcripts;
    let catalogue = run.catalogue.into_iter();
    files.extend(catalogue.map(|(name, octets)| (format!("{}{name}", names::CATALOGUE), octets)));
    for (name, octets) in [
        (names::IMPLEMENTATION, run.implementation),
        (names::PROFILE, run.profile),
        (names::RESULTS, run.results),
        (names::ATTEMPTS, run.attempts),
    ] {
        files.insert(name.to_owned(), octets);
    }
    let contents = Contents::read(&files).map_err(CreateError::Refused)?;
    let outcome = Outcome::of(&contents.record);
    if outcome == Outcome::BrokenOff || !contents.locked.is_wholly_judged(&contents.record) {
        return Err(CreateError::Unfinished(outcome));
    }
    let cases = cases_text(&contents.locked.selection);
    let certificates = certificates_text(&contents.transcripts);
    files.insert(names::CASES.to_owned(), cases.into_bytes());
    files.insert(names::CERTIFICATES.to_owned(), certificates.into_bytes());
    let bundle = seal(files, key).map_err(CreateError::Refused)?;
    let trust = Trust::Fingerprint(key.public().fingerprint());
    let verified = verify(&bundle, &trust).map_err(CreateError::Refused)?;
    Ok((bundle, verified))
}

/// States what is in files, signs it, and packs all of it; whether any of it is right is not looked at.
///
/// # Errors
/// Where so much is missing that nothing can be stated.
pub fn seal(mut files: Files, key: &SigningKey) -> Result<Vec<u8>, Refusal> {
    files.retain(|name, _| !names::SEAL.contains(&name.as_str()));
    let manifest = manifest(&files);
    let contents = Contents::read(&files)?;
    let statement = Statement::new(
        contents.certification()?,
        &contents.record,
        &sha256(manifest.as_bytes()),
    );
    let envelope = Envelope::seal(&statement.to_json(), key);
    files.insert(names::MANIFEST.to_owned(), manifest.into_bytes());
    files.insert(names::STATEMENT.to_owned(), envelope.to_json());
    files.insert(names::KEY.to_owned(), key.public().to_pem().into_bytes());
    pack(&files)
}
