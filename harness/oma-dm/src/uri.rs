//! Addresses in the management tree: node URIs and what may be asked of a node (`?prop=`, `?list=`).

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// Longest URI read, in octets. Devices advertise their own, usually smaller, limit in `./DevDetail/URI/MaxTotLen`.
pub const MAX_URI_LENGTH: usize = 2048;

/// Deepest URI read, in segments below the root.
pub const MAX_URI_DEPTH: usize = 48;

/// What stands between two names in a [`NodeUri`]: no name can have it, and it comes before every octet that one can have.
const BETWEEN: char = '\0';

/// The place of a node: the names from the root down to it (OMA-TS-DM_TND 5).
///
/// `./A/B` and `A/B` are the same place; names are compared octet by octet, escapes are not resolved.
/// The order of node URIs is that of a walk: a node comes before its descendants, and these are neighbours.
/// A clone shares the text: trees are full of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeUri {
    /// The names with [`BETWEEN`] between them, so that the order of the text is that of the walk; empty for the root.
    names: Arc<str>,
}

impl NodeUri {
    /// The root of the tree, `.`.
    pub fn root() -> Self {
        Self {
            names: Arc::default(),
        }
    }

    /// Reads `.`, `./A/B` or `A/B`; no `?prop=` or `?list=` ([`Address::parse`] reads those too).
    ///
    /// # Errors
    /// When the text is not a node URI by OMA-TS-DM_TND 5, or passes [`MAX_URI_LENGTH`] or [`MAX_URI_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI_LENGTH {
            return Err(UriError::TooLong { octets: text.len() });
        }
        match text {
            "" => return Err(UriError::Empty),
            "." => return Ok(Self::root()),
            _ if text.starts_with('/') => return Err(UriError::StartsWithSlash),
            _ => {}
        }
        let below_root = text.strip_prefix("./").unwrap_or(text);
        let mut names = String::with_capacity(below_root.len());
        for (depth, name) in below_root.split('/').enumerate() {
            check_name(name)?;
            push_name(&mut names, depth, name)?;
        }
        Ok(Self::of(&names))
    }

    /// The child `name` of this node.
    ///
    /// # Errors
    /// When `name` is no node name, or the result would pass [`MAX_URI_DEPTH`] or [`MAX_URI_LENGTH`].
    pub fn join(&self, name: &str) -> Result<Self, UriError> {
        check_name(name)?;
        let mut names = String::with_capacity(self.names.len() + 1 + name.len());
        names.push_str(&self.names);
        push_name(&mut names, self.depth(), name)?;
        Ok(Self::of(&names))
    }

    /// This node followed by the names of `below`, as when a relative path is resolved.
    ///
    /// # Errors
    /// When the result would pass [`MAX_URI_DEPTH`] or [`MAX_URI_LENGTH`].
    pub fn append(&self, below: &Self) -> Result<Self, UriError> {
        let mut names = String::with_capacity(self.names.len() + 1 + below.names.len());
        names.push_str(&self.names);
        for (more, name) in below.names().enumerate() {
            push_name(&mut names, self.depth() + more, name)?;
        }
        Ok(Self::of(&names))
    }

    /// The node above; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        above(&self.names).map(Self::of)
    }

    /// The last name; nothing for the root.
    pub fn name(&self) -> Option<&str> {
        self.names().next_back()
    }

    /// The names from the root down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.names.split(BETWEEN).filter(|name| !name.is_empty())
    }

    /// How far below the root: 0 for the root itself.
    pub fn depth(&self) -> usize {
        match self.is_root() {
            true => 0,
            false => 1 + self.names.bytes().filter(|octet| *octet == 0).count(),
        }
    }

    /// Whether this is `.`.
    pub fn is_root(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether this node is `ancestor`, or lies below it.
    pub fn starts_with(&self, ancestor: &Self) -> bool {
        self.below(ancestor).is_some()
    }

    /// The path from `ancestor` (not included) down to this node; nothing when it does not lie at or below it.
    pub fn relative_to(&self, ancestor: &Self) -> Option<Self> {
        self.below(ancestor).map(Self::of)
    }

    /// The places from this one up to the root, as keys of whatever is sorted by node URIs: without a copy for each.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(&*self.names), |names| above(names))
    }

    /// The key of what may be a child in whatever is sorted by node URIs.
    pub(crate) fn key_of_child(&self, name: &str) -> String {
        let mut names = String::with_capacity(self.names.len() + 1 + name.len());
        names.push_str(&self.names);
        if !self.is_root() {
            names.push(BETWEEN);
        }
        names.push_str(name);
        names
    }

    /// Whether what follows the names of an ancestor is that of a child.
    pub(crate) fn is_one_name(below: &str) -> bool {
        !below.is_empty() && !below.contains(BETWEEN)
    }

    /// What follows the names of `ancestor`; nothing when it does not start with them.
    pub(crate) fn below(&self, ancestor: &Self) -> Option<&str> {
        let rest = self.names.strip_prefix(&*ancestor.names)?;
        match rest.is_empty() || ancestor.is_root() {
            true => Some(rest),
            false => rest.strip_prefix(BETWEEN),
        }
    }

    /// The place whose names those are.
    fn of(names: &str) -> Self {
        Self { names: names.into() }
    }
}

