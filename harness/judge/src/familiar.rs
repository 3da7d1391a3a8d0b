//! The ways of writing messages that were met lately: what is written like another one is read by its texts alone.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};

use oma_dm::syncml::Pattern;

use crate::package::{Departed, Package, octets_of};

/// The ways of writing that were met lately.
#[derive(Debug)]
pub(crate) struct Familiar {
    most: usize,
    /// The latest first.
    known: Mutex<VecDeque<Way>>,
}

/// One way of writing, and what is the same in all messages that are written so.
#[derive(Debug)]
struct Way {
    media_type: String,
    /// How many tags there are, with those that end an element.
    tags: usize,
    pattern: Pattern,
    /// What departs beside the message: in its media type.
    departures: Vec<Departed>,
}

impl Familiar {
    pub(crate) fn of(most: usize) -> Self {
        Self {
            most,
            known: Mutex::default(),
        }
    }

    /// What a body says that is written in a way that was met.
    pub(crate) fn read(&self, body: &[u8], media_type: &str) -> Option<Package> {
        let tags = tags(body);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut alike = known
            .iter()
            .filter(|way| way.tags == tags && way.media_type == media_type);
        alike.find_map(|way| {
            Some(Package {
                message: way.pattern.read(body)?,
                octets: octets_of(body),
                encoding: "xml",
                departures: way.departures.clone(),
                digest: OnceLock::new(),
            })
        })
    }

    /// Remembers the way in which a body is written, in the place of the one that was met first where there are enough.
    pub(crate) fn remember(&self, body: &[u8], media_type: &str, package: &Package, pattern: Pattern) {
        let way = Way {
            media_type: media_type.to_owned(),
            tags: tags(body),
            pattern,
            departures: package.departures.clone(),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.truncate(self.most - 1);
        known.push_front(way);
    }
}

/// How many tags there are in a body, or so it seems: ways of writing with another number need not be tried.
fn tags(body: &[u8]) -> usize {
    // In pieces whose number fits into an octet, many octets are counted at once.
    let pieces = body.chunks(usize::from(u8::MAX));
    let in_piece = |piece: &[u8]| piece.iter().map(|octet| u8::from(*octet == b'<')).sum::<u8>();
    pieces.map(|piece| usize::from(in_piece(piece))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_counted_however_many_there_are() {
        assert_eq!(tags(b"<a>1 < 2</a>"), 3);
        assert_eq!(tags(&[b'<'; 1000]), 1000);
    }
}
