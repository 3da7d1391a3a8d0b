//! Reads files that anybody may have written: none of them fills memory.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// The largest file that is read, in octets. A transcript that is full has at most 32 MiB of what peers said, which JSON may
/// write several times longer.
const MAX_FILE: u64 = 512 * 1024 * 1024;

/// Reads a text file.
pub(crate) fn text(path: &Path) -> Result<String> {
    text_up_to(path, MAX_FILE)
}

/// Reads a file as it is.
pub(crate) fn octets(path: &Path) -> Result<Vec<u8>> {
    octets_of(&File::open(path)?)
}

/// Reads a file that is open as it is.
pub(crate) fn octets_of(file: &File) -> Result<Vec<u8>> {
    octets_up_to(file, MAX_FILE)
}

/// Reads a text file that is open.
pub(crate) fn text_of(file: &File) -> Result<String> {
    as_text(octets_up_to(file, MAX_FILE)?)
}

fn text_up_to(path: &Path, most: u64) -> Result<String> {
    as_text(octets_up_to(&File::open(path)?, most)?)
}

fn as_text(octets: Vec<u8>) -> Result<String> {
    String::from_utf8(octets)
        .map_err(|_| Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

fn octets_up_to(file: &File, most: u64) -> Result<Vec<u8>> {
    let mut octets = Vec::new();
    let read = file.take(most + 1).read_to_end(&mut octets)?;
    if read as u64 > most {
        let why = format!("it has more than {most} octets, which no such file needs");
        return Err(Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_size() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a");
        std::fs::write(&path, "four").expect("the folder can be written to");
        assert_eq!(text_up_to(&path, 4).expect("it is small"), "four");
        let refused = text_up_to(&path, 3).expect_err("it is too large");
        assert_eq!(
            refused.to_string(),
            "it has more than 3 octets, which no such file needs"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        assert!(text_up_to(Path::new("/dev/zero"), 1 << 20).is_err());
    }
}
