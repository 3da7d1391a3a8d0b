//! What fuzzing begins with, and what it once found, through the checks of the fuzz targets: on every run of the tests, without
//! libFuzzer.

#![expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read what is checked in"
)]

use std::path::{Path, PathBuf};
use std::{fs, io};

#[path = "../../fuzz/checks/bootstrap.rs"]
mod bootstrap;
#[path = "../../fuzz/checks/bundles.rs"]
mod bundles;
#[path = "../../fuzz/checks/documents.rs"]
mod documents;
#[path = "../../fuzz/checks/exchanges.rs"]
mod exchanges;
#[path = "../../fuzz/checks/files.rs"]
mod files;
#[path = "../../fuzz/checks/grammars.rs"]
mod grammars;
#[path = "../../fuzz/checks/notification.rs"]
mod notification;
#[path = "../../fuzz/checks/places.rs"]
mod places;
#[path = "../../fuzz/checks/session.rs"]
mod session;
#[path = "../../fuzz/checks/syncml.rs"]
mod syncml;
#[path = "../../fuzz/checks/tnds.rs"]
mod tnds;
#[path = "../../fuzz/checks/transcripts.rs"]
mod transcripts;
#[path = "../../fuzz/checks/wbxml.rs"]
mod wbxml;
#[path = "../../fuzz/checks/xml.rs"]
mod xml;

/// A target by its name, where its seeds lie, and its check.
type Target = (&'static str, &'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("bootstrap", "harness/fuzz/seeds/bootstrap", bootstrap::check),
    ("bundles", "harness/fuzz/seeds/bundles", bundles::check),
    ("documents", "fixtures/messages", documents::check),
    ("files", "harness/fuzz/seeds/files", files::check),
    ("grammars", "harness/fuzz/seeds/grammars", grammars::check),
    (
        "notification",
        "harness/fuzz/seeds/notification",
        notification::check,
    ),
    ("session", "harness/fuzz/seeds/session", session::check),
    ("syncml", "harness/fuzz/seeds/syncml", syncml::check),
    ("tnds", "harness/fuzz/seeds/tnds", tnds::check),
    ("transcripts", "fixtures/transcripts", transcripts::check),
    ("wbxml", "harness/fuzz/seeds/wbxml", wbxml::check),
    ("xml", "harness/fuzz/seeds/xml", xml::check),
];

#[test]
fn every_seed_passes_the_check_of_its_target() {
    for (_, folder, check) in TARGETS {
        let seeds = files_below(&root().join(folder)).expect("the seeds can be read");
        assert!(!seeds.is_empty(), "{folder} has seeds");
        for seed in seeds {
            // Shown where the check fails.
            println!("{}", seed.display());
            check(&fs::read(&seed).expect("a seed can be read"));
        }
    }
}

/// Where the suite has files of a kind, and the octet that stands before one for `files`.
const OF_THE_SUITE: [(&str, u8); 7] = [
    ("cases", b'2'),
    ("fixtures/profiles", b'0'),
    ("fixtures/implementations", b'3'),
    ("cases/procedure", b'4'),
    ("cases/requirements.yaml", b'5'),
    ("cases/deviations.yaml", b'6'),
    ("reports/samples/reference/results.json", b'7'),
];

#[test]
fn every_file_of_the_suite_passes_the_check_of_files() {
    for (place, kind) in OF_THE_SUITE {
        let place = root().join(place);
        let found = match place.is_dir() {
            true => files_below(&place).expect("the files can be listed"),
            false => vec![place],
        };
        assert!(!found.is_empty());
        let found = found.iter().filter(|path| {
            path.extension()
                .is_some_and(|kind| kind == "yaml" || kind == "json")
        });
        let found = found.filter(|path| kind != b'2' || is_of_cases(path));
        for path in found {
            let text = fs::read(path).expect("a file of the suite can be read");
            let is_read = files::is_read(&[[kind].as_slice(), &text].concat());
            assert!(is_read, "{}", path.display());
        }
    }
}

/// Beside the folders of cases stands what they refer to.
fn is_of_cases(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder != "cases" && folder != "procedure")
}

#[test]
fn every_target_is_among_those_that_are_checked_here() {
    let files = files_below(&root().join("harness/fuzz/targets")).expect("the targets can be listed");
    let names = files.iter().filter_map(|file| file.file_stem()?.to_str());
    let checked = TARGETS.iter().map(|(name, ..)| *name);
    assert_eq!(names.collect::<Vec<_>>(), checked.collect::<Vec<_>>());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All files in a folder and the folders in it, in order.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
