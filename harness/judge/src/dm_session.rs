//! Follows a DM session: which commands carry a step of the procedure, and which Status answers them.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::test_case::ProbeCommand;
use dmconform_model::{MessageId, Role, Step};
use oma_dm::acl::Acl;
use oma_dm::syncml::{Item, Meta};

use crate::header::Header;
use crate::occurrence::Fields;
use crate::package::{Package, Sent, Verb, octets};
use crate::regularity::Regularity;
use crate::state::rights;

/// One DM session as one observer sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct DmSession {
    /// The commands of the server that carry a step: MsgID and CmdID → group.
    commands: BTreeMap<(String, String), usize>,
    groups: Vec<Group>,
    /// The other commands of the server: MsgID and CmdID → probe, by its index in what was observed.
    pub(crate) probes: BTreeMap<(String, String), usize>,
    /// The session against the rules for it.
    pub(crate) regularity: Regularity,
    /// What an item has said of its data so far, where more follows (OMA-TS-DM_Protocol 7): in a box, since few sessions have any.
    unfinished: Option<Box<Unfinished>>,
    /// The longest message that the client takes, in octets.
    max_message_size: Option<u64>,
    /// Whether the server has sent a longer one.
    is_oversized: bool,
    /// The alerts with which the client opened the session.
    pub(crate) opened_by: Vec<u16>,
}

/// Data that comes in several messages.
#[derive(Clone, Debug)]
struct Unfinished {
    target: String,
    /// How its first part was written, where it may be an object.
    first: Option<(Meta, Item)>,
    octets: Vec<u8>,
    messages: u32,
}

/// The commands of one message of the server that carry the same step.
#[derive(Clone, Debug)]
struct Group {
    step: Step,
    open: BTreeSet<(String, String)>,
    codes: Vec<u16>,
}

/// A step that a message of the server carries.
pub(crate) struct Carried {
    pub(crate) step: Step,
    pub(crate) fields: Fields,
    pub(crate) note: String,
}

/// A step whose commands have all been answered.
pub(crate) struct AnsweredStep {
    pub(crate) message: MessageId,
    pub(crate) codes: Vec<u16>,
}

/// A command of the server that carries no step.
pub(crate) struct OtherCommand {
    pub(crate) key: (String, String),
    pub(crate) command: ProbeCommand,
    pub(crate) node: String,
}

/// What is known of the client's tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownTree {
    /// Node → ACL.
    pub(crate) acls: BTreeMap<String, String>,
    /// Account node → server identifier.
    pub(crate) accounts: BTreeMap<String, String>,
}

impl DmSession {
    /// Whether nobody has to say any more in it, and every step that it carried was answered.
    pub(crate) fn is_over(&self) -> bool {
        self.regularity.is_over() && self.groups.iter().all(|group| group.open.is_empty())
    }

    /// Whether a message of the client begins another session of the same identifier.
    pub(crate) fn is_over_by(&self, package: &Package) -> bool {
        package.header().message_id == "1" && !self.regularity.is_repeated(package)
    }

    /// Takes a message of the client: the steps that it answers.
    pub(crate) fn client_sent(&mut self, package: &Package) -> Vec<AnsweredStep> {
        self.max_message_size = package.header().max_message_size.or(self.max_message_size);
        if self.commands.is_empty() {
            return Vec::new();
        }
        let mut touched = BTreeSet::new();
        for status in package.statuses() {
            let key = (status.message_ref.clone(), status.command_ref.clone());
            if let Some(&group) = self.commands.get(&key) {
                self.groups[group].open.remove(&key);
                self.groups[group].codes.push(status.code.0);
                touched.insert(group);
            }
        }
        let complete = touched
            .into_iter()
            .filter(|&group| self.groups[group].open.is_empty());
        complete
            .map(|group| AnsweredStep {
                message: MessageId::answer(self.groups[group].step),
                codes: self.groups[group].codes.clone(),
            })
            .collect()
    }

