//! Captures as packets that protocol analysers read: the pcapng format (draft-ietf-opsawg-pcapng).
//!
//! The harness sees octets, not packets. Each flow gets the packets that could have carried it: a TCP handshake, segments
//! that nobody lost, and an end, with addresses and ports as they were.

use std::net::{IpAddr, SocketAddr};

use dmconform_model::capture::{Capture, Flow, Secret};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const SECRETS: u32 = 10;
/// Packets begin with the IP header, of either version (LINKTYPE_RAW).
const RAW_IP: u16 = 101;
/// "TLSK": the secrets are a key log.
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// The most octets of a flow in one packet; an IPv4 packet holds 65,535 with its headers.
const LONGEST: usize = 60_000;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// A capture as a file; with the secrets that decrypt it, where they are in it and wanted.
pub fn write(capture: &Capture, with_secrets: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut header = Vec::new();
    header.extend(0x1a2b_3c4d_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(0_u16.to_le_bytes());
    // How long the section is, is not said.
    header.extend(u64::MAX.to_le_bytes());
    option(
        &mut header,
        4,
        concat!("dmconform ", env!("CARGO_PKG_VERSION")).as_bytes(),
    );
    end_of_options(&mut header);
    block(&mut file, SECTION_HEADER, &header);
    let mut interface = Vec::new();
    interface.extend(RAW_IP.to_le_bytes());
    interface.extend(0_u16.to_le_bytes());
    // No limit to the length of a packet.
    interface.extend(0_u32.to_le_bytes());
    block(&mut file, INTERFACE, &interface);
    if with_secrets {
        let log = key_log(capture);
        if !log.is_empty() {
            let mut secrets = Vec::new();
            secrets.extend(TLS_KEY_LOG.to_le_bytes());
            secrets.extend(length(log.len()).to_le_bytes());
            secrets.extend(log.as_bytes());
            block(&mut file, SECRETS, &padded(secrets));
        }
    }
    let mut packets: Vec<Packet> = once_each(&capture.flows).into_iter().flat_map(packets).collect();
    packets.sort_by_key(|packet| packet.at_us);
    for packet in packets {
        packet.write(&mut file, capture.began_us);
    }
    file
}

/// The flows without those that were seen from their other end before: both ends of a connection may be mock roles.
fn once_each(flows: &[Flow]) -> Vec<&Flow> {
    let is_same = |one: &Flow, other: &Flow| {
        let hello = |flow: &Flow| flow.segments.iter().find(|segment| segment.from_client).cloned();
        let (first, second) = (hello(one), hello(other));
        let begin_alike = first.zip(second).is_some_and(|(first, second)| {
            first.octets.starts_with(&second.octets) || second.octets.starts_with(&first.octets)
        });
        one.client == other.client && one.server == other.server && begin_alike
    };
    let mut kept: Vec<&Flow> = Vec::new();
    for flow in flows {
        if !kept.iter().any(|known| is_same(known, flow)) {
            kept.push(flow);
        }
    }
    kept
}

/// The secrets of a capture as a key log (RFC 9850); empty where none were kept.
pub fn key_log(capture: &Capture) -> String {
    let secrets = capture.flows.iter().flat_map(|flow| &flow.secrets);
    let mut lines: Vec<String> = secrets.map(Secret::line).collect();
    // Both ends of a connection between mock roles know the same.
    lines.sort();
    lines.dedup();
    lines.into_iter().map(|line| line + "\n").collect()
}

/// One IP packet.
struct Packet {
    at_us: u64,
    octets: Vec<u8>,
    /// What an analyser shows beside it.
    comment: Option<String>,
}

impl Packet {
    fn write(self, file: &mut Vec<u8>, began_us: u64) {
        let at = began_us.saturating_add(self.at_us).to_le_bytes();
        let mut body = Vec::new();
        body.extend(0_u32.to_le_bytes());
        // The time is written in two halves, the higher one first.
        body.extend(&at[4..]);
        body.extend(&at[..4]);
        let size = length(self.octets.len()).to_le_bytes();
        body.extend(size);
        body.extend(size);
        body.extend(self.octets);
        let mut body = padded(body);
        if let Some(comment) = self.comment {
            option(&mut body, 1, comment.as_bytes());
            end_of_options(&mut body);
        }
        block(file, PACKET, &body);
    }
}

/// One end of a flow, and how much it has said.
struct End {
    address: SocketAddr,
    sequence: u32,
}

/// The packets that could have carried a flow; none if its addresses are none.
fn packets(flow: &Flow) -> Vec<Packet> {
    let (Ok(client), Ok(server)) = (flow.client.parse(), flow.server.parse()) else {
        return Vec::new();
    };
    let mut client = End {
        address: client,
        sequence: 0,
    };
    let mut server = End {
        address: server,
        sequence: 0,
    };
    let mut found = Vec::new();
    let began = flow.segments.first().map_or(0, |first| first.at_us);
    let mut add = |at_us, octets: Vec<u8>| {
        found.push(Packet {
            at_us,
            octets,
            comment: None,
        });
    };
    add(began, tcp(&mut client, &server, SYN, &[]));
    add(began, tcp(&mut server, &client, SYN | ACK, &[]));
    add(began, tcp(&mut client, &server, ACK, &[]));
    for segment in &flow.segments {
        let (from, to) = match segment.from_client {
            true => (&mut client, &server),
            false => (&mut server, &client),
        };
        for octets in segment.octets.chunks(LONGEST) {
            add(segment.at_us, tcp(from, to, PSH | ACK, octets));
        }
    }
    let ended = flow.segments.last().map_or(0, |last| last.at_us);
    add(ended, tcp(&mut client, &server, FIN | ACK, &[]));
    add(ended, tcp(&mut server, &client, FIN | ACK, &[]));
    add(ended, tcp(&mut client, &server, ACK, &[]));
    if let Some(first) = found.first_mut() {
        let cut = if flow.is_cut {
            "; what passed later is not kept"
        } else {
            ""
        };
        first.comment = Some(format!(
            "connection {} of the transcript, seen by {}{cut}",
            flow.connection, flow.observer
        ));
    }
    found
}

/// One TCP segment in its IP packet. What it says counts for the end that says it.
fn tcp(from: &mut End, to: &End, flags: u8, octets: &[u8]) -> Vec<u8> {
    let acknowledged = if flags & ACK == 0 { 0 } else { to.sequence };
    let mut segment = Vec::new();
    segment.extend(from.address.port().to_be_bytes());
    segment.extend(to.address.port().to_be_bytes());
    segment.extend(from.sequence.to_be_bytes());
    segment.extend(acknowledged.to_be_bytes());
    // Five words of header.
    segment.extend([5 << 4, flags]);
    segment.extend(u16::MAX.to_be_bytes());
    // The checksum, which follows, and no urgent data.
    segment.extend([0; 4]);
    segment.extend(octets);
    let packet = match (from.address.ip(), to.address.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let (source, target) = (source.octets(), target.octets());
            seal(&mut segment, &source, &target);
            ipv4(&source, &target, &segment)
        }
        (source, target) => {
            let (source, target) = (as_v6(source), as_v6(target));
            seal(&mut segment, &source, &target);
            ipv6(&source, &target, &segment)
        }
    };
    let counted = u32::from(flags & (SYN | FIN) != 0);
    from.sequence = from
        .sequence
        .wrapping_add(length(octets.len()))
        .wrapping_add(counted);
    packet
}

