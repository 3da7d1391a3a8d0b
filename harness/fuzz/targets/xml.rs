//! Inputs of libFuzzer for `checks/xml.rs`.

#![no_main]

#[path = "../checks/xml.rs"]
mod check;
#[path = "../checks/places.rs"]
mod places;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
