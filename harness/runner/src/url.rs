//! The parts of URLs, as far as the runner needs them. What dials takes them apart in full.

use std::net::IpAddr;

/// Host and port of a URL, as it writes them.
pub(crate) fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?']).next()
}

/// The host of a URL, unless it is one of loopback or a variable.
pub(crate) fn foreign_host(url: &str) -> Option<String> {
    let is_loopback =
        |host: &str| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    host(url).filter(|host| !is_loopback(host))
}

/// The host of a URL, without brackets, unless it is a variable.
pub(crate) fn host(url: &str) -> Option<String> {
    let authority = authority(url)?;
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty() && !host.contains("${")).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::foreign_host;

    #[rstest]
    #[case("https://dms2.acme.test:8443/dm", Some("dms2.acme.test"))]
    #[case("https://192.0.2.7/dm", Some("192.0.2.7"))]
    #[case("https://[2001:db8::1]:8443/dm", Some("2001:db8::1"))]
    #[case("http://dms2.acme.test?device=1", Some("dms2.acme.test"))]
    #[case("https://127.0.0.1:8443/dm", None)]
    #[case("https://localhost/dm", None)]
    #[case("https://${host}/dm", None)]
    #[case("no URL", None)]
    fn the_host_of_a_url_is_found(#[case] url: &str, #[case] host: Option<&str>) {
        assert_eq!(foreign_host(url).as_deref(), host);
    }
}
