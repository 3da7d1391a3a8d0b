//! Objects that do not fit in one message.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::session::large_object::{Inbound, Outbound, Part, Taken};
use crate::session::packer::{Measure, Packer};
use crate::syncml::{Data, Header, Meta, Operation};

/// An Add of `./I/large` that goes on in the next message, or not.
fn part(text: &str, size: Option<u64>, has_more: bool) -> Command {
    let meta = Meta {
        size,
        ..Meta::default()
    };
    let item = Item::at("./I/large").with_text(text).with_meta(meta);
    Command::Add(Operation::on(vec![Item {
        more_data: has_more,
        ..item
    }]))
}

fn large() -> NodeUri {
    NodeUri::parse("./I/large").unwrap()
}

/// A client that has proved its server, and the tree that it works on.
struct Taking {
    client: ClientSession,
    tree: Tree,
    number: u32,
}

impl Taking {
    fn with(config: ClientConfig) -> Self {
        Self {
            client: ClientSession::start(config).0,
            tree: tree(),
            number: 0,
        }
    }

    fn new() -> Self {
        Self::with(config_of(account()))
    }

    /// What is answered to commands but the header, and the Alerts besides.
    fn take(&mut self, commands: Vec<Command>, is_final: bool) -> (Vec<u16>, Vec<u16>) {
        self.number += 1;
        let message = from_server(self.number, 212, commands, is_final);
        let answer = sent(self.client.receive(&message, &mut self.tree));
        assert_eq!(answer.is_final, is_final);
        let codes = codes(&answer).into_iter().skip(1).map(|(_, code)| code);
        (codes.collect(), alerts(&answer))
    }
}

#[test]
fn an_object_is_there_when_its_last_part_is_and_not_before() {
    let mut taking = Taking::new();
    assert_eq!(
        taking.take(vec![part("abc", Some(9), true)], false),
        (vec![213], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("def", None, true)], false),
        (vec![213], vec![1222])
    );
    assert!(taking.tree.get(&large()).is_none());
    assert_eq!(
        taking.take(vec![part("ghi", None, false)], true),
        (vec![200], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("abcdefghi"));
}

#[test]
fn the_status_of_the_last_part_is_that_of_the_whole() {
    let mut taking = Taking::new();
    let there = Command::add_text("./I/large", "old");
    assert_eq!(
        taking.take(vec![there, part("abc", Some(6), true)], false),
        (vec![200, 213], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("def", None, false)], true),
        (vec![418], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("old"));
}

#[rstest]
#[case::less(8)]
#[case::more(10)]
fn a_sum_that_is_not_the_size_leaves_nothing(#[case] size: u64) {
    let mut taking = Taking::new();
    taking.take(vec![part("abcdef", Some(size), true)], false);
    assert_eq!(
        taking.take(vec![part("ghi", None, false)], true),
        (vec![424], vec![])
    );
    assert!(taking.tree.get(&large()).is_none());
}

#[test]
fn what_is_too_much_is_refused_as_soon_as_it_is() {
    let mut taking = Taking::new();
    taking.take(vec![part("abc", Some(5), true)], false);
    assert_eq!(
        taking.take(vec![part("def", None, true)], false),
        (vec![424], vec![1222])
    );
    // The rest of it is not an object of its own.
    assert_eq!(
        taking.take(vec![part("ghi", None, true)], false),
        (vec![424], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("jkl", None, false)], true),
        (vec![424], vec![])
    );
    assert_eq!(
        taking.take(vec![part("new", None, false)], true),
        (vec![200], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("new"));
}

#[test]
fn a_first_part_without_a_size_is_refused_with_all_that_follows() {
    let mut taking = Taking::new();
    assert_eq!(
        taking.take(vec![part("abc", None, true)], false),
        (vec![411], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("def", None, false)], true),
        (vec![411], vec![])
    );
    assert!(taking.tree.get(&large()).is_none());
}

#[rstest]
#[case::named(Some(8), 9, 413)]
#[case::named_and_kept(Some(9), 9, 213)]
#[case::no_more_than_any(Some(u64::MAX), MAX_OBJECT + 1, 413)]
#[case::none_named(None, MAX_OBJECT + 1, 413)]
#[case::none_named_and_kept(None, MAX_OBJECT, 213)]
fn an_object_over_the_limit_is_refused_with_its_first_part(
    #[case] limit: Option<u64>,
    #[case] size: u64,
    #[case] code: u16,
) {
    let mut taking = Taking::with(ClientConfig {
        max_object_size: limit,
        ..config_of(account())
    });
    assert_eq!(
        taking.take(vec![part("abc", Some(size), true)], false),
        (vec![code], vec![1222])
    );
}