/// As keys, node URIs sort as their texts do.
impl Borrow<str> for NodeUri {
    fn borrow(&self) -> &str {
        &self.names
    }
}

impl Default for NodeUri {
    fn default() -> Self {
        Self::root()
    }
}

impl fmt::Debug for NodeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeUri({self})")
    }
}

impl fmt::Display for NodeUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(".")?;
        self.names().try_for_each(|name| write!(f, "/{name}"))
    }
}

/// The names without the last; nothing for the root.
fn above(names: &str) -> Option<&str> {
    match names.rsplit_once(BETWEEN) {
        Some((above, _)) => Some(above),
        None => (!names.is_empty()).then_some(""),
    }
}

/// Of a place as it is displayed: a dot, and a slash before each name.
fn octets(names: &str) -> usize {
    match names.is_empty() {
        true => 1,
        false => 2 + names.len(),
    }
}

/// Writes a name that was checked below a place of that depth.
fn push_name(names: &mut String, depth: usize, name: &str) -> Result<(), UriError> {
    if depth >= MAX_URI_DEPTH {
        return Err(UriError::TooDeep);
    }
    let octets = octets(names) + 1 + name.len();
    if octets > MAX_URI_LENGTH {
        return Err(UriError::TooLong { octets });
    }
    if depth > 0 {
        names.push(BETWEEN);
    }
    names.push_str(name);
    Ok(())
}

impl FromStr for NodeUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::parse(text)
    }
}

fn check_name(name: &str) -> Result<(), UriError> {
    if name.is_empty() {
        return Err(UriError::EmptyName);
    }
    if matches!(name, "." | "..") {
        return Err(UriError::DotName {
            name: name.to_owned(),
        });
    }
    // Most names are of these only, and names are checked wherever nodes are looked for.
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    if name.bytes().all(is_plain) {
        return Ok(());
    }
    let unfit = |character: &char| {
        character.is_control() || character.is_whitespace() || "/?#\"<>\\^`{|}".contains(*character)
    };
    if let Some(character) = name.chars().find(unfit) {
        return Err(UriError::Character {
            character,
            name: name.to_owned(),
        });
    }
    let is_hexadecimal = |digit: Option<&u8>| digit.is_some_and(u8::is_ascii_hexdigit);
    let octets = name.as_bytes();
    let is_escape = |at: usize| is_hexadecimal(octets.get(at + 1)) && is_hexadecimal(octets.get(at + 2));
    match name.match_indices('%').all(|(at, _)| is_escape(at)) {
        true => Ok(()),
        false => Err(UriError::Escape {
            name: name.to_owned(),
        }),
    }
}

