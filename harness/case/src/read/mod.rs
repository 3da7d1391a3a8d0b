//! Reads YAML texts into the resolved types, with located errors.

mod diagnose;
mod implementation;
mod profile;
mod raw_case;
mod resolve;
mod yaml;

pub use diagnose::{Source, nearest};
pub use implementation::{endpoint_of, implementation, implementation_variables};
pub use profile::{procedure, profile, requirements};
pub use raw_case::RawCase;
pub use resolve::{Known, case, typed_fields};
