//! One device: its management tree, and what servers do to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;

use oma_dm::account::Account;
use oma_dm::acl::{ANY_SERVER, Acl, Right};
use oma_dm::devdetail::DeviceDetails;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::session::client::ClientSession;
use oma_dm::syncml::{Command, Group, StatusCode};
use oma_dm::tree::{Format, Outcome, Tree};
use oma_dm::uri::{Address, NodeUri, UriLimits};

use crate::accounts;
use crate::background::lock;
use crate::config::{BootstrapConfig, DmClient};
use crate::deviation::{Deviation, Deviations};

/// The most events that are kept.
const MAX_EVENTS: usize = 64;

/// One device.
pub(crate) struct Device {
    pub(crate) id: String,
    /// As it left the factory.
    initial: Tree,
    state: Mutex<State>,
    /// One DM session at a time.
    pub(crate) session: tokio::sync::Mutex<()>,
}

struct State {
    tree: Tree,
    /// Entries that have been followed, with their URL.
    followed: BTreeMap<NodeUri, String>,
    events: VecDeque<String>,
    /// Servers with which a session is waiting to begin.
    queued: BTreeSet<String>,
    /// How often it was reset.
    generation: u64,
}

impl Device {
    /// A device with the account of DMS-1, and the nodes that the configuration names.
    pub(crate) fn new(id: String, config: &DmClient) -> Result<Self, String> {
        let initial = factory_tree(&id, config)?;
        let state = State {
            tree: initial.clone(),
            followed: BTreeMap::new(),
            events: VecDeque::new(),
            queued: BTreeSet::new(),
            generation: 0,
        };
        Ok(Self {
            id,
            initial,
            state: Mutex::new(state),
            session: tokio::sync::Mutex::default(),
        })
    }

    /// Puts everything back to how it left the factory.
    pub(crate) fn reset(&self) {
        let mut state = lock(&self.state);
        state.tree = self.initial.clone();
        state.followed.clear();
        state.events.clear();
        state.queued.clear();
        state.generation += 1;
    }

    /// How often it was reset.
    pub(crate) fn generation(&self) -> u64 {
        lock(&self.state).generation
    }

    /// A copy of the tree as it is now.
    pub(crate) fn tree(&self) -> Tree {
        lock(&self.state).tree.clone()
    }

    /// The account of a server as it left the factory.
    pub(crate) fn first_account(&self, server_id: &str) -> Option<Account> {
        Account::find(&self.initial, server_id).map(|(_, account)| account)
    }

    /// Changes the tree, unless it was reset since.
    pub(crate) fn change<T>(&self, generation: u64, change: impl FnOnce(&mut Tree) -> T) -> Option<T> {
        let mut state = lock(&self.state);
        (state.generation == generation).then(|| change(&mut state.tree))
    }

    /// Keeps the nonces of a session for the next one, if the account that it began with is still there, and nothing else of it.
    pub(crate) fn keep_nonces(&self, generation: u64, place: &NodeUri, session: &ClientSession) {
        self.change(generation, |tree| {
            if let Ok(account) = Account::read(tree, place) {
                // An account that was read has room for a nonce.
                drop(session.renew(account).write_nonces_to(tree, place));
            }
        });
    }

    /// Bootstrap Server URLs that have come since this was asked last.
    pub(crate) fn new_urls(&self, config: &BootstrapConfig) -> Vec<String> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        let leaves = state
            .tree
            .children(&config.root)
            .filter_map(|(entry, _)| entry.join(&config.url_leaf).ok());
        let urls: Vec<_> = leaves
            .filter_map(|leaf| state.tree.text(&leaf).map(str::to_owned).map(|url| (leaf, url)))
            .collect();
        state
            .followed
            .retain(|leaf, _| urls.iter().any(|(there, _)| there == leaf));
        let followed = &mut state.followed;
        let new = urls
            .into_iter()
            .filter(|(leaf, url)| followed.insert(leaf.clone(), url.clone()).as_ref() != Some(url));
        new.map(|(_, url)| url).collect()
    }

    /// Notes that a session with a server is to be held; `false` when one is waiting already.
    pub(crate) fn queue(&self, server_id: &str) -> bool {
        lock(&self.state).queued.insert(server_id.to_owned())
    }

    /// Notes that it is to begin; `false` when the device was reset since, and another one may be waiting.
    pub(crate) fn dequeue(&self, generation: u64, server_id: &str) -> bool {
        let mut state = lock(&self.state);
        if state.generation != generation {
            return false;
        }
        state.queued.remove(server_id);
        true
    }

    /// Whether sessions are waiting.
    pub(crate) fn is_queued(&self) -> bool {
        !lock(&self.state).queued.is_empty()
    }

    /// Notes what has happened, for people.
    pub(crate) fn note(&self, event: String) {
        let mut state = lock(&self.state);
        if state.events.len() >= MAX_EVENTS {
            state.events.pop_front();
        }
        state.events.push_back(event);
    }

    pub(crate) fn events(&self) -> Vec<String> {
        lock(&self.state).events.iter().cloned().collect()
    }
}

