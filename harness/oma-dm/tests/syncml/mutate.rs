//! Documents that are a few changes away from one that is as it should be; the same ones each time.

use oma_dm::xml::{Attribute, Element, Name, Node};

/// Messages of a session, and one in which every element of SyncML is.
pub(crate) const SEEDS: [&[u8]; 6] = [
    include_bytes!("everything.xml"),
    include_bytes!("groups.xml"),
    include_bytes!("../worked-session/1-client-package1.xml"),
    include_bytes!("../worked-session/2-server-package2.xml"),
    include_bytes!("../worked-session/3-client-package3.xml"),
    include_bytes!("../worked-session/4-server-package4.xml"),
];

/// Names to rename to: those of SyncML, less those that may hold anything, and one that is none.
const NAMES: [&str; 53] = [
    "Add",
    "Alert",
    "Anchor",
    "Archive",
    "Atomic",
    "Chal",
    "Cmd",
    "CmdID",
    "CmdRef",
    "Copy",
    "Correlator",
    "Cred",
    "Data",
    "Delete",
    "Exec",
    "FieldLevel",
    "Final",
    "Format",
    "Get",
    "Item",
    "Lang",
    "LocName",
    "LocURI",
    "Mark",
    "MaxMsgSize",
    "Mem",
    "Meta",
    "MetInf",
    "Mood",
    "MoreData",
    "MsgID",
    "MsgRef",
    "NextNonce",
    "NoResp",
    "NoResults",
    "NumberOfChanges",
    "Replace",
    "RespURI",
    "Results",
    "Sequence",
    "SessionID",
    "SftDel",
    "Size",
    "Source",
    "SourceRef",
    "Status",
    "SyncHdr",
    "Target",
    "TargetRef",
    "Type",
    "VerDTD",
    "VerProto",
    "Version",
];

/// Elements that may hold anything: what is in them is no matter of a content model.
const OPEN: [&str; 13] = [
    "EMI",
    "Field",
    "Filter",
    "FilterType",
    "Map",
    "MapItem",
    "Move",
    "Put",
    "Record",
    "Search",
    "SourceParent",
    "Sync",
    "TargetParent",
];

/// Numbers that look like chance, and are the same each time (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits fit");
        number % end.max(1)
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Changes something about an element of a document: what is in it, in which order, how often, under which name.
pub(crate) fn change(root: &mut Element, dice: &mut Dice) {
    let count = count(root);
    if count == 1 {
        return;
    }
    let graft = nth(root, 1 + dice.below(count - 1)).clone();
    let element = nth_mut(root, dice.below(count));
    let is_open = OPEN.contains(&&*element.name.local);
    let length = element.children.len();
    match dice.below(9) {
        0 if length > 1 => {
            let (one, other) = (dice.below(length), dice.below(length));
            element.children.swap(one, other);
        }
        1 if length > 0 => {
            let copied = element.children[dice.below(length)].clone();
            element.children.insert(dice.below(length + 1), copied);
        }
        2 if length > 0 => drop(element.children.remove(dice.below(length))),
        3 if length > 0 => {
            let at = dice.below(length);
            if let Node::Element(child) = &mut element.children[at] {
                child.name.local = dice.one_of(&NAMES).into();
            }
        }
        4 if !is_open => {
            let at = dice.below(length + 1);
            element.children.insert(at, Node::Element(graft));
        }
        5 => {
            let text = dice.one_of(&[" ", "x", "\n", " 1"]).to_owned();
            element
                .children
                .insert(dice.below(length + 1), Node::Text(text.into()));
        }
        6 => element.attributes = vec![mood()],
        7 => element.children.clear(),
        8 => {
            if let [Node::Text(text)] = element.children.as_mut_slice() {
                *text = dice.one_of(&["0", "01", "17", "node", "a", "a "]).into();
            }
        }
        _ => {}
    }
}

/// The documents that one change anywhere makes of this one: each child left out, there twice, or after the next one; each
/// element emptied, with text in it, with an attribute.
pub(crate) fn each_change<'d>(root: &Element<'d>) -> Vec<Element<'d>> {
    let mut changed = Vec::new();
    for index in 0..count(root) {
        let mut add = |change: &dyn Fn(&mut Element<'d>)| {
            let mut document = root.clone();
            change(nth_mut(&mut document, index));
            changed.push(document);
        };
        let length = nth(root, index).children.len();
        for at in 0..length {
            add(&|element| drop(element.children.remove(at)));
            add(&|element| element.children.insert(at, element.children[at].clone()));
            if at + 1 < length {
                add(&|element| element.children.swap(at, at + 1));
            }
        }
        add(&|element| element.children.clear());
        add(&|element| element.children.push(Node::Text("x".into())));
        add(&|element| element.attributes.push(mood()));
    }
    changed
}

fn mood<'d>() -> Attribute<'d> {
    Attribute {
        name: Name {
            namespace: None,
            local: "mood".into(),
        },
        value: "".into(),
    }
}

/// Elements of a document; what is in open ones is not counted.
fn count(element: &Element) -> usize {
    1 + inner(element).map(count).sum::<usize>()
}

fn inner<'e, 'd>(element: &'e Element<'d>) -> impl Iterator<Item = &'e Element<'d>> {
    let is_open = OPEN.contains(&&*element.name.local);
    element.elements().filter(move |_| !is_open)
}

fn nth<'e, 'd>(element: &'e Element<'d>, index: usize) -> &'e Element<'d> {
    let mut left = index;
    find(element, &mut left).expect("the index is below the count")
}

fn find<'e, 'd>(element: &'e Element<'d>, left: &mut usize) -> Option<&'e Element<'d>> {
    if *left == 0 {
        return Some(element);
    }
    *left -= 1;
    inner(element).find_map(|child| find(child, left))
}

fn nth_mut<'e, 'd>(element: &'e mut Element<'d>, index: usize) -> &'e mut Element<'d> {
    let mut left = index;
    find_mut(element, &mut left).expect("the index is below the count")
}

fn find_mut<'e, 'd>(element: &'e mut Element<'d>, left: &mut usize) -> Option<&'e mut Element<'d>> {
    if *left == 0 {
        return Some(element);
    }
    *left -= 1;
    if OPEN.contains(&&*element.name.local) {
        return None;
    }
    element.children.iter_mut().find_map(|child| match child {
        Node::Element(child) => find_mut(child, left),
        Node::Text(_) | Node::Opaque(_) => None,
    })
}
