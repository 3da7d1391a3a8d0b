//! Writes certificates and keys where only their owner can read them.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::authority::{Authority, Roots};
use crate::identity::Identity;

/// What every party trusts.
pub(crate) const ROOTS: &str = "roots.pem";
/// The certificate of the issuing authority.
pub(crate) const INTERMEDIATE: &str = "intermediate.pem";
/// Its key.
pub(crate) const INTERMEDIATE_KEY: &str = "intermediate.key";
/// What it has revoked.
const REVOCATION_LIST: &str = "revocation-list.pem";

/// The largest file with certificates, keys or a secret that is read, in octets.
const MAX_TEXT: u64 = 1024 * 1024;

/// Reads a file with certificates, keys or a secret, whatever a name leads to: `/dev/zero` has no end.
///
/// # Errors
/// It cannot be read, or is larger than any of these.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?
        .take(MAX_TEXT + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_TEXT {
        let why = format!("it has more than {MAX_TEXT} octets, which no such file needs");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}

/// Why certificates could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write `{}`: {source}; {}", path.display(), dmconform_model::remedy(source))]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

/// Writes `roots.pem`, `intermediate.pem`, `intermediate.key`, `revocation-list.pem` where there is one, and `NAME.pem` (the chain) and
/// `NAME.key` for every identity. The directory gets mode 0700, every file 0600.
///
/// # Errors
/// The first path that cannot be written.
pub fn write_store(
    directory: &Path,
    authority: &Authority,
    roots: &Roots,
    revocation_list: Option<&str>,
    identities: &[(&str, &Identity)],
) -> Result<(), StoreError> {
    private_directory(directory).map_err(at(directory))?;
    private_file(&directory.join(ROOTS), roots.pem())?;
    private_file(&directory.join(INTERMEDIATE), authority.intermediate_pem())?;
    private_file(
        &directory.join(INTERMEDIATE_KEY),
        &authority.intermediate_key_pem(),
    )?;
    if let Some(revocation_list) = revocation_list {
        private_file(&directory.join(REVOCATION_LIST), revocation_list)?;
    }
    for (name, identity) in identities {
        private_file(&directory.join(format!("{name}.pem")), identity.chain_pem())?;
        private_file(&directory.join(format!("{name}.key")), identity.key_pem())?;
    }
    Ok(())
}

/// The first file of those that [`write_store`] would write for identities of these names that is there already.
pub fn already_stored(directory: &Path, names: &[&str]) -> Option<PathBuf> {
    let common = [ROOTS, INTERMEDIATE, INTERMEDIATE_KEY, REVOCATION_LIST].map(str::to_owned);
    let own = names
        .iter()
        .flat_map(|name| [format!("{name}.pem"), format!("{name}.key")]);
    let mut paths = common.into_iter().chain(own).map(|name| directory.join(name));
    paths.find(|path| path.symlink_metadata().is_ok())
}

/// The files in which [`write_store`] puts private keys.
pub fn private_keys(directory: &Path, identities: &[(&str, &Identity)]) -> Vec<PathBuf> {
    let own = identities
        .iter()
        .map(|(name, _)| directory.join(format!("{name}.key")));
    own.chain([directory.join(INTERMEDIATE_KEY)]).collect()
}

fn private_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn private_file(path: &Path, text: &str) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let write = || -> io::Result<()> {
        let mut file = options.open(path)?;
        // The mode above is for new files only; one that was there keeps its own.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
        file.write_all(text.as_bytes())
    };
    write().map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError { path, source }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_its_end() {
        let refused = read_text(Path::new("/dev/zero")).expect_err("it has no end");
        assert_eq!(
            refused.to_string(),
            "it has more than 1048576 octets, which no such file needs"
        );
    }
}
