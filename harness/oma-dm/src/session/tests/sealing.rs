//! Digests of whole messages beside them (`x-syncml-hmac`), plain credentials, and proofs that are needed in each message.

use rstest::rstest;

use super::*;
use crate::account::Credentials as Own;

fn of_type(kind: AuthenticationType, credentials: Own) -> Own {
    Own {
        authentication_type: kind,
        ..credentials
    }
}

fn hmac(credentials: Own) -> Own {
    of_type(AuthenticationType::Hmac, credentials)
}

fn account_of(client: Option<Own>, server: Option<Own>) -> Account {
    Account {
        client_credentials: client,
        server_credentials: server,
        ..account()
    }
}

fn adds() -> Vec<(Tag, Command)> {
    vec![(Tag(7), Command::add_text("./I/new", "x"))]
}

/// The codes that the headers of the other end are answered with, and whether a nonce came with each.
fn header_answers<'a>(sent: impl Iterator<Item = &'a Sent>) -> Vec<(u16, bool)> {
    let of_header = sent.filter_map(|sent| {
        sent.message.commands.iter().find_map(|command| match command {
            Command::Status(status) if status.command_ref == "0" => Some(status),
            _ => None,
        })
    });
    of_header
        .map(|status| {
            let challenge = status.challenge.as_ref();
            let nonce = challenge.and_then(|challenge| challenge.next_nonce.as_ref());
            (status.code.0, nonce.is_some())
        })
        .collect()
}

#[rstest]
fn all_schemes_prove_both_ends_in_any_mixture_and_either_encoding(
    #[values(
        AuthenticationType::Basic,
        AuthenticationType::Digest,
        AuthenticationType::Hmac
    )]
    of_client: AuthenticationType,
    #[values(
        AuthenticationType::Basic,
        AuthenticationType::Digest,
        AuthenticationType::Hmac
    )]
    of_the_server: AuthenticationType,
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
    #[values(false, true)] is_for_each: bool,
    #[values(&b"nonce-A"[..], b"", b"stale")] nonce: &[u8],
) {
    let client = of_type(of_client, of_device());
    let server = of_type(of_the_server, of_server());
    let begins_with = Own {
        nonce: nonce.to_vec(),
        ..client.clone()
    };
    let config = ClientConfig {
        encoding,
        checks_each_message: is_for_each,
        ..config_of(account_of(Some(begins_with), Some(server.clone())))
    };
    let of_session = ServerConfig {
        checks_each_message: is_for_each,
        ..ServerConfig::new(ADDRESS, Some(server), b"server")
    };
    let server = ServerSession::new(of_session, Some(client));
    let mut tree = tree();
    let played = Scene::of(config, server, adds()).play(&mut tree);
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses, [(Tag(7), 200)]);
    assert_eq!(tree.text(&NodeUri::parse("./I/new").unwrap()), Some("x"));
    assert_eq!(played.client.server_authentication(), Authentication::Verified);
    assert_eq!(played.server.authentication(), Authentication::Verified);

    // Where there are nonces, both ends know the same ones for the next session.
    let account = played.client.into_account();
    let (of_device, of_server) = (
        account.client_credentials.unwrap(),
        account.server_credentials.unwrap(),
    );
    if of_client != AuthenticationType::Basic {
        assert_eq!(Some(&of_device), played.server.client_credentials());
        assert_ne!(of_device.nonce, b"nonce-A");
    }
    if of_the_server != AuthenticationType::Basic {
        assert_eq!(Some(&of_server), played.server.server_credentials());
        assert_ne!(of_server.nonce, b"nonce-B");
    }
}

