//! The tests of judging, over stored transcripts.

mod answers;
mod cut;
mod ladder;
mod stored;
mod versions;
