//! The oddities by name.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Declares the oddities once: variant and name. `cases/deviations.yaml` says in words what each is, and whose it can be.
macro_rules! oddities {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One way to be unusual and legal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Oddity {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Oddity {
            /// Every oddity.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as it is written on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

oddities! {
    // Connections.
    /// What is sent goes in small TLS records.
    SmallRecords = "small-records",
    /// Half of a message is sent, and after a pause the rest.
    PausesInMessages = "pauses-in-messages",
    /// Answers take their time, within the limit.
    LateAnswers = "late-answers",
    /// Each message has a connection of its own, and says so.
    ConnectionForEachMessage = "connection-for-each-message",
    /// A server keeps its connection to the other one, and goes on with it.
    ConnectionsKept = "connections-kept",

    // HTTP.
    /// Bodies go in chunks instead of with their length.
    ChunkedBodies = "chunked-bodies",
    /// There are header fields that nobody knows, and many.
    FurtherHeaderFields = "further-header-fields",
    /// The names of header fields are in title case.
    TitleCaseHeaderNames = "title-case-header-names",
    /// Media types have a parameter.
    MediaTypeParameters = "media-type-parameters",
    /// The target of a request is the whole URL.
    AbsoluteRequestTargets = "absolute-request-targets",
    /// What is accepted is answered with another 2xx status than 200.
    OtherSuccessStatus = "other-success-status",
    /// What is accepted is answered without a body, where the profile says that this is an answer.
    AnswersWithoutBody = "answers-without-body",

    // Documents between the servers.
    /// Elements have a namespace prefix.
    DocumentsWithPrefix = "documents-with-prefix",
    /// There are elements and attributes of another namespace.
    DocumentsWithExtensions = "documents-with-extensions",
    /// The elements come in the opposite order.
    DocumentsInAnotherOrder = "documents-in-another-order",
    /// Documents are laid out for people, with comments, CDATA and character references.
    DocumentsWithLayout = "documents-with-layout",
    /// The URL of the Bootstrap Server has a query with escapes.
    UrlsWithQueries = "urls-with-queries",

    // DM sessions.
    /// SyncML in XML is laid out for people, with comments, CDATA and character references.
    SyncmlWithLayout = "syncml-with-layout",
    /// The client opens more sessions with DMS-1 than anybody needs.
    PollsOften = "polls-often",
    /// The client comes back to DMS-2 in further sessions.
    ComesBack = "comes-back",
    /// The client sends an alert of its own in package 1 (OMA-TS-DM_Protocol 8.7).
    FurtherAlerts = "further-alerts",
    /// DMS-1 puts its commands into a Sequence.
    CommandsInSequence = "commands-in-sequence",
    /// DMS-1 adds an entry and its URL by separate commands.
    SeparateCommands = "separate-commands",
    /// DMS-1 sends one command in each message.
    OneCommandPerMessage = "one-command-per-message",
    /// Servers read what they like before they do what they must.
    ReadsFirst = "reads-first",
    /// The message that updates the ACLs removes the account of DMS-1 as well.
    RemovalWithAcls = "removal-with-acls",
    /// The names of entries in the Bootstrap Config object are unusual.
    UnusualEntryNames = "unusual-entry-names",
    /// The rights in an ACL, and the servers with a right, come in another order.
    AclsInAnotherOrder = "acls-in-another-order",
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Oddity {
    type Err = UnknownOddity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|oddity| oddity.name() == text);
        found.ok_or_else(|| UnknownOddity {
            name: text.to_owned(),
        })
    }
}

/// A name that no oddity has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("find an oddity `{name}`: there are {}", names())]
pub struct UnknownOddity {
    /// What was written.
    pub name: String,
}

fn names() -> String {
    let names: Vec<&str> = Oddity::ALL.iter().map(|oddity| oddity.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_oddity() {
        for oddity in Oddity::ALL {
            assert_eq!(oddity.name().parse(), Ok(*oddity));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "chunky".parse::<Oddity>().expect_err("there is no such oddity");
        let said = error.to_string();
        assert!(
            said.starts_with("find an oddity `chunky`: there are small-records, "),
            "{said}"
        );
    }
}
