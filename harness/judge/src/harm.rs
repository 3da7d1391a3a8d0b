//! What something hostile has done to the product: whether it still does a delegation, and whether it fetched anything.

use dmconform_case::test_case::How;
use dmconform_model::tls::{NO_COMMON_VERSION, Version};
use dmconform_model::transcript::{ConnectionId, Endpoint, EndpointKind, Moment, Side};
use dmconform_model::{FindingCode, MessageId, Place, RequirementId, Role, Step};

use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::{Connection, Observed};
use crate::view;

/// Judges that the product did a whole delegation after what the case did, as it had done before.
pub(crate) fn survives(
    header: &Header,
    observed: &Observed,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let at = |wanted: Moment| observed.health.iter().find(|(_, when, _, _)| *when == wanted);
    match at(Moment::Before) {
        Some((_, _, true, _)) => {}
        Some((_, _, false, seen)) => {
            return Outcome::Unreached(format!("no whole delegation took place even before: {seen}"));
        }
        None => return Outcome::Unreached("no whole delegation was tried before".to_owned()),
    }
    let Some(change) = observed.changes.last() else {
        return Outcome::Unreached("it never came to what the product has to withstand".to_owned());
    };
    let (after, seen) = match at(Moment::After) {
        Some((seq, _, true, seen)) => {
            return held(
                requirement,
                format!("a whole delegation after it ({}): {seen}", change.change),
                vec![change.seq, *seq],
            );
        }
        Some((seq, _, false, seen)) => (*seq, seen.clone()),
        None => return Outcome::Unreached("no whole delegation was tried afterwards".to_owned()),
    };
    let Some(blame) = judged(header) else {
        return Outcome::Unreached("nobody is judged".to_owned());
    };
    let seen = match &observed.exited {
        Some((_, how)) => format!("its process ended: {how}"),
        None => seen,
    };
    broken(
        header,
        Breach {
            code: FindingCode::Harmed,
            requirement,
            step: change.at.step,
            blame,
            observed_by: None,
            expected: format!("a whole delegation after it ({}), as before it", change.change),
            observed: seen,
            records: vec![change.seq, after],
            place: Some(place),
        },
    )
}

/// Judges that nobody fetched what a hostile document refers to.
pub(crate) fn fetches_nothing(
    header: &Header,
    observed: &Observed,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let Some(change) = observed.changes.last() else {
        return Outcome::Unreached("it never came to the document that refers to something".to_owned());
    };
    let Some(blame) = judged(header) else {
        return Outcome::Unreached("nobody is judged".to_owned());
    };
    if let Some((seq, url)) = observed.fetched.first() {
        return broken(
            header,
            Breach {
                code: FindingCode::Fetched,
                requirement,
                step: change.at.step,
                blame,
                observed_by: None,
                expected: format!("nothing fetched ({})", change.change),
                observed: format!("somebody connected to {url}"),
                records: vec![change.seq, *seq],
                place: Some(place),
            },
        );
    }
    // What is listened at is the loopback interface of this machine.
    if let Some(url) = elsewhere(header) {
        return Outcome::Unreached(format!(
            "the product is at {url}, and what it fetches from its own loopback interface is not seen here"
        ));
    }
    // Until the product has had its time, nothing shows that it will not.
    let has_had_its_time = observed.ended
        || observed
            .health
            .iter()
            .any(|(_, when, _, _)| *when == Moment::After);
    if !has_had_its_time {
        return Outcome::Unreached("the product has not had its time yet".to_owned());
    }
    held(
        requirement,
        format!("nothing was fetched ({})", change.change),
        vec![change.seq],
    )
}