    /// Takes a message of the server: the steps that it carries, and its other commands.
    pub(crate) fn server_sent(
        &mut self,
        header: &Header,
        known: &KnownTree,
        server: Role,
        package: &Package,
    ) -> (Vec<Carried>, Vec<OtherCommand>) {
        let mut others = Vec::new();
        self.is_oversized |= self.max_message_size.is_some_and(|limit| package.octets > limit);
        let fits = if self.is_oversized { "no" } else { "yes" };
        let whole: Vec<(Sent<'_>, u32)> = package.sent().flat_map(|sent| self.completed(sent)).collect();
        // In the order of the message, since commands are carried out in that.
        let mut by_step: Vec<(Step, Vec<&Sent<'_>>)> = Vec::new();
        let messages = whole.iter().map(|(_, messages)| *messages).max().unwrap_or(1);
        for (sent, _) in &whole {
            match step_of(header, known, server, sent) {
                Some(step) => match by_step.iter_mut().find(|(known, _)| *known == step) {
                    Some((_, commands)) => commands.push(sent),
                    None => by_step.push((step, vec![sent])),
                },
                None => others.extend(other(package, sent)),
            }
        }
        let carried = by_step
            .into_iter()
            .map(|(step, commands)| {
                let keys: BTreeSet<_> = commands.iter().map(|sent| key(package, sent)).collect();
                let group = self.groups.len();
                self.commands.extend(keys.iter().cloned().map(|key| (key, group)));
                self.groups.push(Group {
                    step,
                    open: keys,
                    codes: Vec::new(),
                });
                let mut carried = carried(header, known, step, &commands);
                carried
                    .fields
                    .insert("messages".to_owned(), vec![messages.to_string()]);
                carried.fields.insert("fits".to_owned(), vec![fits.to_owned()]);
                if let Some(uri) = &package.header().response_uri {
                    carried
                        .fields
                        .insert("response-uri".to_owned(), vec![uri.clone()]);
                }
                carried
            })
            .collect();
        (carried, others)
    }

    /// A command with all of its data, and in how many messages that came; nothing while more of it follows.
    fn completed<'m>(&mut self, sent: Sent<'m>) -> Vec<(Sent<'m>, u32)> {
        let before = self
            .unfinished
            .take()
            .filter(|unfinished| unfinished.target == sent.target);
        if before.is_none() && !sent.more_data {
            return vec![(sent, 1)];
        }
        let mut all = before.unwrap_or_else(|| {
            Box::new(Unfinished {
                target: sent.target.clone().into_owned(),
                first: sent.written.map(|(of_command, item)| {
                    let item = Item {
                        data: None,
                        ..item.clone()
                    };
                    (of_command.clone(), item)
                }),
                octets: Vec::new(),
                messages: 0,
            })
        });
        all.messages += 1;
        // The transcript bounds what there is to remember.
        match (sent.written, &sent.data) {
            (Some((_, item)), _) => all.octets.extend_from_slice(&octets(item)),
            (None, Some(text)) => all.octets.extend_from_slice(text.as_bytes()),
            (None, None) => {}
        }
        if sent.more_data {
            self.unfinished = Some(all);
            return Vec::new();
        }
        let messages = all.messages;
        let joined = sent.joined(all.first.as_ref(), all.octets).into_iter();
        joined.map(|sent| (sent, messages)).collect()
    }
}

/// What the other end refers to a command by.
fn key(package: &Package, sent: &Sent<'_>) -> (String, String) {
    (package.header().message_id.clone(), sent.id.to_owned())
}

/// Which step a command carries. Recognised by place and kind, never by the values that are judged.
fn step_of(header: &Header, known: &KnownTree, server: Role, sent: &Sent<'_>) -> Option<Step> {
    if server != Role::Dms1 {
        return None;
    }
    let (node, query) = sent.target.split_once('?').unwrap_or((&sent.target, ""));
    let writes = matches!(sent.verb, Verb::Add | Verb::Replace);
    if writes && query == "prop=ACL" {
        let adds = sent
            .data
            .as_deref()
            .is_none_or(|acl| !gained(header, known, node, acl).is_empty() || Acl::parse(acl).is_err());
        return adds.then_some(Step::AclUpdate);
    }
    if writes && query.is_empty() && below(node, &header.profile.bootstrap_config.root) {
        return Some(Step::BootstrapEntry);
    }
    let is_account = known.accounts.get(node).map_or_else(
        || known.accounts.is_empty() && node.starts_with("./DMAcc/"),
        |server_id| *server_id == header.parties.dms_1,
    );
    (sent.verb == Verb::Delete && is_account).then_some(Step::AccountRemoval)
}

fn carried(header: &Header, known: &KnownTree, step: Step, commands: &[&Sent<'_>]) -> Carried {
    let mut fields = Fields::new();
    let mut put = |field: &str, value: String| {
        let values = fields.entry(field.to_owned()).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    };
    for sent in commands {
        let node = sent.target.split('?').next().unwrap_or("");
        let data = sent.data.as_deref().unwrap_or("");
        match step {
            Step::BootstrapEntry => {
                let config = &header.profile.bootstrap_config;
                put("node", node.to_owned());
                if node.rsplit('/').next() == Some(config.url_leaf.as_str()) {
                    put("url", data.to_owned());
                }
                put("entry", entry_name(node, &config.root));
            }
            Step::AclUpdate => {
                put("node", node.to_owned());
                put("nodes", node.to_owned());
                put("acl", data.to_owned());
                put(
                    "well-formed",
                    if Acl::parse(data).is_ok() { "yes" } else { "no" }.to_owned(),
                );
                gained(header, known, node, data)
                    .into_iter()
                    .for_each(|id| put("servers", id));
                lost(header, known, node, data)
                    .into_iter()
                    .for_each(|id| put("removed", id));
            }
            _ => {
                put("node", node.to_owned());
                if let Some(server) = known.accounts.get(node) {
                    put("server", server.clone());
                }
            }
        }
    }
    Carried {
        step,
        note: note(step, &fields),
        fields,
    }
}

fn note(step: Step, fields: &Fields) -> String {
    let text = |field: &str| {
        fields
            .get(field)
            .map_or(String::new(), |values| values.join(", "))
    };
    match step {
        Step::BootstrapEntry => format!("writes {} = {}", text("node"), text("url")),
        Step::AclUpdate => format!("writes the ACL of {}: {}", text("nodes"), text("acl")),
        _ => format!("deletes {}", text("node")),
    }
}

fn entry_name(node: &str, root: &str) -> String {
    let rest = node.strip_prefix(root).unwrap_or(node).trim_start_matches('/');
    rest.split('/').next().unwrap_or("").to_owned()
}

/// The servers that gain a right by an ACL; the writer itself is not counted.
fn gained(header: &Header, known: &KnownTree, node: &str, acl: &str) -> BTreeSet<String> {
    let before = rights(effective(known, node));
    let after = rights(acl);
    let new = after.difference(&before).map(|(_, server)| server.clone());
    new.filter(|server| *server != header.parties.dms_1).collect()
}

/// The servers that lose a right by an ACL; the writer itself may give up its own.
fn lost(header: &Header, known: &KnownTree, node: &str, acl: &str) -> BTreeSet<String> {
    if Acl::parse(acl).is_err() {
        // What it would take away cannot be said; that it is none is another finding.
        return BTreeSet::new();
    }
    let before = known.acls.get(node).map(|acl| rights(acl)).unwrap_or_default();
    let after = rights(acl);
    let everybody = |right| after.contains(&(right, "*".to_owned()));
    let gone = before.difference(&after).filter(|(right, _)| !everybody(*right));
    gone.map(|(_, server)| server.clone())
        .filter(|server| *server != header.parties.dms_1)
        .collect()
}

/// The ACL that counts at a node: the nearest one upwards.
fn effective<'a>(known: &'a KnownTree, node: &str) -> &'a str {
    let mut at = node;
    loop {
        if let Some(acl) = known.acls.get(at).filter(|acl| !acl.is_empty()) {
            return acl;
        }
        match at.rsplit_once('/') {
            Some((parent, _)) => at = parent,
            None => return "",
        }
    }
}

