//! Whom certificates name.

use std::net::IpAddr;

use dmconform_model::certificate::Certificate;
use rcgen::SanType;

use crate::authority::{AuthorityError, Party, failed};

/// Whom a certificate names: the party, this machine however it is called, and the hosts at which the party is reached.
pub(crate) fn names(party: &Party, name: &str, flavour: Certificate) -> Result<Vec<SanType>, AuthorityError> {
    if flavour == Certificate::WrongName {
        return Ok(vec![dns("elsewhere.dmconform.test")?]);
    }
    let local = ["localhost", "127.0.0.1", "::1"];
    let hosts = local.into_iter().chain(party.hosts.iter().map(String::as_str));
    let mut names: Vec<SanType> = dns(name).into_iter().collect();
    for host in hosts {
        let address = host.parse::<IpAddr>();
        // Products know a server by its identifier, or by the name of the host at which they reach it: the certificate of another
        // one has neither. Whoever dials by name finds it to be for the wrong host as well.
        let is_name_of_party = host.eq_ignore_ascii_case(&party.server_id)
            || (address.is_err() && party.hosts.iter().any(|known| known == host));
        if flavour == Certificate::OtherServer && is_name_of_party {
            continue;
        }
        let host = match address {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => dns(host)?,
        };
        if !names.contains(&host) {
            names.push(host);
        }
    }
    Ok(names)
}

fn dns(name: &str) -> Result<SanType, AuthorityError> {
    let name = name.try_into().map_err(failed(name))?;
    Ok(SanType::DnsName(name))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn named(host: &str, flavour: Certificate) -> Vec<String> {
        let party = Party {
            server_id: "dms2.acme.test".to_owned(),
            hosts: vec![host.to_owned(), "127.0.0.2".to_owned()],
        };
        let name = match flavour {
            Certificate::OtherServer => "other.dmconform.test",
            _ => "dms2.acme.test",
        };
        let names = names(&party, name, flavour).expect("they can stand in a certificate");
        let text = |name: &SanType| match name {
            SanType::DnsName(name) => name.to_string(),
            SanType::IpAddress(address) => address.to_string(),
            other => panic!("{other:?} is neither a name nor an address"),
        };
        names.iter().map(text).collect()
    }

    #[rstest]
    #[case::by_its_identifier("dms2.acme.test")]
    #[case::in_capitals("DMS2.ACME.TEST")]
    #[case::by_the_name_of_its_host("gateway.acme.test")]
    fn the_certificate_of_another_server_names_its_owner_in_no_way(#[case] host: &str) {
        let other = [
            "other.dmconform.test",
            "localhost",
            "127.0.0.1",
            "::1",
            "127.0.0.2",
        ];
        assert_eq!(named(host, Certificate::OtherServer), other);
        assert!(named(host, Certificate::Good).contains(&host.to_owned()));
    }

    #[test]
    fn a_host_is_named_once() {
        let names = named("127.0.0.1", Certificate::Good);
        assert_eq!(
            names,
            ["dms2.acme.test", "localhost", "127.0.0.1", "::1", "127.0.0.2"]
        );
    }
}
