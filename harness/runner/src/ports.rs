//! Ports at which products listen that let the harness choose.

use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Below the ranges from which systems take the ports of outgoing connections: one from there could be taken by any
/// connection, ours or another program's, before the product listens at it.
const PORTS: Range<u16> = 15_000..32_000;

/// The ports of a block: the first is listened at by the process that has claimed the block, the others it gives away.
const BLOCK: u16 = 100;

/// As many blocks as a process claims at most; then it begins with its first one again. A port is given anew after so
/// many others that the product it was chosen for listens at it by then, or is gone: a whole self-test starts some hundred
/// products at once, on processors that are busy with those before.
const BLOCKS: usize = 24;

/// What this process has claimed. Between the choice of a port and the moment when the product listens at it, nobody
/// holds it: without claims, a run beside this one could choose it too, and take the other's product for its own.
static CLAIMED: Mutex<Claimed> = Mutex::new(Claimed::NOTHING);

struct Claimed {
    blocks: Vec<Block>,
    /// The block that ports are taken from.
    current: usize,
    /// How many ports of it have been looked at.
    next: u16,
}

struct Block {
    first: u16,
    /// Held as long as this process lives; nobody connects to it.
    _claim: TcpListener,
}

/// As many ports of the loopback address as asked for, all free just now.
///
/// # Errors
///
/// Fewer are free, or every block is claimed by somebody else.
pub(crate) fn free(count: usize) -> io::Result<Vec<u16>> {
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    claimed.free(count)
}

impl Claimed {
    const NOTHING: Self = Self {
        blocks: Vec::new(),
        current: 0,
        next: 0,
    };

    fn free(&mut self, count: usize) -> io::Result<Vec<u16>> {
        let mut found = Vec::new();
        let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..BLOCKS * usize::from(BLOCK) {
            if found.len() == count {
                break;
            }
            let port = self.next_port()?;
            match listen(port) {
                Ok(_) => found.push(port),
                Err(error) => refused = error,
            }
        }
        match found.len() == count {
            true => Ok(found),
            false => Err(refused),
        }
    }

    fn next_port(&mut self) -> io::Result<u16> {
        let is_through = self.next + 1 == BLOCK;
        if self.blocks.is_empty() || is_through {
            self.next_block()?;
        }
        self.next += 1;
        Ok(self.blocks[self.current].first + self.next)
    }

    /// Claims a further block; where it has its share, or all are claimed, it takes the next one of its own.
    fn next_block(&mut self) -> io::Result<()> {
        self.next = 0;
        if self.blocks.len() < BLOCKS {
            match claim() {
                Ok(block) => {
                    self.current = self.blocks.len();
                    self.blocks.push(block);
                    return Ok(());
                }
                Err(error) if self.blocks.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        self.current = (self.current + 1) % self.blocks.len();
        Ok(())
    }
}

/// The first block after any that nobody has claimed: processes that start together keep out of each other's way.
fn claim() -> io::Result<Block> {
    let blocks = (PORTS.end - PORTS.start) / BLOCK;
    let anywhere = RandomState::new().hash_one(std::process::id()) % u64::from(blocks);
    let anywhere = u16::try_from(anywhere).unwrap_or(0);
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for block in (anywhere..blocks).chain(0..anywhere) {
        let first = PORTS.start + block * BLOCK;
        match listen(first) {
            Ok(claim) => return Ok(Block { first, _claim: claim }),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice_though_nobody_listens_yet() {
        let mut given = BTreeSet::new();
        for _ in 0..200 {
            for port in free(3).expect("ports are free") {
                assert!(PORTS.contains(&port));
                assert!(given.insert(port), "{port} was given twice");
            }
        }
    }

    #[test]
    fn a_port_that_somebody_listens_at_is_passed_over() {
        let mut claimed = Claimed::NOTHING;
        let given = claimed.free(1).expect("a port is free")[0];
        let _listener = listen(given + 1).expect("nobody else takes a port of a claimed block");
        let next = claimed.free(5).expect("ports are free");
        assert!(!next.contains(&(given + 1)), "{next:?}");
        assert!(next.contains(&(given + 2)), "{next:?}");
    }

    #[test]
    fn a_block_is_claimed_once_and_free_again_when_its_process_ends() {
        let block = claim().expect("a block is free");
        assert!(listen(block.first).is_err(), "the block is not claimed");
        let first = block.first;
        drop(block);
        assert!(listen(first).is_ok());
    }

    #[test]
    fn whoever_has_its_share_of_blocks_begins_with_the_first_again() {
        let mut claimed = Claimed::NOTHING;
        let share = BLOCKS * usize::from(BLOCK - 1);
        let given: Vec<u16> = (0..=share).map_while(|_| claimed.next_port().ok()).collect();
        assert_eq!(given.len(), share + 1);
        assert_eq!(given[share], given[0]);
        assert_eq!(claimed.blocks.len(), BLOCKS);
        let claims: BTreeSet<u16> = claimed.blocks.iter().map(|block| block.first).collect();
        assert!(given.iter().all(|port| !claims.contains(port)));
    }
}