#[test]
fn once_used_the_seal_is_on_every_message_and_each_is_answered_with_200_and_a_nonce() {
    let account = account_of(Some(hmac(of_device())), Some(hmac(of_server())));
    let server = server_with(Some(hmac(of_server())), Some(hmac(of_device())));
    let played = play(account, server, adds(), &mut tree());
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.sent.len(), 4);
    assert!(played.sent.iter().all(|sent| sent.is_sealed));
    // Never in the header, but the name that belongs to it is.
    for sent in &played.sent {
        let header = &sent.message.header;
        assert_eq!(header.credentials, None);
        let name = if sent.by_client { "dev-0001" } else { SERVER_ID };
        assert_eq!(header.source.name.as_deref(), Some(name));
    }
    assert_eq!(header_answers(played.of_server()), [(200, true), (200, true)]);
    assert_eq!(header_answers(played.of_client()), [(200, true)]);
    assert_eq!(played.server.standing(), Standing::AcceptedOnce);

    let mut nonces: Vec<_> = played
        .sent
        .iter()
        .flat_map(|sent| &sent.message.commands)
        .filter_map(|command| match command {
            Command::Status(status) => status.challenge.clone()?.next_nonce,
            _ => None,
        })
        .collect();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "no nonce is given twice");
}

#[test]
fn an_account_of_hmac_is_asked_for_when_a_digest_comes_instead() {
    let account = account_of(Some(of_device()), None);
    let server = server_with(None, Some(hmac(of_device())));
    let (mut client, message) = client_of(account);
    let mut server = server;
    assert_eq!(server.receive(&message).authentication, Authentication::Wrong);
    let answer = server.respond(Vec::new());
    assert_eq!(codes(&answer)[0], ("0", 401));
    let Command::Status(of_header) = &answer.commands[0] else {
        panic!("a Status comes first")
    };
    let challenge = of_header.challenge.as_ref().unwrap();
    assert_eq!(
        (challenge.scheme.as_str(), challenge.format.as_deref()),
        ("syncml:auth-MAC", Some("b64"))
    );
    assert!(challenge.next_nonce.is_some());
    // Another scheme than that of the account is not given.
    let end = client.receive(&answer, &mut tree());
    assert_eq!(end, Step::Ended(End::NoCommonScheme(StatusCode(401))));
}

#[test]
fn another_scheme_than_the_one_asked_for_ends_the_session_even_with_the_right_credentials() {
    let (_, message) = client_of(account_of(None, None));
    let mut server = server();
    assert_eq!(server.receive(&message).admission, Admission::Challenged);
    server.respond(Vec::new());
    let mut next = from_client(2, Vec::new(), true);
    next.header.credentials = Some(syncml::Credentials {
        scheme: crate::auth::BASIC.to_owned(),
        format: Some("b64".to_owned()),
        data: crate::auth::basic("dev-0001", &of_device().secret),
    });
    let received = server.receive(&next);
    assert_eq!(
        (received.admission, received.turn),
        (Admission::Refused, Turn::Over)
    );
    server.respond(Vec::new());
    assert!(server.is_over());
}

#[test]
fn a_seal_that_is_asked_for_and_missing_is_a_failed_proof() {
    let account = account_of(Some(hmac(of_device())), None);
    let (_, message) = client_of(account);
    let mut server = server_with(None, Some(hmac(of_device())));
    // The digest was lost on the way, or whoever calls does not hand it over.
    assert_eq!(server.receive(&message).authentication, Authentication::Missing);
    let answer = server.respond(adds());
    assert_eq!(codes(&answer), [("0", 407), ("1", 407), ("2", 407)]);
}

/// A session of which both ends seal, after the client's first message was taken and answered.
fn sealed() -> (ClientSession, ServerSession, Message) {
    let account = account_of(Some(hmac(of_device())), Some(hmac(of_server())));
    let (client, message) = client_of(account);
    let mut server = server_with(Some(hmac(of_server())), Some(hmac(of_device())));
    let body = syncml::write(&message, Encoding::Xml);
    let seal = client.seal(&body).unwrap().to_string();
    let received = server.receive_carried(Carried {
        message: &message,
        body: &body,
        hmac: Some(&seal),
    });
    assert_eq!(received.admission, Admission::Accepted);
    let answer = server.respond(adds());
    (client, server, answer)
}

