//! Sessions of both ends with each other and with the worked session; and that neither end can be brought to act for one that
//! has not proved itself.

use proptest::prelude::*;
use rstest::rstest;

use super::client::{ClientConfig, ClientSession, End, Step};
use super::server::{Admission, ServerConfig, ServerSession, Tag, Turn};
use super::*;
use crate::account::{Account, AuthenticationType, Credentials};
use crate::acl::Acl;
use crate::auth::Secret;
use crate::devinfo::DeviceInfo;
use crate::syncml::{self, Encoding, Group, Item, Message, Meta, Operation};
use crate::uri::NodeUri;

const SERVER_ID: &str = "dms2.example";
const ADDRESS: &str = "https://dms2.example/dm";

fn of_device() -> Credentials {
    Credentials::digest("dev-0001", Secret::new("s3cret-dev"), *b"nonce-A")
}

fn of_server() -> Credentials {
    Credentials::digest(SERVER_ID, Secret::new("srv-pw-2"), *b"nonce-B")
}

fn account() -> Account {
    let mut account = Account::new(SERVER_ID, ADDRESS);
    account.client_credentials = Some(of_device());
    account.server_credentials = Some(of_server());
    account
}

fn client_of(account: Account) -> (ClientSession, Message) {
    let device_info = DeviceInfo {
        device_id: "IMEI:004999010640000".into(),
        manufacturer: "Example Maker".into(),
        model: "Model-1".into(),
        dm_version: "0.1".into(),
        language: "en".into(),
    };
    ClientSession::start(ClientConfig::new(
        account,
        device_info,
        "A7",
        AlertCode::CLIENT_INITIATED,
        b"client",
    ))
}

fn server_with(own: Option<Credentials>, of_client: Option<Credentials>) -> ServerSession {
    ServerSession::new(ServerConfig::new(ADDRESS, own, b"server"), of_client)
}

fn server() -> ServerSession {
    server_with(Some(of_server()), Some(of_device()))
}

/// A tree where the server may do everything but read `./DMAcc/dms1`.
fn tree() -> Tree {
    let mut tree = Tree::new();
    let mut put = |at: &str, acl: &str| {
        let at = NodeUri::parse(at).unwrap();
        tree.insert_interior(&at, "").unwrap();
        tree.set_acl(&at, Acl::parse(acl).unwrap()).unwrap();
    };
    put("./I", "Add=*&Get=*&Replace=*&Delete=*");
    put("./DMAcc/dms1", "Get=dms1.example");
    put(
        "./DMAcc/dms2",
        "Get=dms2.example&Replace=dms2.example&Delete=dms2.example",
    );
    tree
}

/// A message of the worked session.
fn package(number: usize) -> Message {
    let octets: [&[u8]; 4] = [
        include_bytes!("../../tests/worked-session/1-client-package1.xml"),
        include_bytes!("../../tests/worked-session/2-server-package2.xml"),
        include_bytes!("../../tests/worked-session/3-client-package3.xml"),
        include_bytes!("../../tests/worked-session/4-server-package4.xml"),
    ];
    syncml::read(octets[number - 1], Encoding::Xml).unwrap().message
}

fn codes(message: &Message) -> Vec<(&str, u16)> {
    let statuses = message.commands.iter().filter_map(|command| match command {
        Command::Status(status) => Some((status.command_ref.as_str(), status.code.0)),
        _ => None,
    });
    statuses.collect()
}

/// How a session of both ends went.
struct Played {
    end: End,
    client: ClientSession,
    server: ServerSession,
    statuses: Vec<(Tag, u16)>,
    admissions: Vec<Admission>,
}

