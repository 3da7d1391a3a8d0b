//! Inputs of libFuzzer for `checks/bundles.rs`.

#![no_main]

#[path = "../checks/bundles.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