#[test]
fn an_object_over_the_limit_is_refused_in_one_message_too() {
    let mut taking = Taking::with(ClientConfig {
        max_object_size: Some(2),
        ..config_of(account())
    });
    assert_eq!(
        taking.take(vec![part("abc", None, false)], true),
        (vec![413], vec![])
    );
    assert_eq!(
        taking.take(vec![part("ab", None, false)], true),
        (vec![200], vec![])
    );
}

#[rstest]
#[case::by_another_command(vec![Command::add_text("./I/other", "x")], vec![200])]
#[case::by_another_object(vec![part("xyz", Some(3), false)], vec![200])]
#[case::by_the_same_from_the_beginning(vec![part("xyz", Some(6), true)], vec![213])]
fn an_object_that_is_interrupted_is_given_up_and_said_so(
    #[case] commands: Vec<Command>,
    #[case] answered: Vec<u16>,
) {
    let mut taking = Taking::new();
    taking.take(vec![part("abc", Some(9), true)], false);
    let is_final = answered != [213];
    let mut expected = vec![1225];
    expected.extend((!is_final).then_some(1222));
    assert_eq!(taking.take(commands, is_final), (answered, expected));
    assert_ne!(taking.tree.text(&large()), Some("abcxyz"));
}

#[test]
fn the_alert_of_an_interruption_says_which_object_it_was() {
    let mut taking = Taking::new();
    taking.take(vec![part("abc", Some(9), true)], false);
    let message = from_server(2, 200, Vec::new(), true);
    let answer = sent(taking.client.receive(&message, &mut taking.tree));
    let Some(Command::Alert(alert)) = answer.commands.last() else {
        panic!("there is no Alert")
    };
    assert_eq!(alert.code, AlertCode::NO_END_OF_DATA);
    assert_eq!(alert.items, [Item::at("./I/large")]);
    assert!(answer.is_final);
}

