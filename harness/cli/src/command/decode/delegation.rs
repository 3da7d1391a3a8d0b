//! Delegation documents, recognised by what a profile says of them.

use dmconform_case::document::{self, Fields};
use dmconform_case::profile::{Content, Document, Place, Profile, Syntax};
use dmconform_model::MessageId;
use oma_dm::media_type::MediaType;
use oma_dm::readable::readable;
use oma_dm::syncml::Encoding;
use oma_dm::xml::Element;

use super::{Body, Decoded, Noted};

/// Whether a profile sends delegation documents as this.
pub(super) fn is_media_type(profile: &Profile, media_type: &MediaType) -> bool {
    let essence = MediaType::parse(&profile.delegation.media_type);
    essence.is_ok_and(|of_profile| of_profile.essence() == media_type.essence())
}

/// Decodes a document whose root or namespace is one of the profile, or JSON that says what one of its messages says.
pub(super) fn decode(body: &Body<'_>, profile: &Profile) -> Result<Decoded, String> {
    match profile.delegation.syntax {
        Syntax::Xml => xml(body, profile),
        Syntax::Json => json(body, profile),
    }
}

/// What is known of a document alone: where it went, and in what header, nobody says.
fn fields(profile: &Profile, document: &Document, content: &Content) -> Fields {
    profile.carried(document, &[], content).unwrap_or_default()
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
    let carried: Vec<_> = profile
        .messages
        .iter()
        .filter(|(_, document)| !document.is_bodiless())
        .filter_map(|(id, document)| {
            let fields = profile.carried(document, &[], &content).ok()?;
            Some((*id, fields))
        })
        .collect();
    // Several messages may have no more than places: those of which most is there.
    let most = carried.iter().map(|(_, fields)| fields.len()).max().unwrap_or(0);
    let fitting: Vec<_> = carried
        .into_iter()
        .filter(|(_, fields)| fields.len() == most && most > 0)
        .collect();
    let ids: Vec<_> = fitting.iter().map(|(id, _)| id.to_string()).collect();
    let fields: Fields = fitting.into_iter().flat_map(|(_, fields)| fields).collect();
    let said = said(&fields);
    let summary = match ids.as_slice() {
        [] => "no message of the profile".to_owned(),
        ids => format!("message {}: {}", ids.join(" or "), said.join(", ")),
    };
    Ok(Decoded {
        kind: "delegation-document",
        title: "delegation document".to_owned(),
        encoding: "JSON",
        octets: body.octets.len(),
        summary,
        details: vec![("messages", ids), ("fields", said)],
        document: serde_json::to_string_pretty(value).unwrap_or_default(),
        noted: Vec::new(),
        rules: format!("the profile `{}`", profile.profile),
    })
}

fn xml(body: &Body<'_>, profile: &Profile) -> Result<Decoded, String> {
    let root = body.root(Encoding::Xml)?;
    let name = &*root.name.local;
    let is_of_namespace = root.name.namespace.as_deref() == profile.delegation.namespace.as_deref();
    let messages = messages(profile, &root);
    if messages.is_empty() && !is_of_namespace {
        let place = body.line_of(root.at.start).map(|place| format!(" ({place})"));
        return Err(format!(
            "it is XML, but its root `{name}`{} is none of OMA DM, nor of a delegation by the profile `{}`; \
             name another profile with --profile",
            place.unwrap_or_default(),
            profile.profile
        ));
    }
    let content = Content::Xml(root.clone());
    let fields: Fields = messages
        .iter()
        .flat_map(|(_, document)| fields(profile, document, &content))
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
        noted: departures(profile, &root, &messages),
        rules: format!("the profile `{}`", profile.profile),
    })
}

/// The messages that a document may be: those of its root, and of them those that know all of its elements, if there are any.
fn messages<'p>(profile: &'p Profile, root: &Element) -> Vec<(MessageId, &'p Document)> {
    let of_root = || {
        profile
            .messages
            .iter()
            .filter(|(_, document)| {
                document
                    .forms()
                    .any(|form| form.root.as_deref() == Some(&*root.name.local))
            })
            .map(|(id, document)| (*id, document))
    };
    let knows_all = |document: &Document| root.elements().all(|child| knows(document, child));
    let fitting: Vec<_> = of_root().filter(|(_, document)| knows_all(document)).collect();
    match fitting.is_empty() {
        true => of_root().collect(),
        false => fitting,
    }
}

/// Whether a document has fields at or below this child of its root.
fn knows(document: &Document, child: &Element) -> bool {
    let places = document.forms().flat_map(|form| form.fields.values());
    places.into_iter().any(|place| match place {
        Place::Xml(path) => path.first().is_none_or(|first| first == child.name.local),
        Place::Json(_) => false,
    })
}

fn departures(profile: &Profile, root: &Element, messages: &[(MessageId, &Document)]) -> Vec<Noted> {
    let name = &*root.name.local;
    let namespace = profile.delegation.namespace.as_deref().unwrap_or_default();
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
    if messages.is_empty() {
        note(root, format!("`{name}` is no root that the profile knows"));
    }
    for element in std::iter::once(root).chain(root.elements()) {
        let local = &element.name.local;
        let found = element.name.namespace.as_deref().unwrap_or_default();
        if found != namespace {
            note(
                element,
                format!("`{local}` is in the namespace `{found}`, where `{namespace}` belongs"),
            );
        }
        let is_known = messages.iter().any(|(_, document)| knows(document, element));
        if !is_known && !std::ptr::eq(element, root) && !messages.is_empty() {
            note(element, format!("`{local}` is not known here"));
        }
    }
    noted
}
