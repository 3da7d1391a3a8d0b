//! Whether two addresses are of one server: scheme, host and port.

/// Whether two URLs have the same scheme, host and port. What is no URL has nothing in common with anything but itself.
pub(super) fn have_one_origin(one: &str, other: &str) -> bool {
    match (origin(one), origin(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn origin(url: &str) -> Option<(String, String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    let scheme = scheme.to_ascii_lowercase();
    // An IPv6 address has colons of its own, in brackets.
    let after_host = host_and_port.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match host_and_port.get(after_host..)?.rfind(':') {
        Some(colon) => host_and_port.split_at_checked(after_host + colon)?,
        None => (host_and_port, ""),
    };
    let port = match (port.trim_start_matches(':'), scheme.as_str()) {
        ("", "https") => "443",
        ("", "http") => "80",
        (port, _) => port,
    };
    Some((scheme, host.to_ascii_lowercase(), port.to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://dms.example/dm?s=A7")]
    #[case("HTTPS://DMS.example:443/other")]
    #[case("https://user@dms.example")]
    fn these_are_of_the_server(#[case] url: &str) {
        assert!(have_one_origin("https://dms.example/dm", url));
    }

    #[rstest]
    #[case("http://dms.example/dm")]
    #[case("https://dms.example:8443/dm")]
    #[case("https://other.example/dm")]
    #[case("https://dms.example@other.example/dm")]
    #[case("https://other.example\\@dms.example/dm")]
    #[case("https://dms.example.other/dm")]
    #[case("/dm")]
    #[case("")]
    fn these_are_of_another(#[case] url: &str) {
        assert!(!have_one_origin("https://dms.example/dm", url));
    }

    #[test]
    fn an_address_in_brackets_has_its_port_behind_them() {
        assert!(have_one_origin("https://[::1]:8443/a", "https://[::1]:8443/b"));
        assert!(!have_one_origin("https://[::1]:8443/a", "https://[::1]/a"));
    }
}
