//! What the stage of an implementation is set up with (authority, trust, names, hosts), and whether what a file names for it can be used.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use dmconform_case::claims::Claim;
use dmconform_case::implementation::{self, Endpoints, HttpTrigger, Implementation, Trigger};
use dmconform_model::Role;
use dmconform_roles::{Certified, Hosts, Setting};
use dmconform_tls::{Authority, AuthorityFiles, LoadError, Party, Roots, now};

use crate::member::directory_of;
use crate::options::{RunOptions, TargetFile};
use crate::target::TargetError;
use crate::url::{foreign_host, host};

/// The identifier of a mock DMS-1, of a mock DMS-2, and of a server that has no part.
const DMS_1: &str = "dms1.dmconform.test";
const DMS_2: &str = "dms2.dmconform.test";
const BOOTSTRAP_SERVER: &str = "bootstrap.dmconform.test";
const THIRD: &str = "third.dmconform.test";

/// What the stage of an implementation is set up with.
pub(crate) fn setting(options: &RunOptions, file: &TargetFile) -> Result<Setting, TargetError> {
    let product = &file.implementation;
    let authority = authority(options, file)?;
    let mut roots = authority.roots();
    for part in file.members() {
        roots = trusted(roots, &part.implementation, &directory_of(part)?)?;
    }
    Ok(Setting {
        authority,
        roots,
        parties: certified(product),
        hosts: hosts(file),
        profile: Arc::clone(&file.suite.profile),
        patience: product.limits.step_deadline.get(),
        oddities: options.of_peers(),
        captured: options.captured,
        connections: options.pace.connections,
    })
}

/// Who issues the certificates: what the command line says goes before what the file says.
fn authority(options: &RunOptions, file: &TargetFile) -> Result<Authority, TargetError> {
    if let Some(directory) = &options.certificates {
        return Ok(Authority::load(directory, now())?);
    }
    let of_part = |part: &'_ TargetFile| part.implementation.certificates.authority.clone();
    let stated = file
        .members()
        .iter()
        .find_map(|part| Some((part, of_part(part)?)));
    match stated {
        Some((part, own)) => own_authority(&own, &directory_of(part)?),
        None => Ok(Authority::new(now())?),
    }
}

fn own_authority(own: &implementation::AuthorityFiles, directory: &Path) -> Result<Authority, TargetError> {
    let files = AuthorityFiles {
        roots: directory.join(&own.roots),
        certificate: directory.join(&own.certificate),
        key: directory.join(&own.key),
    };
    Ok(Authority::of_files(&files, now())?)
}

/// The revocation list of an authority, where it may sign one: there has to be one for a product that looks at it.
pub(crate) fn revocation_list(
    authority: &Authority,
    product: &Implementation,
) -> Result<Option<String>, TargetError> {
    let list = authority.revocation_list_pem()?;
    if list.is_none() && product.supports.claims.contains(&Claim::Revocation) {
        return Err(TargetError::RevocationList);
    }
    Ok(list)
}

/// Looks whether the certificates that an implementation file in a directory names can be used, also where a run may go without them
/// since it is given others.
///
/// # Errors
/// Why one cannot.
pub fn check_named_certificates(product: &Implementation, directory: &Path) -> Result<(), TargetError> {
    let authority = match &product.certificates.authority {
        Some(own) => own_authority(own, directory)?,
        None if product.certificates.trust.is_empty() => return Ok(()),
        None => Authority::new(now())?,
    };
    revocation_list(&authority, product)?;
    trusted(authority.roots(), product, directory).map(drop)
}

fn trusted(mut roots: Roots, product: &Implementation, directory: &Path) -> Result<Roots, TargetError> {
    for name in &product.certificates.trust {
        let path = directory.join(name);
        let text = dmconform_tls::read_text(&path).map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?;
        roots = roots.and_pem(&text).ok_or_else(|| TargetError::Trust {
            path,
            reason: "there is no certificate in it that can be trusted".to_owned(),
        })?;
    }
    Ok(roots)
}

