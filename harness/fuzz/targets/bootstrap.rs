//! Inputs of libFuzzer for `checks/bootstrap.rs`.

#![no_main]

#[path = "../checks/bootstrap.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
