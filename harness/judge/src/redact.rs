//! Leaves secrets out of what is shown: those that a header knows, wherever they stand, and those that places tell.

use oma_dm::media_type::MediaType;
use oma_dm::readable::{HIDDEN, Secrets, readable};
use oma_dm::sniff::{self, Kind};
use oma_dm::syncml::Encoding;
use oma_dm::wbxml;
use oma_dm::xml::{Element, Node};
use serde_json::Value;

use crate::header::Header;

/// Shorter texts are no secrets, and would be found everywhere.
const SHORTEST: usize = 4;
/// How many characters of a text that is no document are shown.
const RAW: usize = 2_000;

/// What a text or a name contains that may tell a secret.
const TELLING: [&str; 9] = [
    "secret",
    "passw",
    "token",
    "credential",
    "authdata",
    "aauth",
    "<cred",
    "apikey",
    "api-key",
];

/// Knows which texts are secrets.
pub(crate) struct Redaction {
    known: Vec<String>,
}

impl Redaction {
    /// The secrets of a case's header.
    pub(crate) fn of(header: &Header) -> Self {
        let of_account = &header.dms_2_credentials;
        let known = [
            &of_account.client_secret,
            &of_account.server_secret,
            &of_account.nonce,
        ];
        let mut known: Vec<String> = known
            .into_iter()
            .filter(|secret| secret.chars().count() >= SHORTEST)
            .cloned()
            .collect();
        // A secret may be the beginning of another one.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { known }
    }

    /// A text without the secrets that are known.
    pub(crate) fn text(&self, text: &str) -> String {
        self.known
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }

    /// The value of a header field.
    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        let name = name.to_ascii_lowercase();
        let is_secret = ["authorization", "cookie", "hmac"]
            .iter()
            .any(|part| name.contains(part))
            || tells(&name);
        if is_secret {
            return HIDDEN.to_owned();
        }
        // The authentication of a bootstrap stands in its media type (OMA-TS-DM_Bootstrap 5.7).
        let mac = value.to_ascii_lowercase().find("mac=");
        let shown = mac.map_or_else(|| value.to_owned(), |at| format!("{}{HIDDEN}", &value[..at + 4]));
        self.text(&shown)
    }

    /// JSON without the values of names that tell a secret.
    pub(crate) fn json(&self, value: Value) -> Value {
        match value {
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| {
                    let value = if tells(&name) && !value.is_null() {
                        Value::String(HIDDEN.to_owned())
                    } else {
                        self.json(value)
                    };
                    (name, value)
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            other => other,
        }
    }

    /// What a body is, and what it says, readably.
    pub(crate) fn document(&self, octets: &[u8], media_type: &str) -> (String, String) {
        let by_type = MediaType::parse(media_type)
            .ok()
            .and_then(|media_type| sniff::of_media_type(octets, &media_type));
        let kind = by_type.or_else(|| sniff::sniff(octets).ok());
        let Some(kind) = kind else {
            return raw(octets);
        };
        let (title, encoding) = match kind {
            Kind::Message(encoding) => ("SyncML message", encoding),
            Kind::Bootstrap(form) => ("bootstrap", form.encoding),
            Kind::Object(encoding) => ("TNDS object", encoding),
            Kind::OtherXml => ("document", Encoding::Xml),
            // A digest over a secret, and little else.
            Kind::Notification => {
                return ("notification".to_owned(), format!("{} octets", octets.len()));
            }
        };
        let (root, written) = match encoding {
            Encoding::Xml => (Element::parse(octets).ok(), "XML"),
            Encoding::Wbxml => (wbxml::decode(octets).ok().map(|document| document.root), "WBXML"),
        };
        match root {
            Some(root) => {
                let mut shown = readable(&root, Secrets::Hidden);
                if kind == Kind::OtherXml {
                    hide_telling(&mut shown);
                }
                (format!("{title} in {written}"), shown.to_pretty_xml())
            }
            None => raw(octets),
        }
    }
}

