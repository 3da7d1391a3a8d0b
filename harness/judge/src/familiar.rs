//! The ways of writing messages that were met lately: what is written like another one is read by its texts alone.

use std::collections::VecDeque;
use std::sync::{OnceLock, PoisonError, RwLock};

use oma_dm::syncml::Pattern;

use crate::package::{Departed, Package, octets_of};

/// How many ways of as many tags are tried.
const TRIED: usize = 8;

/// The ways of writing that were met lately.
#[derive(Debug)]
pub(crate) struct Familiar {
    most: usize,
    /// The latest first.
    known: RwLock<VecDeque<Way>>,
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
            known: RwLock::default(),
        }
    }

    /// What a body says that is written in a way that was met.
    pub(crate) fn read(&self, body: &[u8], media_type: &str) -> Option<Package> {
        let document = std::str::from_utf8(body).ok()?;
        let tags = tags(body);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // To try them all would take longer than to read it.
        let alike = known
            .iter()
            .filter(|way| way.tags == tags && way.media_type == media_type);
        alike.take(TRIED).find_map(|way| {
            Some(Package {
                message: way.pattern.read(document)?,
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
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.truncate(self.most - 1);
        known.push_front(way);
    }
}

/// How many tags there are in a body, or so it seems: ways of writing with another number need not be tried.
fn tags(body: &[u8]) -> usize {
    memchr::memchr_iter(b'<', body).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::read_with_pattern;

    const MEDIA_TYPE: &str = "application/vnd.syncml.dm+xml";

    /// A message with so many Gets, which are called one after the other from a number on.
    fn message(gets: usize, first: usize) -> String {
        let gets = (first..first + gets).map(|id| {
            format!("<Get><CmdID>{id}</CmdID><Item><Target><LocURI>./DevInfo</LocURI></Target></Item></Get>")
        });
        format!(
            "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID>\
             <MsgID>1</MsgID><Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI></Source></SyncHdr>\
             <SyncBody>{}<Final/></SyncBody></SyncML>",
            gets.collect::<String>()
        )
    }

    /// What a message is read as by another one.
    fn by(familiar: &Familiar, body: &str, media_type: &str) -> Option<Package> {
        familiar.read(body.as_bytes(), media_type)
    }

    fn meet(familiar: &Familiar, body: &str, media_type: &str) {
        let read = read_with_pattern(body.as_bytes(), media_type);
        let (package, pattern) = read.expect("it is a message");
        let pattern = pattern.expect("it is as it should be");
        familiar.remember(body.as_bytes(), media_type, &package, pattern);
    }

    #[test]
    fn a_message_is_read_by_another_one_and_departs_in_its_media_type_as_that_does() {
        let familiar = Familiar::of(4);
        let other = message(1, 1).replace("./DevInfo", "./DevDetail");
        for media_type in [MEDIA_TYPE, "text/xml"] {
            assert!(by(&familiar, &other, media_type).is_none());
            meet(&familiar, &message(1, 1), media_type);
            let found = by(&familiar, &other, media_type).expect("it is written like the other");
            let (full, _) = read_with_pattern(other.as_bytes(), media_type).expect("it is a message");
            assert_eq!(found.message, full.message);
            let departed = |package: &Package| package.departures.len();
            assert_eq!(departed(&found), usize::from(media_type != MEDIA_TYPE));
            assert_eq!(departed(&found), departed(&full));
        }
    }

    #[test]
    fn of_many_ways_the_latest_are_remembered() {
        let familiar = Familiar::of(2);
        for gets in 1..=3 {
            meet(&familiar, &message(gets, 1), MEDIA_TYPE);
        }
        let known = [1, 2, 3].map(|gets| by(&familiar, &message(gets, 1), MEDIA_TYPE).is_some());
        assert_eq!(known, [false, true, true]);
    }

    #[test]
    fn of_many_ways_that_look_alike_a_few_are_tried() {
        let familiar = Familiar::of(100);
        for first in 1..=TRIED + 1 {
            meet(&familiar, &message(1, first), MEDIA_TYPE);
        }
        let is_read = |first| by(&familiar, &message(1, first), MEDIA_TYPE).is_some();
        assert!(!is_read(1));
        assert!((2..=TRIED + 1).all(is_read));
    }
}