#[test]
fn items_before_the_one_in_parts_are_done_at_once() {
    let mut taking = Taking::new();
    let Command::Add(Operation { mut items, .. }) = part("abc", Some(6), true) else {
        panic!("it is an Add")
    };
    items.insert(0, Item::at("./I/small").with_text("x"));
    let both = Command::Add(Operation::on(items));
    assert_eq!(taking.take(vec![both], false), (vec![200, 213], vec![1222]));
    assert_eq!(taking.tree.text(&NodeUri::parse("./I/small").unwrap()), Some("x"));
    assert_eq!(
        taking.take(vec![part("def", None, false)], true),
        (vec![200], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("abcdef"));
}

#[test]
fn only_the_last_item_may_go_on() {
    let mut taking = Taking::new();
    let Command::Add(Operation { mut items, .. }) = part("abc", Some(6), true) else {
        panic!("it is an Add")
    };
    items.push(Item::at("./I/small").with_text("x"));
    assert_eq!(
        taking.take(vec![Command::Add(Operation::on(items))], true),
        (vec![400], vec![])
    );
    assert!(taking.tree.get(&NodeUri::parse("./I/small").unwrap()).is_none());
}

#[test]
fn no_part_of_a_group_goes_on() {
    let mut taking = Taking::new();
    let group = Command::Sequence(Group {
        commands: vec![part("abc", Some(6), true)],
        ..Group::default()
    });
    assert_eq!(taking.take(vec![group], true), (vec![406, 406], vec![]));
}

#[test]
fn a_device_without_large_objects_says_so() {
    let mut taking = Taking::with(ClientConfig {
        takes_large_objects: false,
        ..config_of(account())
    });
    assert_eq!(
        taking.take(vec![part("abc", Some(6), true)], true),
        (vec![406], vec![])
    );
}

#[test]
fn octets_are_put_together_as_octets() {
    let mut inbound = Inbound::new(None);
    let octets = |octets: &[u8], size, more_data| {
        let item = Item {
            data: Some(Data::Bytes(octets.to_vec())),
            more_data,
            meta: Meta {
                size,
                ..Meta::default()
            },
            ..Item::at("./I/large")
        };
        Command::Replace(Operation::on(vec![item]))
    };
    inbound.take(&octets(b"\xc3", Some(3), true));
    let Taken::Whole(whole) = inbound.take(&octets(b"\xa4\0", None, false)) else {
        panic!("it is whole")
    };
    let Command::Replace(operation) = *whole else {
        panic!("it is a Replace")
    };
    assert_eq!(operation.items[0].data, Some(Data::Bytes(b"\xc3\xa4\0".to_vec())));
}

/// A server and a client that take messages of so many octets.
fn scene(limit: u64, encoding: Encoding, commands: Vec<(Tag, Command)>) -> Scene {
    let client = ClientConfig {
        max_message_size: Some(limit),
        max_object_size: Some(100_000),
        encoding,
        ..config_of(account())
    };
    let of_session = ServerConfig {
        max_message_size: Some(limit),
        max_object_size: Some(100_000),
        encoding,
        ..ServerConfig::new(ADDRESS, Some(of_server()), b"server")
    };
    Scene::of(
        client,
        ServerSession::new(of_session, Some(of_device())),
        commands,
    )
}

#[rstest]
fn a_large_object_goes_there_and_back(#[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding) {
    let text: String = ('a'..='z')
        .chain("ä€&<]]>𝄞\n".chars())
        .cycle()
        .take(9000)
        .collect();
    let commands = vec![
        (Tag(1), Command::add_text("./I/small", "x")),
        (Tag(2), Command::add_text("./I/large", &text)),
        (Tag(3), Command::get("./I/large")),
        (Tag(4), Command::get("./I/small")),
    ];
    let mut tree = tree();
    let played = scene(2000, encoding, commands).play(&mut tree);
    assert_eq!(played.end, End::Finished);
    assert_eq!(tree.text(&large()), Some(text.as_str()));
    assert_eq!(played.statuses, [1, 2, 3, 4].map(|tag| (Tag(tag), 200)));
    assert_eq!(played.results[&Tag(3)], text);
    assert_eq!(played.results[&Tag(4)], "x");
    assert!(played.sent[1..].iter().all(|sent| sent.octets <= 2000));

    // Size with the first part of each only; 213 and 1222 for each but the last.
    let parts = |by_client: bool| {
        let of_end = played.sent.iter().filter(move |sent| sent.by_client == by_client);
        let items = of_end
            .flat_map(|sent| &sent.message.commands)
            .flat_map(|command| match command {
                Command::Add(operation) => operation.items.clone(),
                Command::Results(results) => results.items.clone(),
                _ => Vec::new(),
            });
        items
            .filter(|item| item.text().is_some_and(|text| text.len() > 1))
            .collect::<Vec<_>>()
    };
    for by_client in [true, false] {
        let parts = parts(by_client);
        assert!(parts.len() > 4);
        let size = u64::try_from(text.len()).unwrap();
        assert_eq!(parts[0].meta.size, Some(size));
        assert!(parts[1..].iter().all(|part| part.meta.size.is_none()));
        let (last, others) = parts.split_last().unwrap();
        assert!(!last.more_data && others.iter().all(|part| part.more_data));
    }
    let taken = played
        .sent
        .iter()
        .filter(|sent| codes(&sent.message).iter().any(|(_, code)| *code == 213));
    let asks_on: Vec<_> = taken
        .map(|sent| (alerts(&sent.message), sent.message.is_final))
        .collect();
    assert!(asks_on.len() > 8 && asks_on.iter().all(|asks_on| *asks_on == (vec![1222], false)));
}

#[rstest]
fn octets_go_as_they_are_or_in_base64(#[values(Encoding::Xml, Encoding::Wbxml)] encoding: Encoding) {
    let octets: Vec<u8> = (0..=255).cycle().take(6000).collect();
    let item = Item {
        data: Some(Data::Bytes(octets.clone())),
        ..Item::at("./I/large").with_meta(Meta {
            format: Some("bin".into()),
            ..Meta::default()
        })
    };
    let commands = vec![
        (Tag(1), Command::Add(Operation::on(vec![item]))),
        (Tag(2), Command::get("./I/large")),
    ];
    let mut tree = tree();
    let played = scene(2000, encoding, commands).play(&mut tree);
    assert_eq!(played.statuses, [(Tag(1), 200), (Tag(2), 200)]);
    assert_eq!(tree.get(&large()).unwrap().value(), Some(octets.as_slice()));
    assert_eq!(played.results[&Tag(2)], crate::auth::to_base64(&octets));
}

#[test]
fn no_more_parts_go_to_a_client_that_refuses_the_object() {
    let commands = vec![
        (Tag(1), Command::add_text("./I/large", &"x".repeat(9000))),
        (Tag(2), Command::get("./DevInfo")),
    ];
    let mut scene = scene(2000, Encoding::Xml, commands);
    scene.client.takes_large_objects = false;
    let mut tree = tree();
    let played = scene.play(&mut tree);
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses, [(Tag(1), 406), (Tag(2), 404)]);
    assert!(played.server.unanswered().is_empty());
    assert!(tree.get(&large()).is_none());
    let adds = played.of_server().flat_map(|sent| &sent.message.commands);
    assert_eq!(
        adds.filter(|command| matches!(command, Command::Add(_))).count(),
        1
    );
}

