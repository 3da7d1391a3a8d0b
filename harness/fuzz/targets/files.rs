//! Inputs of libFuzzer for `checks/files.rs`.

#![no_main]

#[path = "../checks/files.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
