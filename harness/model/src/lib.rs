//! The words of server delegation testing, as types: roles, steps, verdicts, transcripts, results.
//!
//! Everything here is data. Nothing in this crate reads a file, a clock or a socket; the crates that do
//! hand each other these types, in one direction: case → transcript → verdict → report.

pub mod capture;
pub mod certificate;
pub mod class;
pub mod date;
pub mod deviation;
pub mod diagnostic;
pub mod diagram;
mod exit_code;
pub mod finding_code;
pub mod form;
pub mod gate;
mod hex;
pub mod ladder;
pub mod ledger;
pub mod load;
pub mod message;
pub mod plain;
mod remedy;
pub mod requirement;
pub mod result;
pub mod role;
pub mod run_event;
pub mod self_test;
pub mod shard;
mod shell;
pub mod spent;
pub mod tls;
pub mod transcript;
pub mod verdict;

pub use class::Class;
pub use date::Date;
pub use deviation::{Deviation, Oddity};
pub use diagnostic::{Diagnostic, Place, Severity};
pub use finding_code::FindingCode;
pub use gate::{CaseOf, Gate, KnownFailure};
pub use ladder::Ladder;
pub use ledger::LedgerEntry;
pub use message::{MessageId, Part, Step};
pub use remedy::{is_out_of_files, remedy};
pub use requirement::{Basis, CaseId, Requirement, RequirementId, Weight};
pub use result::{Blame, CaseResult, Check, Finding, RunRecord, Summary, Target};
pub use role::Role;
pub use run_event::RunEvent;
pub use self_test::SelfTest;
pub use shard::Shard;
pub use shell::quoted;
pub use spent::Spent;
pub use transcript::{Body, Event, Record};
pub use verdict::Verdict;
