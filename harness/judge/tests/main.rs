//! The tests of judging, over stored transcripts.

mod answers;
mod channel;
mod cut;
mod ladder;
mod lines;
mod stored;
mod versions;
