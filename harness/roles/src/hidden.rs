//! Secrets of a product's owner: what stands in their place in everything that is written down.

use dmconform_model::Event;
use dmconform_model::transcript::{Request, Response, TriggerOutcome};
use oma_dm::auth::{self, Secret};

/// The shortest secret that can be hidden: shorter ones would hide parts of ordinary words.
pub const SHORTEST: usize = 4;

/// Secrets, and what stands for them.
///
/// Each is replaced by asterisks of the same length and its number, wherever it occurs. So lengths stay true, and what held
/// the secret is still told from what held another value, without the secret.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    /// What is looked for, and what stands for it. The longest come first, as one may be a part of another.
    replacements: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Hidden {
    /// Hides these secrets; names go along with them where both are sent in one (`syncml:auth-basic`).
    pub fn new(secrets: &[String], names: &[String]) -> Self {
        let mut replacements = Vec::new();
        for (number, secret) in secrets.iter().enumerate() {
            let mask = mask(secret.len(), number + 1);
            for name in names {
                let both = |secret: &str| auth::basic(name, &Secret::new(secret)).into_bytes();
                replacements.push((both(secret), both(&mask)));
            }
            for written in written(secret) {
                replacements.push((written.into_bytes(), mask.clone().into_bytes()));
            }
        }
        replacements.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        replacements.dedup();
        Self { replacements }
    }

    /// A text without secrets.
    pub fn text(&self, text: &str) -> String {
        if self.replacements.is_empty() {
            return text.to_owned();
        }
        // What is replaced and what stands for it are whole texts: the rest stays valid.
        String::from_utf8_lossy(&self.octets(text.as_bytes())).into_owned()
    }

    /// Octets without secrets.
    pub fn octets(&self, octets: &[u8]) -> Vec<u8> {
        let mut masked = Vec::with_capacity(octets.len());
        let mut rest = octets;
        while let Some((first, others)) = rest.split_first() {
            let found = self
                .replacements
                .iter()
                .find(|(secret, _)| rest.starts_with(secret));
            if let Some((secret, mask)) = found {
                masked.extend_from_slice(mask);
                rest = &rest[secret.len()..];
            } else {
                masked.push(*first);
                rest = others;
            }
        }
        masked
    }

    /// What happened, without secrets.
    pub(crate) fn event(&self, event: Event) -> Event {
        if self.replacements.is_empty() {
            return event;
        }
        match event {
            Event::RequestSent(request) => Event::RequestSent(self.request(request)),
            Event::RequestReceived(request) => Event::RequestReceived(self.request(request)),
            Event::ResponseSent(response) => Event::ResponseSent(self.response(response)),
            Event::ResponseReceived(response) => Event::ResponseReceived(self.response(response)),
            Event::Triggered { trigger, outcome } => Event::Triggered {
                trigger,
                outcome: match outcome {
                    TriggerOutcome::Taken => TriggerOutcome::Taken,
                    TriggerOutcome::Refused(reason) => TriggerOutcome::Refused(self.text(&reason)),
                    TriggerOutcome::Unreachable(reason) => TriggerOutcome::Unreachable(self.text(&reason)),
                },
            },
            Event::ScriptStopped { role, reason } => Event::ScriptStopped {
                role,
                reason: self.text(&reason),
            },
            Event::DeviceState(mut state) => {
                for value in state.nodes.iter_mut().filter_map(|node| node.value.as_mut()) {
                    value.bytes = self.octets(&value.bytes);
                }
                Event::DeviceState(state)
            }
            Event::Plaintext {
                connection,
                mut first_bytes,
            } => {
                first_bytes.bytes = self.octets(&first_bytes.bytes);
                Event::Plaintext {
                    connection,
                    first_bytes,
                }
            }
            other => other,
        }
    }

    fn request(&self, mut request: Request) -> Request {
        request.url = self.text(&request.url);
        self.headers(&mut request.headers);
        request.body.bytes = self.octets(&request.body.bytes);
        request
    }

    fn response(&self, mut response: Response) -> Response {
        self.headers(&mut response.headers);
        response.body.bytes = self.octets(&response.body.bytes);
        response
    }

    fn headers(&self, headers: &mut [(String, String)]) {
        for (_, value) in headers {
            *value = self.text(value);
        }
    }
}

