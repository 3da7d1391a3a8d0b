//! Delegation documents, recognised by what a profile says of them.

use dmconform_case::document::{self, Fields};
use dmconform_case::profile::{Content, Document, Place, Profile, Syntax};
use dmconform_model::MessageId;
use oma_dm::media_type::MediaType;
use oma_dm::readable::{HIDDEN, Secrets, readable};
use oma_dm::syncml::Encoding;
use oma_dm::xml::Element;
use serde_json::Value;

use super::{Body, Decoded, Noted};

/// Whether a profile sends delegation documents as this.
pub(super) fn is_media_type(profile: &Profile, media_type: &MediaType) -> bool {
    let essence = MediaType::parse(&profile.delegation.media_type);
    essence.is_ok_and(|of_profile| of_profile.essence() == media_type.essence())
}

/// Whether a body is JSON, which nothing else is in.
pub(super) fn is_json(octets: &[u8]) -> bool {
    let is_structured = |value: Value| value.is_object() || value.is_array();
    serde_json::from_slice(octets).is_ok_and(is_structured)
}

/// Decodes a document whose root or namespace is one of the profile, or JSON that says what one of its messages says.
pub(super) fn decode(body: &Body<'_>, profile: &Profile) -> Result<Decoded, String> {
    match profile.delegation.syntax {
        Syntax::Xml if is_json(body.octets) => Err(format!(
            "it is JSON, and the documents of the profile `{}` are XML; name another profile with --profile",
            profile.profile
        )),
        Syntax::Xml => xml(body, profile),
        Syntax::Json => json(body, profile),
    }
}

fn said(fields: &Fields) -> Vec<String> {
    fields
        .iter()
        .map(|(field, values)| format!("{field} {}", values.join(" and ")))
        .collect()
}

fn json(body: &Body<'_>, profile: &Profile) -> Result<Decoded, String> {
    let content = document::content(Syntax::Json, body.octets)
        .map_err(|error| format!("by the profile `{}` it should be JSON: {error}", profile.profile))?;
    let Content::Json(value) = &content else {
        return Err("it is empty".to_owned());
    };
    let messages = profile.messages.iter();
    let carried = messages.filter_map(|(id, document)| {
        let fields = profile.in_body(document, &content).ok()?;
        let told_by = fields.len() + document.when.len();
        Some((*id, fields, told_by))
    });
    let carried: Vec<_> = carried.collect();
    // Several messages may have no more than places: those of which most is there.
    let most = carried.iter().map(|(_, _, told_by)| *told_by).max().unwrap_or(0);
    let fitting: Vec<_> = carried
        .into_iter()
        .filter(|(_, _, told_by)| *told_by == most && most > 0)
        .collect();
    let ids: Vec<_> = fitting.iter().map(|(id, _, _)| id.to_string()).collect();
    let fields: Fields = fitting.into_iter().flat_map(|(_, fields, _)| fields).collect();
    let said = said(&fields);
    let mut noted = Vec::new();
    let summary = match ids.as_slice() {
        [] => {
            noted.push(Noted {
                path: String::new(),
                text:
                    "no message of the profile has this in it; `dmconform profile test` says of each why not"
                        .to_owned(),
                section: None,
                is_unusual: false,
                octet: None,
                place: None,
            });
            "no message of the profile".to_owned()
        }
        ids => format!("message {}: {}", ids.join(" or "), said.join(", ")),
    };
    Ok(Decoded {
        kind: "delegation-document",
        title: "delegation document".to_owned(),
        encoding: "JSON",
        octets: body.octets.len(),
        summary,
        details: vec![("messages", ids), ("fields", said)],
        document: serde_json::to_string_pretty(&shown(value, body.secrets)).unwrap_or_default(),
        noted,
        rules: format!("the profile `{}`", profile.profile),
    })
}

/// JSON for people: by what they are called, some members hold what is not to be seen.
fn shown(value: &Value, secrets: Secrets) -> Value {
    match value {
        Value::Object(members) => {
            let shown = members.iter().map(|(name, value)| {
                let is_hidden = secrets == Secrets::Hidden && is_secret(name) && !value.is_null();
                let value = match is_hidden {
                    true => Value::from(HIDDEN),
                    false => shown(value, secrets),
                };
                (name.clone(), value)
            });
            Value::Object(shown.collect())
        }
        Value::Array(items) => items.iter().map(|item| shown(item, secrets)).collect(),
        other => other.clone(),
    }
}

/// Whether a member of this name holds a secret, as far as a name can tell.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "key", "nonce"]
        .iter()
        .any(|end| name.ends_with(end))
}