/// Who is named in the certificates.
fn certified(product: &Implementation) -> Certified {
    let party = |role: Role, usual: &str| {
        let peer = product.peers.get(&role);
        let own = product
            .identity
            .get(&role)
            .map(|identity| identity.server_id.clone());
        let known = own.or_else(|| peer?.server_id.clone());
        let urls = [product.endpoints.get(&role), peer.map(|peer| &peer.endpoints)];
        let urls = urls.into_iter().flatten().flat_map(Endpoints::parts);
        // Where a role listens is where it is reached, unless a URL says otherwise.
        let listens = peer.into_iter().flat_map(|peer| peer.listen.parts());
        let listens = listens.filter_map(|(_, address)| address.parse::<SocketAddr>().ok());
        let mut hosts: Vec<String> = urls
            .filter_map(|(_, url)| host(url))
            .chain(listens.map(|address| address.ip().to_string()))
            .collect();
        hosts.sort();
        hosts.dedup();
        Party {
            server_id: known.unwrap_or_else(|| usual.to_owned()),
            hosts,
        }
    };
    Certified {
        dm_client: party(Role::DmClient, "device"),
        dms_1: party(Role::Dms1, DMS_1),
        dms_2: party(Role::Dms2, DMS_2),
        bootstrap_server: party(Role::BootstrapServer, BOOTSTRAP_SERVER),
        third: Party {
            server_id: THIRD.to_owned(),
            hosts: Vec::new(),
        },
    }
}

/// The hosts that the harness may dial, and where names lead.
fn hosts(file: &TargetFile) -> Hosts {
    let mut hosts = Hosts::default();
    for part in file.members() {
        let product = &part.implementation;
        let given = product.hosts.iter();
        hosts.given.extend(
            given.filter_map(|(name, address)| Some((name.clone(), address.parse::<IpAddr>().ok()?))),
        );
        let endpoints = product.endpoints.values().flat_map(hosts_of);
        let devices = product.devices.bootstraps().filter_map(foreign_host);
        let of_triggers = product.triggers.all().filter_map(|(_, trigger)| match trigger {
            Trigger::Http(http) => Some(http),
            Trigger::Command(_) | Trigger::Prompt(_) => None,
        });
        let triggers = of_triggers
            .chain(&product.triggers.notify_device)
            .filter_map(|HttpTrigger { url, .. }| foreign_host(url));
        let ready = product.start.iter().flat_map(|start| &start.ready.http);
        let all = endpoints
            .chain(devices)
            .chain(triggers)
            .chain(ready.filter_map(|url| foreign_host(url)));
        hosts.named.extend(all);
    }
    hosts
}

/// The hosts of URLs that are not those of loopback.
fn hosts_of(endpoints: &Endpoints) -> Vec<String> {
    endpoints
        .parts()
        .filter_map(|(_, url)| foreign_host(url))
        .collect()
}

#[cfg(test)]
mod tests {
    use dmconform_case::implementation::Peer;
    use dmconform_case::read::{self, Source};

    use super::*;

    #[test]
    fn a_certificate_is_for_wherever_its_role_is_reached() {
        let endpoints = |url: &str| Endpoints {
            delegation: Some(url.to_owned()),
            ..Endpoints::default()
        };
        let peers = [
            (Role::Dms1, "127.0.0.2:8443", "https://[::1]:8443/dm"),
            (Role::Dms2, "[fd00::7]:8443", "https://dms2.acme.test/dm"),
        ];
        let peers = peers.map(|(role, listen, url)| {
            let peer = Peer {
                listen: endpoints(listen),
                endpoints: endpoints(url),
                ..Peer::default()
            };
            (role, peer)
        });
        let text = include_str!("../../../fixtures/implementations/reference-dm-client.yaml");
        let name = "reference-dm-client.yaml";
        let read = read::implementation(Source { name, text });
        let mut product = read.expect("the file is tested to be readable");
        product.peers = peers.into();
        let certified = certified(&product);
        assert_eq!(certified.dms_1.hosts, ["127.0.0.2", "::1"]);
        assert_eq!(certified.dms_2.hosts, ["dms2.acme.test", "fd00::7"]);
    }
}
