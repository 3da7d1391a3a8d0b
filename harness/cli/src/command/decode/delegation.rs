//! Delegation documents, recognised by what a profile says of them.

use std::collections::BTreeMap;

use dmconform_case::document;
use dmconform_case::profile::{Document, Profile};
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

/// Decodes a document whose root or namespace is one of the profile.
pub(super) fn decode(body: &Body<'_>, profile: &Profile) -> Result<Decoded, String> {
    let root = body.root(Encoding::Xml)?;
    let name = root.name.local.as_str();
    let is_of_namespace = root.name.namespace.as_deref() == Some(profile.delegation.namespace.as_str());
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
    let fields: BTreeMap<_, _> = messages
        .iter()
        .flat_map(|(_, document)| document::fields(document, &root))
        .collect();
    let ids: Vec<_> = messages.iter().map(|(id, _)| id.to_string()).collect();
    let said: Vec<_> = fields
        .iter()
        .map(|(field, values)| format!("{field} {}", values.join(" and ")))
        .collect();
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
            .filter(|(_, document)| document.root == root.name.local)
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
    let firsts = document.fields.values().filter_map(|path| path.split('/').next());
    firsts.into_iter().any(|first| first == child.name.local)
}

fn departures(profile: &Profile, root: &Element, messages: &[(MessageId, &Document)]) -> Vec<Noted> {
    let name = root.name.local.as_str();
    let namespace = profile.delegation.namespace.as_str();
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
        if element.name.namespace.as_deref() != Some(namespace) {
            let found = element.name.namespace.as_deref().unwrap_or("");
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
