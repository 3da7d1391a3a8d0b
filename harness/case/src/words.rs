//! Changes and expectations in words, for diagrams and explanations.

use std::collections::BTreeMap;

use dmconform_model::certificate::Certificate;
use dmconform_model::{MessageId, Part};

use crate::claims::BeforeNotification;
use crate::field::Condition;
use crate::procedure::Procedure;
use crate::test_case::{
    Change, Circumstances, CloseAt, Corruption, FieldChange, How, Look, ProbeCommand, SessionRule, State,
    What,
};

/// What is unusual about the DM sessions and the bootstrap of a case, a sentence each.
pub fn sessions(given: &Circumstances) -> Vec<String> {
    let usual = Circumstances::default();
    let mut lines = Vec::new();
    if given.encoding != usual.encoding {
        lines.push(format!("The client writes {}.", given.encoding.as_str()));
    }
    if given.authentication != usual.authentication {
        lines.push(format!(
            "Device and servers prove themselves by {}.",
            given.authentication.as_str()
        ));
    }
    if given.bootstrap != usual.bootstrap {
        lines.push(format!(
            "The bootstrap has the form {}.",
            given.bootstrap.as_str()
        ));
    }
    if given.started_by != usual.started_by {
        lines.push("DMS-1 asks the client to come by a notification.".to_owned());
    }
    match given.before_notification {
        BeforeNotification::Nothing => {}
        BeforeNotification::Forged => {
            lines.push("A notification with a wrong digest comes before it.".to_owned());
        }
        BeforeNotification::Replayed => {
            lines.push(
                "A notification that the client has come for already comes again before it.".to_owned(),
            );
        }
    }
    if given.response_uri {
        lines.push("Servers tell the client by RespURI to go on at another address.".to_owned());
    }
    if let Some(octets) = given.max_message_size {
        lines.push(format!(
            "No message of a DM session is longer than {octets} octets: what is longer comes in several."
        ));
    }
    lines
}

/// A message with its name: `8 (ACL update)`.
pub fn message(procedure: &Procedure, message: MessageId) -> String {
    format!("{message} ({})", procedure.name(message))
}

/// A change: `7 (bootstrap complete) is held back for the declared window`.
pub fn change(procedure: &Procedure, change: &Change) -> String {
    format!("{} {}", message(procedure, change.at), how(&change.how))
}

/// What is different about a message, as the rest of a sentence that begins with the message.
pub fn how(how: &How) -> String {
    match how {
        How::Delay => "is held back for the declared window".to_owned(),
        How::Omit => "is not sent".to_owned(),
        How::Repeat(1) => "is sent once more after it was answered".to_owned(),
        How::Repeat(times) => format!("is sent {times} times more after it was answered"),
        How::SetField(fields) => fields_set(fields),
        How::Corrupt(corruption) => match corruption {
            Corruption::Garbage => "has a body that is no document",
            Corruption::Truncated => "has only the first half of its body",
            Corruption::Empty => "has an empty body",
            Corruption::UnknownDocument => "has a document of an unknown kind as its body",
            Corruption::WrongMediaType => "has a media type that is not its own",
            Corruption::Huge => "has a body larger than any document could be",
            Corruption::EntityBomb => {
                "has a body of XML entities that would be gigabytes if they were replaced"
            }
            Corruption::ExternalEntity => "has a body with an XML entity to be fetched from the harness",
            Corruption::DeepNesting => "has a body of XML elements nested a hundred thousand deep",
            Corruption::StringReference => {
                "has a body of WBXML that refers beyond the end of its string table"
            }
            Corruption::HugeLength => "has a body of WBXML that announces four gigabytes",
        }
        .to_owned(),
        How::Answer(status) => format!("has the status {status}"),
        How::CloseAt(at) => match at {
            CloseAt::Start => "does not come: the connection is closed before its first octet",
            CloseAt::Middle => "breaks off in the middle: the connection is closed",
            CloseAt::End => "is followed by a close of the connection",
        }
        .to_owned(),
        How::Tls(kind) => format!("is sent by a party with {}", certificate(*kind)),
        How::TlsVersion(version) => format!("is sent by a party that speaks {version} only"),
        How::Forged => {
            "is sent by a third server first, in its own name with the session identifier of this delegation"
                .to_owned()
        }
        How::ResumedByThirdServer => {
            "is sent by a third server first, on a TLS session of its own that it resumes".to_owned()
        }
        How::Replayed => "is sent again, octet for octet, when the delegation is complete".to_owned(),
        How::Slow => "comes an octet at a time, and never to its end".to_owned(),
        How::Plaintext => "comes without TLS".to_owned(),
        How::After(message) => format!("comes as soon as {message} was seen, whatever it says"),
        How::FromThirdServer => {
            "is sent by a third server first, with a valid certificate of its own".to_owned()
        }
    }
}

fn fields_set(fields: &BTreeMap<String, FieldChange>) -> String {
    let words: Vec<String> = fields
        .iter()
        .map(|(name, change)| match change {
            FieldChange::To(text) => format!("{name} `{text}`"),
            FieldChange::Removed => format!("no {name}"),
        })
        .collect();
    format!("has {}", words.join(" and "))
}