/// The tree a device leaves the factory with.
fn factory_tree(id: &str, config: &DmClient) -> Result<Tree, String> {
    let mut tree = Tree::new();
    let info = DeviceInfo {
        device_id: id.to_owned(),
        manufacturer: config.manufacturer.clone(),
        model: config.model.clone(),
        dm_version: "1.2".to_owned(),
        language: "en".to_owned(),
    };
    info.write_to(&mut tree)
        .map_err(|error| format!("failed to write DevInfo: {error}"))?;
    let server = &config.account.server_id;
    let owned = Acl::empty()
        .with(&Right::ALL, server)
        .map_err(|error| error.to_string())?;
    let problem = |error: oma_dm::tree::TreeError| error.to_string();
    device_details()
        .write_to(&mut tree)
        .map_err(|error| format!("failed to write DevDetail: {error}"))?;
    tree.insert_interior(&tree.settings().inbox.clone(), "urn:oma:mo:oma-dm-inbox:1.0")
        .map_err(problem)?;
    let root = config.bootstrap_config.root.clone();
    tree.insert_interior(&root, "").map_err(problem)?;
    tree.set_acl(&root, owned.clone()).map_err(problem)?;
    let place = tree
        .settings()
        .account_root
        .join("dms1")
        .map_err(|error| error.to_string())?;
    let account = crate::config::Account {
        credentials: config.account.credentials.of(id),
        ..config.account.clone()
    };
    accounts::to_wire(&account)
        .write_to(&mut tree, &place)
        .map_err(|error| format!("failed to write the account: {error}"))?;
    tree.set_acl(&place, owned).map_err(problem)?;
    for node in &config.nodes {
        let written = match &node.value {
            Some(value) => tree.insert_leaf(
                &node.uri,
                Format::Chr,
                "text/plain",
                value.replace("${device}", id),
            ),
            None => tree.insert_interior(&node.uri, ""),
        };
        written.map_err(|error| format!("failed to write the node `{}`: {error}", node.uri))?;
        if let Some(acl) = &node.acl {
            tree.set_acl(&node.uri, acl.clone()).map_err(problem)?;
        }
    }
    Ok(tree)
}

/// What the device says of itself when it is asked.
fn device_details() -> DeviceDetails {
    let text = str::to_owned;
    DeviceDetails {
        uri_limits: UriLimits::default(),
        device_type: text("device"),
        oem: text("Example Devices"),
        firmware_version: text("1"),
        software_version: text("1"),
        hardware_version: text("1"),
        supports_large_objects: true,
    }
}

/// Carries out a server's commands on a device.
pub(crate) struct Hands<'a> {
    pub(crate) device: &'a Device,
    pub(crate) generation: u64,
    pub(crate) bootstrap_config: &'a BootstrapConfig,
    /// The server that the device started with.
    pub(crate) first_server: &'a str,
    pub(crate) deviations: &'a Deviations,
}

