//! Header fields, media types and request targets.

use crate::{Oddities, Oddity};

impl Oddities {
    /// What goes into the header of a message beside what belongs there.
    pub fn header_fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        if self.has(Oddity::FurtherHeaderFields) {
            let of = |name: &str, value: String| (name.to_owned(), value);
            fields.push(of("via", "1.1 relay.example".to_owned()));
            fields.push(of(
                "x-request-id",
                format!("{:016x}", self.number("request id", 0, u64::MAX)),
            ));
            // Lists may have empty elements (RFC 9110 section 5.6.1).
            fields.push(of("x-list", ", one,,two ,".to_owned()));
            for at in 0..self.number("header fields", 8, 24) {
                fields.push(of(
                    &format!("x-unknown-{at}"),
                    "x".repeat(usize::try_from(at).unwrap_or(1)),
                ));
            }
        }
        if self.has(Oddity::ConnectionForEachMessage) {
            fields.push(("connection".to_owned(), "close".to_owned()));
        }
        fields
    }

    /// A media type as it is written.
    pub fn media_type(&self, usual: &str) -> String {
        match self.has(Oddity::MediaTypeParameters) && !usual.is_empty() {
            // Names of parameters are case-insensitive, values may be quoted (RFC 9110 section 5.6.6).
            true if self.number("quotes", 0, 1) == 1 => format!("{usual}; Charset=\"utf-8\""),
            true => format!("{usual};charset=utf-8"),
            false => usual.to_owned(),
        }
    }

    /// The target of a request: the usual one, or all of the URL (RFC 9112 section 3.2.2).
    pub fn request_target(&self, authority: &str, usual: &str) -> String {
        match self.has(Oddity::AbsoluteRequestTargets) {
            true => format!("https://{authority}{usual}"),
            false => usual.to_owned(),
        }
    }

    /// The status of an acceptance, with and without a body.
    pub fn success_status(&self, usual: u16) -> u16 {
        match self.has(Oddity::OtherSuccessStatus) && usual == 200 {
            true => [201, 202, 203][usize::from(self.number("status", 0, 2) as u8)],
            false => usual,
        }
    }
}
