//! Inputs of libFuzzer for `checks/files.rs`.

#![no_main]

#[path = "../checks/files.rs"]
mod check;
#[path = "../checks/exchanges.rs"]
mod exchanges;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