impl Hands<'_> {
    /// Carries out one command.
    pub(crate) fn execute(&self, server_id: &str, command: &Command) -> Vec<Outcome> {
        let done = self
            .device
            .change(self.generation, |tree| self.execute_on(tree, server_id, command));
        // Whoever speaks to a device that has been reset speaks to another one, which keeps nothing of it.
        done.unwrap_or_else(|| refused(&Tree::new(), server_id, command, StatusCode::COMMAND_FAILED))
    }

    /// The identifiers of the commands, among this one and its members, of which nothing is to be said.
    pub(crate) fn hushed(&self, server_id: &str, command: &Command) -> Vec<String> {
        match self.deviations.has(Deviation::NoStatusForEntry) && server_id == self.first_server {
            true => entries(command, &self.bootstrap_config.root),
            false => Vec::new(),
        }
    }

    fn execute_on(&self, tree: &mut Tree, server_id: &str, command: &Command) -> Vec<Outcome> {
        let has = |deviation| self.deviations.has(deviation);
        if let Command::Sequence(group) = command
            && self.deviations.are_any()
            && !group
                .commands
                .iter()
                .any(|member| matches!(member, Command::Alert(_)))
        {
            // Each member is a command like any other; only what a user says would end it.
            let alone = Command::Sequence(Group {
                commands: Vec::new(),
                ..group.clone()
            });
            let mut outcomes = tree.execute(server_id, &alone);
            let members = group.commands.iter();
            outcomes.extend(members.flat_map(|member| self.execute_on(tree, server_id, member)));
            return outcomes;
        }
        let is_second = server_id != self.first_server;
        if is_second && has(Deviation::RefusesGrantedCommand) && is_granted_by_name(tree, server_id, command)
        {
            return refused(tree, server_id, command, StatusCode::PERMISSION_DENIED);
        }
        let refuses = is_second
            && ((has(Deviation::IgnoresInheritedAcl) && is_granted_by_inheritance(tree, server_id, command))
                || (has(Deviation::IgnoresAclWildcard) && is_granted_to_all(tree, server_id, command)));
        if refuses {
            return refused(tree, server_id, command, StatusCode::PERMISSION_DENIED);
        }
        let before = tree.clone();
        let outcomes = tree.execute(server_id, command);
        let is_entry = !is_second && adds_below(command, &self.bootstrap_config.root);
        let is_removal = deletes(command) && tree.server_ids() != before.server_ids();
        let is_unwanted = (is_entry && has(Deviation::RefusesEntry))
            || (is_removal && has(Deviation::RefusesRemoval))
            || (!is_second && changes_acl(command) && has(Deviation::RefusesAclUpdate));
        if is_unwanted {
            *tree = before;
            return refused(tree, server_id, command, StatusCode::COMMAND_NOT_ALLOWED);
        }
        if (is_entry && has(Deviation::ForgetsEntry)) || (is_removal && has(Deviation::KeepsAccount)) {
            *tree = before;
        } else if is_removal && has(Deviation::KeepsServerInAcls) {
            restore_acls(tree, &before);
        } else if is_second
            && (has(Deviation::IgnoresAcl)
                || (has(Deviation::AnyRightSuffices) && is_granted_by_name(&before, server_id, command)))
            && outcomes
                .iter()
                .any(|outcome| outcome.status == StatusCode::PERMISSION_DENIED)
        {
            *tree = before.clone();
            lift_acls(tree);
            let outcomes = tree.execute(server_id, command);
            restore_acls(tree, &before);
            return outcomes;
        }
        outcomes
    }
}

/// What a command would give, refused.
fn refused(tree: &Tree, server_id: &str, command: &Command, status: StatusCode) -> Vec<Outcome> {
    let outcomes = tree.clone().execute(server_id, command).into_iter();
    outcomes
        .map(|outcome| Outcome {
            status,
            results: Vec::new(),
            ..outcome
        })
        .collect()
}

/// Whether a command, or a member of it, deletes something.
fn deletes(command: &Command) -> bool {
    match command {
        Command::Delete(_) => true,
        Command::Atomic(group) | Command::Sequence(group) => group.commands.iter().any(deletes),
        _ => false,
    }
}

/// Whether a command, or a member of it, writes an ACL.
fn changes_acl(command: &Command) -> bool {
    match command {
        Command::Replace(operation) => {
            let mut targets = operation.items.iter().filter_map(|item| item.target.as_deref());
            targets.any(|target| target.ends_with("?prop=ACL"))
        }
        Command::Atomic(group) | Command::Sequence(group) => group.commands.iter().any(changes_acl),
        _ => false,
    }
}

