//! The small grammars, each given the same text: ACLs, node URIs, media types and the header `x-syncml-hmac`. What is written of
//! one reads back the same.

use oma_dm::acl::Acl;
use oma_dm::auth::{HmacHeader, Secret};
use oma_dm::media_type::MediaType;
use oma_dm::uri::{Address, NodeUri};

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    acl(text);
    uri(text);
    media_type(text);
    hmac_header(text);
}

fn acl(text: &str) {
    let Ok(acl) = Acl::parse(text) else { return };
    assert_eq!(Acl::parse(&acl.to_string()).as_ref(), Ok(&acl));
    for server in acl.servers() {
        assert!(acl.names(server));
    }
}

/// With and without what is asked of the node.
fn uri(text: &str) {
    if let Ok(uri) = NodeUri::parse(text) {
        assert_eq!(NodeUri::parse(&uri.to_string()).as_ref(), Ok(&uri));
    }
    if let Ok(address) = Address::parse(text) {
        assert_eq!(Address::parse(&address.to_string()).as_ref(), Ok(&address));
    }
}

fn media_type(text: &str) {
    let Ok(media_type) = MediaType::parse(text) else {
        return;
    };
    let again = MediaType::parse(&media_type.to_string());
    assert_eq!(again.as_ref(), Ok(&media_type));
}

fn hmac_header(text: &str) {
    let Ok(header) = HmacHeader::parse(text) else {
        return;
    };
    let _verified = header.verifies(header.username(), &Secret::new("s3cret-dev"), b"nonce-A", b"body");
    let again = HmacHeader::parse(&header.to_string()).expect("what was written is such a header");
    assert_eq!(again.to_string(), header.to_string());
}