#[test]
fn a_message_that_was_changed_on_the_way_does_nothing() {
    let (mut client, server, mut answer) = sealed();
    let seal = server
        .seal(&syncml::write(&answer, Encoding::Xml))
        .unwrap()
        .to_string();
    answer.commands.pop();
    answer.commands.push(Command::delete("./I").with_id("9"));
    let mut device = Counting::default();
    let carried = Carried {
        message: &answer,
        body: &syncml::write(&answer, Encoding::Xml),
        hmac: Some(&seal),
    };
    let reply = sent(client.receive_carried(carried, &mut device));
    assert_eq!(codes(&reply), [("0", 401), ("9", 401)]);
    assert_eq!(device.0, 0);
    assert_eq!(client.server_authentication(), Authentication::Wrong);
}

#[test]
fn a_seal_on_the_first_message_does_not_speak_for_the_next_one() {
    let (mut client, mut server, answer) = sealed();
    let body = syncml::write(&answer, Encoding::Xml);
    let seal = server.seal(&body).unwrap().to_string();
    let carried = Carried {
        message: &answer,
        body: &body,
        hmac: Some(&seal),
    };
    let package_3 = sent(client.receive_carried(carried, &mut tree()));
    let received = server.receive(&package_3);
    assert_eq!(
        (received.admission, received.statuses.len()),
        (Admission::Challenged, 0)
    );
    let challenge = server.respond(Vec::new());
    let body = syncml::write(&challenge, Encoding::Xml);
    let seal = server.seal(&body).unwrap().to_string();
    let carried = Carried {
        message: &challenge,
        body: &body,
        hmac: Some(&seal),
    };

    // It goes again: not package 1, but what was refused.
    let again = sent(client.receive_carried(carried, &mut tree()));
    assert_eq!(codes(&again)[1..], codes(&package_3)[1..]);
    assert_eq!(alerts(&again), [0_u16; 0]);
    let body = syncml::write(&again, Encoding::Xml);
    let seal = client.seal(&body).unwrap().to_string();
    let received = server.receive_carried(Carried {
        message: &again,
        body: &body,
        hmac: Some(&seal),
    });
    assert_eq!(received.statuses.len(), 1);
    assert_eq!(received.statuses[0].tag, Tag(7));
}

#[test]
fn a_seal_is_good_for_one_message_only() {
    let (mut client, mut server, answer) = sealed();
    let body = syncml::write(&answer, Encoding::Xml);
    let seal = server.seal(&body).unwrap().to_string();
    let carried = Carried {
        message: &answer,
        body: &body,
        hmac: Some(&seal),
    };
    let package_3 = sent(client.receive_carried(carried, &mut tree()));
    let body = syncml::write(&package_3, Encoding::Xml);
    let seal = client.seal(&body).unwrap().to_string();
    let overheard = Carried {
        message: &package_3,
        body: &body,
        hmac: Some(&seal),
    };
    assert_eq!(server.receive_carried(overheard).admission, Admission::Accepted);
    server.respond(Vec::new());
    // In the next session it proves nothing.
    let of_client = server.client_credentials().cloned();
    let mut next = server_with(None, of_client);
    assert_eq!(
        next.receive_carried(overheard).authentication,
        Authentication::Wrong
    );
}

#[rstest]
#[case::x509(AuthenticationType::X509)]
#[case::securid(AuthenticationType::SecurId)]
#[case::safeword(AuthenticationType::Safeword)]
#[case::digipass(AuthenticationType::Digipass)]
fn schemes_that_are_not_supported_are_called_so(#[case] kind: AuthenticationType) {
    let strange = of_type(kind, of_device());
    let played = play(
        account_of(Some(strange.clone()), None),
        server_with(None, Some(strange.clone())),
        adds(),
        &mut tree(),
    );
    assert_eq!(played.server.authentication(), Authentication::Unsupported);
    assert_eq!(played.admissions, [Admission::Refused]);
    assert_eq!(played.end, End::Refused(StatusCode(406)));

    let played = play(
        account_of(Some(strange), None),
        server_with(None, Some(of_device())),
        adds(),
        &mut tree(),
    );
    assert_eq!(
        played.client.standing(),
        Standing::NoCommonScheme(StatusCode(407))
    );
    assert_eq!(played.end, End::NoCommonScheme(StatusCode(407)));
}