/// The nodes that a command is about.
fn targets(command: &Command) -> Vec<NodeUri> {
    match command {
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => {
            let targets = operation.items.iter().filter_map(|item| item.target.as_deref());
            targets
                .filter_map(|target| Address::parse(target).ok())
                .map(|address| address.node)
                .collect()
        }
        Command::Atomic(group) | Command::Sequence(group) => {
            group.commands.iter().flat_map(targets).collect()
        }
        Command::Status(_) | Command::Results(_) | Command::Alert(_) => Vec::new(),
    }
}

/// Whether a command, or a member of it, adds something below a node.
fn adds_below(command: &Command, root: &NodeUri) -> bool {
    match command {
        Command::Get(_) | Command::Delete(_) => false,
        Command::Atomic(group) | Command::Sequence(group) => {
            group.commands.iter().any(|member| adds_below(member, root))
        }
        _ => targets(command)
            .iter()
            .any(|target| target.starts_with(root) && target != root),
    }
}

/// The identifiers of the commands that add something below a node and do nothing else, among this one and its members.
fn entries(command: &Command, root: &NodeUri) -> Vec<String> {
    let own = || command.id().to_owned();
    match command {
        Command::Atomic(group) | Command::Sequence(group) => {
            let members = || group.commands.iter();
            let mut found: Vec<_> = members().flat_map(|member| entries(member, root)).collect();
            if !found.is_empty() && members().all(|member| adds_below(member, root)) {
                found.push(own());
            }
            found
        }
        command if adds_below(command, root) => vec![own()],
        _ => Vec::new(),
    }
}

/// Whether the server stands in the ACL in force, other than as the owner of an account.
fn is_granted_by_name(tree: &Tree, server_id: &str, command: &Command) -> bool {
    let accounts = &tree.settings().account_root;
    targets(command)
        .iter()
        .any(|target| !target.starts_with(accounts) && tree.effective_acl(target).names(server_id))
}

/// Whether the server stands in an ACL that a node has only by inheritance.
fn is_granted_by_inheritance(tree: &Tree, server_id: &str, command: &Command) -> bool {
    is_granted_by_name(tree, server_id, command)
        && targets(command)
            .iter()
            .any(|target| tree.acl(target).is_none_or(Acl::is_empty))
}

/// Whether the ACL in force has all servers in it, and not this one by its name.
fn is_granted_to_all(tree: &Tree, server_id: &str, command: &Command) -> bool {
    let accounts = &tree.settings().account_root;
    targets(command).iter().any(|target| {
        let acl = tree.effective_acl(target);
        let to_all = acl.entries().any(|(_, server)| server == ANY_SERVER);
        to_all && !acl.servers().contains(server_id) && !target.starts_with(accounts)
    })
}

/// Lets everybody do everything.
fn lift_acls(tree: &mut Tree) {
    let nodes: Vec<_> = tree.nodes().map(|(uri, _)| uri.clone()).collect();
    let everything = Acl::empty().with(&Right::ALL, ANY_SERVER).unwrap_or_default();
    for uri in nodes {
        let acl = if uri.is_root() {
            everything.clone()
        } else {
            Acl::empty()
        };
        // The nodes are there, and the root's ACL is not empty.
        drop(tree.set_acl(&uri, acl));
    }
}

/// Puts back the ACLs of all nodes that were there before.
fn restore_acls(tree: &mut Tree, before: &Tree) {
    for (uri, node) in before.nodes() {
        // What has been deleted needs none.
        drop(tree.set_acl(uri, node.acl.clone()));
    }
}

#[cfg(test)]
mod tests {
    use oma_dm::auth::Secret;
    use oma_dm::session::client::{ClientConfig, Step};
    use oma_dm::session::server::{ServerConfig, ServerSession, Tag};
    use oma_dm::syncml::{AlertCode, Item, Meta, Operation};
    use rstest::rstest;

    use super::*;

    const DEVICE: &str = "urn:example:device:1";

