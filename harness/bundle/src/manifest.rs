//! The manifest: the digest of every file that says something, as `sha256sum --check` reads it.

use std::collections::BTreeMap;

use crate::archive::Files;
use crate::contents::names;
use crate::digest::sha256;
use crate::refusal::Refusal;

/// Writes the manifest of files; what vouches for the manifest is not in it.
pub(crate) fn manifest(files: &Files) -> String {
    let named = files
        .iter()
        .filter(|(name, _)| !names::SEAL.contains(&name.as_str()));
    named
        .map(|(name, octets)| format!("{}  {name}\n", sha256(octets)))
        .collect()
}

/// Whether the files are those of the manifest: all of them, no others, and as they were.
///
/// # Errors
/// The first that is not.
pub(crate) fn check(files: &Files) -> Result<(), Refusal> {
    let text = files
        .get(names::MANIFEST)
        .ok_or_else(|| Refusal::Missing(names::MANIFEST.to_owned()))?;
    let unreadable = || Refusal::Unreadable {
        name: names::MANIFEST.to_owned(),
        why: "a line is a digest, two spaces and a name".to_owned(),
    };
    let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        let (digest, name) = line.split_once("  ").ok_or_else(unreadable)?;
        listed.insert(name, digest);
    }
    for (name, digest) in &listed {
        let octets = files
            .get(*name)
            .ok_or_else(|| Refusal::Missing((*name).to_owned()))?;
        if sha256(octets) != *digest {
            return Err(Refusal::Changed((*name).to_owned()));
        }
    }
    let mut others = files.keys().map(String::as_str);
    match others.find(|name| !listed.contains_key(name) && !names::SEAL.contains(name)) {
        Some(name) => Err(Refusal::Added(name.to_owned())),
        None if manifest(files) != text => Err(unreadable()),
        None => Ok(()),
    }
}
