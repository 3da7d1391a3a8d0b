//! Absolute `http` and `https` URLs.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// An absolute URL with a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    is_secure: bool,
    host: String,
    port: u16,
    target: String,
}

impl Url {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Name or address, without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as they go into a request line.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// The path alone.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Host and port as in the `Host` header.
    pub(crate) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// The same URL at the host and port of another one.
    pub(crate) fn moved_to(&self, other: &Self) -> Self {
        let scheme = if self.is_secure { "https" } else { "http" };
        Self {
            text: format!("{scheme}://{}{}", other.authority(), self.target),
            host: other.host.clone(),
            port: other.port,
            ..self.clone()
        }
    }

    /// This URL with one more segment, percent-encoded, at the end of its path. A query is dropped.
    pub(crate) fn with_segment(&self, segment: &str) -> String {
        let base = self
            .text
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        format!("{base}/{}", encode_segment(segment))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = |why: &'static str| UrlError {
            text: text.chars().take(200).collect(),
            why,
        };
        let uri: Uri = text.parse().map_err(|_| problem("it is no URL"))?;
        let is_secure = match uri.scheme_str().map(str::to_ascii_lowercase).as_deref() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(problem("it does not begin with https:// or http://")),
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| problem("it has no host"))?;
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(problem("it carries a user name"));
        }
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            text: text.to_owned(),
            is_secure,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            target: if target.starts_with('/') {
                target.to_owned()
            } else {
                format!("/{target}")
            },
        })
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Why a text is no URL that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("use `{text}` as a URL: {why}")]
pub(crate) struct UrlError {
    text: String,
    why: &'static str,
}

/// Percent-encodes everything but the unreserved characters, colon and at sign (RFC 3986, 3.3).
pub(crate) fn encode_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 0xF] {
                    encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    encoded
}

/// Undoes percent-encoding; `None` when it is wrong, or the result is not UTF-8.
pub(crate) fn decode_segment(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://localhost:8443/dm?x=1", "localhost", 8443, "/dm?x=1")]
    #[case("HTTPS://dms2.example", "dms2.example", 443, "/")]
    #[case("http://[::1]:80/a", "::1", 80, "/a")]
    fn a_url_comes_apart(#[case] text: &str, #[case] host: &str, #[case] port: u16, #[case] target: &str) {
        let url: Url = text.parse().expect("a URL");
        assert_eq!(
            (url.host(), url.port(), url.target(), url.as_str()),
            (host, port, target, text)
        );
    }

    #[rstest]
    #[case("/bootstrap/1")]
    #[case("ftp://localhost/")]
    #[case("https://")]
    #[case("https://user@localhost/")]
    #[case("https://a b/")]
    #[case("")]
    fn what_is_not_absolute_or_not_http_is_refused(#[case] text: &str) {
        text.parse::<Url>().expect_err("no URL to use");
    }

    #[rstest]
    #[case("urn:example:device:1", "urn:example:device:1")]
    #[case("a/b ü%", "a%2Fb%20%C3%BC%25")]
    fn a_segment_survives_encoding(#[case] plain: &str, #[case] encoded: &str) {
        assert_eq!(encode_segment(plain), encoded);
        assert_eq!(decode_segment(encoded).as_deref(), Some(plain));
    }

    #[test]
    fn broken_percent_encoding_is_noticed() {
        assert_eq!(decode_segment("a%2"), None);
        assert_eq!(decode_segment("a%zz"), None);
        assert_eq!(decode_segment("%ff"), None);
    }
}