/// Judges that the other end of a message speaks the only version of TLS that its sender does.
pub(crate) fn serves(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    let opener = header.case.given.opens;
    let called = view::called(header, message);
    let (Some(sender), Some(receiver)) = (
        header.procedure.sender(message, opener),
        header.procedure.receiver(message, opener),
    ) else {
        return Outcome::Unreached(format!("nobody sends {called}"));
    };
    let version = header.case.changes.iter().find_map(|change| match change.how {
        How::TlsVersion(version) if change.at == message => Some(version),
        _ => None,
    });
    let Some(version) = version else {
        return Outcome::Unreached(format!("the sender of {called} speaks every version of TLS"));
    };
    let wanted = version.as_str().replace("TLS ", "TLSv");
    let of_sender = || {
        let connections = observed.connections.iter();
        connections.filter(|(_, connection)| match connection.side {
            Side::Dialled => connection.observer == sender && connection.endpoint.role == receiver,
            Side::Accepted => connection.endpoint == listener(message, sender),
        })
    };
    let is_answered = |number: &ConnectionId| {
        let mut exchanges = observed.exchanges.values();
        exchanges.any(|exchange| exchange.connection == Some(*number) && exchange.status.is_some())
    };
    // Under TLS 1.3 who dials has completed the handshake before the other end could refuse it (RFC 8446, section 2).
    let is_accepted = |number: &ConnectionId, connection: &Connection| {
        connection.side == Side::Accepted || version != Version::V1_3 || is_answered(number)
    };
    let spoken = of_sender().find(|(number, connection)| {
        connection.version.as_ref() == Some(&wanted) && is_accepted(number, connection)
    });
    if let Some((_, connection)) = spoken {
        return held(
            requirement,
            format!("{called} found the other end to speak {version}"),
            connection.established.into_iter().collect(),
        );
    }
    let failures = || of_sender().filter_map(|(_, connection)| connection.failed.as_ref());
    // Whatever else is broken off here says nothing of the versions that the other end speaks.
    let refused = failures().find(|(_, reason, by_peer)| *by_peer || reason.ends_with(NO_COMMON_VERSION));
    let Some((seq, reason)) = refused.map(|(seq, reason, _)| (*seq, reason.clone())) else {
        return Outcome::Unreached(match (failures().next(), of_sender().next()) {
            (Some((_, reason, _)), _) => format!("no connection came about for {called}: {reason}"),
            (None, Some(_)) => format!("nothing was answered on the connections for {called}"),
            (None, None) => format!("no connection was tried for {called}"),
        });
    };
    broken(
        header,
        Breach {
            code: FindingCode::Refused,
            requirement,
            step: message.step,
            blame: receiver,
            observed_by: Some(sender),
            expected: format!("{version} spoken with a party that speaks nothing else"),
            observed: reason,
            records: vec![seq],
            place: Some(place),
        },
    )
}

/// Where the sender of a message listens, if it does not dial for it.
pub(crate) const fn listener(message: MessageId, sender: Role) -> Endpoint {
    let kind = match message.step {
        Step::ClientSession | Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval => {
            EndpointKind::Dm
        }
        Step::BootstrapFetch => EndpointKind::Bootstrap,
        _ => EndpointKind::Delegation,
    };
    Endpoint { role: sender, kind }
}

/// An endpoint of the judged product that is not on the loopback interface.
fn elsewhere(header: &Header) -> Option<&str> {
    let real = header.endpoints.iter().filter(|(role, _)| header.is_real(**role));
    let mut urls = real.flat_map(|(_, of)| [&of.dm, &of.delegation, &of.bootstrap].into_iter().flatten());
    urls.find(|url| is_elsewhere(url)).map(String::as_str)
}

/// Whether a URL has an address that is not of the loopback interface. Of a name nothing is known here: it may be given an address of
/// this machine for the run (`hosts`).
fn is_elsewhere(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback())
}

fn judged(header: &Header) -> Option<Role> {
    header.case.iut.iter().copied().find(|role| header.is_real(*role))
}

#[cfg(test)]
mod tests {
    use super::is_elsewhere;

    #[test]
    fn an_address_that_others_reach_is_told_from_one_of_this_machine() {
        let elsewhere = ["https://10.0.0.7:8443/dm", "https://[fd00::1]/"];
        assert!(elsewhere.into_iter().all(is_elsewhere));
        let here = [
            "https://127.0.0.2:8443/dm",
            "https://localhost/x",
            "https://[::1]:1/",
            "https://dms1.example/dm",
        ];
        assert!(!here.into_iter().any(is_elsewhere));
    }
}
