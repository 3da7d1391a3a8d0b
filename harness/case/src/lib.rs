//! Reads what people write (procedure, requirements, cases, profiles, implementation files) with located errors,
//! and resolves it into the types that the judge and the mock roles use.
//!
//! Nothing here touches the file system: texts come in with their names.

mod as_text;
pub mod catalogue;
pub mod claims;
pub mod course;
pub mod diagram;
pub mod document;
mod embedded;
pub mod expectations;
pub mod explain;
pub mod field;
pub mod implementation;
pub mod ledger;
mod nodes;
pub mod pattern;
pub mod procedure;
pub mod profile;
pub mod read;
pub mod schema;
pub mod starter;
pub mod stated;
pub mod suite;
pub mod template;
pub mod test_case;
pub mod words;

pub use suite::Suite;