fn as_v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The protocol number of TCP.
const TCP: u8 = 6;

fn ipv4(source: &[u8], target: &[u8], segment: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + segment.len()).unwrap_or(u16::MAX);
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    // Identification, then "do not fragment".
    packet.extend([0, 0, 0x40, 0]);
    packet.extend([64, TCP, 0, 0]);
    packet.extend(source);
    packet.extend(target);
    let checksum = checksum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(segment);
    packet
}

fn ipv6(source: &[u8], target: &[u8], segment: &[u8]) -> Vec<u8> {
    let total = u16::try_from(segment.len()).unwrap_or(u16::MAX);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([TCP, 64]);
    packet.extend(source);
    packet.extend(target);
    packet.extend(segment);
    packet
}

/// Puts the checksum into a TCP segment, which covers the addresses, too (RFC 9293, section 3.1).
fn seal(segment: &mut [u8], source: &[u8], target: &[u8]) {
    let size = length(segment.len()).to_be_bytes();
    let sum = checksum(&[source, target, &[0, TCP], &size, segment].concat());
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
}

/// The Internet checksum (RFC 1071).
fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u64::from(u16::from_be_bytes([pair[0], low]))
    });
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let total = length(12 + body.len()).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(total);
    file.extend(body);
    file.extend(total);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let size = u16::try_from(value.len()).unwrap_or(u16::MAX);
    body.extend(code.to_le_bytes());
    body.extend(size.to_le_bytes());
    body.extend(&value[..usize::from(size)]);
    while !body.len().is_multiple_of(4) {
        body.push(0);
    }
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

fn padded(mut body: Vec<u8>) -> Vec<u8> {
    while !body.len().is_multiple_of(4) {
        body.push(0);
    }
    body
}

/// Lengths here are of what was captured, which is bounded far below four gigaoctets.
fn length(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}
