//! The variables of implementation files, and the mistakes that can be made with them.

use std::collections::BTreeMap;

use super::{Check, commands};
use crate::implementation::{Implementation, Secret};
use crate::template;

/// The variables that exist everywhere.
const FIXED: [&str; 52] = [
    "self",
    "directory",
    "work",
    "device",
    "devices.first",
    "devices.count",
    "manufacturer",
    "model",
    "server",
    "peer",
    "session",
    "type",
    "tree",
    "remove-account",
    "bootstrap-url",
    "server-id.dms-1",
    "server-id.dms-2",
    "mock.dms-1.dm",
    "mock.dms-1.delegation",
    "mock.dms-2.dm",
    "mock.dms-2.delegation",
    "mock.bootstrap-server.bootstrap",
    "mock.bootstrap-server.bootstrap-base",
    "public.dms-1.dm",
    "public.dms-1.delegation",
    "public.dms-2.dm",
    "public.dms-2.delegation",
    "public.bootstrap-server.bootstrap",
    "public.bootstrap-server.bootstrap-base",
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

/// The variables that an implementation file may use.
fn known(product: &Implementation) -> impl Iterator<Item = String> {
    let devices = if product.devices.list.is_empty() {
        "devices.pattern"
    } else {
        "devices.list"
    };
    let ports = product.ports.iter().map(|name| format!("port.{name}"));
    let fixed = FIXED.into_iter().chain([devices]).map(str::to_owned);
    fixed.chain(ports)
}

impl Check<'_> {
    /// Variables that do not exist, wherever a value is written (not in comments).
    pub(super) fn variables(&mut self) {
        let known: BTreeMap<String, String> = known(self.product).map(|name| (name, String::new())).collect();
        let values = self.node.scalars();
        for unknown in template::unknown_variables(self.source.text, &known) {
            if values.iter().any(|value| value.contains(&unknown.at.start)) {
                let problem = self.source.error(unknown.at, unknown.message, unknown.help);
                self.problems.push(problem);
            }
        }
    }

    /// Secrets that would show in the arguments of a command, which everybody on the machine can read.
    pub(super) fn secrets(&mut self) {
        let hidden = self.hidden_variables();
        for (path, arguments) in commands(self.product) {
            for (index, argument) in arguments.iter().enumerate() {
                let Some(variable) = hidden.iter().find(|name| argument.contains(*name)) else {
                    continue;
                };
                let number = index.to_string();
                let path: Vec<&str> = path.iter().copied().chain([number.as_str()]).collect();
                self.problem(
                    &path,
                    format!(
                        "pass the secret `{variable}` as an argument, which everybody on the machine can read"
                    ),
                    "write it into one of `files`, or into `environment`",
                );
            }
        }
    }

    /// The variables, as they are written, whose values must not show.
    fn hidden_variables(&self) -> Vec<String> {
        let credentials = &self.product.credentials;
        let accounts = [("dms-1", &credentials.dms_1), ("dms-2", &credentials.dms_2)];
        let secrets = accounts.into_iter().flat_map(|(server, account)| {
            [
                (server, "client-secret", &account.client_secret),
                (server, "server-secret", &account.server_secret),
            ]
        });
        secrets
            .filter(|(_, _, secret)| matches!(secret, Some(Secret::Environment(_) | Secret::File(_))))
            .map(|(server, name, _)| format!("${{credentials.{server}.{name}}}"))
            .collect()
    }
}
