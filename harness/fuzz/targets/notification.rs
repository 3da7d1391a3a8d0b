//! Inputs of libFuzzer for `checks/notification.rs`.

#![no_main]

#[path = "../checks/notification.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