/// What stands for a secret of this length.
fn mask(length: usize, number: usize) -> String {
    let number = number.to_string();
    format!("{}{number}", "*".repeat(length.saturating_sub(number.len())))
}

/// The ways in which a secret may be written: plain, and in XML and JSON where it has something to escape, as the usual libraries
/// write them.
fn written(secret: &str) -> Vec<String> {
    let xml = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let xml_in_full = xml.replace('"', "&quot;").replace('\'', "&apos;");
    let xml_in_numbers = xml.replace('"', "&#34;").replace('\'', "&#39;");
    let xml_in_hexadecimal = xml.replace('"', "&#x22;").replace('\'', "&#x27;");
    let json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let json_with_slashes = json.replace('/', "\\/");
    let json_for_html = json
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e");
    let json_for_html_in_full = json_for_html.replace('\'', "\\u0027");
    let mut all = vec![secret.to_owned()];
    for other in [
        xml,
        xml_in_full,
        xml_in_numbers,
        xml_in_hexadecimal,
        json,
        json_with_slashes,
        json_for_html,
        json_for_html_in_full,
    ] {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use dmconform_model::Event;
    use dmconform_model::transcript::{Body, DeviceState, NodeState};
    use oma_dm::auth::{from_base64, to_base64};
    use rstest::rstest;

    use super::Hidden;

    fn hidden() -> Hidden {
        Hidden::new(
            &["s3cret & more".to_owned(), "s3cret".to_owned()],
            &["device-1".to_owned()],
        )
    }

    #[test]
    fn a_secret_is_replaced_by_as_many_octets_and_its_number() {
        assert_eq!(hidden().text("<Data>s3cret</Data>"), "<Data>*****2</Data>");
    }

    #[test]
    fn the_longer_secret_is_found_before_the_one_that_it_begins_with() {
        assert_eq!(hidden().text("s3cret & more"), "************1");
    }

    #[test]
    fn a_secret_is_found_as_xml_writes_it() {
        assert_eq!(hidden().text("s3cret &amp; more"), "************1");
    }

    #[rstest]
    #[case::xml_in_full("a&amp;&lt;&gt;&quot;&apos;/z")]
    #[case::xml_in_numbers("a&amp;&lt;&gt;&#34;&#39;/z")]
    #[case::xml_in_hexadecimal("a&amp;&lt;&gt;&#x22;&#x27;/z")]
    #[case::json("a&<>\\\"'/z")]
    #[case::json_with_slashes("a&<>\\\"'\\/z")]
    #[case::json_for_html("a\\u0026\\u003c\\u003e\\\"'/z")]
    #[case::json_for_html_in_full("a\\u0026\\u003c\\u003e\\\"\\u0027/z")]
    fn a_secret_is_found_as_libraries_write_it(#[case] written: &str) {
        let hidden = Hidden::new(&["a&<>\"'/z".to_owned()], &[]);
        assert_eq!(hidden.text(written), "*******1");
    }

    #[test]
    fn a_secret_in_the_tree_of_a_device_is_hidden() {
        let node = NodeState {
            uri: "./DMAcc/dms1/AppAuth/1/AAuthSecret".to_owned(),
            format: "chr".to_owned(),
            acl: String::new(),
            value: Some(Body::new(b"s3cret".to_vec())),
        };
        let state = DeviceState {
            after: "the case begins".to_owned(),
            accounts: Vec::new(),
            acls: Vec::new(),
            nodes: vec![node],
        };
        let Event::DeviceState(hidden) = hidden().event(Event::DeviceState(state)) else {
            panic!("it stays what it is");
        };
        let value = hidden.nodes[0].value.as_ref().expect("it has a value");
        assert_eq!(value.bytes, b"*****2");
    }

    #[test]
    fn basic_credentials_show_the_name_and_not_the_secret() {
        let shown = hidden().text(&to_base64(b"device-1:s3cret"));
        assert_eq!(from_base64(&shown).as_deref(), Some(&b"device-1:*****2"[..]));
    }

    #[test]
    fn octets_that_are_no_text_stay_as_they_are() {
        assert_eq!(hidden().octets(b"\x03\xffs3cret\x00"), b"\x03\xff*****2\x00");
    }

    #[test]
    fn where_nothing_is_hidden_nothing_changes() {
        assert_eq!(Hidden::default().text("s3cret"), "s3cret");
    }
}
