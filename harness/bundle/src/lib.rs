//! What a certification leaves behind: a log of attempts, the statement of a run, and a signed bundle that anybody can
//! verify offline.
//!
//! Nothing here touches the file system or a clock: octets come in, and octets or a verdict on them go out.

mod archive;
mod attempts;
mod catalogue;
mod certification;
mod contents;
mod create;
mod digest;
mod envelope;
mod key;
mod manifest;
mod refusal;
mod statement;
mod verify;
mod words;

pub use archive::{Files, LARGEST, pack, unpack};
pub use attempts::{Attempt, Began, BrokenLog, Ended, Log, OtherAttempt, Stage};
pub use catalogue::{
    CatalogueId, catalogue, digest as catalogue_digest, published, version as catalogue_version,
};
pub use certification::{Certification, Excluded, Locked, Outcome, ProfileUsed, Selected};
pub use contents::names;
pub use create::{CreateError, StoredRun, create, seal};
pub use digest::{evidence, sha256};
pub use envelope::{Envelope, PAYLOAD_TYPE};
pub use key::{KeyError, PublicKey, SigningKey};
pub use refusal::{Difference, Refusal};
pub use statement::{PREDICATE_TYPE, STATEMENT_TYPE, Statement};
pub use verify::{Trust, Verified, verify};