/// Plays a session in which the server has some commands for its first turn.
fn play(
    account: Account,
    mut server: ServerSession,
    commands: Vec<(Tag, Command)>,
    device: &mut dyn Device,
) -> Played {
    let (mut client, mut message) = client_of(account);
    let mut commands = Some(commands);
    let (mut statuses, mut admissions) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let received = server.receive(&message);
        admissions.push(received.admission);
        statuses.extend(received.statuses.iter().map(|status| (status.tag, status.code.0)));
        let answer = server.respond(commands.take().unwrap_or_default());
        match client.receive(&answer, device) {
            Step::Send(next) => message = *next,
            Step::Ended(end) => {
                return Played {
                    end,
                    client,
                    server,
                    statuses,
                    admissions,
                };
            }
        }
    }
    panic!("the session does not end");
}

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
    assert!(matches!(
        play(account, server(), Vec::new(), &mut tree()).end,
        End::Refused(_)
    ));
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
fn the_rest_of_a_client_package_is_asked_for_before_anything_is_commanded() {
    let (_, mut package_1) = client_of(account());
    package_1.is_final = false;
    let mut server = server();
    assert_eq!(server.receive(&package_1).turn, Turn::Wait);
    let answer = server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
    assert!(!answer.is_final && !server.is_over());
    assert!(
        matches!(answer.commands.last(), Some(Command::Alert(alert)) if alert.code == AlertCode::NEXT_MESSAGE)
    );

    let mut rest = Message {
        header: package_1.header,
        commands: Vec::new(),
        is_final: true,
    };
    rest.header.message_id = "2".into();
    assert_eq!(server.receive(&rest).turn, Turn::Commands);
    let answer = server.respond(Vec::new());
    assert!(matches!(answer.commands.last(), Some(Command::Get(_))));
}

#[test]
fn the_rest_of_a_server_package_is_asked_for() {
    let (mut client, _) = client_of(account());
    let mut unfinished = package(2);
    unfinished.is_final = false;
    let Step::Send(answer) = client.receive(&unfinished, &mut tree()) else {
        panic!("there is more to come")
    };
    assert!(!answer.is_final);
    assert!(
        matches!(answer.commands.last(), Some(Command::Alert(alert)) if alert.code == AlertCode::NEXT_MESSAGE)
    );
}

#[test]
fn statuses_of_members_are_told_by_their_place() {
    let group = |commands| Group {
        commands,
        ..Group::default()
    };
    let inner = Command::Sequence(group(vec![
        Command::add_text("./I/b", "x"),
        Command::add_text("./I/b", "x"),
    ]));
    let command = Command::Sequence(group(vec![Command::add_text("./I/a", "x"), inner]));
    let mut server = server();
    let (mut client, package_1) = client_of(account());
    server.receive(&package_1);
    let answer = server.respond(vec![(Tag(9), command)]);
    let Step::Send(package_3) = client.receive(&answer, &mut tree()) else {
        panic!("there is something to answer")
    };
    let received = server.receive(&package_3);
    let statuses: Vec<_> = received
        .statuses
        .into_iter()
        .map(|status| (status.tag.0, status.member, status.code.0))
        .collect();
    let expected = [
        (vec![], 200),
        (vec![0], 200),
        (vec![1], 200),
        (vec![1, 0], 200),
        (vec![1, 1], 418),
    ];
    assert_eq!(statuses, expected.map(|(member, code)| (9, member, code)));
    assert!(server.unanswered().is_empty());
}

fn abort() -> Command {
    Command::Alert(Alert {
        id: "9".into(),
        code: AlertCode::SESSION_ABORT,
        correlator: None,
        items: Vec::new(),
    })
}

#[test]
fn a_client_does_not_answer_an_abort() {
    let (mut client, _) = client_of(account());
    let mut aborting = package(2);
    aborting.commands.push(abort());
    let mut tree = tree();
    assert_eq!(client.receive(&aborting, &mut tree), Step::Ended(End::Aborted));
    assert_eq!(client.receive(&package(2), &mut tree), Step::Ended(End::Aborted));
}

#[test]
fn a_server_answers_an_abort_with_statuses_only() {
    let (_, mut package_1) = client_of(account());
    package_1.commands.push(abort());
    let mut server = server();
    assert_eq!(server.receive(&package_1).turn, Turn::Over);
    let answer = server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
    assert_eq!(codes(&answer), [("0", 212), ("1", 200), ("2", 200), ("9", 200)]);
    assert_eq!(answer.commands.len(), 4);
    assert!(server.is_over());
}

