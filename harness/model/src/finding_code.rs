//! The kinds of finding, by the names that stand in reports.

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingCode {
    /// What had to be refused was accepted.
    Accepted,
    /// What was refused was acted on.
    WentOn,
    /// A message that was due did not come.
    Missing,
    /// A message that had to be accepted was refused.
    Refused,
    /// A request got no answer.
    NoAnswer,
    /// A message came before one that it had to wait for.
    Order,
    /// A message came while another one was held back on purpose.
    TooEarly,
    /// Two fields that had to be the same were not.
    Equality,
    /// A field was not as it had to be.
    Field,
    /// A DM session was not held as it had to be.
    Session,
    /// A message of a DM session breaks a rule of OMA DM.
    Irregular,
    /// Something passed without TLS.
    Plaintext,
    /// The client's tree was not as it had to be.
    State,
    /// After something hostile the product did no whole delegation any more.
    Harmed,
    /// What a hostile document refers to was fetched.
    Fetched,
    /// The purpose of the case could not be reached.
    Inconclusive,
    /// The harness or its environment failed.
    Error,
}

impl FindingCode {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Accepted,
        Self::WentOn,
        Self::Missing,
        Self::Refused,
        Self::NoAnswer,
        Self::Order,
        Self::TooEarly,
        Self::Equality,
        Self::Field,
        Self::Session,
        Self::Irregular,
        Self::Plaintext,
        Self::State,
        Self::Harmed,
        Self::Fetched,
        Self::Inconclusive,
        Self::Error,
    ];

    /// The name used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::WentOn => "went-on",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::NoAnswer => "no-answer",
            Self::Order => "order",
            Self::TooEarly => "too-early",
            Self::Equality => "equality",
            Self::Field => "field",
            Self::Session => "session",
            Self::Irregular => "irregular",
            Self::Plaintext => "plaintext",
            Self::State => "state",
            Self::Harmed => "harmed",
            Self::Fetched => "fetched",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }

    /// What it means, and when it is said.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Accepted => {
                "A mock role sent something that had to be refused (a bad certificate, an unreadable document, a message \
                 from a third server), and the product answered as if it were good."
            }
            Self::WentOn => {
                "The product refused a message as it had to, and then did what only follows from having accepted it."
            }
            Self::Missing => {
                "Everything that the message follows had been seen, the opportunity was there, the product was alive, \
                 and the declared limit passed without it."
            }
            Self::Refused => "The product answered a good request with a status that is not positive.",
            Self::NoAnswer => "The product took a request and sent no answer, or none that can be read.",
            Self::Order => {
                "In a whole delegation, a message came before one that it has to wait for; the harness had read the one \
                 before it wrote the other."
            }
            Self::TooEarly => {
                "The case held back a message, and the product sent meanwhile what has to wait for it."
            }
            Self::Equality => "Two messages carry different values where the procedure has the same.",
            Self::Field => "A message came, and what it carries is not what the case asks for.",
            Self::Session => {
                "A DM session lacks a Status for the header or a command, or the server's own credentials."
            }
            Self::Irregular => {
                "A message of a DM session breaks a rule of OMA DM, by itself or against the messages before it; what was \
                 observed begins with the name of the rule, and says in which message and where the rule is written."
            }
            Self::Plaintext => "The first octets on a connection between the servers were no TLS.",
            Self::State => {
                "A look at the client's tree, by a command of a mock server or into the mock client itself, found \
                 something else than it had to."
            }
            Self::Harmed => {
                "Before the case the product did a whole delegation; after something hostile or unusual it did not, or its \
                 process had ended."
            }
            Self::Fetched => {
                "A document referred to an address at which the harness listened, and somebody connected to it."
            }
            Self::Inconclusive => {
                "Nothing was broken, and what the case is about was not reached; `see` names the case to look at first."
            }
            Self::Error => "The harness or its environment is at fault, and nobody else is judged.",
        }
    }

    /// The kind of a name; nothing if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::FindingCode;

    #[test]
    fn every_name_leads_back_to_its_kind() {
        for code in FindingCode::ALL {
            assert_eq!(FindingCode::from_name(code.as_str()), Some(code));
        }
        assert_eq!(FindingCode::from_name("acceptet"), None);
    }
}
