//! Recognises the messages of a delegation in a transcript and judges them.
//!
//! A verdict is a pure function of the transcript and of what its header embeds: no clock, no socket, no
//! randomness. While a case runs, the same function, fed record by record, tells the mock roles how far the
//! procedure has come.

mod absence;
mod condition;
mod dm_session;
mod equality;
mod exhibit;
mod expectation;
mod familiar;
mod finding;
mod forget;
mod harm;
mod header;
mod ladder;
mod lines;
mod live;
mod never;
mod observed;
mod occurrence;
mod order;
mod package;
mod plaintext;
mod presence;
mod readings;
mod recognise;
mod redact;
mod refuse;
mod regularity;
mod root_cause;
mod sessions;
mod spent;
mod state;
mod stored;
mod verdict;
mod view;
mod whole;

#[cfg(test)]
#[path = "../tests/common/polls.rs"]
mod polls;

pub use expectation::BESIDE;
pub use header::{Header, JUDGE_VERSION, Owner, Parties, TRANSCRIPT_FORMAT};
pub use ladder::{ladder, stored_ladder};
pub use live::Judge;
pub use never::{had_opportunity, is_carried_by_dm_session, speaker};
pub use observed::{Applied, Connection, DmAnswer, Exchange, OPPORTUNITY, Observed, Probe, Window};
pub use occurrence::{Fields, Occurrence};
pub use package::{Package, content_type, from_root};
pub use plaintext::is_request_to;
pub use readings::Readings;
pub use recognise::THIRD_SERVER;
pub use regularity::Irregular;
pub use stored::{Records, Transcript, TranscriptError, header_line, open, read, record_line};
