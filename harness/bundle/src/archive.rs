//! The archive: plain files in one tar, of which every octet is fixed by their names and contents.
//!
//! An archive is taken only if packing what is in it gives the same octets again. So there are no two archives with the same
//! files, no links, no directories, no two files of one name, nothing between or after them, and nothing is ever unpacked
//! to a disk.

use std::collections::BTreeMap;
use std::io::Read as _;

use tar::{Archive, Builder, EntryType, Header};

use crate::refusal::Refusal;

/// The files of an archive, by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest archive that is looked into, in octets.
pub const LARGEST: u64 = 1 << 30;
/// The greatest number of files in an archive.
const MOST_FILES: usize = 10_000;

/// Packs files, in the order of their names.
///
/// # Errors
/// The name that cannot be in an archive.
pub fn pack(files: &Files) -> Result<Vec<u8>, Refusal> {
    let mut builder = Builder::new(Vec::new());
    for (name, octets) in files {
        let mut header = header(name, octets)?;
        header.set_cksum();
        builder
            .append(&header, octets.as_slice())
            .map_err(|error| Refusal::NoArchive(error.to_string()))?;
    }
    builder
        .into_inner()
        .map_err(|error| Refusal::NoArchive(error.to_string()))
}

/// What stands before a file: nothing in it but its name and its size says anything.
fn header(name: &str, octets: &[u8]) -> Result<Header, Refusal> {
    let bad_name = || Refusal::BadName(name.to_owned());
    if !is_plain(name) {
        return Err(bad_name());
    }
    let mut header = Header::new_ustar();
    header.set_path(name).map_err(|_| bad_name())?;
    header.set_size(octets.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(EntryType::Regular);
    Ok(header)
}

/// Reads the files of an archive.
///
/// # Errors
/// The first thing in it that does not belong into a bundle.
pub fn unpack(octets: &[u8]) -> Result<Files, Refusal> {
    if octets.len() as u64 > LARGEST {
        return Err(Refusal::TooLarge);
    }
    let broken = |error: std::io::Error| Refusal::NoArchive(error.to_string());
    let mut files = Files::new();
    let mut archive = Archive::new(octets);
    // Raw: extensions of the format are entries like others, and refused.
    for entry in archive.entries().map_err(broken)?.raw(true) {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|error| Refusal::BadName(String::from_utf8_lossy(error.as_bytes()).into_owned()))?;
        if entry.header().entry_type() != EntryType::Regular {
            return Err(Refusal::NoPlainFile(name));
        }
        if !is_plain(&name) {
            return Err(Refusal::BadName(name));
        }
        // What is not there is not made room for.
        if entry.size() > octets.len() as u64 || files.len() >= MOST_FILES {
            return Err(Refusal::TooLarge);
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        if files.insert(name.clone(), content).is_some() {
            return Err(Refusal::Twice(name));
        }
    }
    if files.is_empty() {
        return Err(Refusal::NoArchive("there is no file in it".to_owned()));
    }
    if pack(&files)? != octets {
        return Err(Refusal::NotAsPacked);
    }
    Ok(files)
}

/// Whether a name leads to a place below wherever it is looked at, on every system.
pub(crate) fn is_plain(name: &str) -> bool {
    let is_bad = |character: char| character.is_control() || character == '\\' || character == ':';
    let mut parts = name.split('/');
    !name.chars().any(is_bad) && parts.all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn files() -> Files {
        Files::from([
            ("b/two".to_owned(), vec![7; 700]),
            ("one".to_owned(), b"1".to_vec()),
            ("none".to_owned(), Vec::new()),
        ])
    }

    fn code(octets: &[u8]) -> &'static str {
        unpack(octets).map_or_else(|refusal| refusal.code(), |_| "taken")
    }

    /// An archive as anybody may make it.
    fn foreign(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, octets) in entries {
            let mut header = Header::new_ustar();
            header.as_ustar_mut().expect("it is one").name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(octets.len() as u64);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_entry_type(*kind);
            header.set_cksum();
            builder.append(&header, *octets).expect("memory takes it");
        }
        builder.into_inner().expect("memory takes it")
    }

    #[test]
    fn what_was_packed_is_unpacked_and_packed_the_same_again() {
        let packed = pack(&files()).expect("the names are good");
        assert_eq!(unpack(&packed).expect("it is an archive"), files());
        assert_eq!(pack(&files()).expect("the names are good"), packed);
    }

    #[rstest]
    #[case::upwards("../secret", "bad-name")]
    #[case::absolute("/etc/passwd", "bad-name")]
    #[case::in_the_middle("a/../../b", "bad-name")]
    #[case::of_another_system("C:\\a", "bad-name")]
    #[case::empty_part("a//b", "bad-name")]
    fn a_name_that_leads_elsewhere_is_refused(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(code(&foreign(&[(name, EntryType::Regular, b"x")])), expected);
    }

    #[rstest]
    #[case(EntryType::Symlink)]
    #[case(EntryType::Link)]
    #[case(EntryType::Directory)]
    #[case(EntryType::GNULongName)]
    #[case(EntryType::GNUSparse)]
    #[case(EntryType::XHeader)]
    #[case(EntryType::Fifo)]
    fn what_is_no_plain_file_is_refused(#[case] kind: EntryType) {
        assert_eq!(code(&foreign(&[("a", kind, b"")])), "no-plain-file");
    }

    #[test]
    fn a_file_twice_is_refused() {
        let twice = foreign(&[("a", EntryType::Regular, b"1"), ("a", EntryType::Regular, b"2")]);
        assert_eq!(code(&twice), "twice");
    }

    #[test]
    fn another_order_and_anything_after_the_end_are_refused() {
        let packed = pack(&files()).expect("the names are good");
        let turned = foreign(&[("b", EntryType::Regular, b"1"), ("a", EntryType::Regular, b"2")]);
        let longer = [packed.as_slice(), &[0; 512]].concat();
        for octets in [turned, longer] {
            assert_eq!(code(&octets), "not-as-packed");
        }
    }

    #[test]
    fn an_archive_of_too_many_files_is_refused() {
        let names: Vec<String> = (0..=MOST_FILES).map(|number| format!("{number:05}")).collect();
        let empty = |name| (name, EntryType::Regular, b"".as_slice());
        let entries: Vec<_> = names.iter().map(|name| empty(name.as_str())).collect();
        let few: Files = names[1..].iter().map(|name| (name.clone(), Vec::new())).collect();
        assert_eq!(code(&pack(&few).expect("they have room")), "taken");
        assert_eq!(code(&foreign(&entries)), "too-large");
    }

    #[test]
    fn a_file_that_says_it_is_larger_than_the_archive_is_refused_unread() {
        let mut octets = foreign(&[("a", EntryType::Regular, b"1")]);
        let mut header = Header::from_byte_slice(&octets[..512]).clone();
        header.set_size(1 << 40);
        header.set_cksum();
        octets[..512].copy_from_slice(header.as_bytes());
        assert_eq!(code(&octets), "too-large");
    }

    #[test]
    fn every_bit_counts() {
        let packed = pack(&files()).expect("the names are good");
        for at in 0..packed.len() {
            let mut octets = packed.clone();
            octets[at] ^= 1 << (at % 8);
            assert_ne!(unpack(&octets).ok(), Some(files()), "octet {at}");
        }
    }
}
