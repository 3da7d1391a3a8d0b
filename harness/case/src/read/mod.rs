//! Reads YAML texts into the resolved types, with located errors.

mod deviations;
mod diagnose;
mod expectations;
mod implementation;
mod located;
mod node;
#[cfg(test)]
mod prepare;
mod prepared;
mod procedure;
mod profile;
mod raw_case;
mod resolve;
mod typed;
mod yaml;

pub(crate) use deviations::Deviations;
pub use deviations::{Departures, deviations};
pub use diagnose::{Source, nearest};
pub(crate) use expectations::RawExpectations;
pub use expectations::expectations;
pub use implementation::implementation;
pub(crate) use located::TEXT_OR_OTHER;
pub(crate) use procedure::Requirements;
pub use procedure::{Stated, procedure, requirements};
pub use profile::profile;
pub(crate) use raw_case::RawCase;
pub use resolve::{Known, TIMES, cases, settable_fields, typed_fields};
