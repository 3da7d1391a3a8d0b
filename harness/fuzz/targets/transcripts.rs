//! Inputs of libFuzzer for `checks/transcripts.rs`.

#![no_main]

#[path = "../checks/transcripts.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
