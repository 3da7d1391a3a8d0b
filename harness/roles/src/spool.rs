//! Transcripts of many cases at once, kept in files until it is known which of them anybody wants.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::stage::lock;

/// How long a file gets. One is gone once no case has anything in it any more.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Where transcripts are kept meanwhile.
pub struct Spool {
    directory: PathBuf,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    file: Option<Arc<Mutex<File>>>,
    length: u64,
    /// How many files there were.
    opened: u64,
}

/// Something that was kept.
pub struct Kept {
    file: Arc<Mutex<File>>,
    offset: u64,
    length: usize,
}

impl Spool {
    /// Keeps transcripts in files in this directory, which nothing refers to by name.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            current: Mutex::default(),
        }
    }

    /// Keeps a text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, text: &str) -> io::Result<Kept> {
        let mut current = lock(&self.current);
        let file = match &current.file {
            Some(file) if current.length < LONGEST => Arc::clone(file),
            _ => self.next(&mut current)?,
        };
        let offset = current.length;
        {
            let mut file = lock(&file);
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(text.as_bytes())?;
        }
        current.length += u64::try_from(text.len()).unwrap_or(u64::MAX);
        Ok(Kept {
            file,
            offset,
            length: text.len(),
        })
    }

    fn next(&self, current: &mut Current) -> io::Result<Arc<Mutex<File>>> {
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

impl Kept {
    /// The text.
    ///
    /// # Errors
    /// When it cannot be read again.
    pub fn text(&self) -> io::Result<String> {
        let mut octets = vec![0; self.length];
        {
            let mut file = lock(&self.file);
            file.seek(SeekFrom::Start(self.offset))?;
            file.read_exact(&mut octets)?;
        }
        String::from_utf8(octets).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_in_any_order_and_leaves_nothing_in_the_directory() {
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        let spool = Spool::new(folder.path().to_owned());
        let texts = ["one\n", "", "zwei äöü\n", "three\n"];
        let kept = texts.map(|text| spool.keep(text).expect("there is room"));
        for (text, kept) in texts.iter().zip(&kept).rev() {
            assert_eq!(kept.text().expect("it is there"), *text);
        }
        let left = std::fs::read_dir(folder.path()).expect("it is there").count();
        assert_eq!(left, usize::from(cfg!(not(unix))));
    }

    #[test]
    fn a_file_that_is_full_is_followed_by_another_and_both_are_read() {
        let folder = tempfile::tempdir().expect("a temporary directory is made");
        let spool = Spool::new(folder.path().to_owned());
        let first = spool.keep("first").expect("there is room");
        lock(&spool.current).length = LONGEST;
        let second = spool.keep("second").expect("there is room");
        assert!(!Arc::ptr_eq(&first.file, &second.file));
        assert_eq!(first.text().expect("it is there"), "first");
        assert_eq!(second.text().expect("it is there"), "second");
    }

    #[test]
    fn a_directory_that_is_not_there_is_told() {
        let spool = Spool::new(PathBuf::from("/nowhere/at/all"));
        assert!(spool.keep("x").is_err());
    }
}
