//! Commands of a server on the tree: rights, access types and the status codes of OMA-TS-DM_RepPro 6.6.

use super::outcome::{Outcome, UserAnswer, all_as, all_as_with_members, whole};
use super::value::{self, Value};
use super::{Format, MissingParents, Node, Tree, TreeError};
use super::{list, object};
use crate::acl::{ANY_SERVER, Acl, AclError, Right};
use crate::syncml::{Alert, Command, Data, Item, Meta, StatusCode};
use crate::tnds::{ManagementTree, TndsError};
use crate::uri::{Address, NodeUri, Property, Query, UriError};
use crate::xml::Element;

/// Deepest nesting of Atomic and Sequence carried out.
const MAX_NESTING: usize = 8;
/// Most octets that one command, with its members, may bring back; what is past it is answered with 413. One command can ask for
/// the same large node as often as it has items.
const MAX_RESULTS: usize = 8 * 1024 * 1024;

impl Tree {
    /// Carries out a command of a server, as far as its rights go, and says what became of each part of it, in the order
    /// of the Status elements: an Atomic or Sequence before its members, items in their order.
    ///
    /// There is no user to answer Alerts in groups; Status and Results have no outcome.
    pub fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome> {
        self.execute_asking(server_id, command, &mut |_| UserAnswer::NO_USER_INTERFACE)
    }

    /// The same, with a user to answer Alerts in groups. Where he refuses or does not answer, nothing more of a Sequence is
    /// carried out, and an Atomic fails.
    pub fn execute_asking(
        &mut self,
        server_id: &str,
        command: &Command,
        ask_user: &mut dyn FnMut(&Alert) -> UserAnswer,
    ) -> Vec<Outcome> {
        Execution {
            tree: self,
            server_id,
            ask_user,
            octets: 0,
        }
        .run(command, Within::default())
    }
}

/// What a command is a member of.
#[derive(Clone, Copy, Default)]
struct Within {
    atomic: bool,
    nesting: usize,
}

/// A server at work on the tree.
pub(super) struct Execution<'a> {
    pub(super) tree: &'a mut Tree,
    pub(super) server_id: &'a str,
    ask_user: &'a mut dyn FnMut(&Alert) -> UserAnswer,
    /// Octets that were brought back so far.
    octets: usize,
}

