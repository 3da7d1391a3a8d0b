//! Listens in on connections: the octets as they pass, and the secrets that decrypt them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dmconform_model::capture::{Secret, Segment};
use tokio::net::TcpStream;

/// The most octets that are kept of one connection.
const MOST: usize = 1 << 20;

/// The content type of a TLS record that carries a handshake, and the size of a record's head (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
const RECORD_HEAD: usize = 5;
/// Where the random octets stand in a ClientHello, from the head of the handshake message (RFC 8446, section 4.1.2).
const RANDOM: std::ops::Range<usize> = 6..38;

/// Keeps what passes over one connection. Clones are the same tap.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    /// The address that dialled, and the one that accepted.
    ends: Option<(SocketAddr, SocketAddr)>,
    segments: Vec<(Instant, bool, Vec<u8>)>,
    octets: usize,
    is_cut: bool,
}

/// What a tap has kept.
#[derive(Debug)]
pub struct Tapped {
    /// The address that dialled, and the one that accepted.
    pub ends: (SocketAddr, SocketAddr),
    /// What passed, in order.
    pub segments: Vec<Segment>,
    /// Whether more passed than is kept.
    pub is_cut: bool,
}

impl Tap {
    /// What has passed so far, with times since a moment; nothing if TLS did not begin.
    pub fn tapped(&self, since: Instant) -> Option<Tapped> {
        let taken = self.lock();
        let segments = taken.segments.iter().map(|(at, from_client, octets)| {
            let since = at.saturating_duration_since(since).as_micros();
            Segment {
                at_us: u64::try_from(since).unwrap_or(u64::MAX),
                from_client: *from_client,
                octets: octets.clone(),
            }
        });
        Some(Tapped {
            ends: taken.ends?,
            segments: segments.collect(),
            is_cut: taken.is_cut,
        })
    }

    /// Learns between whom a socket is; `dialled` says whether it is the end that dialled.
    pub(crate) fn learn(&self, socket: &TcpStream, dialled: bool) {
        let (Ok(here), Ok(there)) = (socket.local_addr(), socket.peer_addr()) else {
            return;
        };
        self.lock().ends = Some(if dialled { (here, there) } else { (there, here) });
    }

    pub(crate) fn note(&self, from_client: bool, octets: &[u8]) {
        let mut taken = self.lock();
        let room = MOST.saturating_sub(taken.octets);
        taken.is_cut |= octets.len() > room;
        let kept = &octets[..octets.len().min(room)];
        if !kept.is_empty() {
            taken.octets += kept.len();
            taken.segments.push((Instant::now(), from_client, kept.to_vec()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tap on one end of a connection.
pub(crate) struct Tapping {
    pub(crate) tap: Tap,
    /// Whether this is the end that dialled.
    pub(crate) dialled: bool,
}

impl Tapping {
    pub(crate) fn written(&self, octets: &[u8]) {
        self.tap.note(self.dialled, octets);
    }

    pub(crate) fn read(&self, octets: &[u8]) {
        self.tap.note(!self.dialled, octets);
    }
}

/// Keeps the secrets of TLS connections. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct KeyLog(Arc<Mutex<BTreeMap<Vec<u8>, Vec<Secret>>>>);

impl KeyLog {
    /// The secrets of the connection over which these segments passed.
    pub fn of(&self, segments: &[Segment]) -> Vec<Secret> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let random = client_random(segments);
        random
            .and_then(|random| known.get(&random).cloned())
            .unwrap_or_default()
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(client_random.to_vec()).or_default().push(Secret {
            label: label.to_owned(),
            client_random: client_random.to_vec(),
            secret: secret.to_vec(),
        });
    }
}

/// The random octets of the ClientHello that a connection began with, in however many records it came.
fn client_random(segments: &[Segment]) -> Option<Vec<u8>> {
    let from_client = segments.iter().filter(|segment| segment.from_client);
    let octets: Vec<u8> = from_client
        .flat_map(|segment| segment.octets.iter().copied())
        .take(RECORD_HEAD * RANDOM.end + RANDOM.end)
        .collect();
    let mut hello = Vec::new();
    let mut rest = octets.as_slice();
    while let [HANDSHAKE, _, _, high, low, after @ ..] = rest
        && hello.len() < RANDOM.end
    {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(after.len());
        hello.extend_from_slice(&after[..length]);
        rest = &after[length..];
    }
    hello.get(RANDOM).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(octets: &[u8]) -> Segment {
        Segment {
            at_us: 0,
            from_client: true,
            octets: octets.to_vec(),
        }
    }

    #[test]
    fn a_client_hello_is_found_by_its_random_octets_however_it_is_cut_into_records() {
        let mut hello = vec![1, 0, 0, 60, 3, 3];
        hello.extend(100..132);
        hello.extend([0; 26]);
        let expected: Vec<u8> = (100..132).collect();
        let whole = [[HANDSHAKE, 3, 1, 0, 64].as_slice(), &hello].concat();
        assert_eq!(client_random(&[segment(&whole)]), Some(expected.clone()));
        let records: Vec<u8> = hello
            .iter()
            .flat_map(|octet| [HANDSHAKE, 3, 1, 0, 1, *octet])
            .collect();
        let halves = records.split_at(17);
        assert_eq!(
            client_random(&[segment(halves.0), segment(halves.1)]),
            Some(expected)
        );
        assert_eq!(client_random(&[segment(b"GET / HTTP/1.1\r\n\r\n")]), None);
        assert_eq!(client_random(&[segment(&whole[..30])]), None);
    }

    #[test]
    fn a_tap_keeps_a_bounded_number_of_octets_and_says_so() {
        let tap = Tap::default();
        tap.note(true, &vec![0; MOST - 1]);
        tap.note(false, &[1, 2]);
        tap.note(false, &[3]);
        let taken = tap.lock();
        assert_eq!(taken.octets, MOST);
        assert_eq!(taken.segments.len(), 2);
        assert!(taken.is_cut);
    }
}
