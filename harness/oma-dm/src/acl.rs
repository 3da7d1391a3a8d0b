//! Access control lists: grammar and rights (OMA-TS-DM_TND 7.7.1).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Stands for every server in a list of an [`Acl`].
pub const ANY_SERVER: &str = "*";

/// Longest text read as an ACL, in octets.
pub const MAX_ACL_LENGTH: usize = 16 * 1024;

/// A command that an [`Acl`] can grant. There is none for Copy: it needs those of what it amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Add children.
    Add,
    /// Delete the node.
    Delete,
    /// Execute the node.
    Exec,
    /// Read the node and its properties.
    Get,
    /// Replace value and properties; whether that includes the ACL depends on the kind of the node.
    Replace,
}

impl Right {
    /// All rights, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Add, Self::Delete, Self::Exec, Self::Get, Self::Replace];

    /// As written in an ACL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Delete => "Delete",
            Self::Exec => "Exec",
            Self::Get => "Get",
            Self::Replace => "Replace",
        }
    }

    /// The right with that name, in exactly that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.name() == name)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who may do what: for each command the identifiers of the servers it is granted to.
///
/// Empty means: the nearest ACL above counts. An ACL is a set: it is written in one order (that of [`Right::ALL`], servers
/// sorted), whatever order it was read in, and `*` swallows the servers listed beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    // In the order of the rights, and of the servers; no list is empty; one with `*` holds nothing else. Lists, since there are few of
    // either, and an ACL on many nodes of many devices at once.
    grants: Vec<(Right, Vec<String>)>,
}

impl Acl {
    /// The ACL that grants nothing of its own, and inherits.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads `Add=a+b&Get=*`; the empty text is the empty ACL. A command that comes twice is granted to both lists.
    ///
    /// # Errors
    /// When the text does not follow the grammar of OMA-TS-DM_TND 7.7.1.5, or passes [`MAX_ACL_LENGTH`].
    pub fn parse(text: &str) -> Result<Self, AclError> {
        if text.len() > MAX_ACL_LENGTH {
            return Err(AclError::TooLong { octets: text.len() });
        }
        let mut acl = Self::empty();
        if text.is_empty() {
            return Ok(acl);
        }
        for entry in text.split('&') {
            let Some((command, servers)) = entry.split_once('=') else {
                return Err(AclError::Entry {
                    entry: entry.to_owned(),
                });
            };
            let right = Right::from_name(command).ok_or_else(|| AclError::UnknownCommand {
                command: command.to_owned(),
            })?;
            if servers.is_empty() {
                return Err(AclError::NoServer { right });
            }
            let granted = acl.list(right);
            for server_id in servers.split('+') {
                check_server_id(server_id)?;
                granted.push(server_id.to_owned());
            }
        }
        // Once at the end: a long list that is kept in order all the time costs the square of its length.
        for (_, servers) in &mut acl.grants {
            servers.sort_unstable();
            servers.dedup();
            if lists(servers, ANY_SERVER) {
                *servers = vec![ANY_SERVER.to_owned()];
            }
            servers.shrink_to_fit();
        }
        Ok(acl)
    }

    /// Whether the list of `right` holds this server, or `*`.
    pub fn grants(&self, server_id: &str, right: Right) -> bool {
        self.lists(right, server_id) || self.lists(right, ANY_SERVER)
    }

    /// Whether `right` is granted to anybody here.
    pub fn has(&self, right: Right) -> bool {
        self.grants.iter().any(|(granted, _)| *granted == right)
    }

    /// Whether nothing is granted, so that the node inherits.
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Grants `right` to a server, or with `*` to all.
    ///
    /// # Errors
    /// When `server_id` cannot stand in an ACL.
    pub fn add(&mut self, right: Right, server_id: &str) -> Result<(), AclError> {
        check_server_id(server_id)?;
        let servers = self.list(right);
        if server_id == ANY_SERVER {
            servers.clear();
        }
        if !lists(servers, ANY_SERVER)
            && let Err(place) = servers.binary_search_by(|known| known.as_str().cmp(server_id))
        {
            servers.insert(place, server_id.to_owned());
        }
        Ok(())
    }

