//! Reads implementation files.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::{Diagnostic, Role};

use super::diagnose::{Source, shown};
use super::node::{self, Node};
use super::typed;
use crate::implementation::{Endpoints, Implementation};
use crate::template;

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
    check.devices();
    check.start();
    check.limits();
    check.variables();
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

    fn devices(&mut self) {
        let devices = &self.product.devices;
        if !devices.pattern.contains("{}") {
            let message = format!("number devices by the pattern `{}`", shown(&devices.pattern));
            self.problem(&["devices", "pattern"], message, "put `{}` where the number goes");
        }
        if devices.count == 0 {
            self.problem(
                &["devices", "count"],
                "lease a device: the count is 0",
                "each running case needs one; allow at least 1",
            );
        }
        let mut seen = BTreeSet::new();
        for (index, port) in self.product.ports.iter().enumerate() {
            let path = ["ports", &index.to_string()];
            let well_formed =
                !port.is_empty() && port.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !well_formed {
                let message = format!("name a port `{}`", shown(port));
                self.problem(&path, message, "use letters, digits and hyphens");
            } else if !seen.insert(port) {
                let message = format!("name the port `{}` twice", shown(port));
                self.problem(&path, message, "give each of `ports` a name of its own");
            }
        }
    }

    fn start(&mut self) {
        let Some(start) = &self.product.start else { return };
        if start.command.first().is_none_or(String::is_empty) {
            self.problem(
                &["start", "command"],
                "start a product without a command",
                "name the program in `start.command`",
            );
        }
        for name in self.product.files.keys() {
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

    /// Variables that do not exist, wherever a value is written (not in comments).
    fn variables(&mut self) {
        let known = implementation_variables(&self.product.ports);
        let known: BTreeMap<String, String> = known.into_iter().map(|name| (name, String::new())).collect();
        let values = self.node.scalars();
        for unknown in template::unknown_variables(self.source.text, &known) {
            if values.iter().any(|value| value.contains(&unknown.at.start)) {
                let problem = self.source.error(unknown.at, unknown.message, unknown.help);
                self.problems.push(problem);
            }
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

/// The URL of an endpoint with the device filled in.
pub fn endpoint_of(template: &str, device: &str) -> String {
    template.replace("${device}", device)
}

/// The variables that an implementation file may use.
pub fn implementation_variables(ports: &[String]) -> Vec<String> {
    let fixed = [
        "self",
        "directory",
        "work",
        "device",
        "devices.first",
        "devices.count",
        "devices.pattern",
        "manufacturer",
        "model",
        "server",
        "peer",
        "session",
        "type",
        "tree",
        "remove-account",
        "server-id.dms-1",
        "server-id.dms-2",
        "mock.dms-1.dm",
        "mock.dms-1.delegation",
        "mock.dms-2.dm",
        "mock.dms-2.delegation",
        "mock.bootstrap-server.bootstrap",
        "mock.bootstrap-server.bootstrap-base",
        "tls.roots",
        "tls.revocation-list",
        "tls.dm-client.certificate",
        "tls.dm-client.key",
        "tls.dms-1.certificate",
        "tls.dms-1.key",
        "tls.dms-2.certificate",
        "tls.dms-2.key",
        "tls.bootstrap-server.certificate",
        "tls.bootstrap-server.key",
        "credentials.dms-1.client-name",
        "credentials.dms-1.client-secret",
        "credentials.dms-1.server-secret",
        "credentials.dms-1.nonce",
        "credentials.dms-1.node",
        "credentials.dms-2.client-name",
        "credentials.dms-2.client-secret",
        "credentials.dms-2.server-secret",
        "credentials.dms-2.nonce",
        "credentials.dms-2.node",
        "deviations",
        "oddities",
        "seed",
    ];
    let ports = ports.iter().map(|name| format!("port.{name}"));
    fixed.iter().map(|name| (*name).to_owned()).chain(ports).collect()
}
