//! Ports at which products listen that let the harness choose.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Below the ranges from which systems take the ports of outgoing connections: one from there could be taken by any
/// connection, ours or another program's, before the product listens at it.
const PORTS: Range<u16> = 15_000..32_000;

/// Where the next search begins: after the port that was given away last, so that a port is not given twice while its
/// product still starts. The first search of a process begins anywhere, to keep out of the way of runs beside it.
static NEXT: Mutex<Option<u16>> = Mutex::new(None);

/// As many ports of the loopback address as asked for, all free just now.
///
/// # Errors
///
/// Fewer are free in the whole range.
pub(crate) fn free(count: usize) -> io::Result<Vec<u16>> {
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let first = next.unwrap_or_else(anywhere);
    let mut found = Vec::new();
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for port in (first..PORTS.end).chain(PORTS.start..first) {
        if found.len() == count {
            break;
        }
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            Ok(_) => found.push(port),
            Err(error) => refused = error,
        }
    }
    if found.len() < count {
        return Err(refused);
    }
    *next = found.last().map(|last| after(*last)).or(Some(first));
    Ok(found)
}

fn anywhere() -> u16 {
    let ports = PORTS.end - PORTS.start;
    let random = RandomState::new().hash_one(std::process::id()) % u64::from(ports);
    PORTS.start + u16::try_from(random).unwrap_or(0)
}

fn after(port: u16) -> u16 {
    if port + 1 < PORTS.end {
        port + 1
    } else {
        PORTS.start
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice_though_nobody_listens_yet() {
        let mut given = BTreeSet::new();
        for _ in 0..20 {
            for port in free(3).expect("ports are free") {
                assert!(given.insert(port), "{port} was given twice");
            }
        }
    }

    #[test]
    fn a_port_that_somebody_listens_at_is_passed_over() {
        let taken = free(1).expect("a port is free")[0];
        let next = after(taken);
        let _listener = TcpListener::bind(("127.0.0.1", next));
        assert!(!free(5).expect("ports are free").contains(&next));
    }

    #[test]
    fn after_the_last_port_comes_the_first() {
        assert_eq!(after(PORTS.end - 1), PORTS.start);
    }
}
