//! Steps of the procedure and the messages that pass in them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A numbered step of Figure 2 of the change request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Step 1: the servers set up TLS.
    TlsConnection,
    /// Step 2: Delegation Initiation Request.
    Initiation,
    /// Step 3: DMS-1 asks for DMS-2's Bootstrap Server URL and gets it.
    UrlRequest,
    /// Step 4: DMS-1 gives the URL to the DM Client.
    BootstrapEntry,
    /// Step 5: the client fetches DMS-2's bootstrap.
    BootstrapFetch,
    /// Step 6: the client opens a DM session with DMS-2.
    ClientSession,
    /// Step 7: DMS-2 tells DMS-1 that the client is bootstrapped.
    BootstrapComplete,
    /// Step 8: DMS-1 updates the ACLs.
    AclUpdate,
    /// Step 8b: DMS-1 removes its own account (optional).
    AccountRemoval,
    /// Step 9: DMS-1 tells DMS-2 that the client is prepared.
    ClientPrepared,
    /// Step 10: DMS-2 tells DMS-1 that the delegation is complete.
    DelegationComplete,
}

impl Step {
    /// Every step, in the order of the figure.
    pub const ALL: [Self; 11] = [
        Self::TlsConnection,
        Self::Initiation,
        Self::UrlRequest,
        Self::BootstrapEntry,
        Self::BootstrapFetch,
        Self::ClientSession,
        Self::BootstrapComplete,
        Self::AclUpdate,
        Self::AccountRemoval,
        Self::ClientPrepared,
        Self::DelegationComplete,
    ];

    /// The number printed in the figure: `1` … `10`, `8b`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TlsConnection => "1",
            Self::Initiation => "2",
            Self::UrlRequest => "3",
            Self::BootstrapEntry => "4",
            Self::BootstrapFetch => "5",
            Self::ClientSession => "6",
            Self::BootstrapComplete => "7",
            Self::AclUpdate => "8",
            Self::AccountRemoval => "8b",
            Self::ClientPrepared => "9",
            Self::DelegationComplete => "10",
        }
    }

    /// What it is called, as the procedure file has it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::TlsConnection => "TLS connection setup",
            Self::Initiation => "Delegation Initiation Request",
            Self::UrlRequest => "Bootstrap Server URL request",
            Self::BootstrapEntry => "Bootstrap Config entry",
            Self::BootstrapFetch => "bootstrap request",
            Self::ClientSession => "DM session",
            Self::BootstrapComplete => "bootstrap complete",
            Self::AclUpdate => "ACL update",
            Self::AccountRemoval => "removal of DMS-1's account",
            Self::ClientPrepared => "client prepared",
            Self::DelegationComplete => "delegation complete",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl JsonSchema for Step {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A numbered step of Figure 2 of the change request.",
            "type": "string",
            "enum": Self::ALL.map(Self::as_str),
        })
    }
}

/// Which half of a step's exchange is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What the step's sender says.
    Request,
    /// What comes back: the HTTP answer, or the client's Status.
    Answer,
}

/// One message of the procedure: `8` is the ACL write of step 8, `8.answer` the client's Status for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId {
    /// The step in which it passes.
    pub step: Step,
    /// Which half of the exchange it is.
    pub part: Part,
}

impl MessageId {
    /// What the step's sender says.
    pub const fn request(step: Step) -> Self {
        Self {
            step,
            part: Part::Request,
        }
    }

    /// What comes back in that step.
    pub const fn answer(step: Step) -> Self {
        Self {
            step,
            part: Part::Answer,
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Request => f.pad(self.step.as_str()),
            Part::Answer => f.pad(&format!("{}.answer", self.step.as_str())),
        }
    }
}

impl JsonSchema for MessageId {
    fn schema_name() -> Cow<'static, str> {
        "Message".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let both = |step| [Self::request(step).to_string(), Self::answer(step).to_string()];
        json_schema!({
            "description": "A message of the procedure: a step, or a step's answer.",
            "type": "string",
            "enum": Step::ALL.into_iter().flat_map(both).collect::<Vec<_>>(),
        })
    }
}

/// A text that names no step or message of the procedure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read `{0}` as a message: it is a step (2 … 10, 8b) or a step's answer (`3.answer`)")]
pub struct UnknownMessage(pub String);

impl FromStr for Step {
    type Err = UnknownMessage;

    fn from_str(text: &str) -> Result<Self, UnknownMessage> {
        Self::ALL
            .into_iter()
            .find(|step| step.as_str() == text)
            .ok_or_else(|| UnknownMessage(text.to_owned()))
    }
}

impl FromStr for MessageId {
    type Err = UnknownMessage;

    fn from_str(text: &str) -> Result<Self, UnknownMessage> {
        let unknown = || UnknownMessage(text.to_owned());
        match text.strip_suffix(".answer") {
            Some(step) => step.parse().map(Self::answer).map_err(|_| unknown()),
            None => text.parse().map(Self::request).map_err(|_| unknown()),
        }
    }
}

/// YAML writes `at: 7` as a number; the text form is the same.
struct TextOrNumber;

impl serde::de::Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step (2 … 10, 8b) or a step's answer (`3.answer`)")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(TextOrNumber)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(TextOrNumber)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back_what_it_prints() {
        for step in Step::ALL {
            for message in [MessageId::request(step), MessageId::answer(step)] {
                assert_eq!(message.to_string().parse(), Ok(message));
            }
        }
    }

    #[test]
    fn a_number_and_a_text_are_the_same_message() {
        let from_number: MessageId = serde_json::from_str("8").expect("a step number is a message");
        let from_text: MessageId = serde_json::from_str("\"8\"").expect("a step text is a message");
        assert_eq!(from_number, from_text);
    }

    #[test]
    fn what_is_no_step_says_what_would_be_one() {
        let error = serde_json::from_str::<MessageId>("11").expect_err("there is no step 11");
        assert!(error.to_string().starts_with("read `11` as a message"), "{error}");
    }
}
