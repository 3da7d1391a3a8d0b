//! Reads implementation files.

mod claims;
mod surroundings;
mod variables;

use std::collections::BTreeSet;

use dmconform_model::{Diagnostic, Role};

use super::diagnose::{Source, shown};
use super::node::{self, Node};
use super::typed;
use crate::implementation::{Endpoints, Implementation, Trigger};

/// Reads an implementation file. Variables stay as they are; they are filled when a run begins.
///
/// # Errors
/// What is wrong with the text, with its place; a role without what is needed to test it; a variable that does
/// not exist.
pub fn implementation(source: Source<'_>) -> Result<Implementation, Vec<Diagnostic>> {
    let source = source.without_mark();
    let node = node::parse(source).map_err(|problem| vec![problem])?;
    let product: Implementation = typed::read(&node).map_err(|mistakes| source.errors(mistakes))?;
    let mut check = Check {
        source,
        node: &node,
        product: &product,
        problems: Vec::new(),
    };
    check.roles();
    check.peers();
    check.claims();
    check.devices();
    check.ports();
    check.hosts();
    check.nodes();
    check.start();
    check.limits();
    check.variables();
    check.secrets();
    if check.problems.is_empty() {
        Ok(product)
    } else {
        Err(check.problems)
    }
}

struct Check<'a> {
    source: Source<'a>,
    node: &'a Node,
    product: &'a Implementation,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    fn problem(&mut self, path: &[&str], message: impl Into<String>, help: &str) {
        let at = self.node.place_of(path);
        self.problems
            .push(self.source.error(at, message, Some(help.to_owned())));
    }

    fn roles(&mut self) {
        let product = self.product;
        if product.plays.is_empty() {
            self.problem(
                &["plays"],
                "test a product that plays no role",
                "name its roles in `plays`",
            );
        }
        let mut seen = BTreeSet::new();
        for (index, role) in product.plays.iter().enumerate() {
            if !seen.insert(role) {
                let message = format!("play {role} twice");
                self.problem(&["plays", &index.to_string()], message, "name each role once");
            }
            let named = product
                .identity
                .get(role)
                .filter(|identity| !identity.server_id.is_empty());
            if matches!(role, Role::Dms1 | Role::Dms2) && named.is_none() {
                self.problem(
                    &["plays", &index.to_string()],
                    format!("find the server identifier of {role}"),
                    &format!("add `{role}: {{server-id: …}}` under `identity`"),
                );
            }
            for (kind, found) in needed(*role, product.endpoints.get(role)) {
                if !found {
                    let described = product.endpoints.contains_key(role);
                    let path = ["endpoints", role.as_str()];
                    let number = index.to_string();
                    let played = ["plays", number.as_str()];
                    self.problem(
                        if described { &path } else { &played },
                        format!("find the {kind} endpoint of {role}"),
                        &format!("add `{kind}:` with its URL under `endpoints`, `{role}`"),
                    );
                }
            }
        }
        let described = [
            ("identity", product.identity.keys().collect::<Vec<_>>()),
            ("endpoints", product.endpoints.keys().collect()),
        ];
        for (part, roles) in described {
            for role in roles.into_iter().filter(|role| !seen.contains(role)) {
                self.problem(
                    &[part, role.as_str()],
                    format!("describe {role}, which the product does not play"),
                    "add the role to `plays`, or remove this",
                );
            }
        }
    }

    fn start(&mut self) {
        let product = self.product;
        for (path, command) in commands(product) {
            if command.first().is_none_or(String::is_empty) && path != ["start", "ready", "command"] {
                let message = format!("run a command without a program for `{}`", path[0]);
                self.problem(&path, message, "name the program first, then its arguments");
            }
        }
        if let Some(start) = &product.start {
            let ready = &start.ready;
            let says_nothing = ready.tcp.is_empty()
                && ready.http.is_empty()
                && ready.log.is_none()
                && ready.command.is_empty();
            if says_nothing {
                self.problem(
                    &["start", "ready"],
                    "see when the product is ready: nothing is named by which it shows",
                    "add `tcp`, `http`, `log` or `command`",
                );
            }
            if start.instances != 1 {
                self.instances(start.instances);
            }
            if start.detached && product.stop.is_none() {
                self.problem(
                    &["start", "detached"],
                    "end a product that was left behind in the background",
                    "add `stop` with the command that ends it",
                );
            }
        } else if product.stop.is_some() {
            self.problem(
                &["stop"],
                "stop a product that the harness does not start",
                "add `start`, or remove this",
            );
        }
        for name in product.files.keys() {
            let outside = name.is_empty()
                || name.starts_with(['/', '\\'])
                || name.split(['/', '\\']).any(|part| part == "..");
            if outside {
                let message = format!("write the file `{}`", shown(name));
                self.problem(
                    &["files", name],
                    message,
                    "name a path inside the working directory",
                );
            }
        }
    }

    /// Several instances beside each other have no address in common.
    fn instances(&mut self, count: u32) {
        if !(1..=64).contains(&count) {
            let message = format!("start {count} instances of the product beside each other");
            self.problem(&["start", "instances"], message, "give a number from 1 to 64");
        }
        let product = self.product;
        for (role, endpoints) in &product.endpoints {
            if endpoints.parts().any(|(_, url)| !url.contains("${port.")) {
                self.problem(
                    &["endpoints", role.as_str()],
                    format!("start {count} instances of the product: all of them would be reached by this URL"),
                    "let the harness choose the port, with `ports` and `${port.NAME}`, or remove `start.instances`",
                );
            }
        }
        for (role, peer) in &product.peers {
            if peer.listen.parts().next().is_some() {
                self.problem(
                    &["peers", role.as_str(), "listen"],
                    format!("start {count} instances of the product: each needs a mock {role} of its own"),
                    "let the harness choose the address, or remove `start.instances`",
                );
            }
        }
    }

    fn limits(&mut self) {
        let limits = &self.product.limits;
        if limits.window < limits.reacts_within {
            self.problem(
                &["limits", "window"],
                format!(
                    "see anything in a window of {}: the product may take {} to react",
                    limits.window, limits.reacts_within
                ),
                "make `window` at least as long as `reacts-within`",
            );
        }
        if limits.step_deadline < limits.reacts_within {
            self.problem(
                &["limits", "step-deadline"],
                format!(
                    "wait {} for a step: the product may take {} to react",
                    limits.step_deadline, limits.reacts_within
                ),
                "make `step-deadline` at least as long as `reacts-within`",
            );
        }
    }
}

