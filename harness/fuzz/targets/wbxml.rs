//! Inputs of libFuzzer for `checks/wbxml.rs`.

#![no_main]

#[path = "../checks/wbxml.rs"]
mod check;
#[path = "../checks/places.rs"]
mod places;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
