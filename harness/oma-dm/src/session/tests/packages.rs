//! Packages of more than one message.

use rstest::rstest;

use super::*;
use crate::session::packer::{Measure, Packer};
use crate::syncml::{Meta, Operation};

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

/// A server whose client takes messages of so many octets, and the other way round.
fn scene(limit: u64, encoding: Encoding, commands: Vec<(Tag, Command)>) -> Scene {
    let client = ClientConfig {
        max_message_size: Some(limit),
        encoding,
        ..config_of(account())
    };
    let of_session = ServerConfig {
        max_message_size: Some(limit),
        encoding,
        ..ServerConfig::new(ADDRESS, Some(of_server()), b"server")
    };
    Scene::of(
        client,
        ServerSession::new(of_session, Some(of_device())),
        commands,
    )
}

/// A tree with some leaves of some length below `./I`.
fn tree_of_leaves(count: usize, length: usize) -> Tree {
    let mut tree = tree();
    for index in 0..count {
        let uri = NodeUri::parse(&format!("./I/leaf-{index}")).unwrap();
        let value = "x".repeat(length);
        tree.insert_leaf(&uri, crate::tree::Format::Chr, "text/plain", value)
            .unwrap();
    }
    tree
}

#[rstest]
fn commands_that_do_not_fit_in_one_message_go_in_several_packages(
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
) {
    let commands: Vec<_> = (0..30)
        .map(|index| (Tag(index), Command::add_text(&format!("./I/n{index}"), "a value")))
        .collect();
    let mut tree = tree();
    let played = scene(1500, encoding, commands).play(&mut tree);
    assert_eq!(played.end, End::Finished);
    let expected: Vec<_> = (0..30).map(|index| (Tag(index), 200)).collect();
    assert_eq!(played.statuses, expected);
    assert!(played.sent.len() >= 6, "it took {} messages", played.sent.len());
    // Package 1 is written before the client knows what the server takes.
    let octets = played.sent[1..].iter().map(|sent| sent.octets);
    assert!(octets.max() <= Some(1500));
    // The server closes its package in every message where it can: where the client has closed its own.
    for pair in played.sent.chunks(2) {
        assert_eq!(pair[0].message.is_final, pair[1].message.is_final);
    }
}

#[rstest]
fn results_that_do_not_fit_in_one_message_go_in_several_and_are_asked_for(
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
) {
    let commands: Vec<_> = (0..10)
        .map(|index| (Tag(index), Command::get(&format!("./I/leaf-{index}"))))
        .collect();
    let limit = 2000;
    let played = scene(limit, encoding, commands).play(&mut tree_of_leaves(10, 500));
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses.len(), 10);
    assert!(played.results.len() == 10 && played.results.values().all(|text| text.len() == 500));
    assert!(played.sent[1..].iter().all(|sent| sent.octets as u64 <= limit));

    // Until the package of the client is closed, the server says nothing but that it wants the rest.
    let mut is_unfinished = false;
    let mut asked = 0;
    for sent in &played.sent {
        if sent.by_client {
            is_unfinished = !sent.message.is_final;
        } else if is_unfinished {
            asked += 1;
            assert_eq!(sent.message.commands.len(), 2);
            assert_eq!(codes(&sent.message).len(), 1);
            assert_eq!(alerts(&sent.message), [1222]);
            assert!(!sent.message.is_final);
        }
    }
    assert!(asked >= 2);
}

#[test]
fn what_is_found_below_a_node_is_spread_over_messages_too() {
    let whole = scene(
        100_000,
        Encoding::Xml,
        vec![(Tag(1), Command::get("./I?list=Struct"))],
    );
    let whole = whole.play(&mut tree_of_leaves(60, 1));
    let split = scene(
        1500,
        Encoding::Xml,
        vec![(Tag(1), Command::get("./I?list=Struct"))],
    );
    let split = split.play(&mut tree_of_leaves(60, 1));
    let found = |played: &Played| {
        let commands = played.of_client().flat_map(|sent| &sent.message.commands);
        let items = commands.filter_map(|command| match command {
            Command::Results(results) => Some(results.items.clone()),
            _ => None,
        });
        items.flatten().collect::<Vec<_>>()
    };
    assert_eq!(found(&whole).len(), 61);
    assert_eq!(found(&split), found(&whole));
    assert!(split.sent.len() > whole.sent.len());
    assert!(split.sent[1..].iter().all(|sent| sent.octets <= 1500));
}