fn below(node: &str, root: &str) -> bool {
    node.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

fn other(package: &Package, sent: &Sent<'_>) -> Option<OtherCommand> {
    let command = match sent.verb {
        Verb::Get => ProbeCommand::Get,
        Verb::Replace => ProbeCommand::Replace,
        Verb::Add => ProbeCommand::Add,
        Verb::Delete | Verb::Other => return None,
    };
    Some(OtherCommand {
        key: key(package, sent),
        command,
        node: sent.target.clone().into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::read;
    use crate::package::tests::{OBJECT, adds};

    #[test]
    fn an_entry_that_comes_as_an_object_in_parts_is_step_4() {
        let stored = include_str!("../../../fixtures/transcripts/good-dms-1.jsonl");
        let header = crate::stored::read(stored)
            .expect("the transcript is whole")
            .header;
        let known = KnownTree::default();
        let mut session = DmSession::default();
        let mut sent = |part: &str, more: &str| {
            let package = read(adds(part, more).as_bytes(), "application/vnd.syncml.dm+xml");
            let package = package.expect("it is a message");
            session.server_sent(&header, &known, Role::Dms1, &package).0
        };
        let (first, rest) = OBJECT.split_at(OBJECT.len() / 2);
        let (second, third) = rest.split_at(rest.len() / 2);
        assert!(sent(first, "<MoreData/>").is_empty());
        assert!(sent(second, "<MoreData/>").is_empty());
        let carried = sent(third, "");
        let [entry] = carried.as_slice() else {
            panic!("it is one step: {}", carried.len())
        };
        assert_eq!(entry.step, Step::BootstrapEntry);
        assert_eq!(entry.fields["url"], ["https://b.example/ü"]);
        assert_eq!(entry.fields["messages"], ["3"]);
    }
}
