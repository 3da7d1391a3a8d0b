//! The tests of judging, over stored transcripts.

mod answers;
mod channel;
mod cut;
mod ladder;
mod stored;
mod versions;
