//! The header `x-syncml-hmac`, in which the digest of a whole message travels beside it (OMA-TS-DM_Security 5.4.3).

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{Secret, body_digest, from_base64, to_base64};

/// Name of the header, in lower case as HTTP/2 has it.
pub const HMAC_HEADER: &str = "x-syncml-hmac";

/// What a header `x-syncml-hmac` says. Its Debug form does not show the digest.
///
/// ```
/// use oma_dm::auth::{HmacHeader, Secret};
///
/// let secret = Secret::new("s3cret-dev");
/// let body = b"<SyncML xmlns='SYNCML:SYNCML1.2'></SyncML>";
/// let header = HmacHeader::sign("dev-0001", &secret, b"nonce-A", body)?;
/// let value = r#"algorithm=MD5, username="dev-0001", mac=fZKRYXNXTI1a22mdcbWwSw=="#;
/// assert_eq!(header.to_string(), value);
/// assert!(HmacHeader::parse(value)?.verifies("dev-0001", &secret, b"nonce-A", body));
/// # Ok::<(), oma_dm::auth::HmacHeaderError>(())
/// ```
#[derive(Clone)]
pub struct HmacHeader {
    username: String,
    digest: [u8; 16],
}

impl HmacHeader {
    /// The header for a message whose complete body, as sent, is `body`. The nonce is in its decoded form.
    ///
    /// # Errors
    /// When the name has characters that a header cannot carry.
    pub fn sign(name: &str, secret: &Secret, nonce: &[u8], body: &[u8]) -> Result<Self, HmacHeaderError> {
        if let Some(at) = name.find(|letter: char| letter.is_control()) {
            return Err(HmacProblem::ControlCharacter.at(at));
        }
        Ok(Self {
            username: name.to_owned(),
            digest: body_digest(name, secret, nonce, body),
        })
    }

    /// Reads the value of the header; of several such headers, their values joined by commas.
    ///
    /// The names of parameters and the algorithm are read in any case, the digest in quotes too, as there are clients that write
    /// it so. A parameter that is not known is left aside.
    ///
    /// # Errors
    /// When it is no such list, names another algorithm than MD5, or lacks the user name or the digest.
    pub fn parse(value: &str) -> Result<Self, HmacHeaderError> {
        let mut reader = Reader { value, at: 0 };
        let (mut algorithm, mut username, mut digest) = (None, None, None);
        while let Some(parameter) = reader.parameter()? {
            let slot = match parameter.name.to_ascii_lowercase().as_str() {
                "algorithm" => &mut algorithm,
                "username" => &mut username,
                "mac" => &mut digest,
                _ => continue,
            };
            if slot.is_some() {
                return Err(HmacProblem::Repeated(parameter.name.to_owned()).at(parameter.at));
            }
            *slot = Some(parameter);
        }
        if let Some(algorithm) = algorithm.filter(|found| !found.value.eq_ignore_ascii_case("MD5")) {
            return Err(HmacProblem::Algorithm(algorithm.value).at(algorithm.at));
        }
        let missing = |name| HmacProblem::Missing(name).at(value.len());
        let username = username.ok_or_else(|| missing("username"))?;
        if !username.is_quoted {
            return Err(HmacProblem::Unquoted.at(username.at));
        }
        let digest = digest.ok_or_else(|| missing("mac"))?;
        let octets = from_base64(&digest.value).and_then(|octets| octets.try_into().ok());
        Ok(Self {
            username: username.value,
            digest: octets.ok_or_else(|| HmacProblem::Digest.at(digest.at))?,
        })
    }

    /// The user name; the `LocName` of the message's source is the same.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Whether this is the header that whoever has this name and secret puts beside this body. Takes a time that does not tell
    /// where the digests differ.
    pub fn verifies(&self, name: &str, secret: &Secret, nonce: &[u8], body: &[u8]) -> bool {
        let right = body_digest(name, secret, nonce, body);
        let is_same: bool = right.ct_eq(&self.digest).into();
        is_same && self.username == name
    }
}

impl fmt::Display for HmacHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let username = self.username.replace('\\', r"\\").replace('"', r#"\""#);
        let digest = to_base64(&self.digest);
        write!(f, "algorithm=MD5, username=\"{username}\", mac={digest}")
    }
}

impl fmt::Debug for HmacHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacHeader")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Why a text is no header `x-syncml-hmac`, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("use the header x-syncml-hmac: {problem} (octet {at})")]
pub struct HmacHeaderError {
    /// Where, in octets of its value (of the user name, when a header is written).
    pub at: usize,
    /// What is wrong.
    pub problem: HmacProblem,
}

/// What is wrong with a header `x-syncml-hmac`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HmacProblem {
    /// Another algorithm than MD5.
    #[error("the algorithm is `{0}`, where only MD5 is defined")]
    Algorithm(String),
    /// A parameter that has to be there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A parameter that is there twice.
    #[error("`{0}` is there more than once")]
    Repeated(String),
    /// A user name that is not in quotes.
    #[error("the user name is not in quotes")]
    Unquoted,
    /// A digest that is no base64 of 16 octets.
    #[error("the mac is no base64 of 16 octets")]
    Digest,
    /// Something else than a list of parameters.
    #[error("there should be {0}")]
    Syntax(&'static str),
    /// A user name that no header can carry.
    #[error("the user name has a control character, which no header can carry")]
    ControlCharacter,
}

impl HmacProblem {
    const fn at(self, at: usize) -> HmacHeaderError {
        HmacHeaderError { at, problem: self }
    }
}

struct Parameter<'a> {
    name: &'a str,
    value: String,
    is_quoted: bool,
    /// Where the value begins.
    at: usize,
}

/// Reads the list of a header (RFC 2616 2.1, `#rule`): elements may be empty, and have white space around them.
struct Reader<'a> {
    value: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn parameter(&mut self) -> Result<Option<Parameter<'a>>, HmacHeaderError> {
        self.skip(|letter| is_space(letter) || letter == ',');
        if self.rest().is_empty() {
            return Ok(None);
        }
        let name = self.take(|letter| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter));
        if name.is_empty() {
            return Err(HmacProblem::Syntax("the name of a parameter").at(self.at));
        }
        self.skip(is_space);
        if !self.rest().starts_with('=') {
            return Err(HmacProblem::Syntax("`=` after the name of a parameter").at(self.at));
        }
        self.at += 1;
        self.skip(is_space);
        let at = self.at;
        let is_quoted = self.rest().starts_with('"');
        let value = if is_quoted {
            self.quoted()?
        } else {
            self.take(|letter| !is_space(letter) && !matches!(letter, ',' | '"'))
                .to_owned()
        };
        self.skip(is_space);
        match self.rest().chars().next() {
            None | Some(',') => Ok(Some(Parameter {
                name,
                value,
                is_quoted,
                at,
            })),
            Some(_) => Err(HmacProblem::Syntax("a comma after a parameter").at(self.at)),
        }
    }

    fn quoted(&mut self) -> Result<String, HmacHeaderError> {
        let begin = self.at;
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((offset, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += offset + 1;
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                _ => text.push(letter),
            }
        }
        Err(HmacProblem::Syntax("a quote at the end of what one begins").at(begin))
    }

    fn rest(&self) -> &'a str {
        self.value.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest
            .find(|letter| !belongs(letter))
            .map_or(rest, |end| &rest[..end]);
        self.at += taken.len();
        taken
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) {
        self.take(belongs);
    }
}

const fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}