    /// As [`Acl::add`] for several rights, to write one expression.
    ///
    /// # Errors
    /// When `server_id` cannot stand in an ACL.
    pub fn with(mut self, rights: &[Right], server_id: &str) -> Result<Self, AclError> {
        rights.iter().try_for_each(|right| self.add(*right, server_id))?;
        Ok(self)
    }

    /// Takes one right from one server; a list left without servers goes. Rights by `*` are not touched.
    pub fn remove(&mut self, right: Right, server_id: &str) {
        for (_, servers) in self.grants.iter_mut().filter(|(granted, _)| *granted == right) {
            servers.retain(|known| known != server_id);
        }
        self.drop_empty_lists();
    }

    /// Takes a server out of every list, and says whether it was in one (OMA-TS-DM_TND 7.7.1.4). `*` is no server.
    pub fn remove_server(&mut self, server_id: &str) -> bool {
        if server_id == ANY_SERVER {
            return false;
        }
        let was_named = self.names(server_id);
        for (_, servers) in &mut self.grants {
            servers.retain(|known| known != server_id);
        }
        self.drop_empty_lists();
        was_named
    }

    /// Whether this server stands in a list under its own name.
    pub fn names(&self, server_id: &str) -> bool {
        self.grants.iter().any(|(_, servers)| lists(servers, server_id))
    }

    /// What is granted, right by right: `(right, server id or "*")`.
    pub fn entries(&self) -> impl Iterator<Item = (Right, &str)> {
        self.grants
            .iter()
            .flat_map(|(right, servers)| servers.iter().map(move |server_id| (*right, server_id.as_str())))
    }

    /// Every server named, and `*` where it is.
    pub fn servers(&self) -> BTreeSet<&str> {
        self.entries().map(|(_, server_id)| server_id).collect()
    }

    /// The entries written here that are not written in `before`: what changing from `before` to this adds.
    pub fn added_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (Right, &'a str)> {
        self.entries()
            .filter(|(right, server_id)| !before.lists(*right, server_id))
    }

    /// Whether this list names the server, literally: `*` counts only where `*` is asked for.
    pub fn lists(&self, right: Right, server_id: &str) -> bool {
        let mut granted = self.grants.iter().filter(|(granted, _)| *granted == right);
        granted.any(|(_, servers)| lists(servers, server_id))
    }

    /// The list of a right, a new one if there is none.
    fn list(&mut self, right: Right) -> &mut Vec<String> {
        let place = self.grants.binary_search_by_key(&right, |(granted, _)| *granted);
        let place = place.unwrap_or_else(|place| {
            self.grants.insert(place, (right, Vec::new()));
            place
        });
        &mut self.grants[place].1
    }

    fn drop_empty_lists(&mut self) {
        // "A command with an empty list must not be stored."
        self.grants.retain(|(_, servers)| !servers.is_empty());
    }
}

