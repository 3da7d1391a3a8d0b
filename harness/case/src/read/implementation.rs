//! Reads implementation files.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::{Diagnostic, Role};

use super::diagnose::Source;
use super::yaml;
use crate::implementation::{Endpoints, Implementation};
use crate::template;

/// Reads an implementation file. Variables stay as they are; they are filled when a run begins.
///
/// # Errors
/// What is wrong with the text, with its place; a role without what is needed to test it; a variable that does
/// not exist.
pub fn implementation(source: Source<'_>) -> Result<Implementation, Vec<Diagnostic>> {
    let read: Implementation = yaml::parse(source).map_err(|error| vec![error])?;
    let mut problems = Vec::new();
    let mut problem = |message: String, help: &str| {
        problems.push(source.error_in_file(message, Some(help.to_owned())));
    };
    if read.plays.is_empty() {
        problem(
            "test a product that plays no role".to_owned(),
            "name its roles in `plays`",
        );
    }
    for role in &read.plays {
        if matches!(role, Role::Dms1 | Role::Dms2) && !read.identity.contains_key(role) {
            problem(
                format!("find the server identifier of {role}"),
                "add it under `identity`",
            );
        }
        for (kind, found) in needed(*role, read.endpoints.get(role)) {
            if !found {
                problem(
                    format!("find the {kind} endpoint of {role}"),
                    "add its URL under `endpoints`",
                );
            }
        }
    }
    if !read.devices.pattern.contains("{}") {
        problem(
            format!("number devices by the pattern `{}`", read.devices.pattern),
            "put `{}` where the number goes",
        );
    }
    if read.devices.count == 0 {
        problem(
            "lease a device: the count is 0".to_owned(),
            "each running case needs one; allow at least 1",
        );
    }
    let distinct: BTreeSet<&String> = read.ports.iter().collect();
    if distinct.len() != read.ports.len() {
        problem(
            "name a port twice".to_owned(),
            "give each of `ports` a name of its own",
        );
    }
    if read.start.as_ref().is_some_and(|start| start.command.is_empty()) {
        problem(
            "start a product without a command".to_owned(),
            "name the program in `start.command`",
        );
    }
    let known = implementation_variables(&read.ports);
    let known: BTreeMap<String, String> = known.into_iter().map(|name| (name, String::new())).collect();
    for problem in template::unknown_variables(source.text, &known) {
        problems.push(source.error(problem.at, problem.message, problem.help));
    }
    if problems.is_empty() {
        Ok(read)
    } else {
        Err(problems)
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
    ];
    let ports = ports.iter().map(|name| format!("port.{name}"));
    fixed.iter().map(|name| (*name).to_owned()).chain(ports).collect()
}
