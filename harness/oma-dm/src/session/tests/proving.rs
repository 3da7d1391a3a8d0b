//! Who has proved himself to whom, and what the other may do then.

use rstest::rstest;

use super::*;

#[rstest]
#[case::from_the_first_message(b"nonce-A", &[Admission::Accepted, Admission::Accepted])]
#[case::after_a_challenge(b"", &[Admission::Challenged, Admission::Accepted, Admission::Accepted])]
#[case::with_a_stale_nonce(b"stale", &[Admission::Challenged, Admission::Accepted, Admission::Accepted])]
fn a_client_proves_itself(#[case] nonce: &[u8], #[case] admissions: &[Admission]) {
    let mut account = account();
    account.client_credentials = Some(Credentials {
        nonce: nonce.to_vec(),
        ..of_device()
    });
    let played = play(
        account,
        server(),
        vec![(Tag(7), Command::add_text("./I/new", "x"))],
        &mut tree(),
    );
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.admissions, admissions);
    assert_eq!(played.statuses, [(Tag(7), 200)]);
    assert_eq!(played.server.authentication(), Authentication::Verified);
    let account = played.client.into_account();
    assert_eq!(
        account.client_credentials.as_ref(),
        played.server.client_credentials()
    );
    assert_eq!(
        account.server_credentials.as_ref(),
        played.server.server_credentials()
    );
}

#[rstest]
#[case::wrong(Some("other"), Authentication::Wrong, 401)]
#[case::none(None, Authentication::Missing, 407)]
fn a_client_that_cannot_prove_itself_is_refused(
    #[case] secret: Option<&str>,
    #[case] authentication: Authentication,
    #[case] code: u16,
) {
    let mut account = account();
    account.client_credentials = secret.map(|secret| Credentials {
        secret: Secret::new(secret),
        ..of_device()
    });
    let mut tree = tree();
    let played = play(
        account,
        server(),
        vec![(Tag(7), Command::add_text("./I/new", "x"))],
        &mut tree,
    );
    assert_eq!(played.end, End::Refused(StatusCode(code)));
    assert_eq!(played.server.authentication(), authentication);
    assert_eq!(played.statuses, []);
    assert_eq!(played.server.unanswered(), [Tag(7)]);
    // What a stranger was told is no nonce to keep.
    assert_eq!(played.server.client_credentials(), Some(&of_device()));
    assert!(!played.admissions.contains(&Admission::Accepted));
}

#[test]
fn a_server_refuses_a_client_for_good_after_two_challenges() {
    let mut account = account();
    account.client_credentials = Some(Credentials {
        secret: Secret::new("other"),
        ..of_device()
    });
    let played = play(account, server(), Vec::new(), &mut tree());
    assert_eq!(
        played.admissions,
        [Admission::Challenged, Admission::Challenged, Admission::Refused]
    );
    assert!(played.server.is_over());
}

#[test]
fn a_server_with_a_stale_nonce_is_challenged_and_its_commands_are_carried_out_once() {
    let stale = Credentials {
        nonce: b"stale".to_vec(),
        ..of_server()
    };
    let mut tree = tree();
    let commands = vec![
        (Tag(1), Command::add_text("./I/a", "x")),
        (Tag(2), Command::add_text("./I/b", "x")),
    ];
    let played = play(
        account(),
        server_with(Some(stale), Some(of_device())),
        commands,
        &mut tree,
    );
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses, [(Tag(1), 200), (Tag(2), 200)]);
    assert_eq!(played.client.server_authentication(), Authentication::Verified);
    assert_eq!(played.server.standing(), Standing::Accepted);
    let account = played.client.into_account();
    assert_eq!(
        account.server_credentials.as_ref(),
        played.server.server_credentials()
    );
}

#[rstest]
// A client that has asked twice goes without a word: the server waits for the third answer.
#[case::wrong(Some("other"), Authentication::Wrong, Standing::Challenged)]
#[case::none(None, Authentication::Missing, Standing::Refused(StatusCode(407)))]
fn a_server_that_does_not_prove_itself_gets_nothing_done(
    #[case] secret: Option<&str>,
    #[case] authentication: Authentication,
    #[case] standing: Standing,
) {
    let own = secret.map(|secret| Credentials {
        secret: Secret::new(secret),
        ..of_server()
    });
    let mut tree = tree();
    let before = tree.clone();
    let played = play(
        account(),
        server_with(own, Some(of_device())),
        vec![(Tag(7), Command::add_text("./I/new", "x"))],
        &mut tree,
    );
    assert_eq!(played.end, End::ServerNotAuthenticated(authentication));
    assert_eq!(played.server.standing(), standing);
    assert_eq!(played.client.server_authentication(), authentication);
    assert_eq!(played.statuses, []);
    assert_eq!(tree, before);
    // The nonce that a stranger gave is not kept.
    assert_eq!(played.client.into_account().client_credentials, Some(of_device()));
}

#[test]
fn both_ends_may_have_stale_nonces_at_once() {
    let mut account = account();
    account.client_credentials = Some(Credentials {
        nonce: Vec::new(),
        ..of_device()
    });
    let stale = Credentials {
        nonce: b"stale".to_vec(),
        ..of_server()
    };
    let server = server_with(Some(stale), Some(of_device()));
    let played = play(
        account,
        server,
        vec![(Tag(7), Command::add_text("./I/new", "x"))],
        &mut tree(),
    );
    assert_eq!(
        (played.end, played.statuses),
        (End::Finished, vec![(Tag(7), 200)])
    );
}

