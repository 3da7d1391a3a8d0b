//! The tests of judging, over stored transcripts.

mod cut;
mod ladder;
mod stored;
mod versions;
