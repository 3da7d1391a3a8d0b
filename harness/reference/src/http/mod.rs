//! HTTP/1.1: a small server and a small client.

pub(crate) mod client;
pub(crate) mod server;

/// The largest body that is read, in octets; more is refused.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// The media type without its parameters, in lower case.
pub(crate) fn bare_media_type(text: &str) -> String {
    text.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// The header that seals a SyncML message, in a message of HTTP.
pub(crate) fn hmac_of(headers: &hyper::HeaderMap) -> Option<String> {
    let value = headers.get(oma_dm::auth::HMAC_HEADER)?;
    value.to_str().ok().map(str::to_owned)
}
