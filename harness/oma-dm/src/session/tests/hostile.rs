//! That neither end can be brought to act for a stranger, nor to go on without end.

use proptest::prelude::*;

use super::*;
use crate::syncml::{Meta, Operation, Results};

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

/// The same as the next message of the session.
fn placed(mut message: Message, number: u32) -> Message {
    message.header.session_id = "A7".into();
    message.header.message_id = number.to_string();
    message.header.source.uri = device_info().device_id;
    message
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_server_survives_any_messages_and_admits_no_stranger(messages in prop::collection::vec(hostile(), 1..6)) {
        let mut server = server();
        for (message, number) in messages.into_iter().zip(1..) {
            let received = server.receive(&placed(message, number));
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
        for (message, number) in messages.into_iter().zip(2..) {
            server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
            let message = placed(message, number);
            prop_assert_eq!(server.receive(&message).admission, Admission::Accepted);
        }
    }

    #[test]
    fn a_client_survives_any_messages_and_does_nothing_for_a_stranger(messages in prop::collection::vec(hostile(), 1..6)) {
        let mut device = Counting::default();
        let (mut client, _) = client_of(account());
        for (message, number) in messages.into_iter().zip(1..) {
            client.receive(&placed(message, number), &mut device);
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
        for (message, number) in messages.into_iter().zip(2..) {
            client.receive(&placed(message, number), &mut tree);
        }
        prop_assert!(tree.is_sound());
    }
}

/// Plays a server that answers each message of a client, until the client has had enough.
fn play_server(
    mut answer: impl FnMut(u32, &Message) -> Message,
    device: &mut dyn Device,
) -> (ClientSession, End, u32) {
    let (mut client, mut message) = client_of(account());
    for number in 1.. {
        match client.receive(&answer(number, &message), device) {
            Step::Send(next) => message = *next,
            Step::Ended(end) => return (client, end, number),
        }
    }
    panic!("the session does not end");
}

#[test]
fn a_server_that_asks_on_for_ever_is_left() {
    for is_final in [false, true] {
        let ask =
            |number, _: &Message| from_server(number, 212, vec![alert_of(AlertCode::NEXT_MESSAGE)], is_final);
        let (_, end, messages) = play_server(ask, &mut tree());
        assert_eq!((end, messages), (End::TooLong, MAX_MESSAGES));
    }
}

#[test]
fn a_server_that_never_closes_its_package_is_left() {
    let (_, end, messages) = play_server(
        |number, _| from_server(number, 212, Vec::new(), false),
        &mut tree(),
    );
    assert_eq!((end, messages), (End::TooLong, MAX_MESSAGES));
}

#[test]
fn a_server_that_says_the_same_for_ever_is_left() {
    let same = from_server(1, 212, vec![Command::get("./I")], true);
    let (_, end, messages) = play_server(|_, _| same.clone(), &mut tree());
    assert_eq!((end, messages), (End::TooLong, MAX_MESSAGES + 2));
}

#[test]
fn a_server_that_challenges_for_ever_is_left() {
    let challenge = |number, _: &Message| {
        let mut message = from_server(number, 401, Vec::new(), true);
        let Command::Status(status) = &mut message.commands[0] else {
            panic!("a Status comes first")
        };
        status.challenge = Some(Challenge {
            scheme: crate::auth::MD5.to_owned(),
            format: None,
            next_nonce: Some(crate::auth::to_base64(&[number as u8])),
        });
        message
    };
    let (_, end, messages) = play_server(challenge, &mut tree());
    assert_eq!((end, messages), (End::Refused(StatusCode(401)), 3));
}

#[test]
fn a_server_with_parts_for_ever_fills_no_memory_and_is_left() {
    let mut refused = 0;
    let chunk = "x".repeat(64 * 1024);
    let parts = |number, answer: &Message| {
        refused += codes(answer).iter().filter(|(_, code)| *code == 424).count();
        let item = Item::at("./I/large").with_text(&chunk).with_meta(Meta {
            size: (number == 1).then_some(MAX_OBJECT),
            ..Meta::default()
        });
        let add = Command::Add(Operation::on(vec![Item {
            more_data: true,
            ..item
        }]));
        from_server(number, 212, vec![add], false)
    };
    let mut tree = tree();
    let (_, end, messages) = play_server(parts, &mut tree);
    assert_eq!((end, messages), (End::TooLong, MAX_MESSAGES));
    // As soon as there is more than was announced.
    let taken = usize::try_from(MAX_OBJECT).unwrap() / chunk.len();
    assert_eq!(refused, MAX_MESSAGES as usize - 1 - taken);
    assert!(tree.get(&NodeUri::parse("./I/large").unwrap()).is_none());
}

#[test]
fn results_that_the_server_does_not_take_are_not_piled_up() {
    let mut tree = tree();
    let large = NodeUri::parse("./I/large").unwrap();
    let value = "x".repeat(1024 * 1024);
    tree.insert_leaf(&large, crate::tree::Format::Chr, "text/plain", value)
        .unwrap();
    let ask = |number, _: &Message| {
        let mut message = from_server(number, 212, vec![Command::get("./I/large"); 50], false);
        message.header.max_message_size = Some(2000);
        message
    };
    let (mut client, _) = client_of(account());
    let mut told = Vec::new();
    for number in 1..4 {
        let answer = sent(client.receive(&ask(number, &Message::default()), &mut tree));
        told.push(answer);
    }
    // What waits is bounded, and some of the Gets are answered with 413 once it is their turn.
    assert!(told.iter().all(|answer| !answer.is_final));
    assert!(
        client.pending_octets() < 10 * 1024 * 1024,
        "{} octets wait",
        client.pending_octets()
    );
}

#[test]
fn a_server_that_does_not_listen_to_what_it_asks_for_is_left() {
    let ask = |number, _: &Message| {
        let mut message = from_server(number, 212, vec![Command::get("./none"); 500], false);
        message.header.max_message_size = Some(1000);
        message
    };
    let (_, end, messages) = play_server(ask, &mut tree());
    assert_eq!(end, End::TooMuch);
    assert!(messages < 30, "it took {messages} messages");
}

#[test]
fn a_client_that_never_closes_its_package_is_told_that_it_is_over() {
    let mut server = server();
    for number in 1.. {
        let received = server.receive(&from_client(number, Vec::new(), false));
        let answer = server.respond(Vec::new());
        if received.turn == Turn::Over {
            assert_eq!((alerts(&answer), answer.is_final), (vec![1223], true));
            assert_eq!(number, MAX_MESSAGES + 1);
            assert!(server.is_over());
            return;
        }
        assert_eq!(alerts(&answer), [1222]);
    }
}

#[test]
fn a_client_that_says_more_than_can_be_answered_is_told_that_it_is_over() {
    let mut server = server();
    for number in 1..100 {
        let events = vec![alert_of(AlertCode::CLIENT_EVENT); 500];
        let received = server.receive(&from_client(number, events, false));
        let answer = server.respond(Vec::new());
        if received.turn == Turn::Over {
            assert_eq!(alerts(&answer), [1223]);
            assert!(number < 30);
            return;
        }
    }
    panic!("the server piles up what it owes");
}

#[test]
fn a_client_that_proves_nothing_for_ever_is_refused() {
    let mut server = server();
    let mut admissions = Vec::new();
    for number in 1..=5 {
        let mut message = from_client(number, Vec::new(), true);
        message.header.credentials = None;
        admissions.push(server.receive(&message).admission);
        server.respond(Vec::new());
    }
    let mut expected = vec![Admission::Challenged; 2];
    expected.extend([Admission::Refused; 3]);
    assert_eq!(admissions, expected);
}

#[test]
fn a_client_with_results_in_parts_for_ever_fills_no_memory() {
    let mut server = server();
    server.receive(&package(1));
    server.respond(vec![(Tag(1), Command::get("./I/large"))]);
    let chunk = "x".repeat(64 * 1024);
    let mut lost = 0;
    for number in 2..=200 {
        let item = Item {
            source: Some("./I/large".into()),
            more_data: true,
            ..Item::default().with_text(&chunk).with_meta(Meta {
                size: (number == 2).then_some(MAX_OBJECT),
                ..Meta::default()
            })
        };
        let results = Command::Results(Results {
            message_ref: "1".into(),
            command_ref: "4".into(),
            items: vec![item],
            ..Results::default()
        });
        lost += server
            .receive(&from_client(number, vec![results], false))
            .lost_results
            .len();
        server.respond(Vec::new());
    }
    let taken = usize::try_from(MAX_OBJECT).unwrap() / chunk.len();
    assert_eq!(lost, 199 - taken);
}
