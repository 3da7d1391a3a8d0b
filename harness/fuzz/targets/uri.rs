//! Node URIs, with or without what is asked of the node: what is written of one reads back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oma_dm::uri::{Address, NodeUri};

fuzz_target!(|text: &str| {
    if let Ok(uri) = NodeUri::parse(text) {
        assert_eq!(NodeUri::parse(&uri.to_string()).as_ref(), Ok(&uri));
    }
    if let Ok(address) = Address::parse(text) {
        assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(&address));
    }
});
