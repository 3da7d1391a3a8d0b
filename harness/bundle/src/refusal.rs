//! Why a bundle is refused.

use dmconform_model::CaseId;
use serde::Serialize;

use crate::attempts::BrokenLog;

/// A case that is judged otherwise here than it was in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The case.
    pub case: CaseId,
    /// What the bundle says.
    pub stated: String,
    /// What this program says.
    pub here: String,
}

/// Why a bundle is refused: the first reason that was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no archive.
    #[error("read the archive: {0}; was it cut, or is it compressed?")]
    NoArchive(String),
    /// It is larger than any bundle.
    #[error("read the archive: it is larger, or has more in it, than any bundle")]
    TooLarge,
    /// A name leads elsewhere.
    #[error("take `{0}` for the name of a file: it leads elsewhere")]
    BadName(String),
    /// Something is not a file.
    #[error("take `{0}`: it is no plain file")]
    NoPlainFile(String),
    /// A name is there twice.
    #[error("take `{0}`: it is there twice")]
    Twice(String),
    /// Some octet is not as the files ask for.
    #[error(
        "read the archive: it is not packed as bundles are; it was changed, or packed again by another program"
    )]
    NotAsPacked,
    /// A file is not there.
    #[error("find `{0}`: it belongs into the bundle, and is missing")]
    Missing(String),
    /// A file is there that the manifest does not name.
    #[error("take `{0}`: it was added to the bundle, and the manifest does not name it")]
    Added(String),
    /// A file is not as it was.
    #[error("take `{0}`: it was changed after the manifest was made")]
    Changed(String),
    /// A file has no place in a bundle.
    #[error("take `{0}`: nothing of the kind belongs into this bundle")]
    Unexpected(String),
    /// A file cannot be read.
    #[error("read `{name}`: {why}")]
    Unreadable {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// The envelope is none.
    #[error("open the envelope of the statement: {0}")]
    BadEnvelope(String),
    /// Another key signed it than the one that is trusted.
    #[error("trust the signature: it is by the key {signed_by}, and not by {known}")]
    OtherKey {
        /// The fingerprint of the key that signed, as the envelope has it.
        signed_by: String,
        /// The fingerprint of the key that was expected.
        known: String,
    },
    /// The signature does not fit.
    #[error("verify the signature by the key {0}: it does not fit what was signed")]
    BadSignature(String),
    /// The statement says something else than the files.
    #[error("take the statement: it is not what the files of the bundle show")]
    OtherStatement,
    /// The catalogue was never published.
    #[error(
        "take the catalogue with the digest {0}: no catalogue that was published has it; a newer version of dmconform may know it"
    )]
    UnknownCatalogue(String),
    /// There are several products, or none.
    #[error("take the results: they are not those of one product")]
    NotOneProduct,
    /// The run was not run as a certification is.
    #[error("take the results for those of a certification: {0}")]
    NotLocked(String),
    /// A selected case was not judged.
    #[error("take the selection: the claims ask for {0} of the catalogue, and it was not judged")]
    PartialSelection(CaseId),
    /// A case was judged that is not selected.
    #[error("take the selection: {0} is there, which the claims do not ask for, or ask for otherwise")]
    OtherSelection(CaseId),
    /// What a transcript is judged with is not what the catalogue and the claims say.
    #[error("take the transcript of {case}: its {what} is not that of the catalogue, the claims or the run")]
    OtherHeader {
        /// The case.
        case: CaseId,
        /// What of its header is something else.
        what: &'static str,
    },
    /// A verdict does not follow from its transcript.
    #[error("take the verdict on {case}: the results say {stated}, and its transcript shows {here}")]
    OtherVerdict {
        /// The case.
        case: CaseId,
        /// What the results say.
        stated: String,
        /// What follows.
        here: String,
    },
    /// What is said of a case beside its verdict does not follow from its transcript.
    #[error("take what the results say of {0}: its transcript shows something else")]
    OtherAccount(CaseId),
    /// The results as a whole do not follow from the cases.
    #[error("take the {0} of the results: it does not follow from the cases")]
    OtherSummary(&'static str),
    /// The log of attempts does not hold together.
    #[error("take the attempts: failed to {0}")]
    BrokenLog(BrokenLog),
    /// The log of attempts does not know the run.
    #[error("take the attempts: there is none of the run {0}")]
    NoAttempt(String),
    /// The log of attempts says something else of the run.
    #[error("take the attempts: {0}")]
    OtherAttempt(&'static str),
    /// Another version of the judge judges otherwise.
    #[error("confirm the verdicts: dmconform {then} judged, and this version judges {} otherwise; verify with {then}", cases(differences.len()))]
    JudgedOtherwise {
        /// The version that judged.
        then: String,
        /// What is judged otherwise.
        differences: Vec<Difference>,
    },
}

fn cases(count: usize) -> String {
    match count {
        1 => "one case".to_owned(),
        count => format!("{count} cases"),
    }
}

impl Refusal {
    /// A stable name for the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoArchive(_) => "no-archive",
            Self::TooLarge => "too-large",
            Self::BadName(_) => "bad-name",
            Self::NoPlainFile(_) => "no-plain-file",
            Self::Twice(_) => "twice",
            Self::NotAsPacked => "not-as-packed",
            Self::Missing(_) => "missing",
            Self::Added(_) => "added",
            Self::Changed(_) => "changed",
            Self::Unexpected(_) => "unexpected",
            Self::Unreadable { .. } => "unreadable",
            Self::BadEnvelope(_) => "bad-envelope",
            Self::OtherKey { .. } => "other-key",
            Self::BadSignature(_) => "bad-signature",
            Self::OtherStatement => "other-statement",
            Self::UnknownCatalogue(_) => "unknown-catalogue",
            Self::NotOneProduct => "not-one-product",
            Self::NotLocked(_) => "not-locked",
            Self::PartialSelection(_) => "partial-selection",
            Self::OtherSelection(_) => "other-selection",
            Self::OtherHeader { .. } => "other-header",
            Self::OtherVerdict { .. } => "other-verdict",
            Self::OtherAccount(_) => "other-account",
            Self::OtherSummary(_) => "other-summary",
            Self::BrokenLog(_) => "broken-log",
            Self::NoAttempt(_) => "no-attempt",
            Self::OtherAttempt(_) => "other-attempt",
            Self::JudgedOtherwise { .. } => "judged-otherwise",
        }
    }
}
