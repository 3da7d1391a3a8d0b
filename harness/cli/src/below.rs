//! Files of a run that anybody may have filled: nothing in it leads to a file outside of it, or to what is no file.

use std::fs::{DirEntry, File};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use crate::bounded;

/// Opens a file by its place below a directory.
pub(crate) fn open(directory: &Path, place: &Path) -> Result<File> {
    let path = reached(directory, place)?;
    // Opening a pipe would wait for whoever writes to it.
    if !path.symlink_metadata()?.is_file() {
        return Err(refused(&path, "no plain file"));
    }
    File::open(path)
}

/// Reads a file by its place below a directory, as [`bounded::octets`] does.
pub(crate) fn octets(directory: &Path, place: &Path) -> Result<Vec<u8>> {
    bounded::octets_of(&open(directory, place)?)
}

/// The names of what is in a folder, by its place below a directory; nothing if there is no such folder.
pub(crate) fn entries(directory: &Path, place: &Path) -> Result<Option<Vec<String>>> {
    let path = match reached(directory, place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        path => path?,
    };
    if !path.symlink_metadata()?.is_dir() {
        return Err(refused(&path, "no folder"));
    }
    let name = |entry: Result<DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    std::fs::read_dir(path)?
        .map(name)
        .collect::<Result<_>>()
        .map(Some)
}

/// The path to a place, if no link is on it.
fn reached(directory: &Path, place: &Path) -> Result<PathBuf> {
    let mut path = PathBuf::from(directory);
    for part in place.components() {
        path.push(part);
        if path.symlink_metadata()?.is_symlink() {
            return Err(refused(&path, "a link, and may lead elsewhere"));
        }
    }
    Ok(path)
}

fn refused(path: &Path, what: &str) -> Error {
    let why = format!(
        "`{}` is {what}; put a copy of what belongs there in its place",
        path.display()
    );
    Error::new(ErrorKind::InvalidInput, why)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_not_followed_wherever_it_stands() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let run = folder.path().join("run");
        std::fs::create_dir_all(run.join("own")).expect("a folder can be made");
        std::fs::write(run.join("own/file"), "text").expect("the folder can be written to");
        symlink("own", run.join("folder")).expect("a link can be made");
        symlink("file", run.join("own/link")).expect("a link can be made");
        assert!(open(&run, Path::new("own/file")).is_ok());
        for place in ["folder/file", "own/link"] {
            let refused = open(&run, Path::new(place))
                .expect_err("it is a link")
                .to_string();
            assert!(refused.contains("is a link, and may lead elsewhere"), "{refused}");
        }
        assert!(entries(&run, Path::new("folder")).is_err());
        assert!(entries(&run, Path::new("own/file")).is_err());
        assert!(matches!(entries(&run, Path::new("none")), Ok(None)));
        let mut names = entries(&run, Path::new("own")).ok().flatten().unwrap_or_default();
        names.sort();
        assert_eq!(names, ["file", "link"]);
        let refused = open(&run, Path::new("own"))
            .expect_err("it is a folder")
            .to_string();
        assert!(refused.contains("is no plain file"), "{refused}");
        // Where the run itself stands is the user's to say.
        symlink(&run, folder.path().join("link")).expect("a link can be made");
        assert!(open(&folder.path().join("link"), Path::new("own/file")).is_ok());
    }
}
