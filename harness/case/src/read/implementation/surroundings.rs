//! Checks of what surrounds a product: its peers, its devices, its ports, hosts and nodes.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use dmconform_model::Role;

use super::Check;
use crate::read::diagnose::shown;

impl Check<'_> {
    /// What the product knows of the roles that the harness plays.
    pub(super) fn peers(&mut self) {
        let product = self.product;
        for (role, peer) in &product.peers {
            let path = ["peers", role.as_str()];
            if product.plays.contains(role) {
                let message = format!("play {role} for the product, which plays it itself");
                self.problem(&path, message, "remove this, or the role from `plays`");
            }
            if *role == Role::DmClient {
                let message = "listen as a client, to which nobody connects";
                self.problem(&path, message, "remove this: devices are described by `devices`");
            }
            if peer.server_id.as_ref().is_some_and(String::is_empty) {
                let path = ["peers", role.as_str(), "server-id"];
                self.problem(
                    &path,
                    format!("find the server identifier of {role}"),
                    "write it out",
                );
            }
            for (kind, address) in peer.listen.parts() {
                let path = ["peers", role.as_str(), "listen", kind];
                if !is_spoken(*role, kind) {
                    let message = format!("listen for {kind} as {role}: nothing is spoken there");
                    self.problem(&path, message, "remove the address");
                } else if address.parse::<SocketAddr>().is_err() {
                    let message = format!("read `{}` as an address to listen at", shown(address));
                    self.problem(
                        &path,
                        message,
                        "write an IP address and a port, such as `127.0.0.1:8101`",
                    );
                }
            }
            for (kind, _) in peer.endpoints.parts() {
                if !is_spoken(*role, kind) {
                    let path = ["peers", role.as_str(), "endpoints", kind];
                    let message = format!("be reached for {kind} as {role}: nothing is spoken there");
                    self.problem(&path, message, "remove the URL");
                }
            }
        }
    }

    pub(super) fn devices(&mut self) {
        let devices = &self.product.devices;
        if devices.list.is_empty() {
            self.numbered_devices();
        } else {
            self.listed_devices();
        }
    }

    fn numbered_devices(&mut self) {
        let devices = &self.product.devices;
        let Some(pattern) = &devices.pattern else {
            let help = "add `pattern` and `count`, or name the devices in `list`";
            return self.problem(&["devices"], "find the devices", help);
        };
        if !pattern.contains("{}") {
            let message = format!("number devices by the pattern `{}`", shown(pattern));
            self.problem(&["devices", "pattern"], message, "put `{}` where the number goes");
        }
        match devices.count {
            None => self.problem(
                &["devices"],
                "count the devices of the pattern",
                "say how many there are: add `count`",
            ),
            Some(0) => self.problem(
                &["devices", "count"],
                "lease a device: the count is 0",
                "each running case needs one; allow at least 1",
            ),
            Some(_) => {}
        }
    }

    fn listed_devices(&mut self) {
        let devices = &self.product.devices;
        for (key, is_said) in [
            ("pattern", devices.pattern.is_some()),
            ("count", devices.count.is_some()),
        ] {
            if is_said {
                let message = format!("name devices by a list and by a {key}");
                self.problem(&["devices", key], message, "keep one of the two");
            }
        }
        let mut seen = BTreeSet::new();
        for (index, device) in devices.list.iter().enumerate() {
            let number = index.to_string();
            let path = ["devices", "list", &number, "id"];
            if device.id.is_empty() {
                self.problem(&path, "lease a device without an identifier", "write it out");
            } else if !seen.insert(&device.id) {
                let message = format!("name the device `{}` twice", shown(&device.id));
                self.problem(&path, message, "name each device once");
            }
        }
    }

    pub(super) fn ports(&mut self) {
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

    pub(super) fn hosts(&mut self) {
        for (name, address) in &self.product.hosts {
            if address.parse::<IpAddr>().is_err() {
                let message = format!("read `{}` as the IP address of {}", shown(address), shown(name));
                self.problem(
                    &["hosts", name],
                    message,
                    "write one such as `127.0.0.1` or `::1`",
                );
            }
        }
    }

    pub(super) fn nodes(&mut self) {
        for (from, to) in &self.product.nodes {
            let wrong = [from, to].into_iter().find(|node| !is_node(node));
            if let Some(node) = wrong {
                let message = format!("read `{}` as a node", shown(node));
                self.problem(
                    &["nodes", from],
                    message,
                    "write its URI from the root, such as `./Com`",
                );
            }
        }
    }
}

fn is_node(text: &str) -> bool {
    text.strip_prefix("./")
        .is_some_and(|rest| !rest.is_empty() && rest.split('/').all(|part| !part.is_empty()))
}

fn is_spoken(role: Role, kind: &str) -> bool {
    match role {
        Role::DmClient => false,
        Role::Dms1 | Role::Dms2 => kind != "bootstrap",
        Role::BootstrapServer => kind == "bootstrap",
    }
}
