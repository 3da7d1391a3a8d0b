//! Inputs of libFuzzer for `checks/grammars.rs`.

#![no_main]

#[path = "../checks/grammars.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
