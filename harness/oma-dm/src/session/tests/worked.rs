//! Both ends against the worked session.

use super::*;

#[test]
fn a_server_holds_its_part_of_the_worked_session() {
    let mut server = server();
    let received = server.receive(&package(1));
    assert_eq!(
        (received.authentication, received.turn),
        (Authentication::Verified, Turn::Commands)
    );
    assert_eq!(received.alerts[0].code, AlertCode::CLIENT_INITIATED);
    assert_eq!(received.device_info.unwrap().device_id, "IMEI:004999010640000");

    let (acl, account) = (
        (Tag(1), Command::get("./DMAcc/dms2?prop=ACL")),
        (Tag(2), Command::get("./DMAcc/dms1")),
    );
    let answer = server.respond(vec![acl, account]);
    assert_eq!(codes(&answer), codes(&package(2)));
    assert_eq!(answer.header.credentials, package(2).header.credentials);
    assert_eq!(answer.header.target, package(2).header.target);
    assert_eq!(&answer.commands[3..], &package(2).commands[3..]);

    let received = server.receive(&package(3));
    assert_eq!(received.standing, Some(Standing::Accepted));
    let statuses: Vec<_> = received
        .statuses
        .iter()
        .map(|status| (status.tag, status.code.0))
        .collect();
    assert_eq!(statuses, [(Tag(1), 200), (Tag(2), 425)]);
    assert_eq!(received.results.len(), 1);
    assert_eq!(received.results[0].tag, Tag(1));
    assert!(server.unanswered().is_empty());

    let answer = server.respond(Vec::new());
    assert_eq!(codes(&answer), codes(&package(4)));
    assert!(server.is_over());
    assert_eq!(server.server_credentials().unwrap().nonce, b"nonce-D");
}

#[test]
fn a_client_holds_its_part_of_the_worked_session() {
    let mut tree = tree();
    let (mut client, package_1) = client_of(account());
    assert_eq!(package_1.commands, package(1).commands);
    assert_eq!(package_1.header.credentials, package(1).header.credentials);
    assert_eq!(package_1.header.source, package(1).header.source);

    let Step::Send(package_3) = client.receive(&package(2), &mut tree) else {
        panic!("there is something to answer")
    };
    assert_eq!(client.server_authentication(), Authentication::Verified);
    assert_eq!(client.standing(), Standing::Accepted);
    assert_eq!(client.address(), "https://dms2.example/dm?s=A7");
    assert_eq!(package_3.header.target, package(3).header.target);
    assert_eq!(package_3.header.source, package(3).header.source);
    assert_eq!(package_3.header.credentials, None);
    assert_eq!(codes(&package_3), codes(&package(3)));
    let acl = |message: &Message| match &message.commands[2] {
        Command::Results(results) => Acl::parse(results.items[0].text().unwrap()).unwrap(),
        other => panic!("results are the third: {other:?}"),
    };
    assert_eq!(acl(&package_3), acl(&package(3)));

    assert_eq!(client.receive(&package(4), &mut tree), Step::Ended(End::Finished));
    let account = client.into_account();
    assert_eq!(account.client_credentials.unwrap().nonce, b"nonce-C");
    assert_ne!(account.server_credentials.unwrap().nonce, b"nonce-B");
}