#[test]
fn an_object_that_the_client_does_not_take_is_not_begun() {
    let commands = vec![(Tag(1), Command::add_text("./I/large", &"x".repeat(9000)))];
    let mut scene = scene(2000, Encoding::Xml, commands);
    scene.client.max_object_size = Some(8999);
    let played = scene.play(&mut tree());
    assert_eq!((played.end, played.statuses), (End::Finished, vec![]));
    assert_eq!(played.server.oversized(), [Tag(1)]);
}

#[test]
fn what_is_found_and_too_large_for_the_server_is_not_sent() {
    let mut tree = tree();
    tree.insert_leaf(&large(), crate::tree::Format::Chr, "text/plain", "x".repeat(9000))
        .unwrap();
    let mut scene = scene(2000, Encoding::Xml, vec![(Tag(1), Command::get("./I/large"))]);
    scene.server = ServerSession::new(
        ServerConfig {
            max_object_size: Some(8999),
            ..ServerConfig::new(ADDRESS, Some(of_server()), b"server")
        },
        Some(of_device()),
    );
    let played = scene.play(&mut tree);
    assert_eq!(played.statuses, [(Tag(1), 413)]);
    assert!(played.results.is_empty());
}

/// A server that has sent a Get with tag 1, as command 4 of its first message.
fn asked() -> ServerSession {
    let of_session = ServerConfig {
        max_object_size: Some(100),
        ..ServerConfig::new(ADDRESS, Some(of_server()), b"server")
    };
    let mut server = ServerSession::new(of_session, Some(of_device()));
    server.receive(&package(1));
    let answer = server.respond(vec![(Tag(1), Command::get("./I/large"))]);
    assert_eq!(answer.commands[3].id(), "4");
    server
}

fn found(text: &str, size: Option<u64>, more_data: bool) -> Command {
    let item = Item {
        source: Some("./I/large".into()),
        more_data,
        ..Item::default()
    };
    Command::Results(crate::syncml::Results {
        message_ref: "1".into(),
        command_ref: "4".into(),
        items: vec![item.with_text(text).with_meta(Meta {
            size,
            ..Meta::default()
        })],
        ..crate::syncml::Results::default()
    })
}

#[rstest]
#[case::whole(&[("abc", Some(6), true), ("def", None, false)], &[213], Some("abcdef"), None)]
#[case::other_size(&[("abc", Some(7), true), ("def", None, false)], &[213, 424], None, Some(424))]
#[case::no_size(&[("abc", None, true), ("def", None, false)], &[411, 411], None, Some(411))]
#[case::too_large(&[("abc", Some(101), true), ("def", None, false)], &[413, 413], None, Some(413))]
fn a_server_takes_results_in_parts(
    #[case] parts: &[(&str, Option<u64>, bool)],
    #[case] answered: &[u16],
    #[case] expected: Option<&str>,
    #[case] lost: Option<u16>,
) {
    let mut server = asked();
    let (mut results, mut told, mut lost_results) = (Vec::new(), Vec::new(), Vec::new());
    for ((text, size, more_data), number) in parts.iter().zip(2..) {
        let message = from_client(number, vec![found(text, *size, *more_data)], !more_data);
        let received = server.receive(&message);
        results.extend(received.results.into_iter().flat_map(|found| found.items));
        lost_results.extend(received.lost_results.iter().map(|(_, code)| code.0));
        let answer = server.respond(Vec::new());
        told.extend(codes(&answer).into_iter().skip(1).map(|(_, code)| code));
        assert_eq!(alerts(&answer), if *more_data { vec![1222] } else { vec![] });
        assert_eq!(answer.is_final, !more_data);
    }
    assert_eq!(told, answered);
    assert_eq!(results.first().and_then(Item::text), expected);
    assert_eq!(lost_results.last().copied(), lost);
}

