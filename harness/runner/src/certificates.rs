//! Certificates for products that are configured by hand.

use std::path::{Path, PathBuf};

use dmconform_model::certificate::Certificate;
use dmconform_tls::{Authority, LoadError, Party, already_stored, now, write_store};

use crate::target::TargetError;

/// Looks whether an authority that products were configured with before can be used.
///
/// # Errors
/// Why it cannot.
pub fn check_certificates(directory: &Path) -> Result<(), LoadError> {
    Authority::load(directory, now()).map(drop)
}

/// What is there already of the files that [`certificates`] writes: products may be configured with it.
pub fn existing_certificates(directory: &Path, parties: &[(&str, &str)]) -> Option<PathBuf> {
    let names: Vec<&str> = parties.iter().map(|(name, _)| *name).collect();
    already_stored(directory, &names)
}

/// Writes the certificates that a product needs which is configured by hand; they are for these hosts, too.
///
/// # Errors
/// When they cannot be made or written.
pub fn certificates(directory: &Path, parties: &[(&str, &str)], hosts: &[String]) -> Result<(), TargetError> {
    let authority = Authority::new(now())?;
    let roots = authority.roots();
    let mut identities = Vec::new();
    for (name, server_id) in parties {
        let party = Party {
            server_id: (*server_id).to_owned(),
            hosts: hosts.to_vec(),
        };
        identities.push((*name, authority.issue(&party, Certificate::Good)?));
    }
    let identities: Vec<_> = identities
        .iter()
        .filter_map(|(name, identity)| Some((*name, identity.as_ref()?)))
        .collect();
    let revocation_list = authority.revocation_list_pem()?;
    write_store(
        directory,
        &authority,
        &roots,
        revocation_list.as_deref(),
        &identities,
    )?;
    Ok(())
}
