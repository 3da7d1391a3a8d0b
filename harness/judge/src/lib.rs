//! Recognises messages and judges transcripts.