/// Whether a list in its order holds a server, or `*`.
fn lists(servers: &[String], server_id: &str) -> bool {
    servers
        .binary_search_by(|known| known.as_str().cmp(server_id))
        .is_ok()
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (right, servers)) in self.grants.iter().enumerate() {
            let separator = if index == 0 { "" } else { "&" };
            write!(f, "{separator}{right}=")?;
            for (index, server_id) in servers.iter().enumerate() {
                let separator = if index == 0 { "" } else { "+" };
                write!(f, "{separator}{server_id}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Acl {
    type Err = AclError;

    fn from_str(text: &str) -> Result<Self, AclError> {
        Self::parse(text)
    }
}

/// Whether a server identifier can stand in an ACL: printable, no `=`, `&`, `*`, `+` or white space.
///
/// # Errors
/// The character that is in the way. `*` alone passes, since it stands for every server.
pub fn check_server_id(server_id: &str) -> Result<(), AclError> {
    if server_id == ANY_SERVER {
        return Ok(());
    }
    if server_id.is_empty() {
        return Err(AclError::EmptyServer);
    }
    let unfit =
        |character: &char| character.is_control() || character.is_whitespace() || "=&*+".contains(*character);
    match server_id.chars().find(unfit) {
        Some(character) => Err(AclError::Character {
            character,
            server_id: server_id.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Why a text is no access control list.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AclError {
    /// Between two `&` stands no `command=servers`.
    #[error("`{entry}` is no ACL entry; write `Command=server`")]
    Entry {
        /// What stands there.
        entry: String,
    },
    /// None of the five commands.
    #[error("unknown command `{command}` in an ACL; it may name Add, Delete, Exec, Get and Replace")]
    UnknownCommand {
        /// The name met.
        command: String,
    },
    /// `Get=` with nothing behind.
    #[error("ACL grants {right} to nobody; leave the command out")]
    NoServer {
        /// The command.
        right: Right,
    },
    /// `Get=a++b`, or a `+` at an end.
    #[error("empty server identifier in an ACL")]
    EmptyServer,
    /// A character that the grammar does not allow.
    #[error("server identifier `{server_id}` contains {character:?}, which no ACL can hold")]
    Character {
        /// The character.
        character: char,
        /// The identifier it is in.
        server_id: String,
    },
    /// Past [`MAX_ACL_LENGTH`].
    #[error("ACL of {octets} octets; at most {MAX_ACL_LENGTH} are accepted")]
    TooLong {
        /// Its length.
        octets: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "")]
    #[case("Add=*&Get=*", "Add=*&Get=*")]
    #[case("Get=b+a&Add=a", "Add=a&Get=a+b")]
    #[case("Get=a+*+b", "Get=*")]
    #[case("Get=a&Get=b", "Get=a+b")]
    #[case("Exec=com.example.dm-1:x/y", "Exec=com.example.dm-1:x/y")]
    fn an_acl_is_read_in_any_order_and_written_in_one(#[case] text: &str, #[case] written: &str) {
        assert_eq!(Acl::parse(text).unwrap().to_string(), written);
    }

    #[rstest]
    #[case("Get", AclError::Entry { entry: "Get".into() })]
    #[case("Get=a&", AclError::Entry { entry: String::new() })]
    #[case("&Get=a", AclError::Entry { entry: String::new() })]
    #[case("Copy=a", AclError::UnknownCommand { command: "Copy".into() })]
    #[case("get=a", AclError::UnknownCommand { command: "get".into() })]
    #[case(" Get=a", AclError::UnknownCommand { command: " Get".into() })]
    #[case("Get=", AclError::NoServer { right: Right::Get })]
    #[case("Get=a+", AclError::EmptyServer)]
    #[case("Get=a b", AclError::Character { character: ' ', server_id: "a b".into() })]
    #[case("Get=a=b", AclError::Character { character: '=', server_id: "a=b".into() })]
    #[case("Get=a*", AclError::Character { character: '*', server_id: "a*".into() })]
    fn what_is_no_acl_is_refused_with_the_reason(#[case] text: &str, #[case] expected: AclError) {
        assert_eq!(Acl::parse(text), Err(expected));
    }

    #[test]
    fn an_overlong_acl_is_refused_unread() {
        let text = format!("Get={}", "a".repeat(MAX_ACL_LENGTH));
        assert_eq!(Acl::parse(&text), Err(AclError::TooLong { octets: text.len() }));
    }

    #[test]
    fn rights_are_those_of_the_named_servers_and_of_all_where_it_says_so() {
        let acl = Acl::parse("Add=*&Get=a+b&Replace=a").unwrap();
        assert!(acl.grants("stranger", Right::Add));
        assert!(acl.grants("b", Right::Get));
        assert!(!acl.grants("b", Right::Replace));
        assert!(!acl.grants("stranger", Right::Get));
        assert!(!acl.grants("a", Right::Exec));
    }

    #[test]
    fn removing_a_server_drops_the_lists_it_leaves_empty() {
        let mut acl = Acl::parse("Add=*&Get=a+b&Replace=a").unwrap();
        assert!(acl.remove_server("a"));
        assert_eq!(acl.to_string(), "Add=*&Get=b");
        assert!(!acl.remove_server("a"));
        assert!(!acl.remove_server(ANY_SERVER), "`*` is no server");
        assert_eq!(acl.to_string(), "Add=*&Get=b");
    }

    #[test]
    fn what_a_change_adds_is_told_entry_by_entry() {
        let before = Acl::parse("Get=a&Replace=a").unwrap();
        let after = Acl::parse("Get=a+b&Replace=*").unwrap();
        let added: Vec<_> = after.added_since(&before).collect();
        assert_eq!(added, [(Right::Get, "b"), (Right::Replace, "*")]);
        assert_eq!(before.added_since(&before).count(), 0);
    }

    fn rights() -> impl Strategy<Value = Right> {
        proptest::sample::select(Right::ALL.to_vec())
    }

    fn acls() -> impl Strategy<Value = Acl> {
        let server_id = prop_oneof![4 => "[a-d]", 1 => Just(ANY_SERVER.to_owned())];
        proptest::collection::vec((rights(), server_id), 0..12).prop_map(|entries| {
            entries.iter().fold(Acl::empty(), |acl, (right, server_id)| {
                acl.with(&[*right], server_id).unwrap()
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(acl in acls()) {
            prop_assert_eq!(Acl::parse(&acl.to_string()), Ok(acl));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "([A-Za-z]{0,7}=?[a-c+*]{0,5}&?){0,4}") {
            if let Ok(acl) = Acl::parse(&text) {
                prop_assert_eq!(Acl::parse(&acl.to_string()), Ok(acl));
            }
        }

        #[test]
        fn what_is_added_is_granted_and_nothing_granted_before_is_lost(
            acl in acls(), right in rights(), server in "[a-d]", asked in rights(), of in "[a-e]",
        ) {
            let more = acl.clone().with(&[right], &server).unwrap();
            prop_assert!(more.grants(&server, right));
            prop_assert!(!acl.grants(&of, asked) || more.grants(&of, asked));
        }

        #[test]
        fn what_is_added_and_removed_again_leaves_what_was_there(
            acl in acls(), right in rights(), server in "[a-d]",
        ) {
            let before = acl.lists(right, &server) || acl.lists(right, ANY_SERVER);
            let mut after = acl.clone().with(&[right], &server).unwrap();
            prop_assert_eq!(after == acl, before, "adding what is granted already changes nothing");
            if !before {
                after.remove(right, &server);
                prop_assert_eq!(after, acl);
            }
        }

        #[test]
        fn granting_to_all_grants_everything_any_server_could_have(acl in acls(), right in rights(), of in "[a-e]") {
            let all = acl.with(&[right], ANY_SERVER).unwrap();
            prop_assert!(all.grants(&of, right));
            prop_assert_eq!(all.clone().with(&[right], "a").unwrap(), all);
        }

        #[test]
        fn removing_a_server_touches_no_other(acl in acls(), gone in "[a-d]", right in rights(), other in "[a-e]") {
            let mut left = acl.clone();
            left.remove_server(&gone);
            prop_assert!(!left.names(&gone));
            if other != gone {
                prop_assert_eq!(left.grants(&other, right), acl.grants(&other, right));
            }
            prop_assert_eq!(left.grants(ANY_SERVER, right), acl.grants(ANY_SERVER, right));
        }

        #[test]
        fn the_order_of_granting_does_not_matter(a in acls(), b in acls()) {
            let union = |first: &Acl, second: &Acl| {
                second.entries().fold(first.clone(), |acl, (right, id)| acl.with(&[right], id).unwrap())
            };
            prop_assert_eq!(union(&a, &b), union(&b, &a));
        }
    }
}
