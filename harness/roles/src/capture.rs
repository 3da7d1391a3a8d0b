//! What is kept of what passes over connections, beside the transcripts.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use dmconform_model::Role;
use dmconform_model::capture::{Capture, Flow};
use dmconform_model::transcript::Side;
use dmconform_tls::{KeyLog, Tap};

use crate::stage::lock;

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Captured {
    /// Nothing.
    #[default]
    Nothing,
    /// The octets, which nobody can decrypt.
    Octets,
    /// The octets, and the secrets that decrypt them.
    WithSecrets,
}

/// The connections that matter to a case and are listened in on.
#[derive(Default)]
pub struct Taps(Mutex<BTreeMap<u64, Tapped>>);

struct Tapped {
    observer: Role,
    side: Side,
    tap: Tap,
}

impl Taps {
    pub(crate) fn add(&self, connection: u64, observer: Role, side: Side, tap: &Tap) {
        let tap = tap.clone();
        lock(&self.0).insert(connection, Tapped { observer, side, tap });
    }

    /// What passed over all of them, for a case that began at a moment.
    pub(crate) fn capture(&self, keys: &KeyLog, began: Instant) -> Capture {
        let flow = |(connection, of): (&u64, &Tapped)| {
            let tapped = of.tap.tapped(began)?;
            let (client, server) = tapped.ends;
            Some(Flow {
                connection: *connection,
                observer: of.observer,
                side: of.side,
                client: client.to_string(),
                server: server.to_string(),
                secrets: keys.of(&tapped.segments),
                segments: tapped.segments,
                is_cut: tapped.is_cut,
            })
        };
        let began = dmconform_tls::now() - began.elapsed();
        let since_1970_us = began.unix_timestamp_nanos() / 1000;
        Capture {
            began_us: u64::try_from(since_1970_us).unwrap_or(0),
            flows: lock(&self.0).iter().filter_map(flow).collect(),
        }
    }
}
