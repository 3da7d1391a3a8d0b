//! ACLs: what is written of one reads back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oma_dm::acl::Acl;

fuzz_target!(|text: &str| {
    let Ok(acl) = Acl::parse(text) else { return };
    assert_eq!(Acl::parse(&acl.to_string()).as_ref(), Ok(&acl));
    for server in acl.servers() {
        assert!(acl.names(server));
    }
});