#[test]
fn statuses_of_an_unfinished_package_come_when_it_is_closed() {
    let (_, mut package_1) = client_of(account());
    package_1.is_final = false;
    let mut server = server();
    server.receive(&package_1);
    let answer = server.respond(Vec::new());
    assert_eq!(codes(&answer), [("0", 212)]);
    let event = Alert {
        id: "1".into(),
        code: AlertCode::CLIENT_EVENT,
        correlator: None,
        items: Vec::new(),
    };
    server.receive(&from_client(2, vec![Command::Alert(event)], true));
    let answer = server.respond(Vec::new());
    let of: Vec<_> = answer
        .commands
        .iter()
        .map(|command| match command {
            Command::Status(status) => (
                status.message_ref.as_str(),
                status.command_ref.as_str(),
                status.code.0,
            ),
            other => panic!("there is something else: {other:?}"),
        })
        .collect();
    assert_eq!(
        of,
        [("2", "0", 200), ("1", "1", 200), ("1", "2", 200), ("2", "1", 412)]
    );
}

#[test]
fn a_client_does_not_close_its_package_before_the_server_does() {
    let mut tree = tree();
    let (mut client, _) = client_of(account());
    let add = |name: &str| Command::add_text(&format!("./I/{name}"), "x");
    let first = sent(client.receive(&from_server(1, 212, vec![add("a")], false), &mut tree));
    assert_eq!(
        (codes(&first), alerts(&first)),
        (vec![("0", 212), ("2", 200)], vec![1222])
    );
    assert!(!first.is_final);
    let second = sent(client.receive(&from_server(2, 200, vec![add("b")], true), &mut tree));
    assert_eq!(
        (codes(&second), alerts(&second)),
        (vec![("0", 200), ("2", 200)], vec![])
    );
    assert!(second.is_final);
}

#[test]
fn a_server_that_asks_on_has_not_begun_a_package_of_its_own() {
    let ask = || vec![alert_of(AlertCode::NEXT_MESSAGE)];
    let (mut client, _) = client_of(account());
    let answer = sent(client.receive(&from_server(1, 212, ask(), false), &mut tree()));
    assert_eq!(
        (codes(&answer), alerts(&answer)),
        (vec![("0", 212), ("2", 200)], vec![])
    );
    assert!(answer.is_final);
}

#[test]
fn an_answer_to_an_atomic_that_fits_in_no_message_is_refused_before_anything_is_done() {
    let atomic = |count: usize| {
        let members = (0..count).map(|index| Command::add_text(&format!("./I/n{index}"), ""));
        Command::Atomic(Group {
            commands: members.collect(),
            ..Group::default()
        })
    };
    // The client takes more than the server does.
    let of_session = ServerConfig {
        max_message_size: Some(1600),
        ..ServerConfig::new(ADDRESS, Some(of_server()), b"server")
    };
    for (count, code) in [(2, 200), (20, 517)] {
        let server = ServerSession::new(of_session.clone(), Some(of_device()));
        let mut tree = tree();
        let played = Scene::of(config_of(account()), server, vec![(Tag(1), atomic(count))]).play(&mut tree);
        assert_eq!(played.end, End::Finished);
        assert_eq!(played.statuses.len(), count + 1);
        assert_eq!(played.statuses[0], (Tag(1), code));
        let is_there = tree.get(&NodeUri::parse("./I/n0").unwrap()).is_some();
        assert_eq!(is_there, code == 200);
        let of_members = if code == 200 { 200 } else { 215 };
        assert!(played.statuses[1..].iter().all(|(_, code)| *code == of_members));
        assert!(
            played.sent[1..]
                .iter()
                .filter(|sent| sent.by_client)
                .all(|sent| sent.octets <= 1600)
        );
    }
}

#[test]
fn a_command_that_fits_in_no_message_is_not_sent_and_said_so() {
    let items = (0..50).map(|index| Item::at(&format!("./I/n{index}")).with_text("x"));
    let large = Command::Add(Operation::on(items.collect()));
    let commands = vec![
        (Tag(1), Command::add_text("./I/a", "x")),
        (Tag(2), large),
        (Tag(3), Command::add_text("./I/b", "x")),
    ];
    let played = scene(1500, Encoding::Xml, commands).play(&mut tree());
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses, [(Tag(1), 200), (Tag(3), 200)]);
    assert_eq!(played.server.oversized(), [Tag(2)]);
    assert_eq!(played.server.unanswered(), [Tag(2)]);
}