#[test]
fn a_server_says_that_results_broke_off() {
    let mut server = asked();
    server.receive(&from_client(2, vec![found("abc", Some(6), true)], false));
    server.respond(Vec::new());
    let received = server.receive(&from_client(3, Vec::new(), true));
    assert_eq!(received.lost_results, [(Tag(1), StatusCode::BAD_REQUEST)]);
    let answer = server.respond(Vec::new());
    assert_eq!(alerts(&answer), [1225]);
    assert!(!server.is_over(), "the client has something to answer");
}

#[test]
fn a_refused_part_goes_again_and_the_object_stays_whole() {
    let text = "0123456789".repeat(400);
    let hmac = |credentials: Credentials| Credentials {
        authentication_type: AuthenticationType::Hmac,
        ..credentials
    };
    let mut account = account();
    account.client_credentials = Some(hmac(of_device()));
    account.server_credentials = Some(hmac(of_server()));
    let config = ClientConfig {
        max_message_size: Some(2000),
        ..config_of(account)
    };
    let server = server_with(Some(hmac(of_server())), Some(hmac(of_device())));
    let mut scene = Scene::of(
        config,
        server,
        vec![(Tag(1), Command::add_text("./I/large", &text))],
    );
    scene.encoding = Encoding::Xml;
    let mut tree = tree();
    let played = scene.play_with(&mut tree, |sent, seal| {
        // The second message of the server and the third of the client lose their seals.
        let lost = [2, 3];
        if !lost.contains(&sent) {
            return seal;
        }
        None
    });
    assert_eq!(played.end, End::Finished);
    assert_eq!(played.statuses, [(Tag(1), 200)]);
    assert_eq!(tree.text(&large()), Some(text.as_str()));
    assert_eq!(
        played
            .admissions
            .iter()
            .filter(|admission| **admission == Admission::Challenged)
            .count(),
        1
    );
}

#[test]
fn while_parts_go_commands_wait_and_what_asks_on_is_answered_at_once() {
    let text = "x".repeat(5000);
    let commands = vec![
        (Tag(1), Command::add_text("./I/large", &text)),
        (Tag(2), Command::get("./I/large")),
    ];
    let played = scene(2000, Encoding::Xml, commands).play(&mut tree());
    assert_eq!(played.end, End::Finished);
    let mut answered = 0;
    for pair in played.sent.windows(2) {
        let asks_on = pair[0].message.commands.iter().find(
            |command| matches!(command, Command::Alert(alert) if alert.code == AlertCode::NEXT_MESSAGE),
        );
        if let Some(asks_on) = asks_on {
            let codes = codes(&pair[1].message);
            // A server that asks on for the client's package answers to all of that once it is closed.
            let is_answered = codes.contains(&(asks_on.id(), 200));
            assert!(is_answered || !pair[1].by_client, "{codes:?}");
            answered += usize::from(is_answered);
        }
    }
    assert!(answered > 4);
}

#[test]
fn between_the_parts_of_an_object_it_is_not_the_turn_of_commands() {
    let mut scene = scene(2000, Encoding::Xml, Vec::new());
    let (mut client, package_1) = ClientSession::start(scene.client);
    let mut tree = tree();
    scene.server.receive(&package_1);
    let text = "x".repeat(3000);
    let first = scene
        .server
        .respond(vec![(Tag(1), Command::add_text("./I/large", &text))]);
    assert!(!first.is_final);
    let mut answer = first;
    let mut turns = Vec::new();
    for _ in 0..20 {
        let next = sent(client.receive(&answer, &mut tree));
        turns.push(scene.server.receive(&next).turn);
        answer = scene.server.respond(Vec::new());
        if scene.server.is_over() {
            break;
        }
    }
    let (last, others) = turns.split_last().unwrap();
    assert!(others.len() > 1 && others.iter().all(|turn| *turn == Turn::Wait));
    assert_eq!(*last, Turn::Commands);
    assert_eq!(tree.text(&large()), Some(text.as_str()));
}

