//! Meta information as it stands in `Meta`, with or without a `MetInf` around it.

use std::borrow::Cow;

use crate::xml::Element;

/// The elements directly in `Meta` or in a `MetInf` of it.
pub(super) fn children<'e, 'd>(meta: &'e Element<'d>) -> impl Iterator<Item = &'e Element<'d>> {
    meta.elements().flat_map(|child| {
        let wrapped = child.name.local == "MetInf";
        let inner = child.elements().filter(move |_| wrapped);
        std::iter::once(child).filter(move |_| !wrapped).chain(inner)
    })
}

/// The first of these elements with a name.
pub(super) fn child<'e, 'd>(meta: &'e Element<'d>, local: &str) -> Option<&'e Element<'d>> {
    children(meta).find(|child| child.name.local == local)
}

/// What the first of these elements with a name says in the `Meta` of an element.
pub(super) fn of<'e>(element: &'e Element<'_>, local: &str) -> Option<Cow<'e, str>> {
    child(element.child("Meta")?, local).map(trimmed)
}

/// What an element says, without the white space around it.
pub(super) fn trimmed<'e>(element: &'e Element<'_>) -> Cow<'e, str> {
    match element.text() {
        Cow::Borrowed(text) => text.trim().into(),
        Cow::Owned(text) => text.trim().to_owned().into(),
    }
}