/// Leaves out what stands in elements and attributes whose names tell a secret: of a vendor's own XML no more is known.
fn hide_telling(element: &mut Element) {
    for attribute in &mut element.attributes {
        if tells(&attribute.name.local) && !attribute.value.is_empty() {
            attribute.value = HIDDEN.into();
        }
    }
    if tells(&element.name.local) && !element.children.is_empty() {
        element.children = vec![Node::Text(HIDDEN.into())];
    }
    for child in &mut element.children {
        if let Node::Element(child) = child {
            hide_telling(child);
        }
    }
}

/// Octets that are no document. Where secrets stand in them nobody knows.
fn raw(octets: &[u8]) -> (String, String) {
    let text = std::str::from_utf8(octets).ok().filter(|text| {
        !text
            .chars()
            .any(|character| character.is_control() && !"\r\n\t".contains(character))
    });
    match text {
        Some(text) if !tells(text) => ("text".to_owned(), text.chars().take(RAW).collect()),
        Some(_) => (
            "text that cannot be read as a document".to_owned(),
            "not shown: it may hold secrets; the transcript has it".to_owned(),
        ),
        None => {
            let start: Vec<String> = octets
                .iter()
                .take(16)
                .map(|octet| format!("{octet:02x}"))
                .collect();
            (
                "octets that cannot be read as a document".to_owned(),
                format!("{} … (the transcript has all of them)", start.join(" ")),
            )
        }
    }
}

fn tells(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    TELLING.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn redaction() -> Redaction {
        Redaction {
            known: vec!["hunter22".to_owned()],
        }
    }

    #[rstest]
    #[case("Authorization", "Basic aHVudGVyMg==", HIDDEN)]
    #[case("Set-Cookie", "id=1", HIDDEN)]
    #[case("X-Api-Key", "1234", HIDDEN)]
    #[case("x-syncml-hmac", "algorithm=MD5, mac=abc", HIDDEN)]
    #[case("X-Trace", "of hunter22", "of …")]
    #[case(
        "Content-Type",
        "text/vnd.wap.connectivity-xml; SEC=1; MAC=75C1",
        "text/vnd.wap.connectivity-xml; SEC=1; MAC=…"
    )]
    #[case("Content-Type", "application/json", "application/json")]
    fn a_header_field_tells_no_secret(#[case] name: &str, #[case] value: &str, #[case] shown: &str) {
        assert_eq!(redaction().header(name, value), shown);
    }

    #[test]
    fn json_tells_no_secret_by_name() {
        let value = json!({"session": "s-1", "clientSecret": "x", "list": [{"access_token": {"a": 1}}], "password": null});
        let shown = json!({"session": "s-1", "clientSecret": HIDDEN, "list": [{"access_token": HIDDEN}], "password": null});
        assert_eq!(redaction().json(value), shown);
    }

    #[rstest]
    #[case::own_xml("<a><ClientSecret>pass</ClientSecret><b token='pass'/></a>")]
    #[case::cut_bootstrap("<wap-provisioningdoc><parm name='AAUTHSECRET' value='pass'")]
    #[case::cut_message("<SyncML><Cred><Data>pass</Data>")]
    #[case::form("user=u&password=pass")]
    fn a_body_of_any_kind_tells_no_secret(#[case] body: &str) {
        let (_, shown) = redaction().document(body.as_bytes(), "");
        assert!(
            !shown.contains("pass<") && !shown.contains("'pass'") && !shown.contains("=pass"),
            "{shown}"
        );
    }

    #[test]
    fn octets_that_nobody_can_read_are_not_shown() {
        let octets = [&[0x03, 0x0b, 0x6a, 0x00][..], &[0xff; 12], b"pass".as_slice()].concat();
        let (kind, shown) = redaction().document(&octets, "application/vnd.wap.connectivity-wbxml");
        assert_eq!(kind, "octets that cannot be read as a document");
        assert!(
            !shown.contains("70617373") && !shown.contains("70 61 73 73"),
            "{shown}"
        );
    }
}
