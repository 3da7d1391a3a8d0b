//! The changes of a case, as the mock roles look them up.

use std::collections::BTreeMap;

use dmconform_case::test_case::{CloseAt, Corruption, FieldChange, How, TestCase};
use dmconform_model::MessageId;
use dmconform_model::certificate::Certificate;
use dmconform_model::tls::Version;
use oma_dm::media_type::MediaType;

/// What is different about one message.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// It is held back for the window.
    pub delay: bool,
    /// It is not sent.
    pub omit: bool,
    /// It is sent again, this many times.
    pub repeat: u32,
    /// Fields that are different.
    pub fields: BTreeMap<String, FieldChange>,
    /// How its body is spoiled.
    pub corrupt: Option<Corruption>,
    /// Its status.
    pub answer: Option<u16>,
    /// Where the connection is closed.
    pub close_at: Option<CloseAt>,
    /// The certificate that its sender presents.
    pub certificate: Option<Certificate>,
    /// The only version of TLS that its sender speaks.
    pub version: Option<Version>,
    /// It is sent an octet at a time, and never to its end.
    pub slow: bool,
    /// A third server sends it first, and how.
    pub from_third: Option<Third>,
    /// It is sent again when the delegation is complete.
    pub replayed: bool,
    /// It is sent without TLS.
    pub plaintext: bool,
    /// It is sent as soon as this was seen, whatever the procedure says.
    pub after: Option<MessageId>,
}

/// How a third server sends what it has no part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Third {
    /// Octet for octet.
    Copied,
    /// In its own name.
    InItsOwnName,
    /// Octet for octet, and again on a TLS session that it resumes.
    Resuming,
}

