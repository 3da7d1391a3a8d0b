//! What can be looked at without the product: files, clock, ports, names.

use std::net::{SocketAddr, TcpListener};
use std::time::SystemTime;

use dmconform_case::implementation::Endpoints;
use tokio::net::TcpStream;

use super::{Examination, Topic};
use crate::member::directory_of;
use crate::url::{authority, foreign_host};

/// Looks at all of it.
pub(super) async fn look(examination: &Examination<'_>) {
    files(examination);
    clock(examination);
    peers(examination);
    names(examination).await;
    product(examination).await;
}

fn files(examination: &Examination<'_>) {
    let file = examination.file;
    let product = &file.implementation;
    let plays: Vec<String> = product.plays.iter().map(ToString::to_string).collect();
    let profile = product.profile.as_deref().unwrap_or("the default one");
    examination.good(
        Topic::Files,
        format!(
            "{} plays {}, with {} and the profile {profile}",
            product.implementation,
            plays.join(" and "),
            product.devices
        ),
    );
    let Ok(directory) = directory_of(file) else {
        return;
    };
    let own = product.certificates.authority.iter();
    let own = own.flat_map(|own| [&own.roots, &own.certificate, &own.key]);
    for name in own.chain(&product.certificates.trust) {
        let path = directory.join(name);
        if let Err(error) = std::fs::metadata(&path) {
            examination.bad(
                Topic::Files,
                format!("`{}` cannot be read: {error}", path.display()),
                "paths under `certificates` are looked for beside the implementation file",
            );
        }
    }
}

/// Certificates are made for now. A clock that is before the program itself is wrong.
fn clock(examination: &Examination<'_>) {
    let made = std::fs::metadata(&examination.options.program).and_then(|about| about.modified());
    let now = SystemTime::now();
    if made.is_ok_and(|made| made > now) {
        return examination.bad(
            Topic::Clock,
            format!(
                "it is {} by the clock, which is before this program was made",
                crate::timestamp()
            ),
            "set the clock: certificates are valid from a day before now, and for 30 days",
        );
    }
    examination.good(
        Topic::Clock,
        format!(
            "it is {} by the clock; certificates are made for that",
            crate::timestamp()
        ),
    );
}

fn peers(examination: &Examination<'_>) {
    let product = &examination.file.implementation;
    for (role, peer) in &product.peers {
        for (kind, address) in peer.listen.parts() {
            let Ok(socket) = address.parse::<SocketAddr>() else {
                continue;
            };
            match TcpListener::bind(socket) {
                Ok(_) => examination.good(
                    Topic::Ports,
                    format!("{address} is free, for the mock {role} to listen for {kind}"),
                ),
                Err(error) => examination.bad(
                    Topic::Ports,
                    format!("{address}, at which the mock {role} is to listen for {kind}, cannot be had: {error}"),
                    "stop what listens there, or name another under `peers` and in the product's configuration",
                ),
            }
        }
    }
}

async fn names(examination: &Examination<'_>) {
    let product = &examination.file.implementation;
    let mut seen = Vec::new();
    for url in product.endpoints.values().flat_map(urls) {
        let Some(host) = foreign_host(url) else {
            continue;
        };
        if seen.contains(&host) || product.hosts.contains_key(&host) {
            continue;
        }
        match tokio::net::lookup_host((host.as_str(), 443))
            .await
            .map(|mut found| found.next())
        {
            Ok(Some(address)) => {
                examination.good(Topic::Names, format!("`{host}` is {}", address.ip()));
            }
            Ok(None) => examination.bad(
                Topic::Names,
                format!("`{host}` has no address"),
                "give it one under `hosts`",
            ),
            Err(error) => examination.bad(
                Topic::Names,
                format!("`{host}` has no address: {error}"),
                "give it one under `hosts`, or mend the name resolution of this machine",
            ),
        }
        seen.push(host);
    }
}

/// A product that runs already must answer; one that is to be started must not be there yet, which its start looks at.
async fn product(examination: &Examination<'_>) {
    let product = &examination.file.implementation;
    if product.start.is_some() {
        return;
    }
    for url in product.endpoints.values().flat_map(urls) {
        let Some(authority) = authority(url) else {
            continue;
        };
        let known = authority.rsplit_once(':').and_then(|(host, port)| {
            let address = product.hosts.get(host)?;
            Some(format!("{address}:{port}"))
        });
        let address = known.unwrap_or_else(|| authority.to_owned());
        match TcpStream::connect(&address).await {
            Ok(_) => examination.good(Topic::Ports, format!("something listens at {authority}")),
            Err(error) => examination.bad(
                Topic::Ports,
                format!("nothing can be reached at {authority}: {error}"),
                "start the product, or let the harness do so: add `start` to the implementation file",
            ),
        }
    }
}

fn urls(endpoints: &Endpoints) -> impl Iterator<Item = &String> {
    endpoints.parts().map(|(_, url)| url)
}
