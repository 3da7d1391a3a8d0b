//! The names that files refer to, as JSON Schemas, so that editors complete them.

use std::borrow::Cow;
use std::marker::PhantomData;

use dmconform_model::certificate::Certificate as Presented;
use dmconform_model::{Part, Role as Known, Step as KnownStep};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::field::Given;

/// A role.
pub(crate) struct Role;
/// A step.
pub(crate) struct Step;
/// A message.
pub(crate) struct Message;
/// A field of a message, or a given fact.
pub(crate) struct Field;
/// The identifier of a requirement.
pub(crate) struct RequirementId;
/// The identifier of a case.
pub(crate) struct CaseId;
/// A kind of certificate.
pub(crate) struct Certificate;
/// What a case weighs on.
pub(crate) struct Class;
/// A version of TLS.
pub(crate) struct Version;
/// Where a requirement comes from.
pub(crate) struct Basis;
/// What a broken requirement is.
pub(crate) struct Weight;
/// A kind of check.
pub(crate) struct CheckKind;
/// Why something is not tested.
pub(crate) struct Untested;

/// One requirement.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used; the type that is read has none")]
pub(crate) struct Requirement {
    /// Its identifier.
    id: RequirementId,
    /// The steps it concerns; absent when it concerns all.
    #[schemars(default)]
    steps: Vec<Step>,
    /// The roles that can break it.
    #[schemars(length(min = 1))]
    binds: Vec<Role>,
    /// What it asks for, in one sentence.
    words: String,
    /// Where it comes from.
    basis: Basis,
    /// What breaking it comes to.
    weight: Weight,
    /// The claims of which each makes it apply, for weight `fail-if-claimed`; where there are several, a case says in `requires` which
    /// one it is about.
    #[schemars(default)]
    claims: Vec<String>,
    /// Where the text that backs it is to be found; where no text does, what it is inferred from.
    #[schemars(default)]
    text: String,
    /// What of it is not tested, and why.
    #[schemars(default, rename = "not-tested")]
    not_tested: Vec<NotTested>,
}

/// A kind of check of a requirement that no case makes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used; the type that is read has none")]
pub(crate) struct NotTested {
    /// For which roles; absent for all that it binds.
    #[schemars(default)]
    of: Vec<Role>,
    /// Which kind of check; absent for both.
    check: Option<CheckKind>,
    /// Why not, in a word.
    reason: Untested,
    /// Why not, in a sentence.
    why: String,
}

/// Something that no requirement states.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used; the type that is read has none")]
pub(crate) struct OpenQuestion {
    /// The steps it concerns; absent when it concerns all.
    #[schemars(default)]
    steps: Vec<Step>,
    /// What is not tested.
    words: String,
    /// Why not, in a word.
    reason: Untested,
    /// Why not, in a sentence.
    why: String,
}

/// One deviation.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used; the type that is read has none")]
pub(crate) struct Deviation {
    /// Its name.
    name: String,
    /// The roles that can have it.
    #[schemars(length(min = 1))]
    of: Vec<Role>,
    /// The requirement it breaks.
    breaks: RequirementId,
    /// What it does, in one sentence.
    words: String,
}

/// One oddity.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used; the type that is read has none")]
pub(crate) struct Oddity {
    /// Its name.
    name: String,
    /// The roles that can have it.
    #[schemars(length(min = 1))]
    of: Vec<Role>,
    /// What it does, in one sentence.
    words: String,
}

