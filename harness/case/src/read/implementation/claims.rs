//! The rules between claims: a claim that nothing can come of is a mistake of the file, and not a case less.

use std::collections::BTreeSet;

use dmconform_model::Role;

use super::Check;
use crate::claims::Claim;
use crate::implementation::{Implementation, Opens};

/// What a claim needs of the same file.
struct Needs {
    /// Whether it is there.
    holds: fn(&Implementation) -> bool,
    /// What it is.
    what: &'static str,
    /// What to do.
    help: &'static str,
}

/// What each further claim needs.
const fn needs_of(claim: Claim) -> Needs {
    match claim {
        Claim::ServerCertificateIdentity | Claim::Revocation => Needs {
            holds: |product| plays(product, &[Role::Dms1, Role::Dms2]),
            what: "a product that plays dms-1 or dms-2: only these ask for certificates",
            help: "remove the claim, or add the role to `plays`",
        },
        Claim::Notification => Needs {
            holds: |product| plays(product, &[Role::DmClient]) && product.triggers.notify_device.is_some(),
            what: "a product that plays dm-client, and a trigger that hands it the notification",
            help: "add `notify-device` under `triggers`, or remove the claim",
        },
        Claim::LargeObjects => Needs {
            holds: |product| plays(product, &[Role::DmClient, Role::Dms1, Role::Dms2]),
            what: "a product that takes part in DM sessions, which a Bootstrap Server does not",
            help: "remove the claim, or add the role to `plays`",
        },
        Claim::ResponseUri => Needs {
            holds: |product| plays(product, &[Role::DmClient]),
            what: "a product that plays dm-client: it is the client that goes where RespURI says",
            help: "remove the claim, or add the role to `plays`",
        },
    }
}

/// What needs something when it is said at all: the key below `supports`, and its needs.
const SAID: [(&str, Needs); 4] = [
    (
        "bootstraps",
        Needs {
            holds: |product| plays(product, &[Role::DmClient]),
            what: "a product that plays dm-client: it is the client that takes bootstraps",
            help: "remove the key, or add the role to `plays`",
        },
    ),
    (
        "removes-own-account",
        Needs {
            holds: |product| plays(product, &[Role::Dms1]),
            what: "a product that plays dms-1, whose account it is",
            help: "remove the key, or add the role to `plays`",
        },
    ),
    (
        "opens",
        Needs {
            holds: |product| plays(product, &[Role::Dms1, Role::Dms2]),
            what: "a product that plays dms-1 or dms-2: only these open delegations",
            help: "remove the key, or add the role to `plays`",
        },
    ),
    (
        "opens",
        Needs {
            holds: |product| !opens_alone(product) || product.triggers.start_delegation.is_some(),
            what: "a trigger, since nobody else opens a delegation with it",
            help: "add `start-delegation` under `triggers`",
        },
    ),
];

fn plays(product: &Implementation, roles: &[Role]) -> bool {
    product.plays.iter().any(|role| roles.contains(role))
}

/// Whether every delegation of it is opened by a role that it plays itself.
fn opens_alone(product: &Implementation) -> bool {
    match product.supports.opens {
        Opens::Dms1 => plays(product, &[Role::Dms1]),
        Opens::Dms2 => plays(product, &[Role::Dms2]),
        Opens::Either => false,
    }
}

impl Check<'_> {
    /// Claims that nothing can come of, empty ones, and those that are made twice.
    pub(super) fn claims(&mut self) {
        let product = self.product;
        for (index, claim) in product.supports.claims.iter().enumerate() {
            let needs = needs_of(*claim);
            if !(needs.holds)(product) {
                let place = ["supports", "claims", &index.to_string()];
                let message = format!("test the claim {}: it needs {}", claim.as_str(), needs.what);
                self.problem(&place, message, needs.help);
            }
        }
        for (key, needs) in SAID {
            if self.node.has(&["supports", key]) && !(needs.holds)(product) {
                let message = format!("test `{key}`: it needs {}", needs.what);
                self.problem(&["supports", key], message, needs.help);
            }
        }
        let supports = &product.supports;
        self.each_once("encodings", &supports.encodings);
        self.each_once("authentication", &supports.authentication);
        self.each_once("delegation-types", &supports.delegation_types);
        self.each_once("bootstraps", &supports.bootstraps);
        self.each_once("claims", &supports.claims);
        for (key, is_empty) in [
            ("encodings", supports.encodings.is_empty()),
            ("authentication", supports.authentication.is_empty()),
            ("delegation-types", supports.delegation_types.is_empty()),
        ] {
            if is_empty {
                let help = "name what it supports, or leave the key out for what is usual";
                self.problem(
                    &["supports", key],
                    format!("test a product that supports no {key}"),
                    help,
                );
            }
        }
        if supports.concurrent_delegations == Some(0) {
            self.problem(
                &["supports", "concurrent-delegations"],
                "test a product that takes part in no delegation at once",
                "allow at least 1",
            );
        }
    }

    fn each_once<T: Ord>(&mut self, key: &str, claims: &[T]) {
        let mut seen = BTreeSet::new();
        for (index, claim) in claims.iter().enumerate() {
            if !seen.insert(claim) {
                let message = format!("claim one of `{key}` twice");
                self.problem(&["supports", key, &index.to_string()], message, "name each once");
            }
        }
    }
}
