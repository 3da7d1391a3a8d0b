//! Octets that are no TLS: whether they are a request of the product, or of anybody who looks what listens.

use dmconform_case::implementation::Endpoints;
use dmconform_model::transcript::{Endpoint, EndpointKind};

use crate::header::Header;

/// Whether octets that arrived without TLS are the beginning of an HTTP request to an endpoint (RFC 9112, section 3): only who was given its
/// URL asks for its path. Whatever else arrives may be from anybody on the machine.
pub fn is_request_to(header: &Header, endpoint: Endpoint, octets: &[u8]) -> bool {
    let url = |of: &'_ Endpoints| match endpoint.kind {
        EndpointKind::Dm => of.dm.clone(),
        EndpointKind::Delegation => of.delegation.clone(),
        EndpointKind::Bootstrap => of.bootstrap.clone(),
    };
    let url = header.endpoints.get(&endpoint.role).and_then(url);
    url.is_some_and(|url| asks_for(octets, path(&url)))
}

/// Whether a request line asks for a path or what is below it. Of a long one only the beginning is there.
fn asks_for(octets: &[u8], wanted: &str) -> bool {
    let text = String::from_utf8_lossy(octets);
    let (line, is_cut) = match text.split_once('\r') {
        Some((line, _)) => (line, false),
        None => (&*text, true),
    };
    let mut words = line.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return false;
    };
    let is_cut = is_cut && words.next().is_none();
    let is_method = !method.is_empty() && method.bytes().all(|octet| octet.is_ascii_uppercase());
    let (target, wanted) = (path(target), wanted.trim_end_matches('/'));
    let is_there = match target.strip_prefix(wanted) {
        Some(rest) => rest.is_empty() || rest.starts_with(['/', '?']),
        None => is_cut && !target.is_empty() && wanted.starts_with(target),
    };
    is_method && is_there
}

/// The path of a URL, or of a request target in either form (RFC 9112, sections 3.2.1 and 3.2.2).
fn path(url: &str) -> &str {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::asks_for;

    #[rstest]
    #[case::the_path("POST /delegation HTTP/1.1\r\nhost: 127.0.0.1", true)]
    #[case::below_it("PUT /delegation/7/url HTTP/1.1\r\n", true)]
    #[case::with_a_query("GET /delegation?session=7 HTTP/1.1\r\n", true)]
    #[case::as_a_url("POST http://127.0.0.1:8443/delegation HTTP/1.1\r\n", true)]
    #[case::cut_in_the_path("POST /deleg", true)]
    #[case::cut_behind_it("POST /delegation/0123456789", true)]
    #[case::somebody_who_looks("GET / HTTP/1.0\r\n\r\n", false)]
    #[case::a_look_at_health("GET /health HTTP/1.0\r\n\r\n", false)]
    #[case::another_path("POST /delegations HTTP/1.1\r\n", false)]
    #[case::a_word("POST", false)]
    #[case::no_http("\u{1}\u{2} /delegation", false)]
    #[case::nothing("", false)]
    fn a_request_to_an_endpoint_is_told_from_what_anybody_sends(
        #[case] first: &str,
        #[case] is_request: bool,
    ) {
        assert_eq!(asks_for(first.as_bytes(), "/delegation"), is_request);
    }
}
