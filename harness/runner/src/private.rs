//! Files and directories that only their owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a directory, or takes one that is there, and lets nobody else in.
///
/// # Errors
/// It cannot be made, or is not ours.
pub fn directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes a file, and makes the folder that it is in where there is none.
///
/// # Errors
/// The file or its folder cannot be written.
pub fn write(path: &Path, octets: impl AsRef<[u8]>) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        directory(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // The mode above is for new files only; one that was there keeps its own.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    file.write_all(octets.as_ref())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        let known = fs::metadata(path).expect("it is there");
        known.permissions().mode() & 0o777
    }

    #[test]
    fn a_file_and_the_folder_that_is_made_for_it_are_nobody_elses() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("made/secret.toml");
        write(&path, "first").expect("it can be written");
        assert_eq!(
            (mode(&path), mode(&directory.path().join("made"))),
            (0o600, 0o700)
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
        write(&path, "second").expect("it can be written again");
        assert_eq!(mode(&path), 0o600);
    }
}
