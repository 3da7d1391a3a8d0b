//! What departs in an object from the content models of OMA-TS-DM_TNDS 6, without making it useless.

use std::collections::BTreeSet;

use super::{NAMESPACE, from_base64};
use crate::syncml::{Departure, Observation};
use crate::tree::Format;
use crate::xml::Element;

/// What departs from the specification in an element `MgmtTree`, in the order of the document.
pub fn departures(object: &Element) -> Vec<Observation> {
    let mut check = Check::default();
    if let Some(model) = Model::of(&object.name.local) {
        check.element(object, model);
    }
    check.observations
}

/// What an element holds, in this order.
struct Model {
    children: &'static [&'static str],
    required: &'static [&'static str],
    repeatable: &'static [&'static str],
}

impl Model {
    /// The model of an element that holds elements.
    fn of(local: &str) -> Option<Self> {
        let (children, required, repeatable): (&[_], &[_], &[_]) = match local {
            "MgmtTree" => (&["VerDTD", "Man", "Mod", "Node"], &["VerDTD", "Node"], &["Node"]),
            "Node" => (
                &[
                    "NodeName",
                    "Path",
                    "RTProperties",
                    "DFProperties",
                    "Node",
                    "Value",
                ],
                &["NodeName"],
                &["Node"],
            ),
            "RTProperties" => (
                &[
                    "ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo",
                ],
                &["Type"],
                &[],
            ),
            "Type" => (&["MIME", "DDFName"], &[], &[]),
            _ => return None,
        };
        Some(Self {
            children,
            required,
            repeatable,
        })
    }
}

#[derive(Default)]
struct Check {
    path: Vec<String>,
    observations: Vec<Observation>,
}

impl Check {
    fn note(&mut self, element: &Element, departure: Departure) {
        self.observations.push(Observation {
            departure,
            path: self.path.join("/"),
            at: element.at.clone(),
        });
    }

    fn bad_value(&mut self, element: &Element, expected: &'static str, found: &str) {
        let departure = Departure::BadValue {
            element: element.name.local.to_string(),
            expected,
            found: found.to_owned(),
        };
        self.note(element, departure);
    }

    fn element(&mut self, element: &Element, model: Model) {
        self.path.push(element.name.local.to_string());
        if self.path.len() == 1 {
            self.namespace(element);
        }
        let mut seen = BTreeSet::new();
        let mut highest = 0;
        for child in element.elements() {
            let local = &*child.name.local;
            self.namespace(child);
            let Some(position) = model.children.iter().position(|known| *known == local) else {
                self.note(child, Departure::UnknownElement(local.to_owned()));
                continue;
            };
            if position < highest {
                let before = model.children[highest].to_owned();
                let element = local.to_owned();
                self.note(child, Departure::WrongOrder { element, before });
            }
            highest = highest.max(position);
            if !seen.insert(local) && !model.repeatable.contains(&local) {
                self.note(child, Departure::Repeated(local.to_owned()));
            }
            match Model::of(local) {
                Some(inner) => self.element(child, inner),
                None => self.leaf(child),
            }
        }
        for missing in model.required.iter().filter(|required| !seen.contains(*required)) {
            self.note(element, Departure::Missing((*missing).to_owned()));
        }
        if element.name.local == "Node" {
            self.size(element);
        }
        self.path.pop();
    }

    fn leaf(&mut self, element: &Element) {
        let text = element.text();
        match &*element.name.local {
            "VerDTD" if text.trim() != "1.2" => self.bad_value(element, "1.2", text.trim()),
            "Format" => {
                let mut formats = element.elements();
                let is_one = |of: &Element| Format::from_name(&of.name.local).is_some();
                if !formats.next().is_some_and(is_one) || formats.next().is_some() {
                    self.bad_value(element, "one element that names a format", text.trim());
                }
            }
            _ => {}
        }
    }

    /// Whether the property Size, where it is given, is that of the value.
    fn size(&mut self, node: &Element) {
        let properties = node.child("RTProperties");
        let Some(size) = properties.and_then(|properties| properties.child("Size")) else {
            return;
        };
        let Some(value) = node.child("Value").map(Element::octets) else {
            return;
        };
        let format = properties
            .and_then(|properties| properties.child("Format")?.elements().next())
            .map(|format| &*format.name.local);
        let octets = match format {
            Some("b64") => from_base64(&value).map_or(value.len(), |decoded| decoded.len()),
            _ => value.len(),
        };
        let text = size.text();
        if text.trim() != octets.to_string() {
            self.bad_value(size, "the size of the value", text.trim());
        }
    }

    fn namespace(&mut self, element: &Element) {
        let found = element.name.namespace.as_deref();
        if found != Some(NAMESPACE) {
            let departure = Departure::WrongNamespace {
                element: element.name.local.to_string(),
                found: found.map(str::to_owned),
            };
            self.note(element, departure);
        }
    }
}