#[test]
fn plain_credentials_are_taken_where_they_are_agreed_and_nowhere_else() {
    let basic = |credentials: Credentials| Credentials {
        authentication_type: AuthenticationType::Basic,
        nonce: Vec::new(),
        ..credentials
    };
    let mut account = account();
    account.client_credentials = Some(basic(of_device()));
    let agreed = server_with(Some(of_server()), Some(basic(of_device())));
    assert_eq!(
        play(account.clone(), agreed, Vec::new(), &mut tree()).end,
        End::Finished
    );
    // No device gives its password away because somebody asks for it, and no server takes one for a digest.
    assert_eq!(
        play(account.clone(), server(), Vec::new(), &mut tree()).end,
        End::NoCommonScheme(StatusCode(401))
    );
    account.client_credentials = Some(of_device());
    let plain = server_with(Some(of_server()), Some(basic(of_device())));
    assert_eq!(
        play(account, plain, Vec::new(), &mut tree()).end,
        End::NoCommonScheme(StatusCode(401))
    );
}

#[test]
fn no_credentials_are_asked_of_one_that_has_proved_itself_otherwise() {
    let mut account = account();
    account.client_credentials = None;
    account.server_credentials = None;
    let played = play(
        account,
        server_with(None, None),
        vec![(Tag(7), Command::add_text("./I/new", "x"))],
        &mut tree(),
    );
    assert_eq!(
        (played.end, played.statuses),
        (End::Finished, vec![(Tag(7), 200)])
    );
    assert_eq!(played.server.authentication(), Authentication::NotNeeded);
}

#[test]
fn what_was_overheard_proves_nothing_in_the_next_session() {
    let (_, package_1) = client_of(account());
    let mut first = server();
    assert_eq!(first.receive(&package_1).admission, Admission::Accepted);
    first.respond(Vec::new());
    let mut second = server_with(
        first.server_credentials().cloned(),
        first.client_credentials().cloned(),
    );
    assert_eq!(second.receive(&package_1).authentication, Authentication::Wrong);
}

#[test]
fn a_refused_message_is_answered_with_statuses_only() {
    let mut account = account();
    account.client_credentials = Some(Credentials {
        nonce: Vec::new(),
        ..of_device()
    });
    let (_, package_1) = client_of(account);
    let mut server = server();
    assert_eq!(server.receive(&package_1).turn, Turn::Wait);
    let answer = server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
    assert_eq!(codes(&answer), [("0", 407), ("1", 407), ("2", 407)]);
    assert_eq!(answer.commands.len(), 3);
    assert!(answer.is_final && !server.is_over());
    let Command::Status(of_header) = &answer.commands[0] else {
        panic!("a Status comes first")
    };
    let challenge = of_header.challenge.as_ref().unwrap();
    assert_eq!(
        (challenge.scheme.as_str(), challenge.format.as_deref()),
        (crate::auth::MD5, Some("b64"))
    );
    assert!(challenge.next_nonce.is_some());
}

#[test]
fn what_a_server_changes_of_its_account_stays_and_the_nonces_move_on() {
    let played = play(account(), server(), Vec::new(), &mut tree());
    let mut changed = account();
    changed.address = "https://dms2.example/new".to_owned();
    let credentials = changed.client_credentials.as_mut().unwrap();
    credentials.secret = Secret::new("changed");
    let renewed = played.client.renew(changed.clone());
    assert_eq!(renewed.address, changed.address);
    let credentials = renewed.client_credentials.unwrap();
    assert_eq!(credentials.secret, Secret::new("changed"));
    assert_eq!(
        Some(&credentials.nonce),
        played.server.client_credentials().map(|known| &known.nonce)
    );
    assert_ne!(credentials.nonce, b"nonce-A");

    // A nonce that the server has written is the one that it means.
    changed.client_credentials.as_mut().unwrap().nonce = b"written".to_vec();
    let renewed = played.client.renew(changed);
    assert_eq!(renewed.client_credentials.unwrap().nonce, b"written");
}

#[test]
fn what_was_done_is_not_asked_for_again_when_the_proof_is() {
    let mut server = server();
    server.receive(&package(1));
    let first = server.respond(vec![
        (Tag(1), Command::add_text("./I/a", "x")),
        (Tag(2), Command::add_text("./I/b", "x")),
    ]);
    let ids: Vec<_> = first.commands[3..].iter().map(Command::id).collect();
    let mut challenge = package(2).commands[0].clone();
    if let Command::Status(status) = &mut challenge {
        status.message_ref = "1".into();
        status.code = StatusCode::INVALID_CREDENTIALS;
    }
    let done = crate::session::body::status("1", ids[0], "Add", StatusCode::OK);
    let refused = crate::session::body::status("1", ids[1], "Add", StatusCode::INVALID_CREDENTIALS);
    let statuses = vec![challenge, Command::Status(done), Command::Status(refused)];
    let received = server.receive(&from_client(2, statuses, true));
    assert_eq!(received.standing, Some(Standing::Challenged));
    assert_eq!(received.statuses.len(), 1);
    assert_eq!(server.unanswered(), [Tag(2)]);
    let again = server.respond(Vec::new());
    let adds = again
        .commands
        .iter()
        .filter(|command| matches!(command, Command::Add(_)));
    assert_eq!(adds.count(), 1);
}
