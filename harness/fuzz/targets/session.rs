//! Inputs of libFuzzer for `checks/session.rs`.

#![no_main]

#[path = "../checks/session.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