#[test]
fn what_the_last_part_leaves_no_room_for_goes_with_the_next_message() {
    for octets in (1000..4000).step_by(37) {
        let commands = vec![
            (Tag(1), Command::add_text("./I/large", &"x".repeat(octets))),
            (Tag(2), Command::get("./I/large")),
        ];
        let played = scene(1600, Encoding::Xml, commands).play(&mut tree());
        assert_eq!(played.statuses, [(Tag(1), 200), (Tag(2), 200)]);
        assert_eq!(played.results[&Tag(2)].len(), octets);
    }
}

#[test]
fn no_more_parts_of_what_was_found_go_to_a_server_that_refuses_them() {
    let mut tree = tree();
    tree.insert_leaf(&large(), crate::tree::Format::Chr, "text/plain", "x".repeat(9000))
        .unwrap();
    let (mut client, _) = client_of(account());
    let mut message = from_server(1, 212, vec![Command::get("./I/large"), Command::get("./I")], true);
    message.header.max_message_size = Some(2000);
    let first = sent(client.receive(&message, &mut tree));
    let results = first
        .commands
        .iter()
        .find(|command| matches!(command, Command::Results(_)))
        .unwrap();
    assert!(!first.is_final);

    let refusal = crate::session::body::status("2", results.id(), "Results", StatusCode::ENTITY_TOO_LARGE);
    let refusal = vec![Command::Status(refusal), alert_of(AlertCode::NEXT_MESSAGE)];
    let second = sent(client.receive(&from_server(2, 200, refusal, false), &mut tree));
    // The Status for the Alert, then what is left of the rest.
    assert_eq!(codes(&second), [("0", 200), ("3", 200), ("3", 200)]);
    assert!(second.is_final);
    let found: Vec<_> = second
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Results(results) => results.items[0].source.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(found, ["./I"]);
}

#[test]
fn an_object_that_the_client_says_is_broken_off_stays_unanswered() {
    let scene = scene(2000, Encoding::Xml, Vec::new());
    let (_, package_1) = ClientSession::start(scene.client);
    let mut server = scene.server;
    server.receive(&package_1);
    let first = server.respond(vec![(Tag(1), Command::add_text("./I/large", &"x".repeat(9000)))]);
    let part = first.commands.last().unwrap();
    let taken = crate::session::body::status("1", part.id(), "Add", StatusCode::CHUNK_ACCEPTED);
    let broken = vec![Command::Status(taken), alert_of(AlertCode::NO_END_OF_DATA)];
    server.receive(&from_client(2, broken, true));
    let answer = server.respond(Vec::new());
    assert!(
        !answer
            .commands
            .iter()
            .any(|command| matches!(command, Command::Add(_)))
    );
    assert_eq!(server.unanswered(), [Tag(1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_that_go_out_make_the_object_again(
        text in "\\PC{1,300}",
        limit in 230_u64..600,
        encoding in prop::sample::select(vec![Encoding::Xml, Encoding::Wbxml]),
    ) {
        let command = Command::add_text("./I/large", &text).with_id("1");
        let mut outbound = Outbound::new(Box::new(command), encoding).unwrap();
        let mut inbound = Inbound::new(None);
        let whole = loop {
            let header = Header::default();
            let mut packer = Packer::new(header, Measure { encoding, limit: Some(limit) });
            let fitting = outbound.next(&packer, 1);
            let fits = fitting.is_some();
            let part = fitting.unwrap_or_else(|| outbound.next_of(16));
            let part = packer.push(part).clone();
            let octets = syncml::write(&packer.finish(false), encoding);
            prop_assert!(octets.len() as u64 <= limit || !fits);
            match inbound.take(&part) {
                Taken::Whole(whole) => break whole,
                Taken::Part(part) => {
                    let Part { code, .. } = *part;
                    prop_assert_eq!(code, StatusCode::CHUNK_ACCEPTED);
                }
                Taken::Refused(code) => panic!("refused with {code}"),
            }
        };
        let Command::Add(operation) = *whole else { panic!("it is an Add") };
        prop_assert_eq!(operation.items[0].text(), Some(text.as_str()));
    }
}