/// Which endpoints a role needs, and whether each is there.
fn needed(role: Role, endpoints: Option<&Endpoints>) -> Vec<(&'static str, bool)> {
    let has = |pick: fn(&Endpoints) -> &Option<String>| endpoints.is_some_and(|found| pick(found).is_some());
    match role {
        Role::DmClient => Vec::new(),
        Role::Dms1 | Role::Dms2 => vec![("dm", has(|e| &e.dm)), ("delegation", has(|e| &e.delegation))],
        Role::BootstrapServer => vec![("bootstrap", has(|e| &e.bootstrap))],
    }
}

/// Every command, with its place.
fn commands(product: &Implementation) -> Vec<(Vec<&'static str>, &[String])> {
    let mut found: Vec<(Vec<&'static str>, &[String])> = Vec::new();
    if let Some(start) = &product.start {
        found.push((vec!["start", "command"], &start.command));
        found.push((vec!["start", "ready", "command"], &start.ready.command));
    }
    for (name, command) in [("stop", &product.stop), ("reset", &product.reset)] {
        if let Some(command) = command {
            found.push((vec![name, "command"], &command.command));
        }
    }
    for (name, trigger) in product.triggers.all() {
        if let Trigger::Command(command) = trigger {
            found.push((vec!["triggers", name, "command", "command"], &command.command));
        }
    }
    found
}
