//! Elements against the content models and namespaces of SyncML: every element, and every departure of it.

use super::grammar::{self, Content, Particle, Vocabulary};
use super::observation::{Departure, Notes};
use super::{Encoding, METINF, NAMESPACE, NAMESPACE_1_1, meta};
use crate::xml::{Element, Node};

/// Notes all that departs from the content models and namespaces in a document whose outermost element is `SyncML`.
pub(super) fn document<'e>(root: &'e Element, encoding: Encoding, notes: &mut Notes<'e>) {
    let found = root.name.namespace.as_deref();
    let is_older = found == Some(NAMESPACE_1_1);
    let checker = Checker {
        // A document of an older version is one in itself: that is noted once.
        namespace: if is_older { NAMESPACE_1_1 } else { NAMESPACE },
        encoding,
    };
    if is_older {
        let departure = Departure::Version {
            element: "SyncML",
            found: NAMESPACE_1_1.to_owned(),
        };
        notes.enter(root);
        notes.note(root, departure);
        notes.leave();
    }
    checker.element(root, None, notes);
}

struct Checker {
    namespace: &'static str,
    encoding: Encoding,
}

impl Checker {
    /// `wrong` is the namespace of the element around it, where that is wrong already.
    fn element<'e>(&self, element: &'e Element, wrong: Option<&Element>, notes: &mut Notes<'e>) {
        let local = &*element.name.local;
        let Some(model) = grammar::model(local) else {
            return;
        };
        let expected = match model.vocabulary {
            Vocabulary::SyncMl => self.namespace,
            Vocabulary::MetInf => METINF,
        };
        let found = element.name.namespace.as_deref();
        let is_wrong = found != Some(expected);
        if is_wrong && wrong.is_none_or(|around| around.name.namespace.as_deref() != found) {
            let departure = Departure::WrongNamespace {
                element: local.to_owned(),
                found: found.map(str::to_owned),
            };
            notes.note(element, departure);
        }
        if !model.is_for_dm {
            notes.note(element, Departure::NotForDm(local.to_owned()));
        }
        notes.enter(element);
        for attribute in &element.attributes {
            let departure = Departure::Attribute {
                element: local.to_owned(),
                attribute: attribute.name.local.to_string(),
            };
            notes.note(element, departure);
        }
        self.content(element, &model.content, notes);
        if local == "Meta" {
            meta_information(element, notes);
        }
        // What is in `Data` or in an element of data synchronisation is no matter of these models.
        if local != "Data" && !matches!(model.content, Content::Any) {
            for child in element.elements() {
                self.element(child, is_wrong.then_some(element), notes);
            }
        }
        notes.leave();
    }

    fn content<'e>(&self, element: &'e Element, content: &Content, notes: &mut Notes<'e>) {
        match content {
            Content::Any => {}
            Content::Text if element.name.local == "Data" => {
                if element.elements().next().is_some() && !self.is_markup_allowed(notes) {
                    notes.note(element, Departure::MarkupInData);
                }
            }
            Content::Text => {
                for child in element.elements() {
                    notes.note(child, out_of_place(child));
                }
            }
            Content::Mixed(known) => {
                for child in element.elements() {
                    if !known.contains(&&*child.name.local) {
                        notes.note(child, out_of_place(child));
                    }
                }
            }
            Content::Empty => {
                if has_text(element, |text| !text.is_empty()) {
                    notes.note(element, stray_text(element));
                }
                for child in element.elements() {
                    notes.note(child, out_of_place(child));
                }
            }
            Content::Elements(particles) => {
                if has_text(element, |text| !text.trim_ascii().is_empty()) {
                    notes.note(element, stray_text(element));
                }
                sequence(element, particles, notes);
            }
        }
    }

    /// XML has markup as text; WBXML has a code page for what stands in the `Data` of an `Item` (OMA-TS-DM_TND 10).
    fn is_markup_allowed(&self, notes: &Notes<'_>) -> bool {
        self.encoding == Encoding::Wbxml && notes.around() == Some("Item")
    }
}

/// The children of an element against their order and number.
fn sequence<'e>(element: &'e Element, particles: &[Particle], notes: &mut Notes<'e>) {
    // Which of the particles were there.
    let mut seen = 0_u32;
    let mut furthest: Option<(usize, &Element)> = None;
    for child in element.elements() {
        let local = &*child.name.local;
        // Mostly they are in order.
        let from = furthest.map_or(0, |(place, _)| place);
        let takes = |particle: &Particle| particle.takes(local);
        let further = particles[from..].iter().position(takes).map(|place| from + place);
        let Some(place) = further.or_else(|| particles[..from].iter().position(takes)) else {
            notes.note(child, out_of_place(child));
            continue;
        };
        match furthest {
            Some((later, before)) if later > place => {
                let departure = Departure::WrongOrder {
                    element: local.to_owned(),
                    before: before.name.local.to_string(),
                };
                notes.note(child, departure);
            }
            Some((later, _)) if later == place => {}
            _ => furthest = Some((place, child)),
        }
        if seen & (1 << place) != 0 && !particles[place].occurs.may_repeat() {
            notes.note(child, Departure::Repeated(local.to_owned()));
        }
        seen |= 1 << place;
    }
    for (place, particle) in particles.iter().enumerate() {
        if seen & (1 << place) == 0 && particle.occurs.is_needed() {
            notes.note(element, Departure::Missing(particle.label().to_owned()));
        }
    }
}

/// What no content model says of meta information, whose order is free.
fn meta_information<'e>(element: &'e Element, notes: &mut Notes<'e>) {
    let mut seen: Vec<&str> = Vec::new();
    for child in meta::children(element) {
        let local = &*child.name.local;
        let is_known = grammar::model(local).is_some_and(|model| model.vocabulary == Vocabulary::MetInf);
        if is_known && local != "EMI" && seen.contains(&local) {
            notes.note(child, Departure::RepeatedMeta(local.to_owned()));
        }
        if is_known && !seen.contains(&local) {
            seen.push(local);
        }
    }
    for wrapper in element.children_named("MetInf") {
        notes.note(wrapper, Departure::WrappedMeta);
    }
}

fn out_of_place(child: &Element) -> Departure {
    let local = child.name.local.to_string();
    match grammar::model(&local) {
        Some(_) => Departure::MisplacedElement(local),
        None => Departure::UnknownElement(local),
    }
}

fn stray_text(element: &Element) -> Departure {
    Departure::StrayText {
        element: element.name.local.to_string(),
    }
}

/// Whether there is a text or there are octets of a kind directly in an element.
fn has_text(element: &Element, is_so: impl Fn(&[u8]) -> bool) -> bool {
    element.children.iter().any(|node| match node {
        Node::Text(text) => is_so(text.as_bytes()),
        Node::Opaque(octets) => is_so(octets),
        Node::Element(_) => false,
    })
}