/// How long and how deep URIs may be on a device, which advertises it below `./DevDetail/URI`. Nothing is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UriLimits {
    /// `MaxDepth`: segments, the root not counted.
    pub depth: Option<u32>,
    /// `MaxTotLen`: octets of the whole URI, as it is written from the root.
    pub total_length: Option<u32>,
    /// `MaxSegLen`: octets of a segment.
    pub segment_length: Option<u32>,
}

impl UriLimits {
    /// Whether a URI keeps to them.
    ///
    /// # Errors
    /// The first limit that it passes.
    pub fn check(self, uri: &NodeUri) -> Result<(), UriError> {
        let longest_segment = uri.names().map(str::len).max().unwrap_or(0);
        let all = [
            ("depth", uri.depth(), self.depth),
            ("length", octets(&uri.names), self.total_length),
            ("segment", longest_segment, self.segment_length),
        ];
        for (what, found, limit) in all {
            if let Some(limit) =
                limit.filter(|limit| u32::try_from(found).map_or(true, |found| found > *limit))
            {
                return Err(UriError::Limit { what, found, limit });
            }
        }
        Ok(())
    }
}

/// What a command is aimed at: a node, or with `?prop=` or `?list=` something about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The node.
    pub node: NodeUri,
    /// What of the node, where it is not its value.
    pub query: Option<Query>,
}

impl Address {
    /// Reads a node URI with at most one `?prop=` or `?list=` behind it.
    ///
    /// # Errors
    /// As [`NodeUri::parse`], and for what follows `?` being neither `prop=` nor `list=`.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let Some((node, query)) = text.split_once('?') else {
            return Ok(Self {
                node: NodeUri::parse(text)?,
                query: None,
            });
        };
        if text.len() > MAX_URI_LENGTH {
            return Err(UriError::TooLong { octets: text.len() });
        }
        Ok(Self {
            node: NodeUri::parse(node)?,
            query: Some(Query::parse(query)?),
        })
    }

    /// A property of a node.
    pub fn property(node: NodeUri, property: Property) -> Self {
        Self {
            node,
            query: Some(Query::Property(property)),
        }
    }
}

impl From<NodeUri> for Address {
    fn from(node: NodeUri) -> Self {
        Self { node, query: None }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.query {
            None => write!(f, "{}", self.node),
            Some(query) => write!(f, "{}?{query}", self.node),
        }
    }
}

impl FromStr for Address {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::parse(text)
    }
}

/// What follows the `?` of an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Query {
    /// `prop=` and a name of OMA-TS-DM_TND 7.
    Property(Property),
    /// `prop=` and a name that is none of them: a device answers 406.
    UnknownProperty(String),
    /// `list=` and the kind of listing, as written.
    List(String),
}

impl Query {
    fn parse(text: &str) -> Result<Self, UriError> {
        match text.split_once('=') {
            Some(("prop", name)) => Ok(Property::from_name(name)
                .map_or_else(|| Self::UnknownProperty(name.to_owned()), Self::Property)),
            Some(("list", kind)) => Ok(Self::List(kind.to_owned())),
            _ => Err(UriError::Query {
                query: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(property) => write!(f, "prop={}", property.name()),
            Self::UnknownProperty(name) => write!(f, "prop={name}"),
            Self::List(kind) => write!(f, "list={kind}"),
        }
    }
}

/// A property of a node (OMA-TS-DM_TND 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// Who may do what; the only one that is inherited.
    Acl,
    /// How the value is written; `node` for an interior node.
    Format,
    /// The node's own name; replacing it renames the node.
    Name,
    /// Octets of the value, leaf nodes only.
    Size,
    /// A name for people, at most 255 octets.
    Title,
    /// When the node was last changed.
    TimeStamp,
    /// Media type of a leaf, management object identifier of an interior node.
    Type,
    /// Number of changes so far, 16 bit.
    VersionNumber,
}

impl Property {
    /// All properties.
    pub const ALL: [Self; 8] = [
        Self::Acl,
        Self::Format,
        Self::Name,
        Self::Size,
        Self::Title,
        Self::TimeStamp,
        Self::Type,
        Self::VersionNumber,
    ];