impl Execution<'_> {
    fn run(&mut self, command: &Command, within: Within) -> Vec<Outcome> {
        if within.nesting > MAX_NESTING {
            return all_as(command, StatusCode::COMMAND_FAILED);
        }
        match command {
            Command::Atomic(_) | Command::Get(_) if within.atomic => {
                all_as_with_members(command, StatusCode::COMMAND_FAILED, StatusCode::NOT_EXECUTED)
            }
            Command::Atomic(group) => self.atomic(command, &group.commands, within),
            Command::Sequence(group) => self.sequence(command, &group.commands, within),
            Command::Alert(alert) => vec![self.alert(command, alert)],
            Command::Status(_) | Command::Results(_) => Vec::new(),
            _ => self.items(command),
        }
    }

    /// All members, until the user has enough of it.
    fn sequence(&mut self, command: &Command, members: &[Command], within: Within) -> Vec<Outcome> {
        let inner = Within {
            nesting: within.nesting + 1,
            ..within
        };
        let mut outcomes = vec![whole(command, StatusCode::OK)];
        let mut is_refused = false;
        for member in members {
            if is_refused {
                outcomes.extend(all_as(member, StatusCode::NOT_EXECUTED));
                continue;
            }
            let of_member = self.run(member, inner);
            is_refused = of_member.iter().any(is_refusal_of_user);
            outcomes.extend(of_member);
        }
        outcomes
    }

    fn alert(&mut self, command: &Command, alert: &Alert) -> Outcome {
        let answer = match alert.code {
            code if code.is_for_user() => (self.ask_user)(alert),
            code => UserAnswer::of(code.answer_of_device()),
        };
        Outcome {
            items: answer.items,
            ..whole(command, answer.code)
        }
    }

    /// All members, or none (OMA-TS-DM_RepPro 6.6.3).
    fn atomic(&mut self, command: &Command, members: &[Command], within: Within) -> Vec<Outcome> {
        let inner = Within {
            atomic: true,
            nesting: within.nesting + 1,
        };
        let before = self.tree.clone();
        let mut outcomes = Vec::new();
        let mut has_failed = false;
        for member in members {
            if has_failed {
                outcomes.extend(all_as(member, StatusCode::NOT_EXECUTED));
                continue;
            }
            let of_member = self.run(member, inner);
            has_failed = of_member
                .iter()
                .any(|outcome| !outcome.status.is_success() || is_refusal_of_user(outcome));
            outcomes.extend(of_member);
        }
        if !has_failed {
            return [vec![whole(command, StatusCode::OK)], outcomes].concat();
        }
        *self.tree = before;
        for outcome in outcomes
            .iter_mut()
            .filter(|outcome| outcome.status == StatusCode::OK)
        {
            outcome.status = StatusCode::ROLLED_BACK;
        }
        [vec![whole(command, StatusCode::ATOMIC_FAILED)], outcomes].concat()
    }

    fn items(&mut self, command: &Command) -> Vec<Outcome> {
        let Some((meta, items)) = parts(command) else {
            return vec![whole(command, StatusCode::NOT_IMPLEMENTED)];
        };
        if items.is_empty() {
            return vec![whole(command, StatusCode::INCOMPLETE_COMMAND)];
        }
        let outcome = |(index, item): (usize, &Item)| {
            let done = self.item(command, meta, item);
            let done = done.and_then(|results| self.within_budget(results));
            Outcome {
                item: Some(index),
                target: target_of(item).map(str::to_owned),
                source: source_of(item).map(str::to_owned),
                status: *done.as_ref().err().unwrap_or(&StatusCode::OK),
                results: done.unwrap_or_default(),
                ..whole(command, StatusCode::OK)
            }
        };
        items.iter().enumerate().map(outcome).collect()
    }

    /// Results, as long as all together are not too much for one command; of one that was too much, nothing more is looked up.
    fn within_budget(&mut self, results: Vec<Item>) -> Result<Vec<Item>, StatusCode> {
        if results.is_empty() {
            return Ok(results);
        }
        let octets: usize = results.iter().map(octets_of_result).sum();
        self.octets = self.octets.saturating_add(octets);
        match self.octets > MAX_RESULTS {
            true => Err(StatusCode::ENTITY_TOO_LARGE),
            false => Ok(results),
        }
    }

    fn item(&mut self, command: &Command, meta: &Meta, item: &Item) -> Result<Vec<Item>, StatusCode> {
        let target = Address::parse(target_of(item).ok_or(StatusCode::INCOMPLETE_COMMAND)?)
            .map_err(|error| of_uri(&error))?;
        let limits = self.tree.settings.uri_limits;
        limits.check(&target.node).map_err(|error| of_uri(&error))?;
        match command {
            Command::Get(_) => return self.get(&target),
            Command::Replace(_) => self.replace(&target, meta, item)?,
            // The others act on nodes; a property can only be read and replaced.
            _ if target.query.is_some() => return Err(StatusCode::COMMAND_NOT_ALLOWED),
            Command::Add(_) => self.add(&target.node, meta, item)?,
            Command::Delete(_) => self.delete(&target.node)?,
            Command::Exec(_) => self.exec(&target.node)?,
            Command::Copy(_) => self.copy(&target.node, item)?,
            _ => return Err(StatusCode::NOT_IMPLEMENTED),
        }
        Ok(Vec::new())
    }

    fn get(&self, target: &Address) -> Result<Vec<Item>, StatusCode> {
        if self.octets > MAX_RESULTS {
            return Err(StatusCode::ENTITY_TOO_LARGE);
        }
        let is_property = matches!(target.query, Some(Query::Property(_) | Query::UnknownProperty(_)));
        if self.is_in_inbox(&target.node) && !is_property {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        let node = self.node(&target.node)?;
        self.need(Right::Get, &target.node)?;
        match &target.query {
            Some(Query::Property(property)) => {
                let text = property_of(&target.node, node, *property)?;
                Ok(vec![value::text_item(target, &text)])
            }
            Some(Query::UnknownProperty(_)) => Err(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED),
            Some(Query::List(kind)) => list::list(self.tree, self.server_id, target, kind),
            None if !node.access.contains(Right::Get) => Err(StatusCode::COMMAND_NOT_ALLOWED),
            None if node.is_interior() => {
                let names: Vec<_> = self
                    .tree
                    .children(&target.node)
                    .filter_map(|(child, _)| child.name())
                    .collect();
                Ok(vec![value::children_item(target, &names)])
            }
            None => Ok(vec![value::node_item(target, node)]),
        }
    }

    fn add(&mut self, target: &NodeUri, meta: &Meta, item: &Item) -> Result<(), StatusCode> {
        if ManagementTree::is_announced(meta, item) && !self.tree.settings.takes_objects {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        match ManagementTree::of_item(meta, item) {
            Ok(Some(object)) => return object::add(self, target, object),
            Ok(None) => {}
            Err(TndsError::NoData) => return Err(StatusCode::INCOMPLETE_COMMAND),
            Err(_) => return Err(StatusCode::BAD_REQUEST),
        }
        let parent = self.place_for(target)?;
        let value = Value::read(meta, item)?;
        let type_name = value.type_name.as_deref();
        let node = match (value.format.unwrap_or_default(), value.octets) {
            (Format::Node, octets) if octets.as_ref().is_none_or(Vec::is_empty) => {
                Node::interior(type_name.unwrap_or_default())
            }
            (Format::Node, _) => return Err(StatusCode::BAD_REQUEST),
            (Format::Null, _) => Node::leaf(Format::Null, type_name.unwrap_or("text/plain"), ""),
            // A node that is not `null` needs its data (OMA-TS-DM_RepPro 6.3.2).
            (_, None) => return Err(StatusCode::INCOMPLETE_COMMAND),
            (format, Some(octets)) => Node::leaf(format.stored(), type_name.unwrap_or("text/plain"), octets),
        };
        self.insert(&parent, target, node)
    }

    /// Finds where a new node would hang, and whether this server may hang it there.
    pub(super) fn place_for(&self, target: &NodeUri) -> Result<NodeUri, StatusCode> {
        // Of the Inbox, objects find their way elsewhere, and nothing else has a place in it.
        if self.is_in_inbox(target) {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        let above = || std::iter::successors(target.parent(), NodeUri::parent);
        let parent = above()
            .find(|uri| self.tree.get(uri).is_some())
            .ok_or(StatusCode::ALREADY_EXISTS)?;
        let is_missing = Some(&parent) != target.parent().as_ref();
        if is_missing && self.tree.settings.missing_parents == MissingParents::Refuse {
            return Err(StatusCode::NOT_FOUND);
        }
        let node = self.node(&parent)?;
        if !node.is_interior() {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        self.need(Right::Add, &parent)?;
        if self.tree.get(target).is_some() {
            return Err(StatusCode::ALREADY_EXISTS);
        }
        match node.access.contains(Right::Add) {
            true => Ok(parent),
            false => Err(StatusCode::COMMAND_NOT_ALLOWED),
        }
    }

    /// Inserts a node below `parent`, the nearest one above it that is there.
    fn insert(&mut self, parent: &NodeUri, target: &NodeUri, node: Node) -> Result<(), StatusCode> {
        let owned = self.acl_of_creator(parent);
        let is_interior = node.is_interior();
        self.tree.insert(target, node).map_err(|error| of_tree(&error))?;
        let outermost = std::iter::successors(Some(target.clone()), NodeUri::parent)
            .find(|at| at.depth() <= parent.depth() + 1)
            .unwrap_or_default();
        match owned {
            Some(acl) if is_interior || outermost != *target => self
                .tree
                .set_acl(&outermost, acl)
                .map_err(|error| of_tree(&error)),
            _ => Ok(()),
        }
    }

    /// The ACL of an interior node that this server makes below a node it cannot replace: without it, it would have no right
    /// to its own node (OMA-TS-DM_TND 7.7.1.3).
    pub(super) fn acl_of_creator(&self, parent: &NodeUri) -> Option<Acl> {
        if self.tree.permits(self.server_id, Right::Replace, parent) || self.server_id == ANY_SERVER {
            return None;
        }
        // A server with an identifier that cannot stand in an ACL holds rights as one of all only.
        Acl::empty()
            .with(&[Right::Add, Right::Delete, Right::Replace], self.server_id)
            .ok()
    }

    fn replace(&mut self, target: &Address, meta: &Meta, item: &Item) -> Result<(), StatusCode> {
        let node = self.node(&target.node)?;
        match &target.query {
            Some(Query::Property(Property::Acl)) => return self.replace_acl(&target.node, item),
            Some(Query::Property(Property::Name)) => return self.rename(&target.node, item),
            Some(Query::Property(Property::Title)) => return self.replace_title(&target.node, item),
            Some(Query::Property(Property::Format | Property::Size | Property::Type) | Query::List(_)) => {
                return Err(StatusCode::COMMAND_NOT_ALLOWED);
            }
            Some(Query::Property(_) | Query::UnknownProperty(_)) => {
                return Err(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED);
            }
            None => {}
        }
        self.need(Right::Replace, &target.node)?;
        if !node.access.contains(Right::Replace) || node.is_interior() {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        let value = Value::read(meta, item)?;
        let format = value.format.unwrap_or_else(|| node.format()).stored();
        if format == Format::Node {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        let octets = match (format, value.octets) {
            (Format::Null, _) => Vec::new(),
            (_, octets) => octets.ok_or(StatusCode::INCOMPLETE_COMMAND)?,
        };
        let type_name = value.type_name.unwrap_or_else(|| node.type_name.clone());
        let leaf = Node::leaf(format, &type_name, octets);
        self.tree
            .overwrite(&target.node, leaf)
            .map_err(|error| of_tree(&error))
    }

    fn replace_acl(&mut self, uri: &NodeUri, item: &Item) -> Result<(), StatusCode> {
        if !self.tree.permits_acl_change(self.server_id, uri) {
            return Err(StatusCode::PERMISSION_DENIED);
        }
        let acl = Acl::parse(&value::property_text(item)?).map_err(|error| match error {
            AclError::TooLong { .. } => StatusCode::DEVICE_FULL,
            _ => StatusCode::BAD_REQUEST,
        })?;
        self.tree.set_acl(uri, acl).map_err(|error| of_tree(&error))
    }

    fn rename(&mut self, uri: &NodeUri, item: &Item) -> Result<(), StatusCode> {
        self.need(Right::Replace, uri)?;
        let name = value::property_text(item)?;
        let parent = match uri.parent() {
            Some(parent) if !self.node(uri)?.is_permanent => parent,
            _ => return Err(StatusCode::COMMAND_NOT_ALLOWED),
        };
        let renamed = parent.join(&name).map_err(|error| of_uri(&error))?;
        if renamed == *uri {
            return Ok(());
        }
        self.tree.rename(uri, &renamed).map_err(|error| of_tree(&error))
    }

    fn replace_title(&mut self, uri: &NodeUri, item: &Item) -> Result<(), StatusCode> {
        self.need(Right::Replace, uri)?;
        let title = value::property_text(item)?;
        if title.len() > MAX_TITLE {
            return Err(StatusCode::ENTITY_TOO_LARGE);
        }
        self.tree
            .set_title(uri, Some(title))
            .map_err(|error| of_tree(&error))
    }

    fn delete(&mut self, uri: &NodeUri) -> Result<(), StatusCode> {
        let node = self.node(uri)?;
        let may_go = !node.is_permanent && node.access.contains(Right::Delete);
        self.need(Right::Delete, uri)?;
        match may_go {
            true => self.tree.remove(uri).map_err(|error| of_tree(&error)),
            false => Err(StatusCode::COMMAND_NOT_ALLOWED),
        }
    }

    /// The tree knows nothing that could be executed: that a node can be is all there is to it.
    fn exec(&self, uri: &NodeUri) -> Result<(), StatusCode> {
        let node = self.node(uri)?;
        self.need(Right::Exec, uri)?;
        match node.access.contains(Right::Exec) {
            true => Ok(()),
            false => Err(StatusCode::COMMAND_NOT_ALLOWED),
        }
    }

    /// Needs the rights of what it amounts to: Get there, and Add or Replace here.
    fn copy(&mut self, target: &NodeUri, item: &Item) -> Result<(), StatusCode> {
        let source = Address::parse(source_of(item).ok_or(StatusCode::INCOMPLETE_COMMAND)?)
            .map_err(|error| of_uri(&error))?;
        if source.query.is_some() {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        let original = self.node(&source.node)?;
        self.need(Right::Get, &source.node)?;
        if original.is_interior() || !original.access.contains(Right::Get) {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        let copy = Node::leaf(
            original.format(),
            &original.type_name,
            original.value().unwrap_or_default(),
        );
        let Some(there) = self.tree.get(target) else {
            let parent = self.place_for(target)?;
            return self.insert(&parent, target, copy);
        };
        self.need(Right::Replace, target)?;
        if there.is_interior() {
            return Err(StatusCode::COMMAND_NOT_ALLOWED);
        }
        if !there.access.contains(Right::Replace) {
            return Err(StatusCode::FORBIDDEN);
        }
        self.tree.overwrite(target, copy).map_err(|error| of_tree(&error))
    }

    fn is_in_inbox(&self, uri: &NodeUri) -> bool {
        let inbox = &self.tree.settings.inbox;
        uri.starts_with(inbox) && self.tree.get(inbox).is_some()
    }

    fn node(&self, uri: &NodeUri) -> Result<&Node, StatusCode> {
        self.tree.get(uri).ok_or(StatusCode::NOT_FOUND)
    }

    pub(super) fn need(&self, right: Right, uri: &NodeUri) -> Result<(), StatusCode> {
        match self.tree.permits(self.server_id, right, uri) {
            true => Ok(()),
            false => Err(StatusCode::PERMISSION_DENIED),
        }
    }
}

/// What a result takes, roughly: what it says, and what an item without data takes.
fn octets_of_result(item: &Item) -> usize {
    const ITEM: usize = 256;
    let said = item.data.as_ref().map_or(0, |data| match data {
        Data::Element(element) => octets_of_element(element),
        plain => plain.octets().unwrap_or(0),
    });
    ITEM + said
}

/// What an element takes, roughly. Those that a tree is written to are not nested deeper than the tree.
fn octets_of_element(element: &Element<'_>) -> usize {
    const ELEMENT: usize = 64;
    let below = element.elements().map(octets_of_element);
    ELEMENT + element.text().len() + below.sum::<usize>()
}

/// Whether the user has said no, has cancelled, or has not answered.
fn is_refusal_of_user(outcome: &Outcome) -> bool {
    outcome.command == "Alert" && matches!(outcome.status.0, 304 | 214 | 408)
}

/// Most octets of a title (OMA-TS-DM_TND 7.7.5).
const MAX_TITLE: usize = 255;

fn property_of(uri: &NodeUri, node: &Node, property: Property) -> Result<String, StatusCode> {
    match property {
        Property::Acl => Ok(node.acl.to_string()),
        Property::Format => Ok(node.format().name().to_owned()),
        Property::Name => Ok(uri.name().unwrap_or(".").to_owned()),
        Property::Size => Ok(node
            .value()
            .ok_or(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED)?
            .len()
            .to_string()),
        Property::Title => Ok(node.title.clone().unwrap_or_default()),
        Property::Type => Ok(node.type_name.clone()),
        // There is no clock here, and changes are not counted.
        Property::TimeStamp | Property::VersionNumber => Err(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED),
    }
}

pub(super) fn of_uri(error: &UriError) -> StatusCode {
    match error {
        UriError::TooLong { .. } | UriError::TooDeep | UriError::Limit { .. } => StatusCode::URI_TOO_LONG,
        UriError::Query { .. } => StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED,
        _ => StatusCode::BAD_REQUEST,
    }
}

pub(super) fn of_tree(error: &TreeError) -> StatusCode {
    match error {
        TreeError::NotFound { .. } => StatusCode::NOT_FOUND,
        TreeError::Exists { .. } => StatusCode::ALREADY_EXISTS,
        TreeError::Full { .. } | TreeError::FullOfValues { .. } => StatusCode::DEVICE_FULL,
        TreeError::ValueTooLarge { .. } => StatusCode::ENTITY_TOO_LARGE,
        TreeError::Uri(error) => of_uri(error),
        TreeError::IsLeaf { .. }
        | TreeError::IsInterior { .. }
        | TreeError::IsRoot
        | TreeError::EmptyRootAcl => StatusCode::COMMAND_NOT_ALLOWED,
    }
}

/// Meta and items of a command that has them.
fn parts(command: &Command) -> Option<(&Meta, &[Item])> {
    match command {
        Command::Add(operation)
        | Command::Copy(operation)
        | Command::Delete(operation)
        | Command::Exec(operation)
        | Command::Get(operation)
        | Command::Replace(operation) => Some((&operation.meta, &operation.items)),
        _ => None,
    }
}

fn target_of(item: &Item) -> Option<&str> {
    item.target.as_deref()
}

fn source_of(item: &Item) -> Option<&str> {
    item.source.as_deref()
}