/// A kind of certificate: `an expired certificate`.
pub const fn certificate(kind: Certificate) -> &'static str {
    match kind {
        Certificate::Good => "a good certificate",
        Certificate::None => "no certificate",
        Certificate::UnknownAuthority => "a certificate of an unknown authority",
        Certificate::Expired => "an expired certificate",
        Certificate::NotYetValid => "a certificate that is not valid yet",
        Certificate::WrongName => "a certificate for another host",
        Certificate::WrongUse => "a certificate for another use",
        Certificate::SelfSigned => "a self-signed certificate",
        Certificate::MissingIntermediate => "a certificate without its intermediate",
        Certificate::OtherServer => "the certificate of another server",
        Certificate::Renewed => "a new certificate of its own, with another key",
        Certificate::Revoked => "a revoked certificate",
    }
}

/// What must be seen: `8 (ACL update) does not come before 7 (bootstrap complete)`.
pub fn expected(procedure: &Procedure, what: &What) -> String {
    let named = |id: MessageId| message(procedure, id);
    match what {
        What::Sessions(rule) => match rule {
            SessionRule::Regular => {
                "what the judged roles say in DM sessions keeps the rules that bind them".to_owned()
            }
            SessionRule::InForm => {
                "what the judged roles say in DM sessions is in form, and keeps what is recommended"
                    .to_owned()
            }
            SessionRule::Sealed => {
                "each message of a judged role in a DM session is sealed, once one was".to_owned()
            }
        },
        What::Secured => "what passes between the servers passes inside TLS".to_owned(),
        What::Procedure => "every message of the judged roles comes, in order, with equal data".to_owned(),
        What::Step { message, fields } if fields.is_empty() => match message.part {
            Part::Request => format!("{} comes", named(*message)),
            Part::Answer => format!("{} comes and accepts", named(*message)),
        },
        What::Step { message, fields } => {
            let conditions: Vec<String> = fields
                .iter()
                .flat_map(|(name, conditions)| conditions.iter().map(move |found| condition(name, found)))
                .collect();
            format!("{} comes; its {}", named(*message), conditions.join("; its "))
        }
        What::Never {
            message,
            until: Some(until),
        } => format!("{} does not come before {}", named(*message), named(*until)),
        What::Never { message, until: None } => {
            format!("{} does not come within the declared window", named(*message))
        }
        What::Equal(fields) => {
            let names: Vec<String> = fields.iter().map(ToString::to_string).collect();
            format!("{} are the same", names.join(" and "))
        }
        What::Premise(fields) => {
            let names: Vec<String> = fields.iter().map(ToString::to_string).collect();
            format!(
                "{} are the same; nothing is proven otherwise",
                names.join(" and ")
            )
        }
        What::Refuse(message) => format!("{} is refused, and nothing follows from it", named(*message)),
        What::Serves(message) => format!(
            "the other end of {} speaks that version of TLS, too",
            named(*message)
        ),
        What::Survives => {
            "a whole delegation without any change takes place afterwards, as it did before".to_owned()
        }
        What::FetchesNothing => "nothing is fetched that the document refers to".to_owned(),
        What::State(State { after, look }) => format!("after {}, {}", named(*after), look_at(look)),
        What::OneOf(alternatives) => {
            let words: Vec<String> = alternatives
                .iter()
                .map(|alternative| expected(procedure, &alternative.what))
                .collect();
            format!("either {}", words.join("; or "))
        }
    }
}

fn condition(name: &str, condition: &Condition) -> String {
    match condition {
        Condition::Present => format!("{name} is there"),
        Condition::Absent => format!("{name} is not there"),
        Condition::Equals(text) => format!("{name} is `{text}`"),
        Condition::OneOf(texts) => format!("{name} is one of `{}`", texts.join("`, `")),
        Condition::Not(text) => format!("{name} is not `{text}`"),
        Condition::SameAs(field) => format!("{name} is {field}"),
        Condition::Lacks(field) => format!("{name} has nothing of {field}"),
        Condition::Includes(field) => format!("{name} includes {field}"),
        Condition::AbsoluteHttps => format!("{name} is an absolute https URL"),
    }
}

fn look_at(look: &Look) -> String {
    match look {
        Look::Probe {
            role,
            command,
            node,
            gives,
            lacks,
            contains,
        } => {
            let command = match command {
                ProbeCommand::Get => "Get",
                ProbeCommand::Replace => "Replace",
                ProbeCommand::Add => "Add",
            };
            let statuses: Vec<String> = gives.iter().map(u16::to_string).collect();
            let mut words = format!(
                "a {command} of {node} by {} gives {}",
                role.title(),
                statuses.join(" or ")
            );
            for (text, verb) in [(contains, "with"), (lacks, "without")] {
                if let Some(text) = text {
                    words = format!("{words}, {verb} `{text}` in the result");
                }
            }
            words
        }
        Look::Account {
            server,
            present: true,
        } => format!("the client has an account of {}", server.title()),
        Look::Account {
            server,
            present: false,
        } => {
            format!("the client has no account of {}", server.title())
        }
        Look::Acl { node, grants, lacks } => {
            let mut words = format!("the ACL of {node}");
            for (entries, verb) in [(grants, "has"), (lacks, "does not have")] {
                if let Some(entries) = entries {
                    words = format!("{words} {verb} `{entries}`");
                }
            }
            words
        }
        Look::Unchanged => {
            "the client's accounts and ACLs are as they were, but for the delegated nodes".to_owned()
        }
    }
}