    fn device() -> (Device, Account, NodeUri) {
        let config: crate::config::Config =
            toml::from_str(include_str!("../../examples/dm-client.toml")).expect("it is a configuration");
        let config = config.dm_client.expect("it has a client");
        let device = Device::new(DEVICE.to_owned(), &config).expect("its tree can be made");
        let (place, account) = Account::find(&device.tree(), "dms1.example").expect("it has an account");
        (device, account, place)
    }

    #[test]
    fn what_a_server_writes_in_its_account_outlives_the_session_and_the_nonces_move_on() {
        let (device, account, place) = device();
        let at = |leaf: &str| format!("{place}/{leaf}");
        let known = (
            account.client_credentials.clone(),
            account.server_credentials.clone(),
        );
        let device_info = DeviceInfo::read(&device.tree()).expect("it says what it is");
        let config = ClientConfig::new(account, device_info, "1", AlertCode::CLIENT_INITIATED, b"client");
        let (mut client, package_1) = ClientSession::start(config);
        let config = ServerConfig::new("https://localhost:18101/dm", known.1, b"server");
        let mut server = ServerSession::new(config, known.0.clone());
        server.receive(&package_1);
        let package_2 = server.respond(vec![
            (Tag(1), Command::replace_text(&at("Name"), "renamed")),
            (
                Tag(2),
                Command::replace_text(&at("AppAuth/CLCRED/AAuthSecret"), "replaced"),
            ),
        ]);
        let generation = device.generation();
        let step = device.change(generation, |tree| client.receive(&package_2, tree));
        let Some(Step::Send(package_3)) = step else {
            panic!("there is something to answer")
        };
        let statuses = server.receive(&package_3).statuses;
        assert!(
            statuses.iter().all(|status| status.code == StatusCode::OK),
            "{statuses:?}"
        );
        let package_4 = server.respond(Vec::new());
        device.change(generation, |tree| client.receive(&package_4, tree));
        device.keep_nonces(generation, &place, &client);

        let kept = Account::read(&device.tree(), &place).expect("it is still there");
        assert_eq!(kept.name.as_deref(), Some("renamed"));
        let credentials = kept.client_credentials.expect("they are still there");
        assert_eq!(credentials.secret, Secret::new("replaced"));
        let moved_on = server.client_credentials().map(|known| &known.nonce);
        assert_eq!(Some(&credentials.nonce), moved_on);
        assert_ne!(
            Some(&credentials.nonce),
            known.0.as_ref().map(|known| &known.nonce)
        );
    }

    /// Steps 4, 8 and 8b as a server may put them in a group: an entry, the ACL of `./Com`, and the removal of its account.
    fn group(of: impl Fn(Group) -> Command) -> Command {
        let interior = Meta {
            format: Some("node".to_owned()),
            ..Meta::default()
        };
        let entry = Item::at("./BootstrapConfig/entry").with_meta(interior);
        let entry = Command::Add(Operation::on(vec![entry])).with_id("2");
        let acl = Item::at("./Com?prop=ACL").with_text("Get=dms1.example+dms2.example");
        let acl = Command::Replace(Operation::on(vec![acl])).with_id("3");
        let removal = Command::Delete(Operation::on(vec![Item::at("./DMAcc/dms1")])).with_id("4");
        let commands = vec![entry, acl, removal];
        of(Group {
            id: "1".to_owned(),
            commands,
            ..Group::default()
        })
    }

    /// What of that a device with a deviation says it has done, and has done: the entry, the ACL, the removal, and that from the ACL.
    fn done(deviation: Option<Deviation>, command: &Command) -> (Vec<u16>, [bool; 4]) {
        let (device, ..) = device();
        let hands = Hands {
            device: &device,
            generation: device.generation(),
            bootstrap_config: &BootstrapConfig::default(),
            first_server: "dms1.example",
            deviations: &deviation.into_iter().collect(),
        };
        let outcomes = hands.execute("dms1.example", command);
        let said = outcomes.iter().map(|outcome| outcome.status.0).collect();
        let tree = device.tree();
        let uri = |text| NodeUri::parse(text).expect("a URI");
        let acl = tree.acl(&uri("./Com")).map(Acl::to_string).unwrap_or_default();
        let has = [
            tree.get(&uri("./BootstrapConfig/entry")).is_some(),
            acl.contains("dms2.example"),
            tree.get(&uri("./DMAcc/dms1")).is_none(),
            !acl.contains("dms1.example"),
        ];
        (said, has)
    }

