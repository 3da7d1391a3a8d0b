//! The content models of SyncML 1.2 and its meta information, in one table.

use std::sync::LazyLock;

use Content::{Any, Elements, Empty, Mixed, Text};
use Occurs::{AtLeastOnce, AtMostOnce, Often, Once};
use Vocabulary::{MetInf, SyncMl};

/// An element and what belongs into it.
pub(super) struct Model {
    /// Its local name.
    pub(super) name: &'static str,
    /// Which namespace it is of.
    pub(super) vocabulary: Vocabulary,
    /// Whether OMA DM has a use for it.
    pub(super) is_for_dm: bool,
    /// What belongs into it.
    pub(super) content: Content,
}

/// The document type that an element belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// SyncML itself.
    SyncMl,
    /// Its meta information.
    MetInf,
}

/// What belongs into an element.
pub(super) enum Content {
    /// Text.
    Text,
    /// Nothing.
    Empty,
    /// Elements in this order, and nothing else.
    Elements(&'static [Particle]),
    /// Text, and these elements as they come.
    Mixed(&'static [&'static str]),
    /// Whatever there is.
    Any,
}

/// One place in the order of a content model. No name has two places in one model, so that each child shows where it
/// belongs.
pub(super) struct Particle {
    names: Names,
    /// How often it is there.
    pub(super) occurs: Occurs,
}

enum Names {
    One(&'static str),
    /// Any of these; the first text says what they are.
    Choice(&'static str, &'static [&'static str]),
}

/// How often something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurs {
    /// Exactly once.
    Once,
    /// `?`
    AtMostOnce,
    /// `*`
    Often,
    /// `+`
    AtLeastOnce,
}

impl Occurs {
    pub(super) const fn is_needed(self) -> bool {
        matches!(self, Once | AtLeastOnce)
    }

    pub(super) const fn may_repeat(self) -> bool {
        matches!(self, Often | AtLeastOnce)
    }
}

impl Particle {
    pub(super) fn takes(&self, local: &str) -> bool {
        match self.names {
            Names::One(name) => name == local,
            Names::Choice(_, names) => names.contains(&local),
        }
    }

    /// What to call it where it is missing.
    pub(super) const fn label(&self) -> &'static str {
        match self.names {
            Names::One(name) | Names::Choice(name, _) => name,
        }
    }
}

/// The model of an element, if it is one of SyncML.
pub(super) fn model(local: &str) -> Option<&'static Model> {
    let first = local.as_bytes().first()?;
    let begins_so = |model: &&&Model| model.name.as_bytes().first() == Some(first);
    let mut of_length = BY_LENGTH.get(local.len())?.iter().filter(begins_so);
    of_length.find(|model| model.name == local).copied()
}

/// The models by the length of their names: a message asks for the model of each of its elements.
static BY_LENGTH: LazyLock<Vec<Vec<&'static Model>>> = LazyLock::new(|| {
    let longest = MODELS.iter().map(|model| model.name.len()).max();
    let of_length = |length| MODELS.iter().filter(move |model| model.name.len() == length);
    (0..=longest.unwrap_or(0))
        .map(|length| of_length(length).collect())
        .collect()
});

const fn one(name: &'static str) -> Particle {
    Particle {
        names: Names::One(name),
        occurs: Once,
    }
}

const fn optional(name: &'static str) -> Particle {
    Particle {
        names: Names::One(name),
        occurs: AtMostOnce,
    }
}

const fn any(name: &'static str) -> Particle {
    Particle {
        names: Names::One(name),
        occurs: Often,
    }
}

const fn some(name: &'static str) -> Particle {
    Particle {
        names: Names::One(name),
        occurs: AtLeastOnce,
    }
}

const fn commands(names: &'static [&'static str]) -> Particle {
    Particle {
        names: Names::Choice("a command", names),
        occurs: AtLeastOnce,
    }
}

const fn syncml(name: &'static str, content: Content) -> Model {
    Model {
        name,
        vocabulary: SyncMl,
        is_for_dm: true,
        content,
    }
}

/// Of data synchronisation only (OMA-TS-DM_RepPro 6.1).
const fn unused(name: &'static str, content: Content) -> Model {
    Model {
        is_for_dm: false,
        ..syncml(name, content)
    }
}

const fn metinf(name: &'static str, content: Content) -> Model {
    Model {
        vocabulary: MetInf,
        ..syncml(name, content)
    }
}

#[rustfmt::skip]
const OPERATION: Content = Elements(&[
    one("CmdID"), optional("NoResp"), optional("Cred"), optional("Meta"), some("Item"),
]);