impl Changes {
    /// The changes of a case at a message.
    pub fn at(case: &TestCase, message: MessageId) -> Self {
        let mut changes = Self::default();
        for change in case.changes.iter().filter(|change| change.at == message) {
            match &change.how {
                How::Delay => changes.delay = true,
                How::Omit => changes.omit = true,
                How::Repeat(times) => changes.repeat = *times,
                How::SetField(fields) => {
                    changes
                        .fields
                        .extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                How::Corrupt(corruption) => changes.corrupt = Some(*corruption),
                How::Answer(status) => changes.answer = Some(*status),
                How::CloseAt(at) => changes.close_at = Some(*at),
                How::Tls(certificate) => changes.certificate = Some(*certificate),
                How::TlsVersion(version) => changes.version = Some(*version),
                How::Slow => changes.slow = true,
                How::FromThirdServer => changes.from_third = Some(Third::Copied),
                How::Forged => changes.from_third = Some(Third::InItsOwnName),
                How::ResumedByThirdServer => changes.from_third = Some(Third::Resuming),
                How::Replayed => changes.replayed = true,
                How::Plaintext => changes.plaintext = true,
                How::After(message) => changes.after = Some(*message),
            }
        }
        changes
    }

    /// Whether the message is spoiled on its way, whatever it says.
    pub const fn is_spoiled(&self) -> bool {
        let outdated = matches!(self.version, Some(version) if version.is_outdated());
        self.corrupt.is_some() || self.close_at.is_some() || self.slow || outdated
    }

    /// What is different about the handshake of its sender, in words.
    pub fn handshake_in_words(&self) -> Option<String> {
        let certificate = self
            .certificate
            .map(|certificate| certificate_in_words(certificate).to_owned());
        let version = self
            .version
            .map(|version| format!("its sender speaks {version} only"));
        let words: Vec<String> = certificate.into_iter().chain(version).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// What is changed about the message itself, in words; nothing if it is as the procedure has it, perhaps late.
    pub fn in_words(&self) -> Option<String> {
        let mut words = Vec::new();
        for (name, value) in &self.fields {
            words.push(match value {
                FieldChange::To(text) => format!("{name} is `{text}`"),
                FieldChange::Removed => format!("{name} is left out"),
            });
        }
        if let Some(corruption) = self.corrupt {
            words.push(match corruption {
                Corruption::Garbage => "its body is garbage".to_owned(),
                Corruption::Truncated => "its body is cut in half".to_owned(),
                Corruption::Empty => "its body is empty".to_owned(),
                Corruption::UnknownDocument => "its body is an unknown document".to_owned(),
                Corruption::WrongMediaType => "its media type is wrong".to_owned(),
                Corruption::Huge => "its body is larger than any document".to_owned(),
                Corruption::EntityBomb => "its body is a bomb of XML entities".to_owned(),
                Corruption::ExternalEntity => "its body refers to an external XML entity".to_owned(),
                Corruption::DeepNesting => "its body is nested a hundred thousand deep".to_owned(),
                Corruption::StringReference => "its body refers beyond its string table".to_owned(),
                Corruption::HugeLength => "its body announces four gigabytes".to_owned(),
            });
        }
        if let Some(status) = self.answer {
            words.push(format!("its status is {status}"));
        }
        if let Some(at) = self.close_at {
            words.push(match at {
                CloseAt::Start => "the connection is closed before it".to_owned(),
                CloseAt::Middle => "the connection is closed in the middle of it".to_owned(),
                CloseAt::End => "the connection is closed right after it".to_owned(),
            });
        }
        // A version that is as good as any other changes nothing about the message.
        let is_bad = |version: Version| version.is_outdated() || self.certificate.is_some();
        if self.certificate.is_some() || self.version.is_some_and(is_bad) {
            words.extend(self.handshake_in_words());
        }
        if self.slow {
            words.push("it comes an octet at a time, and never to its end".to_owned());
        }
        if self.plaintext {
            words.push("it comes without TLS".to_owned());
        }
        if let Some(after) = self.after {
            words.push(format!("it comes as soon as {after} was seen"));
        }
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// A certificate as findings name it.
pub const fn certificate_in_words(certificate: Certificate) -> &'static str {
    match certificate {
        Certificate::Good => "a good certificate",
        Certificate::None => "no certificate",
        Certificate::UnknownAuthority => "a certificate of an unknown authority",
        Certificate::Expired => "an expired certificate",
        Certificate::NotYetValid => "a certificate that is not valid yet",
        Certificate::WrongName => "a certificate for another host",
        Certificate::WrongUse => "a certificate for another use",
        Certificate::SelfSigned => "a self-signed certificate",
        Certificate::MissingIntermediate => "a certificate without its intermediate",
        Certificate::OtherServer => "a certificate of another server",
        Certificate::Renewed => "a new certificate with another key",
        Certificate::Revoked => "a revoked certificate",
    }
}

/// Whether a media type is one of JSON (RFC 6839, section 3.1).
pub(crate) fn is_json(media_type: &str) -> bool {
    MediaType::parse(media_type)
        .is_ok_and(|parsed| parsed.essence().ends_with("/json") || parsed.essence().ends_with("+json"))
}

/// How many octets a huge body has: far beyond any sensible limit of a product for a document of some kilobytes.
const HUGE: usize = 8 * 1024 * 1024;

/// A body spoiled, and its media type.
pub(crate) fn spoil(corruption: Corruption, body: Vec<u8>, media_type: String) -> (Vec<u8>, String) {
    match corruption {
        Corruption::Garbage => (b"\x00\xff\xfe{not a document]\x1b[31m\x07".to_vec(), media_type),
        Corruption::Truncated => (body[..body.len() / 2].to_vec(), media_type),
        Corruption::Empty => (Vec::new(), media_type),
        Corruption::UnknownDocument if is_json(&media_type) => (b"{\"unknown\": {}}".to_vec(), media_type),
        Corruption::UnknownDocument => (
            b"<unknown xmlns=\"urn:dmconform:unknown:0\"><child/></unknown>".to_vec(),
            media_type,
        ),
        Corruption::WrongMediaType => (body, "text/plain".to_owned()),
        Corruption::Huge => (vec![b' '; HUGE], media_type),
        // What does harm is made where there is a case to do it in.
        Corruption::EntityBomb
        | Corruption::ExternalEntity
        | Corruption::DeepNesting
        | Corruption::StringReference
        | Corruption::HugeLength => (body, media_type),
    }
}
