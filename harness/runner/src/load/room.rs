//! What the machine has room for: open files, local ports, memory. Looked up where the system tells it.

use std::fs;

use dmconform_model::load::Resources;

/// Sockets of one delegation in flight, at the most: the client's connection to DMS-1, a message between the servers, both
/// ends of either where both are mock roles.
const SOCKETS: u64 = 4;

/// Sockets of one delegation that waits, where clients close their connections: the product may keep one to a mock server.
const WAITING: u64 = 1;

/// Sockets of a session that goes on, at the most: both ends of the client's connection, and of what the servers say meanwhile.
const SESSION: u64 = 3;

/// The fewest sessions at once that are worth it.
const FEWEST: u32 = 64;

/// The most sessions that clients hold at once, where they close their connections with each: as many as come in some seconds, and each
/// of them costs as much memory as the delegation itself.
const MOST_SESSIONS: u64 = 1024;

/// Files and sockets that a run needs anyway.
const ANYWAY: u64 = 200;

/// Why the machine has no room for so many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// Too few files may be open.
    #[error(
        "hold {at_once} delegations at once: that takes {needed} open files and sockets, and this process may have {allowed}; \
         raise the limit (`ulimit -n {needed}`), or let fewer be in flight"
    )]
    OpenFiles {
        /// How many delegations.
        at_once: u32,
        /// How many open files they take.
        needed: u64,
        /// How many there may be.
        allowed: u64,
    },
    /// Connections cannot go out from so many ports.
    #[error(
        "hold {at_once} delegations at once: each needs a local port to the same address, and the system gives {ports}; \
         widen net.ipv4.ip_local_port_range, or let fewer be in flight"
    )]
    Ports {
        /// How many delegations.
        at_once: u32,
        /// How many ports there are.
        ports: u32,
    },
}

/// Raises the limit of open files as far as the process may, and looks whether there is room.
///
/// # Errors
/// There is too little room for so many delegations at once.
pub(super) fn make(at_once: u32, keeps_connections: bool) -> Result<Resources, NoRoom> {
    let open_files = raise_open_files();
    let needed = ANYWAY
        + match keeps_connections {
            true => u64::from(at_once) * SOCKETS,
            false => u64::from(at_once) * WAITING + u64::from(at_once.min(FEWEST)) * SESSION,
        };
    if let Some(allowed) = open_files.filter(|allowed| *allowed < needed) {
        return Err(NoRoom::OpenFiles {
            at_once,
            needed,
            allowed,
        });
    }
    let local_ports = local_ports();
    let at_a_time = match keeps_connections {
        true => at_once,
        false => at_once.min(FEWEST),
    };
    if let Some(ports) = local_ports.filter(|ports| *ports < at_a_time) {
        return Err(NoRoom::Ports { at_once, ports });
    }
    Ok(Resources {
        memory_before_kib: memory("VmRSS:"),
        memory_most_kib: None,
        late_p99_us: None,
        late_most_us: None,
        open_files,
        local_ports,
    })
}

/// How many sessions there is room for at once beside delegations that wait, where clients close their connections with each session:
/// a port that was used is not free at once.
pub(super) fn sessions(at_once: u32, open_files: Option<u64>, ports: Option<u32>) -> usize {
    let waiting = u64::from(at_once) * WAITING + ANYWAY;
    let by_files = open_files.map(|files| files.saturating_sub(waiting) / SESSION);
    let by_ports = ports.map(|ports| u64::from(ports) / 2);
    let limits = [by_files, by_ports, Some(MOST_SESSIONS)].into_iter().flatten();
    let room = limits.min().unwrap_or(MOST_SESSIONS);
    usize::try_from(room.clamp(1, u64::from(at_once.max(1)))).unwrap_or(1)
}

/// The most memory that this process has had, in KiB.
pub(super) fn most_memory_kib() -> Option<u64> {
    memory("VmHWM:")
}

/// How many files may be open now; the soft limit is what the hard one allows then.
#[cfg(unix)]
fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it cannot be raised, it is what it was.
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current
}

#[cfg(not(unix))]
const fn raise_open_files() -> Option<u64> {
    None
}

fn local_ports() -> Option<u32> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_whitespace().map(str::parse::<u32>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

fn memory(what: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_machine_has_room_for_is_refused_with_the_numbers() {
        let refused = make(u32::MAX, true).expect_err("no machine has that many");
        assert!(
            refused.to_string().contains("let fewer be in flight"),
            "{refused}"
        );
        assert!(make(1, true).is_ok());
    }

    #[test]
    fn where_clients_close_their_connections_files_bound_the_sessions_and_not_the_delegations() {
        assert_eq!(sessions(10_000, Some(13_000), Some(28_232)), 933);
        assert_eq!(sessions(10_000, Some(20_000), Some(1_000)), 500);
        assert_eq!(sessions(10_000, None, None), 1_024);
        assert_eq!(sessions(300, Some(20_000), None), 300);
        assert_eq!(sessions(10_000, Some(1_000), None), 1);
        assert!(make(1, false).is_ok());
    }
}