    #[rstest]
    #[case(None, [200, 200, 200, 200], [true, true, true, true])]
    #[case(Some(Deviation::RefusesEntry), [200, 405, 200, 200], [false, true, true, true])]
    #[case(Some(Deviation::ForgetsEntry), [200, 200, 200, 200], [false, true, true, true])]
    #[case(Some(Deviation::RefusesAclUpdate), [200, 200, 405, 200], [true, false, true, true])]
    #[case(Some(Deviation::RefusesRemoval), [200, 200, 200, 405], [true, true, false, false])]
    #[case(Some(Deviation::KeepsAccount), [200, 200, 200, 200], [true, true, false, false])]
    #[case(Some(Deviation::KeepsServerInAcls), [200, 200, 200, 200], [true, true, true, false])]
    fn a_deviation_is_about_the_member_of_a_sequence_that_it_names(
        #[case] deviation: Option<Deviation>,
        #[case] said: [u16; 4],
        #[case] is_done: [bool; 4],
    ) {
        assert_eq!(
            done(deviation, &group(Command::Sequence)),
            (said.to_vec(), is_done)
        );
    }

    #[rstest]
    #[case(Deviation::RefusesAclUpdate)]
    #[case(Deviation::RefusesRemoval)]
    fn what_a_deviation_refuses_in_an_atomic_it_refuses_with_all_of_it(#[case] deviation: Deviation) {
        let (said, is_done) = done(Some(deviation), &group(Command::Atomic));
        assert_eq!((said, is_done), (vec![405; 4], [false; 4]));
    }

    #[test]
    fn nothing_is_said_of_an_entry_in_a_group_and_what_is_said_of_the_rest_stays() {
        let (device, ..) = device();
        let hands = Hands {
            device: &device,
            generation: device.generation(),
            bootstrap_config: &BootstrapConfig::default(),
            first_server: "dms1.example",
            deviations: &[Deviation::NoStatusForEntry].into_iter().collect(),
        };
        let Command::Sequence(mut sequence) = group(Command::Sequence) else {
            panic!("it is one")
        };
        let of_all = Command::Sequence(sequence.clone());
        assert_eq!(hands.hushed("dms1.example", &of_all), ["2"]);
        assert_eq!(hands.hushed("dms2.example", &of_all), [""; 0]);
        sequence.commands.truncate(1);
        let of_entry = Command::Sequence(sequence);
        assert_eq!(hands.hushed("dms1.example", &of_entry), ["2", "1"]);
    }

    #[test]
    fn a_server_that_speaks_to_a_device_that_was_reset_is_told_that_nothing_was_done() {
        let (device, ..) = device();
        let hands = Hands {
            device: &device,
            generation: device.generation(),
            bootstrap_config: &BootstrapConfig::default(),
            first_server: "dms1.example",
            deviations: &Deviations::default(),
        };
        let entry = Command::add_text("./BootstrapConfig/entry", "x");
        device.reset();
        let outcomes = hands.execute("dms1.example", &entry);
        let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.status).collect();
        assert_eq!(codes, [StatusCode::COMMAND_FAILED]);
        let entry = NodeUri::parse("./BootstrapConfig/entry").expect("a URI");
        assert!(device.tree().get(&entry).is_none());
    }

    #[test]
    fn a_reset_device_waits_for_no_session_of_before_and_those_take_nothing_from_a_new_one() {
        let (device, ..) = device();
        let generation = device.generation();
        assert!(device.queue("dms1.example"));
        assert!(!device.queue("dms1.example"), "one is waiting already");
        device.reset();
        assert!(device.queue("dms1.example"), "what waited is no more");
        assert!(!device.dequeue(generation, "dms1.example"));
        assert!(device.is_queued());
        assert!(device.dequeue(device.generation(), "dms1.example"));
        assert!(!device.is_queued());
    }

    #[test]
    fn a_device_says_that_it_takes_large_objects() {
        let (device, ..) = device();
        let details = DeviceDetails::read(&device.tree()).expect("it says what it is");
        assert!(details.supports_large_objects);
    }
}
