//! The catalogue that products are certified against, and the digests of those that were published.

use dmconform_case::suite::embedded_files;
use serde::{Deserialize, Serialize};

use crate::archive::Files;
use crate::digest::evidence;

/// The catalogues that were published: a version and a digest on each line.
const PUBLISHED: &str = include_str!("published.txt");

/// A published catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CatalogueId {
    /// Its version, which is its own: not that of the program that it is built into.
    pub version: String,
    /// The digest of its files.
    pub sha256: String,
}

/// The files of the catalogue that is built in.
pub fn catalogue() -> Files {
    embedded_files()
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .collect()
}

/// The digest of a catalogue: of its files and their names.
pub fn digest(catalogue: &Files) -> String {
    evidence(
        catalogue
            .iter()
            .map(|(name, octets)| (name.as_str(), octets.as_slice())),
    )
}

/// Every published catalogue, as the list in this program has them.
pub fn published() -> Vec<CatalogueId> {
    let lines = PUBLISHED.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(' '));
    pairs
        .map(|(version, sha256)| CatalogueId {
            version: version.to_owned(),
            sha256: sha256.to_owned(),
        })
        .collect()
}

/// The version of the catalogue that is built in: the last that was published.
pub fn version() -> String {
    let last = published().pop();
    last.map(|last| last.version).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_that_is_built_in_was_published_last() {
        let last = published().pop().expect("one was published");
        assert_eq!(
            last.sha256,
            digest(&catalogue()),
            "the catalogue is another one; run `cargo run -p dmconform-bundle --example publish-catalogue -- VERSION` with a new \
             version, as docs/versioning.md has it"
        );
    }

    #[test]
    fn every_version_is_higher_than_the_one_before() {
        let number = |text: &str| text.parse::<u64>().expect("a part of a version is a number");
        let versions: Vec<Vec<u64>> = published()
            .iter()
            .map(|known| known.version.split('.').map(number).collect())
            .collect();
        assert!(versions.iter().all(|version| version.len() == 3), "{versions:?}");
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
    }

    #[test]
    fn the_name_of_a_file_and_every_octet_of_it_count() {
        let (mut renamed, mut changed) = (catalogue(), catalogue());
        let (name, octets) = renamed.pop_first().expect("there are cases");
        renamed.insert(format!("{name}.yaml"), octets);
        changed.first_entry().expect("there are cases").get_mut()[0] ^= 1;
        for other in [renamed, changed] {
            assert_ne!(digest(&other), digest(&catalogue()));
        }
    }
}
