//! Inputs of libFuzzer for `checks/syncml.rs`.

#![no_main]

#[path = "../checks/syncml.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