#[test]
fn what_only_a_server_may_send_is_refused_of_a_client() {
    let (_, mut package_1) = client_of(account());
    package_1.commands.push(Command::get("./DevInfo").with_id("3"));
    let mut server = server();
    server.receive(&package_1);
    assert_eq!(codes(&server.respond(Vec::new())).last(), Some(&("3", 405)));
}

#[test]
fn large_objects_and_questions_to_the_user_are_not_supported() {
    let (mut client, _) = client_of(account());
    let mut message = package(2);
    let part = Item {
        more_data: true,
        meta: Meta {
            size: Some(9),
            ..Meta::default()
        },
        ..Item::at("./I/L").with_text("x")
    };
    let question = Alert {
        id: "7".into(),
        code: AlertCode(1101),
        correlator: None,
        items: Vec::new(),
    };
    message.commands = vec![
        Command::Add(Operation::on(vec![part])).with_id("6"),
        Command::Alert(question),
    ];
    let Step::Send(answer) = client.receive(&message, &mut tree()) else {
        panic!("there is something to answer")
    };
    assert_eq!(codes(&answer), [("0", 212), ("6", 406), ("7", 406)]);
}

/// Does nothing, and counts how often.
#[derive(Default)]
struct Counting(usize);

impl Device for Counting {
    fn execute(&mut self, _: &str, _: &Command) -> Vec<Outcome> {
        self.0 += 1;
        Vec::new()
    }
}

/// A message of which some references may fit.
fn hostile() -> impl Strategy<Value = Message> {
    (syncml::tests::any_message(), any::<bool>(), 0..6_u16).prop_map(|(mut message, fits, code)| {
        let codes = [200, 212, 401, 407, 500, 0];
        if let Some(Command::Status(status)) = message.commands.first_mut()
            && fits
        {
            status.message_ref = "1".into();
            status.command_ref = "0".into();
            status.code = StatusCode(codes[usize::from(code)]);
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_server_survives_any_messages_and_admits_no_stranger(messages in prop::collection::vec(hostile(), 1..6)) {
        let mut server = server();
        for message in &messages {
            let received = server.receive(message);
            prop_assert_ne!(received.admission, Admission::Accepted);
            prop_assert_eq!(&received.statuses, &[]);
            prop_assert_eq!(&received.alerts, &[]);
            let answer = server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
            prop_assert!(answer.commands.iter().all(|command| matches!(command, Command::Status(_))));
        }
        prop_assert_eq!(server.client_credentials(), Some(&of_device()));
    }

    #[test]
    fn a_server_survives_any_messages_of_a_client_that_it_knows(messages in prop::collection::vec(hostile(), 1..6)) {
        let mut server = server();
        server.receive(&client_of(account()).1);
        for message in &messages {
            server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
            prop_assert_eq!(server.receive(message).admission, Admission::Accepted);
        }
    }

    #[test]
    fn a_client_survives_any_messages_and_does_nothing_for_a_stranger(messages in prop::collection::vec(hostile(), 1..6)) {
        let mut device = Counting::default();
        let (mut client, _) = client_of(account());
        for message in &messages {
            client.receive(message, &mut device);
        }
        prop_assert_eq!(device.0, 0);
        let account = client.into_account();
        prop_assert_eq!(account.client_credentials, Some(of_device()));
        prop_assert_eq!(account.server_credentials, Some(of_server()));
    }

    #[test]
    fn a_client_survives_any_messages_of_a_server_that_it_knows(messages in prop::collection::vec(hostile(), 1..6)) {
        let mut tree = tree();
        let (mut client, _) = client_of(account());
        client.receive(&package(2), &mut tree);
        for message in &messages {
            client.receive(message, &mut tree);
        }
        prop_assert!(tree.is_sound());
    }
}