fn xml(body: &Body<'_>, profile: &Profile) -> Result<Decoded, String> {
    let root = body.root(Encoding::Xml)?;
    let name = &*root.name.local;
    let is_of_namespace = root.name.namespace.as_deref() == profile.delegation.namespace.as_deref();
    let content = Content::Xml(root.clone());
    let of_root = of_root(profile, &root);
    if of_root.is_empty() && !is_of_namespace {
        let place = body.line_of(root.at.start).map(|place| format!(" ({place})"));
        return Err(format!(
            "it is XML, but its root `{name}`{} is none of OMA DM, nor of a delegation by the profile `{}`; \
             name another profile with --profile",
            place.unwrap_or_default(),
            profile.profile
        ));
    }
    let messages = fitting(profile, &root, &content, &of_root);
    let fields: Fields = messages
        .iter()
        .flat_map(|(_, document)| profile.in_body(document, &content).unwrap_or_default())
        .collect();
    let ids: Vec<_> = messages.iter().map(|(id, _)| id.to_string()).collect();
    let said = said(&fields);
    let summary = match ids.as_slice() {
        [] => format!("`{name}` is no message of the profile"),
        ids => format!("{name}, message {}: {}", ids.join(" or "), said.join(", ")),
    };
    let mut details = vec![("root", vec![name.to_owned()]), ("messages", ids)];
    details.push(("fields", said));
    Ok(Decoded {
        kind: "delegation-document",
        title: "delegation document".to_owned(),
        encoding: "XML",
        octets: body.octets.len(),
        summary,
        details,
        document: readable(&root, body.secrets).to_pretty_xml(),
        noted: departures(profile, &root, &content, &of_root, &messages),
        rules: format!("the profile `{}`", profile.profile),
    })
}

/// A message, and what the profile says of it.
type OfProfile<'p> = (MessageId, &'p Document);

/// The messages whose documents have this root.
fn of_root<'p>(profile: &'p Profile, root: &Element) -> Vec<OfProfile<'p>> {
    let has_root = |document: &Document| {
        let mut forms = document.forms();
        forms.any(|form| form.root.as_deref() == Some(&*root.name.local))
    };
    let messages = profile.messages.iter();
    let of_root = messages.filter(|(_, document)| has_root(document));
    of_root.map(|(id, document)| (*id, document)).collect()
}

/// The messages that a document may be: those of its root that have in them what it has, and of them those that know all of its
/// elements, if there are any.
fn fitting<'p>(
    profile: &Profile,
    root: &Element,
    content: &Content,
    of_root: &[OfProfile<'p>],
) -> Vec<OfProfile<'p>> {
    let carried = of_root.iter().copied();
    let carried = carried.filter(|(_, document)| profile.in_body(document, content).is_ok());
    let carried: Vec<_> = carried.collect();
    let knows_all = |document: &Document| root.elements().all(|child| knows(document, child));
    let knowing = carried.iter().copied();
    let knowing: Vec<_> = knowing.filter(|(_, document)| knows_all(document)).collect();
    match knowing.is_empty() {
        true => carried,
        false => knowing,
    }
}

/// Whether a document has a field or something fixed at or below this child of its root.
fn knows(document: &Document, child: &Element) -> bool {
    let mut places = document
        .forms()
        .flat_map(|form| form.fields.values().chain(form.when.keys()));
    places.any(|place| match place {
        Place::Xml(path) => path.begins_with(&child.name.local),
        Place::Json(_) => false,
    })
}

fn departures(
    profile: &Profile,
    root: &Element,
    content: &Content,
    of_root: &[OfProfile<'_>],
    messages: &[OfProfile<'_>],
) -> Vec<Noted> {
    let name = &*root.name.local;
    let delegation = &profile.delegation;
    let namespace = delegation.namespace.as_deref().unwrap_or_default();
    let mut noted = Vec::new();
    let mut note = |element: &Element, text: String| {
        noted.push(Noted {
            path: name.to_owned(),
            text,
            section: None,
            is_unusual: false,
            octet: Some(element.at.start),
            place: None,
        });
    };
    if of_root.is_empty() {
        note(root, format!("`{name}` is no root that the profile knows"));
    }
    if messages.is_empty() {
        for (id, document) in of_root {
            if let Err(mismatch) = profile.in_body(document, content) {
                note(root, format!("it is not message {id}: {mismatch}"));
            }
        }
    }
    for element in std::iter::once(root).chain(root.elements()) {
        let local = &element.name.local;
        let found = element.name.namespace.as_deref().unwrap_or_default();
        let is_root = std::ptr::eq(element, root);
        let is_declared = !is_root && delegation.prefixes.values().any(|declared| declared == found);
        if found != namespace && !is_declared {
            note(
                element,
                format!("`{local}` is in the namespace `{found}`, where `{namespace}` belongs"),
            );
        }
        let is_known = messages.iter().any(|(_, document)| knows(document, element));
        if !is_known && !is_root && !messages.is_empty() {
            note(element, format!("`{local}` is not known here"));
        }
    }
    noted
}
