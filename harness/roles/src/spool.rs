//! Transcripts of many cases at once, kept in files until it is known which of them anybody wants.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::stage::lock;

/// How long a file gets. One is gone once no case has anything in it any more.
const LONGEST: u64 = 64 * 1024 * 1024;

/// A file that several cases have something in.
type Shared = Arc<Mutex<File>>;
/// Where a text begins in its file, and how long it is: many cases are in flight at once, so that these are small.
type Place = (u32, u32);

/// Where transcripts are kept meanwhile.
pub struct Spool {
    directory: PathBuf,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    file: Option<Shared>,
    length: u64,
    /// How many files there were.
    opened: u64,
}

/// The texts of one case, in their order.
pub(crate) struct Texts {
    spool: Arc<Spool>,
    parts: Vec<Part>,
    /// From the first one that could not be written: what is kept must not be lost.
    rest: Vec<String>,
}

/// Texts that follow each other and are in one file.
struct Part {
    file: Shared,
    places: Vec<Place>,
}

impl Spool {
    /// Keeps transcripts in files in this directory, which nothing refers to by name.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            current: Mutex::default(),
        }
    }

    /// Keeps a text: its file and its place there.
    fn keep(&self, text: &str) -> io::Result<(Shared, Place)> {
        let mut current = lock(&self.current);
        let file = match &current.file {
            Some(file) if current.length < LONGEST => Arc::clone(file),
            _ => self.next(&mut current)?,
        };
        let offset = current.length;
        let place = (small(offset)?, small(text.len())?);
        {
            let mut file = lock(&file);
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(text.as_bytes())?;
        }
        current.length += u64::from(place.1);
        Ok((file, place))
    }

    fn next(&self, current: &mut Current) -> io::Result<Shared> {
        current.opened += 1;
        let path = self
            .directory
            .join(format!("transcripts-{}.spool", current.opened));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Arc::new(Mutex::new(options.open(&path)?));
        // Where an open file can be removed, nothing of it is left however the process ends; elsewhere it goes with the directory.
        let _ = std::fs::remove_file(&path);
        current.file = Some(Arc::clone(&file));
        current.length = 0;
        Ok(file)
    }
}

/// A number as far as files get, which end soon after [`LONGEST`].
fn small(number: impl TryInto<u32>) -> io::Result<u32> {
    number.try_into().map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl Texts {
    /// None yet.
    pub(crate) const fn new(spool: Arc<Spool>) -> Self {
        Self {
            spool,
            parts: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// Keeps one more.
    pub(crate) fn push(&mut self, text: String) {
        if !self.rest.is_empty() {
            return self.rest.push(text);
        }
        let Ok((file, place)) = self.spool.keep(&text) else {
            return self.rest.push(text);
        };
        match self.parts.last_mut() {
            Some(part) if Arc::ptr_eq(&part.file, &file) => part.places.push(place),
            _ => self.parts.push(Part {
                file,
                places: vec![place],
            }),
        }
    }

    /// Adds all of them to a text.
    ///
    /// # Errors
    /// When what was kept cannot be read again.
    pub(crate) fn write_to(&self, text: &mut String) -> io::Result<()> {
        for part in &self.parts {
            for &(offset, length) in &part.places {
                let mut octets = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
                {
                    let mut file = lock(&part.file);
                    file.seek(SeekFrom::Start(offset.into()))?;
                    file.read_exact(&mut octets)?;
                }
                let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
                text.push_str(str::from_utf8(&octets).map_err(invalid)?);
            }
        }
        self.rest.iter().for_each(|rest| text.push_str(rest));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(directory: impl Into<PathBuf>) -> Arc<Spool> {
        Arc::new(Spool::new(directory.into()))
    }

    fn kept(texts: &Texts) -> String {
        let mut text = String::new();
        texts.write_to(&mut text).expect("they are there");
        text
    }

    #[test]
    fn what_is_kept_comes_back_in_order_and_leaves_nothing_in_the_directory() {
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        let spool = spool(folder.path());
        let mut cases = [Texts::new(Arc::clone(&spool)), Texts::new(spool)];
        for text in ["one\n", "", "zwei äöü\n", "three\n"] {
            for case in &mut cases {
                case.push(text.to_owned());
            }
        }
        for case in &cases {
            assert_eq!(kept(case), "one\nzwei äöü\nthree\n");
        }
        let left = std::fs::read_dir(folder.path()).expect("it is there").count();
        assert_eq!(left, usize::from(cfg!(not(unix))));
    }

    #[test]
    fn a_file_that_is_full_is_followed_by_another_and_both_are_read() {
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        let spool = spool(folder.path());
        let mut texts = Texts::new(Arc::clone(&spool));
        texts.push("first, ".to_owned());
        lock(&spool.current).length = LONGEST;
        texts.push("second, ".to_owned());
        texts.push("third".to_owned());
        assert_eq!(texts.parts.len(), 2);
        assert_eq!(kept(&texts), "first, second, third");
    }

    #[test]
    fn what_cannot_be_written_is_not_lost() {
        let mut texts = Texts::new(spool("/nowhere/at/all"));
        texts.push("first, ".to_owned());
        texts.push("second".to_owned());
        assert!(texts.parts.is_empty());
        assert_eq!(kept(&texts), "first, second");
    }

    #[test]
    fn after_what_cannot_be_written_the_order_is_what_it_was() {
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        let spool = spool(folder.path());
        let mut texts = Texts::new(Arc::clone(&spool));
        texts.push("first, ".to_owned());
        // No other file can be begun, and then there is room again.
        drop(folder);
        lock(&spool.current).length = LONGEST;
        texts.push("second, ".to_owned());
        lock(&spool.current).length = 7;
        texts.push("third".to_owned());
        assert_eq!(texts.rest.len(), 2);
        assert_eq!(kept(&texts), "first, second, third");
    }
}
