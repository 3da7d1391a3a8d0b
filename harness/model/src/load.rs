//! What came of many delegations at once: how long they took, how many failed, and from which load on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::result::{Blame, Summary, Target};
use crate::{CaseId, MessageId, RequirementId, Role, Verdict};

/// How delegations arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// So many are in flight all the time: the next begins when one has ended (a closed model). Who waits because the product
    /// is slow does not show in what is measured.
    Concurrency(u32),
    /// So many begin in a second, whatever has become of those before (an open model). Each is measured from the moment at
    /// which it was to begin, so that waiting counts.
    PerSecond(u32),
}

/// What came of many delegations at once, as `load.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadResult {
    /// The version of this form: [`LoadResult::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Its identifier.
    pub id: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The version of the harness.
    pub harness: String,
    /// The product.
    pub target: Target,
    /// The delegation that each of them was.
    pub case: CaseId,
    /// How they arrived.
    pub arrivals: Arrivals,
    /// How many were asked for.
    pub asked: u32,
    /// How many of them came to which verdict.
    pub verdicts: Summary,
    /// How many of them passed in a second, on average: what breaks off early is no throughput.
    pub per_second: f64,
    /// How many could be in flight at once: as many as the product has devices for, and takes part in at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_possible: Option<u32>,
    /// The most that were in flight at once.
    pub most_in_flight: u32,
    /// How often a mock client comes to ask for something new while nothing happens, in milliseconds; what DMS-1 says in a
    /// session waits for that.
    pub poll_interval_ms: u64,
    /// The whole delegation: from when it was to begin to the last message.
    pub whole: Latency,
    /// What the product sent, message by message: from the message before it.
    pub messages: Vec<MessageLatency>,
    /// What was found, each kind once, the most frequent first.
    pub faults: Vec<Fault>,
    /// How it went at which load.
    pub levels: Vec<Level>,
    /// How many handshakes were broken off at the other end, after a good certificate, of which nobody can say for which delegation they
    /// were. What is missing in that one may be owed to it, so that all that were in flight and lack something may be inconclusive; it
    /// is one of them at the most.
    #[serde(default)]
    pub handshakes_broken_off: u32,
    /// What the harness took of the machine.
    pub resources: Resources,
    /// Whether it was broken off.
    pub cancelled: bool,
}

impl LoadResult {
    /// The version of the form that this program writes.
    pub const SCHEMA_VERSION: u32 = 1;

    /// How many delegations were judged.
    pub fn judged(&self) -> u32 {
        self.verdicts.values().sum()
    }

    /// The least load at which a delegation did not pass; nothing if all did.
    pub fn fails_from(&self) -> Option<&Level> {
        self.levels.iter().find(|level| level.not_passed > 0)
    }

    /// How many delegations are in flight at once, where the product has room for fewer than were asked for.
    pub fn fewer_than_asked(&self) -> Option<u32> {
        match self.arrivals {
            Arrivals::Concurrency(count) => self.most_possible.filter(|most| *most < count.min(self.asked)),
            Arrivals::PerSecond(_) => None,
        }
    }

    /// The exit code: 0 nothing failed, 1 a fail, 3 something inconclusive, 5 an error, or fewer were judged than asked for.
    pub fn exit_code(&self) -> u8 {
        let came_to = |verdict: Verdict| self.verdicts.get(&verdict).copied().unwrap_or(0) > 0;
        if came_to(Verdict::Error) || self.judged() < self.asked {
            return 5;
        }
        if came_to(Verdict::Fail) {
            return 1;
        }
        if came_to(Verdict::Inconclusive) {
            return 3;
        }
        0
    }
}

/// How long something took: microseconds, correct to three digits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How often it was measured.
    pub count: u64,
    /// The mean.
    pub mean_us: f64,
    /// What so many of a thousand did not exceed: 0 (the least), 500, 900, 990, 999, 1000 (the most).
    pub per_mille_us: BTreeMap<u32, u64>,
}

impl Latency {
    /// The values that are kept, as so many of a thousand.
    pub const KEPT: [u32; 6] = [0, 500, 900, 990, 999, 1000];

    /// What so many of a thousand did not exceed, in microseconds; 0 if nothing was measured.
    pub fn at(&self, per_mille: u32) -> u64 {
        self.per_mille_us.get(&per_mille).copied().unwrap_or(0)
    }
}

/// How long the product took for one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageLatency {
    /// Which message.
    pub message: MessageId,
    /// Who sent it.
    pub from: Role,
    /// How long it took from the message before it.
    pub latency: Latency,
}

/// One kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What it comes to.
    pub verdict: Verdict,
    /// The kind of finding.
    pub code: String,
    /// The requirement.
    pub requirement: Option<RequirementId>,
    /// Who is at fault.
    pub blame: Option<Blame>,
    /// What is broken, in words; what happened, where no requirement is.
    pub statement: String,
    /// What was seen in the first of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed: String,
    /// In how many delegations.
    pub count: u32,
    /// The transcripts of the first of them, relative to the directory of the results.
    pub transcripts: Vec<String>,
}

/// How delegations went that had so many in flight beside them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// The least number in flight, this one included: that at the beginning of a delegation or at its end, whichever is greater.
    pub from: u32,
    /// The greatest.
    pub to: u32,
    /// How many delegations had so many.
    pub delegations: u32,
    /// How many of them did not pass.
    pub not_passed: u32,
    /// What half of those that passed did not exceed, in microseconds.
    pub median_us: u64,
    /// What 99 of a hundred of those did not exceed, in microseconds.
    pub p99_us: u64,
}

/// What the harness took of the machine; what could not be learned is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Memory of the harness before the first delegation, in KiB.
    pub memory_before_kib: Option<u64>,
    /// The most memory that it had, in KiB.
    pub memory_most_kib: Option<u64>,
    /// How many files and sockets the process may have open.
    pub open_files: Option<u64>,
    /// From how many local ports connections go out.
    pub local_ports: Option<u32>,
    /// How late the harness itself went on, in microseconds: what 99 of a hundred looks did not exceed.
    pub late_p99_us: Option<u64>,
    /// How late it went on at the most, in microseconds.
    pub late_most_us: Option<u64>,
}

/// How late the harness may be, in one of a hundred looks, before what it did not see in time may be owed to that.
const LATE_US: u64 = 100_000;

impl Resources {
    /// Whether the harness itself did not keep up, so that what it saw nothing of in time may have come.
    pub fn is_harness_late(&self) -> bool {
        self.late_p99_us.is_some_and(|late| late > LATE_US)
    }
}

impl LoadResult {
    /// Memory of the harness for each delegation in flight, in KiB, at the most.
    pub fn memory_per_delegation_kib(&self) -> Option<u64> {
        let more = self
            .resources
            .memory_most_kib?
            .checked_sub(self.resources.memory_before_kib?)?;
        more.checked_div(u64::from(self.most_in_flight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harness_that_is_late_once_in_a_while_keeps_up_and_one_that_is_so_all_the_time_does_not() {
        let late = |usual| Resources {
            late_p99_us: Some(usual),
            late_most_us: Some(900_000),
            ..Resources::default()
        };
        assert!(!late(5_000).is_harness_late());
        assert!(late(400_000).is_harness_late());
        assert!(!Resources::default().is_harness_late());
    }
}