    /// As written behind `?prop=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acl => "ACL",
            Self::Format => "Format",
            Self::Name => "Name",
            Self::Size => "Size",
            Self::Title => "Title",
            Self::TimeStamp => "TStamp",
            Self::Type => "Type",
            Self::VersionNumber => "VerNo",
        }
    }

    /// The property with that name, in exactly that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|property| property.name() == name)
    }
}

/// Why a text is no address in a management tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UriError {
    /// Nothing at all.
    #[error("empty URI; the root is written `.`")]
    Empty,
    /// Node URIs are relative to the root.
    #[error("URI starts with `/`; write it relative to the root, as in `./DevInfo`")]
    StartsWithSlash,
    /// Two slashes in a row, or one at the end.
    #[error("empty node name; a URI has no `//` and does not end with `/`")]
    EmptyName,
    /// `.` and `..` are no names.
    #[error("node name `{name}`; `.` stands only at the start of a URI, `..` nowhere")]
    DotName {
        /// The name met.
        name: String,
    },
    /// A character that has to be escaped.
    #[error("node name `{name}` contains {character:?}; write it percent-escaped")]
    Character {
        /// The character.
        character: char,
        /// The name it is in.
        name: String,
    },
    /// A `%` that begins no escape.
    #[error(
        "node name `{name}` has a `%` without two hexadecimal digits behind it; write `%25` for the character"
    )]
    Escape {
        /// The name it is in.
        name: String,
    },
    /// Past one of a device's [`UriLimits`].
    #[error("URI with a {what} of {found}; this device takes at most {limit}")]
    Limit {
        /// Which one.
        what: &'static str,
        /// What the URI has.
        found: usize,
        /// What it may have.
        limit: u32,
    },
    /// Past [`MAX_URI_LENGTH`].
    #[error("URI of {octets} octets; at most {MAX_URI_LENGTH} are accepted")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// Past [`MAX_URI_DEPTH`].
    #[error("URI with more than {MAX_URI_DEPTH} segments; shorten the path")]
    TooDeep,
    /// Neither `?prop=` nor `?list=`.
    #[error("`?{query}` asks for nothing known; use `?prop=` or `?list=`")]
    Query {
        /// What follows the `?`.
        query: String,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(".", ".")]
    #[case("./A", "./A")]
    #[case("A", "./A")]
    #[case("A/B", "./A/B")]
    #[case("./A/B%20c", "./A/B%20c")]
    #[case("./DevInfo/.hidden", "./DevInfo/.hidden")]
    #[case("./Gerät", "./Gerät")]
    fn a_node_uri_is_read_and_written_with_the_root_in_front(#[case] text: &str, #[case] written: &str) {
        assert_eq!(NodeUri::parse(text).unwrap().to_string(), written);
    }

    #[rstest]
    #[case("", UriError::Empty)]
    #[case("/A", UriError::StartsWithSlash)]
    #[case("./", UriError::EmptyName)]
    #[case("./A/", UriError::EmptyName)]
    #[case("./A//B", UriError::EmptyName)]
    #[case("./A/./B", UriError::DotName { name: ".".into() })]
    #[case("../A", UriError::DotName { name: "..".into() })]
    #[case("./A/../B", UriError::DotName { name: "..".into() })]
    #[case("./A B", UriError::Character { character: ' ', name: "A B".into() })]
    #[case("./A%", UriError::Escape { name: "A%".into() })]
    #[case("./A%2", UriError::Escape { name: "A%2".into() })]
    #[case("./A%zz", UriError::Escape { name: "A%zz".into() })]
    #[case("./A%2é", UriError::Escape { name: "A%2é".into() })]
    #[case("./A?prop=ACL", UriError::Character { character: '?', name: "A?prop=ACL".into() })]
    fn what_is_no_node_uri_is_refused_with_the_reason(#[case] text: &str, #[case] expected: UriError) {
        assert_eq!(NodeUri::parse(text), Err(expected));
    }

    #[test]
    fn length_and_depth_are_bounded_however_the_uri_comes_about() {
        assert!(matches!(
            NodeUri::parse(&"x".repeat(MAX_URI_LENGTH + 1)),
            Err(UriError::TooLong { .. })
        ));
        assert_eq!(
            NodeUri::parse(&vec!["x"; MAX_URI_DEPTH + 1].join("/")),
            Err(UriError::TooDeep)
        );
        let deepest = NodeUri::parse(&vec!["x"; MAX_URI_DEPTH].join("/")).unwrap();
        assert_eq!(deepest.join("x"), Err(UriError::TooDeep));
        let longest = NodeUri::parse(&"x".repeat(MAX_URI_LENGTH - 10)).unwrap();
        assert!(matches!(
            longest.join("123456789012"),
            Err(UriError::TooLong { .. })
        ));
    }

    #[rstest]
    #[case(".", None)]
    #[case("./ab/cd", None)]
    #[case("./a/b/c", Some(UriError::Limit { what: "depth", found: 3, limit: 2 }))]
    #[case("./abcd/abcd", Some(UriError::Limit { what: "length", found: 11, limit: 10 }))]
    #[case("./abcd/abc", None)]
    #[case("./abcde", Some(UriError::Limit { what: "segment", found: 5, limit: 4 }))]
    fn the_limits_of_a_device_are_kept(#[case] text: &str, #[case] expected: Option<UriError>) {
        let limits = UriLimits {
            depth: Some(2),
            total_length: Some(10),
            segment_length: Some(4),
        };
        let uri = NodeUri::parse(text).unwrap();
        assert_eq!(limits.check(&uri).err(), expected);
        assert_eq!(UriLimits::default().check(&uri), Ok(()));
    }

    #[test]
    fn a_query_is_split_off() {
        let acl = Address::parse("./A?prop=ACL").unwrap();
        assert_eq!(acl.query, Some(Query::Property(Property::Acl)));
        assert_eq!(acl.node.to_string(), "./A");
        assert_eq!(acl.to_string(), "./A?prop=ACL");
        let unknown = Address::parse(".?prop=acl").unwrap();
        assert_eq!(unknown.query, Some(Query::UnknownProperty("acl".into())));
        let list = Address::parse("./A?list=TNDS+ACL").unwrap();
        assert_eq!(list.query, Some(Query::List("TNDS+ACL".into())));
        assert!(matches!(Address::parse("./A?ACL"), Err(UriError::Query { .. })));
        assert_eq!(
            Address::parse("./A").unwrap(),
            NodeUri::parse("A").unwrap().into()
        );
    }

    fn uris() -> impl Strategy<Value = NodeUri> {
        proptest::collection::vec("([a-zA-Z0-9_.~:-]|%[0-9a-fA-F]{2}){1,6}", 0..6)
            .prop_filter_map("dots are no names", |names| names.join("/").parse().ok())
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(uri in uris()) {
            prop_assert_eq!(NodeUri::parse(&uri.to_string()), Ok(uri));
        }

        #[test]
        fn no_text_is_read_that_would_be_written_differently(text in "[./a?=p]{0,12}") {
            if let Ok(address) = Address::parse(&text) {
                prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
            }
        }

        #[test]
        fn a_child_lies_below_its_parent_and_after_it(uri in uris(), name in "[a-z]{1,4}") {
            let child = uri.join(&name).unwrap();
            prop_assert!(child.starts_with(&uri) && !uri.starts_with(&child) && uri < child);
            prop_assert_eq!(child.parent(), Some(uri.clone()));
            prop_assert_eq!(uri.append(&child.relative_to(&uri).unwrap()), Ok(child));
        }
    }
}
