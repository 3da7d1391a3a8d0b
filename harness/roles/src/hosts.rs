//! Where names of hosts lead: as the implementation file says, or as the system resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

/// The hosts that the harness may dial.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Names whose addresses are given.
    pub given: BTreeMap<String, IpAddr>,
    /// Hosts that the implementation file names in its URLs.
    pub named: BTreeSet<String>,
}

impl Hosts {
    /// The address of a host that may be dialled: of loopback, or one that the implementation file names. Addresses have no brackets.
    ///
    /// # Errors
    /// That it may not be dialled, or that nobody knows its address.
    pub(crate) async fn address(&self, host: &str, port: u16) -> Result<IpAddr, String> {
        if let Some(address) = self.given.get(host) {
            return Ok(*address);
        }
        if host == "localhost" {
            return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let is_named = self.named.contains(host);
        match host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() || is_named => return Ok(address),
            Err(_) if is_named => {}
            _ => {
                return Err(format!(
                    "`{host}` is neither loopback nor named in the implementation file"
                ));
            }
        }
        let mut found = tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| format!("`{host}` has no address: {error}; `hosts` can give it one"))?;
        let address = found.next().map(|socket| socket.ip());
        address.ok_or_else(|| format!("`{host}` has no address; `hosts` can give it one"))
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;
    use crate::dial::Place;

    fn hosts() -> Hosts {
        Hosts {
            given: [(
                "dms2.acme.test".to_owned(),
                "127.0.0.2".parse().expect("an address"),
            )]
            .into(),
            named: ["192.0.2.7".to_owned()].into(),
        }
    }

    #[tokio::test]
    async fn a_name_leads_where_the_file_says() {
        let address = hosts().address("dms2.acme.test", 443).await;
        assert_eq!(address.map(|ip| ip.to_string()).as_deref(), Ok("127.0.0.2"));
    }

    #[tokio::test]
    async fn loopback_may_always_be_dialled() {
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(hosts().address(host, 443).await.is_ok(), "{host}");
        }
    }

    #[tokio::test]
    async fn an_address_of_ipv6_has_brackets_in_a_url_and_in_the_host_field_only() {
        let hosts = Hosts {
            named: ["2001:db8::1".to_owned()].into(),
            ..Hosts::default()
        };
        for address in ["::1", "2001:db8::1"] {
            let place = Place::of(&format!("https://[{address}]:8443/dm"), &hosts).await;
            let place = place.expect("it may be dialled");
            assert_eq!(place.host, address);
            assert_eq!(place.authority, format!("[{address}]:8443"));
            assert_eq!(place.address.to_string(), format!("[{address}]:8443"));
        }
    }

    #[tokio::test]
    async fn another_address_may_be_dialled_only_where_the_file_names_it() {
        assert!(hosts().address("192.0.2.7", 443).await.is_ok());
        let refused = hosts().address("192.0.2.8", 443).await;
        assert_eq!(
            refused,
            Err("`192.0.2.8` is neither loopback nor named in the implementation file".to_owned())
        );
    }
}
