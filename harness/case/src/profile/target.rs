//! Where a request goes below a server's address for delegations, and the values that stand there.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::as_text::as_text;

/// The end of a request's path, and its query, with fields in them: `/delegations/{session}/bootstrap?device={device}`.
///
/// A field stands for a whole segment of the path, or for the whole value of a parameter. Parameters may come in any order, and
/// further ones beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPattern {
    text: String,
    segments: Vec<Part>,
    parameters: Vec<(String, Part)>,
}

/// One segment, or the value of one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Is(String),
    Field(String),
}

/// A text that is no such pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read `{0}` as the target of a request: write it as in `/delegations/{{session}}/events?device={{device}}`"
)]
pub struct BadTarget(String);

impl TargetPattern {
    /// The fields that stand in it.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let parameters = self.parameters.iter().map(|(_, part)| part);
        self.segments
            .iter()
            .chain(parameters)
            .filter_map(|part| match part {
                Part::Is(_) => None,
                Part::Field(name) => Some(name.as_str()),
            })
    }

    /// What stands in a request's target (path and query, or a whole URL) where it ends as the pattern says; nothing if it
    /// does not.
    pub fn read(&self, target: &str) -> Option<BTreeMap<String, Vec<String>>> {
        let target = target.split_once('#').map_or(target, |(before, _)| before);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found: Vec<&str> = path.split('/').collect();
        let skipped = found.len().checked_sub(self.segments.len())?;
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (part, segment) in self.segments.iter().zip(&found[skipped..]) {
            let value = decoded(segment);
            match part {
                Part::Is(expected) if *expected != value => return None,
                Part::Is(_) => {}
                Part::Field(name) => fields.entry(name.clone()).or_default().push(value),
            }
        }
        for (name, part) in &self.parameters {
            let values = query
                .split('&')
                .filter_map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decoded(key) == *name).then(|| decoded(value))
                })
                .collect::<Vec<_>>();
            match part {
                Part::Is(expected) if !values.contains(expected) => return None,
                Part::Is(_) => {}
                Part::Field(_) if values.is_empty() => {}
                Part::Field(name) => fields.entry(name.clone()).or_default().extend(values),
            }
        }
        Some(fields)
    }

    /// The target with these values. A parameter whose field has none is left out.
    pub fn write(&self, fields: &BTreeMap<String, Vec<String>>) -> String {
        let values = |part: &Part| match part {
            Part::Is(text) => vec![text.clone()],
            Part::Field(name) => fields.get(name).cloned().unwrap_or_default(),
        };
        let segments: Vec<String> = self
            .segments
            .iter()
            .map(|part| encoded(values(part).first().map_or("", String::as_str)))
            .collect();
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .flat_map(|(name, part)| {
                let name = encoded(name);
                values(part)
                    .into_iter()
                    .map(move |value| format!("{name}={}", encoded(&value)))
            })
            .collect();
        let path = segments
            .iter()
            .map(|segment| format!("/{segment}"))
            .collect::<String>();
        match parameters.is_empty() {
            true => path,
            false => format!("{path}?{}", parameters.join("&")),
        }
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('{').map(|rest| rest.strip_suffix('}')) {
            None if text.contains(['{', '}']) => None,
            None => Some(Self::Is(decoded(text))),
            Some(Some(name)) if is_field(name) => Some(Self::Field(name.to_owned())),
            Some(_) => None,
        }
    }
}

fn is_field(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// Octets that are not unreserved (RFC 3986, section 2.3) as `%` and two digits.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The text that percent-encoding stands for (RFC 3986, section 2.1). What is no encoding stays as it is.
fn decoded(text: &str) -> String {
    let octets = text.as_bytes();
    let mut found = Vec::with_capacity(octets.len());
    let mut at = 0;
    while let Some(octet) = octets.get(at) {
        let digits = octets.get(at + 1..at + 3).filter(|_| *octet == b'%');
        let value = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        found.push(value.unwrap_or(*octet));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&found).into_owned()
}

impl FromStr for TargetPattern {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let bad = || BadTarget(text.to_owned());
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let path = path.strip_prefix('/').ok_or_else(bad)?;
        let segments: Option<Vec<Part>> = path.split('/').map(Part::parse).collect();
        let parameters: Option<Vec<(String, Part)>> = query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .map(|pair| {
                let (name, value) = pair.split_once('=')?;
                Some((decoded(name), Part::parse(value)?))
            })
            .collect();
        Ok(Self {
            text: text.to_owned(),
            segments: segments.filter(|_| !path.is_empty()).ok_or_else(bad)?,
            parameters: parameters.ok_or_else(bad)?,
        })
    }
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

as_text!(TargetPattern);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn pattern(text: &str) -> TargetPattern {
        text.parse().expect("it is a pattern")
    }

    fn fields(values: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in values {
            fields
                .entry((*name).to_owned())
                .or_default()
                .push((*value).to_owned());
        }
        fields
    }

    #[rstest]
    #[case("/delegations/{session}/events", "/delegation/delegations/s%201/events", Some([("session", "s 1")].as_slice()))]
    #[case("/delegations/{session}/events", "https://127.0.0.1:1/delegations/7/events?x=1#y", Some([("session", "7")].as_slice()))]
    #[case("/delegations/{session}/events", "/delegations/7", None)]
    #[case("/delegations/{session}/events", "/delegations/7/other", None)]
    #[case("/a?device={device}&kind=x", "/a?kind=x&device=urn%3Aa", Some([("device", "urn:a")].as_slice()))]
    #[case("/a?device={device}&kind=x", "/a?device=urn", None)]
    #[case("/a?device={device}", "/a", Some([].as_slice()))]
    #[case("/a?device={device}", "/a?device=1&device=2", Some([("device", "1"), ("device", "2")].as_slice()))]
    fn what_stands_in_a_target_is_read(
        #[case] text: &str,
        #[case] target: &str,
        #[case] expected: Option<&[(&str, &str)]>,
    ) {
        assert_eq!(pattern(text).read(target), expected.map(fields));
    }

    #[test]
    fn a_parameter_without_a_value_is_left_out() {
        let written = pattern("/a/{session}?device={device}&model={model}")
            .write(&fields(&[("session", "s/1"), ("model", "ü")]));
        assert_eq!(written, "/a/s%2F1?model=%C3%BC");
    }

    #[rstest]
    #[case("")]
    #[case("a")]
    #[case("/")]
    #[case("/a{b}")]
    #[case("/{B}")]
    #[case("/{}")]
    #[case("/a?b")]
    #[case("/a?b={c")]
    fn what_is_no_target_is_refused(#[case] text: &str) {
        assert!(text.parse::<TargetPattern>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(session in "\\PC+", device in "\\PC*") {
            let pattern = pattern("/d/{session}/b?device={device}");
            let fields = fields(&[("session", &session), ("device", &device)]);
            prop_assert_eq!(pattern.read(&pattern.write(&fields)), Some(fields));
        }

        #[test]
        fn nothing_makes_reading_panic(target in "\\PC*") {
            let _ = pattern("/d/{session}?device={device}").read(&target);
        }
    }
}