#[rstest]
#[case(AuthenticationType::HttpBasic)]
#[case(AuthenticationType::HttpDigest)]
#[case(AuthenticationType::Transport)]
fn what_carries_the_session_may_prove_the_ends(#[case] kind: AuthenticationType) {
    let (client, server) = (of_type(kind, of_device()), of_type(kind, of_server()));
    let account = account_of(Some(client.clone()), Some(server.clone()));
    let played = play(
        account,
        server_with(Some(server), Some(client)),
        adds(),
        &mut tree(),
    );
    assert_eq!(
        (played.end, played.statuses),
        (End::Finished, vec![(Tag(7), 200)])
    );
    assert_eq!(played.server.authentication(), Authentication::NotNeeded);
}

#[test]
fn credentials_that_are_good_once_are_given_with_each_message_and_move_on() {
    let of_session = ServerConfig {
        checks_each_message: true,
        ..ServerConfig::new(ADDRESS, Some(of_server()), b"server")
    };
    let server = ServerSession::new(of_session, Some(of_device()));
    let played = play(account(), server, adds(), &mut tree());
    let given: Vec<_> = played
        .of_client()
        .map(|sent| sent.message.header.credentials.clone().unwrap().data)
        .collect();
    assert_eq!(given.len(), 2);
    assert_ne!(given[0], given[1]);
    assert_eq!(header_answers(played.of_server()), [(200, true), (200, true)]);
    assert_eq!(played.client.standing(), Standing::AcceptedOnce);
    // The client's own check is of the usual kind: once is enough.
    let with_credentials: Vec<_> = played
        .of_server()
        .map(|sent| sent.message.header.credentials.is_some())
        .collect();
    assert_eq!(with_credentials, [true, false]);
}

#[test]
fn a_nonce_of_one_that_has_not_proved_itself_is_tried_but_not_kept() {
    let account = account_of(
        Some(Own {
            nonce: b"stale".to_vec(),
            ..of_device()
        }),
        Some(of_server()),
    );
    let (mut client, package_1) = client_of(account);
    let mut server = server_with(None, Some(of_device()));
    server.receive(&package_1);
    let challenge = server.respond(Vec::new());
    let again = sent(client.receive(&challenge, &mut tree()));
    assert_eq!(server.receive(&again).authentication, Authentication::Verified);
    assert_eq!(client.into_account().client_credentials.unwrap().nonce, b"stale");
}

#[rstest]
#[case::once(1, End::Finished)]
#[case::twice(2, End::Finished)]
#[case::three_times(3, End::Refused(StatusCode(401)))]
fn a_nonce_may_be_stale_once_after_the_first_challenge(#[case] times: u32, #[case] expected: End) {
    let (mut client, _) = client_of(account());
    let challenge = Challenge {
        scheme: crate::auth::MD5.to_owned(),
        format: Some("b64".to_owned()),
        next_nonce: Some("bm9uY2U=".to_owned()),
    };
    for number in 1..=times {
        let mut message = from_server(number, 401, Vec::new(), true);
        let Command::Status(of_header) = &mut message.commands[0] else {
            panic!("a Status comes first")
        };
        of_header.challenge = Some(challenge.clone());
        match client.receive(&message, &mut tree()) {
            Step::Send(again) => assert_eq!(alerts(&again), [1201]),
            Step::Ended(end) => return assert_eq!((number, end), (3, expected)),
        }
    }
    let accepted = from_server(times + 1, 212, Vec::new(), true);
    assert_eq!(client.receive(&accepted, &mut tree()), Step::Ended(expected));
}

#[test]
fn a_server_that_says_nothing_but_statuses_without_proof_is_not_asked_for_one() {
    let (mut client, _) = client_of(account());
    let mut message = from_server(1, 212, Vec::new(), true);
    message.header.credentials = None;
    assert_eq!(
        client.receive(&message, &mut tree()),
        Step::Ended(End::ServerNotAuthenticated(Authentication::Missing))
    );
}
