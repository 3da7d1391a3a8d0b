//! The processes that a command has started, and those that these have: a group of their own, which is ended as a whole.

#[cfg(unix)]
mod sending {
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

    fn group(id: Option<u32>) -> Option<Pid> {
        Pid::from_raw(i32::try_from(id?).ok()?)
    }

    fn send(id: Option<u32>, signal: Signal) -> bool {
        group(id).is_some_and(|group| kill_process_group(group, signal).is_ok())
    }

    /// Asks a group to end; whether there is one.
    pub(crate) fn terminate(id: Option<u32>) -> bool {
        send(id, Signal::TERM)
    }

    /// Ends a group without asking; whether there is one.
    pub(crate) fn kill(id: Option<u32>) -> bool {
        send(id, Signal::KILL)
    }

    /// Whether anything is left of a group.
    pub(crate) fn is_there(id: Option<u32>) -> bool {
        group(id).is_some_and(|group| test_kill_process_group(group).is_ok())
    }
}

/// Elsewhere a process is ended alone.
#[cfg(not(unix))]
mod sending {
    pub(crate) fn terminate(_: Option<u32>) -> bool {
        false
    }

    pub(crate) fn kill(_: Option<u32>) -> bool {
        false
    }

    pub(crate) fn is_there(_: Option<u32>) -> bool {
        false
    }
}

pub(crate) use sending::{is_there, kill, terminate};