/// What SyncML 1.2 says of its elements. A model of [`Any`] is that of an element whose inside OMA DM has nothing to say of.
#[rustfmt::skip]
static MODELS: &[Model] = &[
    syncml("SyncML", Elements(&[one("SyncHdr"), one("SyncBody")])),
    syncml("SyncHdr", Elements(&[
        one("VerDTD"), one("VerProto"), one("SessionID"), one("MsgID"), one("Target"), one("Source"),
        optional("RespURI"), optional("NoResp"), optional("Cred"), optional("Meta"),
    ])),
    syncml("SyncBody", Elements(&[
        commands(&[
            "Alert", "Atomic", "Copy", "Exec", "Get", "Map", "Put", "Results", "Search", "Sequence", "Status", "Sync",
            "Add", "Move", "Replace", "Delete",
        ]),
        optional("Final"),
    ])),

    syncml("Target", Elements(&[one("LocURI"), optional("LocName"), optional("Filter")])),
    syncml("Source", Elements(&[one("LocURI"), optional("LocName")])),
    syncml("Item", Elements(&[
        optional("Target"), optional("Source"), optional("SourceParent"), optional("TargetParent"), optional("Meta"),
        optional("Data"), optional("MoreData"),
    ])),
    syncml("Cred", Elements(&[optional("Meta"), one("Data")])),
    syncml("Chal", Elements(&[one("Meta")])),

    syncml("Status", Elements(&[
        one("CmdID"), one("MsgRef"), one("CmdRef"), one("Cmd"), any("TargetRef"), any("SourceRef"),
        optional("Cred"), optional("Chal"), one("Data"), any("Item"),
    ])),
    syncml("Results", Elements(&[
        one("CmdID"), optional("MsgRef"), one("CmdRef"), optional("Meta"), optional("TargetRef"), optional("SourceRef"),
        some("Item"),
    ])),
    syncml("Alert", Elements(&[
        one("CmdID"), optional("NoResp"), optional("Cred"), optional("Data"), optional("Correlator"), any("Item"),
    ])),
    syncml("Add", OPERATION),
    syncml("Copy", OPERATION),
    syncml("Replace", OPERATION),
    syncml("Delete", Elements(&[
        one("CmdID"), optional("NoResp"), optional("Archive"), optional("SftDel"), optional("Cred"), optional("Meta"),
        some("Item"),
    ])),
    syncml("Exec", Elements(&[
        one("CmdID"), optional("NoResp"), optional("Cred"), optional("Meta"), optional("Correlator"), one("Item"),
    ])),
    syncml("Get", Elements(&[
        one("CmdID"), optional("NoResp"), optional("Lang"), optional("Cred"), optional("Meta"), some("Item"),
    ])),
    syncml("Atomic", Elements(&[
        one("CmdID"), optional("NoResp"), optional("Meta"),
        commands(&[
            "Add", "Delete", "Copy", "Atomic", "Map", "Move", "Replace", "Sequence", "Sync", "Get", "Exec", "Alert",
        ]),
    ])),
    syncml("Sequence", Elements(&[
        one("CmdID"), optional("NoResp"), optional("Meta"),
        commands(&[
            "Add", "Replace", "Delete", "Copy", "Atomic", "Map", "Move", "Sync", "Get", "Alert", "Exec",
        ]),
    ])),

    syncml("VerDTD", Text), syncml("VerProto", Text), syncml("SessionID", Text), syncml("MsgID", Text),
    syncml("LocURI", Text), syncml("LocName", Text), syncml("RespURI", Text),
    syncml("CmdID", Text), syncml("MsgRef", Text), syncml("CmdRef", Text), syncml("Cmd", Text),
    syncml("TargetRef", Text), syncml("SourceRef", Text), syncml("Data", Text), syncml("Correlator", Text),
    syncml("Final", Empty), syncml("MoreData", Empty),

    unused("NoResp", Empty), unused("NoResults", Empty), unused("Archive", Empty), unused("SftDel", Empty),
    unused("Lang", Text), unused("NumberOfChanges", Text),
    unused("Map", Any), unused("MapItem", Any), unused("Move", Any), unused("Put", Any), unused("Search", Any),
    unused("Sync", Any), unused("Filter", Any), unused("FilterType", Any), unused("Field", Any), unused("Record", Any),
    unused("SourceParent", Any), unused("TargetParent", Any),

    // Declared as text; in practice the elements of MetInf stand in it, with or without MetInf around them. The
    // specifications print them in more than one order.
    syncml("Meta", Mixed(&[
        "MetInf", "FieldLevel", "Format", "Type", "Mark", "Size", "Anchor", "Version", "NextNonce", "MaxMsgSize",
        "MaxObjSize", "EMI", "Mem",
    ])),
    metinf("MetInf", Mixed(&[
        "FieldLevel", "Format", "Type", "Mark", "Size", "Anchor", "Version", "NextNonce", "MaxMsgSize",
        "MaxObjSize", "EMI", "Mem",
    ])),
    metinf("FieldLevel", Empty),
    metinf("Format", Text), metinf("Type", Text), metinf("Mark", Text), metinf("Size", Text), metinf("Version", Text),
    metinf("NextNonce", Text), metinf("MaxMsgSize", Text), metinf("MaxObjSize", Text),
    metinf("EMI", Any),
    metinf("Anchor", Elements(&[optional("Last"), one("Next")])),
    metinf("Last", Text), metinf("Next", Text),
    metinf("Mem", Elements(&[optional("SharedMem"), one("FreeMem"), one("FreeID")])),
    metinf("SharedMem", Empty), metinf("FreeMem", Text), metinf("FreeID", Text),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(content: &Content) -> Vec<&'static str> {
        match content {
            Text | Empty | Any => Vec::new(),
            Mixed(names) => names.to_vec(),
            Elements(particles) => particles
                .iter()
                .flat_map(|particle| match particle.names {
                    Names::One(name) => vec![name],
                    Names::Choice(_, names) => names.to_vec(),
                })
                .collect(),
        }
    }

    #[test]
    fn every_element_in_a_model_has_a_model_and_one_place_there() {
        for of in MODELS {
            let names = names_in(&of.content);
            for name in &names {
                assert!(model(name).is_some(), "{} in {}", name, of.name);
                let places = names.iter().filter(|other| *other == name).count();
                assert_eq!(places, 1, "{} in {}", name, of.name);
            }
        }
    }

    #[test]
    fn every_element_has_one_model_only() {
        for of in MODELS {
            assert_eq!(
                MODELS.iter().filter(|other| other.name == of.name).count(),
                1,
                "{}",
                of.name
            );
        }
    }
}
