//! Inputs of libFuzzer for `checks/tnds.rs`.

#![no_main]

#[path = "../checks/tnds.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
