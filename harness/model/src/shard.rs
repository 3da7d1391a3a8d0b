//! The part of a run that one of several machines does.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::CaseId;

/// One of the parts that a run is divided into, written `2/5`.
///
/// A case belongs to the part that its identifier and the name of the implementation give, whatever other cases there are: one
/// that is added moves none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Shard {
    /// Which part it is, from 1.
    #[schemars(range(min = 1, max = MAX_PARTS))]
    pub number: u32,
    /// How many parts there are.
    #[schemars(range(min = 1, max = MAX_PARTS))]
    pub of: u32,
}

/// The most parts that a run is divided into. Whoever merges them is told which are missing.
const MAX_PARTS: u32 = 10_000;

impl Shard {
    /// One of so many parts, if there is such a one.
    fn new(number: u32, of: u32) -> Option<Self> {
        ((1..=of).contains(&number) && of <= MAX_PARTS).then_some(Self { number, of })
    }

    /// Whether a case belongs to this part, run against the implementation of this name.
    pub fn has(self, implementation: &str, case: &CaseId) -> bool {
        let octets = implementation.bytes().chain([0]).chain(case.0.bytes());
        spread(octets) % u64::from(self.of.max(1)) == u64::from(self.number.saturating_sub(1))
    }
}

/// A number that is the same for the same octets on every machine and in every version: FNV-1a, finished as MurmurHash3 is, so
/// that its low bits depend on all octets.
fn spread(octets: impl Iterator<Item = u8>) -> u64 {
    let mut hash = octets.fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let found = parts.and_then(|(number, of)| Self::new(number.parse().ok()?, of.parse().ok()?));
        found.ok_or_else(|| no_part(text))
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Numbers {
            number: u32,
            of: u32,
        }
        let Numbers { number, of } = Numbers::deserialize(deserializer)?;
        Self::new(number, of).ok_or_else(|| D::Error::custom(no_part(&format!("{number}/{of}"))))
    }
}

fn no_part(text: &str) -> String {
    format!(
        "read `{text}` as a part of a run: write its number from 1 and how many there are, {MAX_PARTS} at most, such as `2/5`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases() -> Vec<CaseId> {
        (0..200)
            .map(|number| CaseId(format!("DEL-DMS1-8-{number:03}")))
            .collect()
    }

    #[test]
    fn every_case_belongs_to_one_part() {
        for of in 1..8 {
            for case in cases() {
                let having = (1..=of).filter(|number| Shard { number: *number, of }.has("acme", &case));
                assert_eq!(having.count(), 1, "{case} of {of}");
            }
        }
    }

    #[test]
    fn parts_are_of_about_the_same_size() {
        for number in 1..=4 {
            let shard = Shard { number, of: 4 };
            let size = cases().iter().filter(|case| shard.has("acme", case)).count();
            assert!((35..=65).contains(&size), "{shard} has {size} of 200");
        }
    }

    /// These have been told to other machines already.
    #[test]
    fn a_case_stays_in_its_part_from_version_to_version() {
        let number = |case: &str| {
            let case = CaseId(case.to_owned());
            (1..=5).find(|number| {
                Shard {
                    number: *number,
                    of: 5,
                }
                .has("reference-dms-1", &case)
            })
        };
        let found: Vec<_> = ["DEL-DMS1-8-030", "DEL-DMS1-8-010", "ROB-DMS1-7-010"]
            .into_iter()
            .filter_map(number)
            .collect();
        assert_eq!(found, [2, 5, 5]);
    }

    #[test]
    fn what_is_no_part_is_refused() {
        assert_eq!("2/5".parse(), Ok(Shard { number: 2, of: 5 }));
        for text in ["", "2", "0/5", "6/5", "2/0", "-1/5", "a/b", "1/2/3", "1/10001"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert!("10000/10000".parse::<Shard>().is_ok());
    }

    /// Results may come from anybody.
    #[test]
    fn what_is_no_part_is_refused_where_it_was_stored_too() {
        let read = |text: &str| serde_json::from_str::<Shard>(text);
        let whole = read(r#"{"number":2,"of":5}"#).expect("it is one");
        assert_eq!(whole, Shard { number: 2, of: 5 });
        assert_eq!(
            serde_json::to_string(&whole).expect("it is numbers"),
            r#"{"number":2,"of":5}"#
        );
        for (number, of) in [(0, 5), (6, 5), (1, 0), (1, u32::MAX)] {
            let refused = read(&format!(r#"{{"number":{number},"of":{of}}}"#)).expect_err("it is none");
            assert!(refused.to_string().contains("such as `2/5`"), "{refused}");
        }
    }
}