macro_rules! named_schema {
    ($name:ident, $schema:expr) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

named_schema!(Role, json_schema!({"enum": Known::ALL.map(Known::as_str)}));
named_schema!(
    Step,
    json_schema!({"enum": steps(|step| step.as_str().to_owned())})
);
named_schema!(
    Message,
    json_schema!({
        "description": "A step's request (`8`) or its answer (`8.answer`).",
        "enum": messages()
    })
);
named_schema!(
    Field,
    json_schema!({
        "description": "A message and a field, or a given fact.",
        "anyOf": [
            {"type": "string", "pattern": "^([2-9]|10|8b)(\\.answer)?/[a-z-]+$"},
            {"enum": Given::ALL.map(|given| format!("given/{}", given.as_str()))}
        ]
    })
);
named_schema!(
    RequirementId,
    json_schema!({"type": "string", "pattern": "^((DEL|ROB)-[0-9]+b?|DM)-[0-9]+$"})
);
named_schema!(
    CaseId,
    json_schema!({"type": "string", "pattern": "^(DEL|ROB)-(CLIENT|DMS1|DMS2|BS)-([0-9]|10|8b)-[0-9]{3}$"})
);
named_schema!(Certificate, json_schema!({"enum": CERTIFICATES.map(certificate)}));
named_schema!(
    Basis,
    json_schema!({"enum": ["change-request", "public", "inferred"]})
);
named_schema!(Class, json_schema!({"enum": ["conformance", "robustness"]}));
named_schema!(Version, json_schema!({"enum": ["1.1", "1.2", "1.3"]}));
named_schema!(CheckKind, json_schema!({"enum": ["positive", "negative"]}));
named_schema!(
    Untested,
    json_schema!({"enum": ["unobservable", "left-open", "optional", "not-yet"]})
);
named_schema!(
    Weight,
    json_schema!({"enum": ["fail", "warn", "fail-if-claimed", "robustness"]})
);

/// Something for each of several roles.
pub(crate) struct ByRole<T>(PhantomData<T>);
/// Something for each of several messages.
pub(crate) struct ByMessage<T>(PhantomData<T>);

macro_rules! keyed_schema {
    ($name:ident, $keys:expr) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                format!("{}_{}", stringify!($name), T::schema_name()).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let value = generator.subschema_for::<T>();
                let keys: Vec<String> = $keys;
                let properties: serde_json::Map<String, Value> =
                    keys.into_iter().map(|key| (key, value.clone().to_value())).collect();
                json_schema!({"type": "object", "properties": properties, "additionalProperties": false})
            }
        }
    };
}

keyed_schema!(ByRole, Known::ALL.map(|role| role.as_str().to_owned()).to_vec());
keyed_schema!(
    ByMessage,
    messages()
        .into_iter()
        .filter_map(|message| message.as_str().map(str::to_owned))
        .collect()
);

/// Every kind of certificate; a test compares the names with what is read.
const CERTIFICATES: [Presented; 12] = [
    Presented::Good,
    Presented::None,
    Presented::UnknownAuthority,
    Presented::Expired,
    Presented::NotYetValid,
    Presented::WrongName,
    Presented::WrongUse,
    Presented::SelfSigned,
    Presented::MissingIntermediate,
    Presented::OtherServer,
    Presented::Renewed,
    Presented::Revoked,
];

/// The name of a certificate in files.
pub(crate) const fn certificate(certificate: Presented) -> &'static str {
    match certificate {
        Presented::Good => "good",
        Presented::None => "none",
        Presented::UnknownAuthority => "unknown-authority",
        Presented::Expired => "expired",
        Presented::NotYetValid => "not-yet-valid",
        Presented::WrongName => "wrong-name",
        Presented::WrongUse => "wrong-use",
        Presented::SelfSigned => "self-signed",
        Presented::MissingIntermediate => "missing-intermediate",
        Presented::OtherServer => "other-server",
        Presented::Renewed => "renewed",
        Presented::Revoked => "revoked",
    }
}

/// Steps as YAML gives them: a number where it is one, and as text.
fn steps(written: impl Fn(KnownStep) -> String) -> Vec<Value> {
    KnownStep::ALL
        .into_iter()
        .flat_map(|step| {
            let text = written(step);
            let number = text.parse::<u64>().ok().map(|number| json!(number));
            number.into_iter().chain([json!(text)])
        })
        .collect()
}

fn messages() -> Vec<Value> {
    let carries = |step: &KnownStep| *step != KnownStep::TlsConnection;
    let of = |part: Part| {
        KnownStep::ALL.into_iter().filter(carries).flat_map(move |step| {
            match (part, step.as_str().parse::<u64>()) {
                (Part::Request, Ok(number)) => vec![json!(number), json!(step.as_str())],
                (Part::Request, Err(_)) => vec![json!(step.as_str())],
                (Part::Answer, _) => vec![json!(format!("{step}.answer"))],
            }
        })
    };
    of(Part::Request).chain(of(Part::Answer)).collect()
}

#[cfg(test)]
mod tests {
    use super::{CERTIFICATES, certificate};

    #[test]
    fn certificates_are_named_as_they_are_read() {
        for kind in CERTIFICATES {
            let read: dmconform_model::certificate::Certificate =
                serde_json::from_value(certificate(kind).into()).expect("the name is read");
            assert_eq!(read, kind);
        }
    }
}
