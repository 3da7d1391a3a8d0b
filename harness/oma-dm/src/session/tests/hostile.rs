//! That neither end can be brought to act for a stranger, nor to go on without end.

use proptest::prelude::*;

use super::*;

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
