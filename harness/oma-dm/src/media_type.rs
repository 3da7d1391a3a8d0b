//! Media types with their parameters (RFC 9110 8.3.1), such as `application/vnd.syncml.dm+wbxml; SEC=USERPIN; MAC=…`.

use std::fmt;

use thiserror::Error;

use crate::syncml::{Departure, Observation, Reading};

/// Longest text read as a media type, in octets.
pub const MAX_LENGTH: usize = 4096;

/// A media type, read.
///
/// Type, subtype and names of parameters are alike in upper and lower case, and are read in lower case; values are kept as
/// they are.
///
/// ```
/// use oma_dm::media_type::MediaType;
///
/// let media_type = MediaType::parse("Text/vnd.wap.connectivity-xml; SEC=1;\tmac=\"75C1\"")?;
/// assert_eq!(media_type.essence(), "text/vnd.wap.connectivity-xml");
/// assert_eq!(media_type.parameter("sec"), Some("1"));
/// assert_eq!(media_type.parameter("MAC"), Some("75C1"));
/// # Ok::<(), oma_dm::media_type::MediaTypeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl MediaType {
    /// Reads a media type as it stands in a header field.
    ///
    /// # Errors
    /// When the text is no media type, has a parameter twice, or passes [`MAX_LENGTH`].
    pub fn parse(text: &str) -> Result<Self, MediaTypeError> {
        if text.len() > MAX_LENGTH {
            let problem = Problem::TooLong { octets: text.len() };
            return Err(MediaTypeError { at: 0, problem });
        }
        let mut reader = Reader { text, at: 0 };
        reader.skip_space();
        let mut essence = reader.token("a type")?.to_ascii_lowercase();
        reader.expect('/', "`/` and a subtype")?;
        essence.push('/');
        essence.push_str(&reader.token("a subtype")?.to_ascii_lowercase());
        let mut media_type = Self {
            essence,
            parameters: Vec::new(),
        };
        loop {
            reader.skip_space();
            if reader.next().is_none() {
                return Ok(media_type);
            }
            reader.expect(';', "`;` or the end")?;
            reader.skip_space();
            // Nothing between two semicolons is allowed (RFC 9110 5.6.6).
            if !matches!(reader.next(), None | Some(';')) {
                media_type.read_parameter(&mut reader)?;
            }
        }
    }

    /// The same with a parameter more, or with another value for it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters
            .retain(|(there, _)| !there.eq_ignore_ascii_case(name));
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Type and subtype, in lower case: `application/vnd.syncml.dm+xml`.
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The value of a parameter, without quotes; its name in any case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(there, _)| there.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All parameters, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether what is so labelled is UTF-8, or says nothing else: the only character set that XML is read in here.
    pub fn is_utf8(&self) -> bool {
        let utf8 =
            |charset: &str| ["utf-8", "utf8", "us-ascii"].contains(&charset.to_ascii_lowercase().as_str());
        self.parameter("charset").is_none_or(utf8)
    }

    /// What it says other than the message that it came with ([`Reading::departures_of_media_type`]), or than is read here. These
    /// are in no octets of the message.
    pub fn departures(&self, message: &Reading) -> Vec<Observation> {
        let of_message = message.departures_of_media_type(&self.to_string());
        let of_message = of_message.into_iter().map(|departure| Observation {
            departure,
            path: CONTENT_TYPE.to_owned(),
            at: 0..0,
        });
        let charset = self.parameter("charset").filter(|_| !self.is_utf8());
        let charset = charset.map(|found| bad_parameter("charset", "UTF-8", found));
        of_message.chain(charset).collect()
    }

    fn read_parameter(&mut self, reader: &mut Reader<'_>) -> Result<(), MediaTypeError> {
        let at = reader.at;
        let name = reader.token("the name of a parameter")?.to_ascii_lowercase();
        reader.expect('=', "`=` and a value")?;
        let value = match reader.next() {
            Some('"') => reader.quoted()?,
            _ => reader.token("a value")?.to_owned(),
        };
        if self.parameter(&name).is_some() {
            let problem = Problem::Repeated { name };
            return Err(MediaTypeError { at, problem });
        }
        self.parameters.push((name, value));
        Ok(())
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.parameters {
            if !value.is_empty() && value.chars().all(is_token) {
                write!(f, ";{name}={value}")?;
                continue;
            }
            write!(f, ";{name}=\"")?;
            for character in value.chars() {
                if matches!(character, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

/// A parameter of a media type that is not as it should be.
pub(crate) fn bad_parameter(name: &str, expected: &'static str, found: &str) -> Observation {
    Observation {
        departure: Departure::BadValue {
            element: name.to_owned(),
            expected,
            found: found.to_owned(),
        },
        path: CONTENT_TYPE.to_owned(),
        at: 0..0,
    }
}

/// The path of observations on the media type itself: they are not in the document.
pub(crate) const CONTENT_TYPE: &str = "Content-Type";

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn expect(&mut self, character: char, what: &'static str) -> Result<(), MediaTypeError> {
        if self.next() != Some(character) {
            return Err(self.expected(what));
        }
        self.at += character.len_utf8();
        Ok(())
    }

    fn token(&mut self, what: &'static str) -> Result<&'a str, MediaTypeError> {
        let rest = self.rest();
        let length = rest.find(|character| !is_token(character)).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.expected(what));
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn quoted(&mut self) -> Result<String, MediaTypeError> {
        let opened = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            match self.next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some('\\') => self.at += 1,
                _ => {}
            }
            let Some(character) = self.next() else {
                let problem = Problem::Unclosed;
                return Err(MediaTypeError { at: opened, problem });
            };
            if character.is_control() && character != '\t' {
                return Err(self.expected("a printable character"));
            }
            value.push(character);
            self.at += character.len_utf8();
        }
    }

    fn expected(&self, what: &'static str) -> MediaTypeError {
        let problem = Problem::Expected {
            what,
            found: self.next(),
        };
        MediaTypeError { at: self.at, problem }
    }
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

/// Why a text is no media type, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read the media type: {problem} at octet {at}")]
pub struct MediaTypeError {
    /// Offset in the text.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Something else than what belongs there.
    Expected {
        /// What belongs there.
        what: &'static str,
        /// What is there, unless it is the end.
        found: Option<char>,
    },
    /// A value whose quotes do not end.
    Unclosed,
    /// A parameter that is there twice.
    Repeated {
        /// Its name.
        name: String,
    },
    /// Past [`MAX_LENGTH`].
    TooLong {
        /// Its length.
        octets: usize,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected { what, found: None } => write!(f, "the end where {what} belongs"),
            Self::Expected {
                what,
                found: Some(found),
            } => write!(f, "{found:?} where {what} belongs"),
            Self::Unclosed => f.write_str("quotes without an end"),
            Self::Repeated { name } => write!(f, "a second parameter `{name}`"),
            Self::TooLong { octets } => write!(f, "{octets} octets, where at most {MAX_LENGTH} are read,"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::syncml::{self, Encoding};

    #[rstest]
    #[case("text/html", "text/html")]
    #[case(" Application/VND.SyncML.DM+XML ", "application/vnd.syncml.dm+xml")]
    #[case("a/b;Charset=UTF-8", "a/b;charset=UTF-8")]
    #[case("a/b ; x=1;y=2", "a/b;x=1;y=2")]
    #[case("a/b;;x=1;", "a/b;x=1")]
    #[case("a/b;x=\"1\"", "a/b;x=1")]
    #[case("a/b;verproto=\"DM/1.2\"", "a/b;verproto=\"DM/1.2\"")]
    #[case("a/b;x=\"a\\\"b;c\\\\\"", "a/b;x=\"a\\\"b;c\\\\\"")]
    #[case("a/b;x=\"\"", "a/b;x=\"\"")]
    #[case("a/b;x=\"é\"", "a/b;x=\"é\"")]
    fn a_media_type_is_read_in_any_spelling_and_written_in_one(#[case] text: &str, #[case] written: &str) {
        assert_eq!(MediaType::parse(text).unwrap().to_string(), written);
    }

    #[rstest]
    #[case("", "the end where a type belongs at octet 0")]
    #[case("text", "the end where `/` and a subtype belongs at octet 4")]
    #[case("text/", "the end where a subtype belongs at octet 5")]
    #[case("text/html charset", "'c' where `;` or the end belongs at octet 10")]
    #[case("text/html;charset", "the end where `=` and a value belongs at octet 17")]
    #[case("text/html;charset=", "the end where a value belongs at octet 18")]
    #[case("text/html;charset =x", "' ' where `=` and a value belongs at octet 17")]
    #[case("text/html;=x", "'=' where the name of a parameter belongs at octet 10")]
    #[case("text/html;a=\"b", "quotes without an end at octet 12")]
    #[case("text/html;a=\"b\\", "quotes without an end at octet 12")]
    #[case(
        "text/html;a=\"b\u{0}\"",
        "'\\0' where a printable character belongs at octet 14"
    )]
    #[case("text/html;MAC=1;mac=1", "a second parameter `mac` at octet 16")]
    #[case("text/hätml", "'ä' where `;` or the end belongs at octet 6")]
    fn what_is_no_media_type_is_refused_with_place_and_reason(#[case] text: &str, #[case] expected: &str) {
        let error = MediaType::parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("read the media type: {expected}"));
    }

    #[test]
    fn an_overlong_text_is_refused_unread() {
        let text = format!("a/b;x={}", "y".repeat(MAX_LENGTH));
        assert!(matches!(
            MediaType::parse(&text).unwrap_err().problem,
            Problem::TooLong { .. }
        ));
    }

    #[rstest]
    #[case("", &[])]
    #[case(";verproto=\"DM/1.2\";verdtd=1.2;charset=UTF-8", &[])]
    #[case(";verproto=\"DM/1.1\"", &["verproto"])]
    #[case(";verdtd=1.1", &["verdtd"])]
    #[case(";charset=iso-8859-1", &["Content-Type: `charset` is `iso-8859-1`, where UTF-8 belongs"])]
    fn parameters_that_say_other_than_the_message_are_noted(
        #[case] parameters: &str,
        #[case] expected: &[&str],
    ) {
        let octets = include_bytes!("../tests/worked-session/1-client-package1.xml");
        let message = syncml::read(octets, Encoding::Xml).unwrap();
        let media_type = MediaType::parse(&format!("application/vnd.syncml.dm+xml{parameters}")).unwrap();
        let noted: Vec<_> = media_type
            .departures(&message)
            .iter()
            .map(|noted| format!("{}: {}", noted.path, noted.departure))
            .collect();
        assert_eq!(noted.len(), expected.len(), "{noted:?}");
        for (noted, expected) in noted.iter().zip(expected) {
            assert!(
                noted.starts_with("Content-Type: ") && noted.contains(expected),
                "{noted}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(
            parameters in proptest::collection::btree_map("[a-z]{1,5}", "[ -~é]{0,8}", 0..4),
        ) {
            let media_type = parameters
                .iter()
                .fold(MediaType::parse("a/b").unwrap(), |media_type, (name, value)| media_type.with(name, value));
            prop_assert_eq!(MediaType::parse(&media_type.to_string()), Ok(media_type));
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in "[a/;=\"\\\\ xé\t]{0,16}") {
            match MediaType::parse(&text) {
                Ok(media_type) => prop_assert_eq!(MediaType::parse(&media_type.to_string()), Ok(media_type)),
                Err(error) => prop_assert!(text.is_char_boundary(error.at)),
            }
        }
    }
}
