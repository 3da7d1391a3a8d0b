//! The header `x-syncml-hmac`: what is written of one reads back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oma_dm::auth::{HmacHeader, Secret};

fuzz_target!(|value: &str| {
    let Ok(header) = HmacHeader::parse(value) else {
        return;
    };
    let _verified = header.verifies(header.username(), &Secret::new("s3cret-dev"), b"nonce-A", b"body");
    let again = HmacHeader::parse(&header.to_string()).expect("what was written is such a header");
    assert_eq!(again.to_string(), header.to_string());
});