#[test]
fn a_tag_of_two_commands_is_answered_once_both_of_them_are() {
    let long = "x".repeat(2000);
    let scene = scene(3000, Encoding::Xml, Vec::new());
    let (_, package_1) = ClientSession::start(scene.client);
    let mut server = scene.server;
    server.receive(&package_1);
    assert!(!server.has_unsent());
    let first = server.respond(vec![
        (Tag(1), Command::add_text("./I/a", &long)),
        (Tag(1), Command::add_text("./I/b", &long)),
    ]);
    let done = |of: &Message| {
        let add = of.commands.last().unwrap();
        let of = of.header.message_id.as_str();
        Command::Status(crate::session::body::status(of, add.id(), "Add", StatusCode::OK))
    };
    assert!(server.has_unsent());
    server.receive(&from_client(2, vec![done(&first)], true));
    assert_eq!(server.unanswered(), [Tag(1)], "the second one is not sent");
    let second = server.respond(Vec::new());
    assert!(!server.has_unsent());
    assert_eq!(server.unanswered(), [Tag(1)], "the second one is not answered");
    server.receive(&from_client(3, vec![done(&second)], true));
    assert!(server.unanswered().is_empty());
}

#[rstest]
#[case(1)]
#[case(200)]
#[case(600)]
fn a_limit_that_nothing_fits_in_does_not_keep_a_session_from_ending(#[case] limit: u64) {
    let commands = vec![
        (Tag(1), Command::add_text("./I/a", &"x".repeat(300))),
        (Tag(2), Command::get("./I/leaf-0")),
    ];
    let played = scene(limit, Encoding::Xml, commands).play(&mut tree_of_leaves(1, 100));
    assert_eq!(played.end, End::Finished);
}

#[test]
fn many_events_are_answered_over_several_messages() {
    let event = Alert {
        id: String::new(),
        code: AlertCode::GENERIC,
        correlator: None,
        items: vec![Item::default().with_text("x").with_meta(Meta {
            format: Some("chr".into()),
            media_type: Some("Reversed-Domain-Name: example.event".into()),
            ..Meta::default()
        })],
    };
    let scene = scene(1500, Encoding::Xml, vec![(Tag(1), Command::get("./DevInfo"))]);
    let client = ClientConfig {
        events: vec![event; 40],
        ..scene.client.clone()
    };
    let played = Scene { client, ..scene }.play(&mut tree());
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses.len(), 1);
    let told = played.client.alert_statuses();
    assert_eq!(told.len(), 41);
    assert!(told.iter().all(|(_, code)| *code == StatusCode::OK));
    assert!(played.of_server().all(|sent| sent.octets <= 1500));
}

#[rstest]
#[case::without_asking(Vec::new())]
#[case::though_it_asks_for_what_is_not_there(vec![alert_of(AlertCode::NEXT_MESSAGE)])]
fn a_client_that_is_not_done_gets_no_commands(#[case] commands: Vec<Command>) {
    let mut server = server();
    assert_eq!(server.receive(&from_client(1, commands, false)).turn, Turn::Wait);
    let answer = server.respond(vec![(Tag(1), Command::get("./I"))]);
    assert_eq!((codes(&answer), alerts(&answer)), (vec![("0", 212)], vec![1222]));
    assert_eq!(answer.commands.len(), 2);
}

#[rstest]
fn a_message_takes_exactly_what_the_other_end_does(
    #[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding,
) {
    let header = package(2).header;
    let commands = || {
        (0..5).map(|index| {
            Command::Add(Operation::on(vec![
                Item::at(&format!("./I/{index}"))
                    .with_text("<&>")
                    .with_meta(Meta {
                        format: Some("chr".into()),
                        ..Meta::default()
                    }),
            ]))
        })
    };
    let pack = |limit: Option<u64>| {
        let mut packer = Packer::new(header.clone(), Measure { encoding, limit });
        let taken = commands()
            .map_while(|command| packer.try_push(vec![command]).ok())
            .count();
        // As long as any number can be.
        packer.push(crate::session::body::alert(AlertCode::NEXT_MESSAGE, Vec::new()));
        (taken, packer.finish(true))
    };
    let (all, mut whole) = pack(None);
    assert_eq!(all, 5);
    let last = whole.commands.last_mut().unwrap();
    last.set_id(u32::MAX.to_string());
    let octets = syncml::write(&whole, encoding).len() as u64;
    assert_eq!(pack(Some(octets)).0, 5);
    assert_eq!(pack(Some(octets - 1)).0, 4);
}

#[test]
fn results_that_name_no_message_are_those_of_the_last_get_of_that_number() {
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let get = server.respond(vec![(Tag(7), Command::get("./I"))]);
    let Step::Send(mut answer) = client.receive(&get, &mut tree()) else {
        panic!("there is something to answer")
    };
    for command in &mut answer.commands {
        if let Command::Results(results) = command {
            results.message_ref.clear();
        }
    }
    let found = server.receive(&answer).results;
    let [found] = found.as_slice() else {
        panic!("one thing was asked for: {found:?}")
    };
    assert_eq!(found.tag, Tag(7));
}
