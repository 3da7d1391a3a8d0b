//! Which messages belong to a session, where they go, and how it ends.

use rstest::rstest;

use super::*;

#[test]
fn a_client_goes_where_the_server_says_to_the_end_of_the_session() {
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    server.set_response_uri(Some("https://dms2.example:443/dm?s=A7".to_owned()));
    let first = server.respond(vec![(Tag(1), Command::get("./I"))]);
    let package_3 = sent(client.receive(&first, &mut tree()));
    assert_eq!(client.address(), "https://dms2.example:443/dm?s=A7");
    assert_eq!(package_3.header.target.uri, client.address());
    assert!(!client.is_address_elsewhere());

    // Nothing said: it stays there. An empty one says nothing.
    server.receive(&package_3);
    server.set_response_uri(Some(String::new()));
    let second = server.respond(vec![(Tag(2), Command::get("./I"))]);
    let package_5 = sent(client.receive(&second, &mut tree()));
    assert_eq!(package_5.header.target.uri, "https://dms2.example:443/dm?s=A7");

    server.receive(&package_5);
    server.set_response_uri(Some("https://elsewhere.example/dm".to_owned()));
    let third = server.respond(vec![(Tag(3), Command::get("./I"))]);
    sent(client.receive(&third, &mut tree()));
    assert!(client.is_address_elsewhere());
}

#[test]
fn a_message_that_comes_again_is_answered_as_before_and_does_nothing_again() {
    let mut tree = tree();
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let first = server.respond(vec![(Tag(1), Command::add_text("./I/new", "x"))]);

    let received = server.receive(&package_1);
    assert_eq!((received.order, received.turn), (Order::Repeated, Turn::Wait));
    assert_eq!(received.admission, Admission::Accepted);
    assert_eq!((received.alerts, received.device_info), (Vec::new(), None));
    assert_eq!(server.respond(vec![(Tag(2), Command::get("./I"))]), first);

    let package_3 = client.receive(&first, &mut tree);
    // Carried out once more it would be 418.
    assert_eq!(client.receive(&first, &mut tree), package_3);
    assert_eq!(client.order(), Order::Repeated);
    let package_3 = sent(package_3);
    assert_eq!(codes(&package_3), [("0", 212), ("4", 200)]);
    assert_eq!(server.receive(&package_3).statuses.len(), 1);
    let second = server.respond(Vec::new());
    assert_eq!(server.receive(&package_3).statuses.len(), 0);
    assert_eq!(server.respond(Vec::new()), second);
    // What came with the repetition was kept.
    assert!(matches!(second.commands.last(), Some(Command::Get(_))));
}

#[rstest]
#[case::challenged(0)]
#[case::refused_for_good(2)]
fn a_refusal_can_be_had_again_with_the_same_challenge(#[case] before: u32) {
    let mut server = server();
    let stranger = |number| {
        let mut message = from_client(number, vec![alert_of(AlertCode::CLIENT_INITIATED)], true);
        message.header.credentials = None;
        message
    };
    for number in 1..=before {
        server.receive(&stranger(number));
        server.respond(Vec::new());
    }
    let message = stranger(before + 1);
    server.receive(&message);
    let refusal = server.respond(Vec::new());
    let is_over = server.is_over();
    assert_eq!(is_over, before == 2);
    for _ in 0..3 {
        let received = server.receive(&message);
        assert_eq!(received.order, Order::Repeated);
        assert_ne!(received.admission, Admission::Accepted);
        assert_eq!(server.respond(vec![(Tag(1), Command::get("./I"))]), refusal);
        assert_eq!(server.is_over(), is_over);
    }
}

#[test]
fn the_last_answer_can_be_had_again_when_the_session_is_over() {
    let mut server = server();
    server.receive(&package(1));
    let last = server.respond(Vec::new());
    assert!(server.is_over());
    assert_eq!(server.receive(&package(1)).order, Order::Repeated);
    assert_eq!(server.respond(Vec::new()), last);
    assert!(server.is_over());
}

#[rstest]
#[case::of_another_session(|message: &mut Message| message.header.session_id = "A8".into())]
#[case::of_another_device(|message: &mut Message| message.header.source.uri = "IMEI:1".into())]
#[case::with_a_number_that_was_used(|message: &mut Message| message.header.message_id = "1".into())]
fn a_message_that_does_not_belong_to_the_session_changes_nothing(#[case] change: fn(&mut Message)) {
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let first = server.respond(vec![(Tag(1), Command::get("./I"))]);
    let package_3 = sent(client.receive(&first, &mut tree()));
    let mut stray = package_3.clone();
    change(&mut stray);

    let received = server.receive(&stray);
    assert_eq!(
        (received.order, received.admission),
        (Order::Misplaced, Admission::Misplaced)
    );
    assert_eq!((received.statuses.len(), received.turn), (0, Turn::Wait));
    let refusal = server.respond(vec![(Tag(2), Command::get("./DMAcc"))]);
    assert_eq!(codes(&refusal), [("0", 400)]);
    assert_eq!(refusal.header.credentials, None);
    assert_eq!(refusal.header.session_id, stray.header.session_id);

    // The session itself goes on.
    let received = server.receive(&package_3);
    assert_eq!((received.order, received.statuses.len()), (Order::Next, 1));
    assert_eq!(server.standing(), Standing::Accepted);
    let answer = server.respond(Vec::new());
    assert!(matches!(answer.commands.last(), Some(Command::Get(_))));
}

#[test]
fn a_number_may_be_left_out_but_that_is_told() {
    let mut server = server();
    assert_eq!(server.receive(&package(1)).order, Order::Next);
    server.respond(vec![(Tag(1), Command::get("./I"))]);
    let received = server.receive(&from_client(3, Vec::new(), true));
    assert_eq!(
        (received.order, received.admission),
        (Order::Jumped, Admission::Accepted)
    );
    server.respond(vec![(Tag(2), Command::get("./I"))]);
    let mut named = from_client(4, Vec::new(), true);
    named.header.message_id = "four".into();
    assert_eq!(server.receive(&named).order, Order::Jumped);
}

#[rstest]
#[case::of_another_session(|message: &mut Message| message.header.session_id = "A8".into())]
#[case::with_a_number_that_was_used(|message: &mut Message| message.header.message_id = "1".into())]
fn a_client_does_nothing_for_a_message_of_another_session(#[case] change: fn(&mut Message)) {
    let (mut client, _) = client_of(account());
    let mut device = Counting::default();
    client.receive(&from_server(1, 212, Vec::new(), false), &mut device);
    let mut stray = from_server(2, 200, vec![Command::delete("./I")], true);
    change(&mut stray);
    assert_eq!(client.receive(&stray, &mut device), Step::Ended(End::Misplaced));
    assert_eq!(device.0, 0);
}

#[test]
fn a_server_ends_a_session_after_it_has_said_what_it_owes() {
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let last = server.abort();
    assert_eq!(codes(&last), [("0", 212), ("1", 200), ("2", 200)]);
    assert_eq!((alerts(&last), last.is_final), (vec![1223], true));
    assert!(server.is_over());
    assert_eq!(client.receive(&last, &mut tree()), Step::Ended(End::Aborted));
}

#[test]
fn a_client_ends_a_session_after_it_has_said_what_it_has_done() {
    let mut tree = tree();
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let package_2 = server.respond(vec![(Tag(1), Command::add_text("./I/new", "x"))]);
    let package_3 = sent(client.receive(&package_2, &mut tree));
    let last = client.abort(package_3);
    assert_eq!(codes(&last), [("0", 212), ("4", 200)]);
    assert_eq!((alerts(&last), last.is_final), (vec![1223], true));
    assert_eq!(last.commands.last().map(Command::id), Some("3"));

    let received = server.receive(&last);
    assert_eq!((received.turn, received.statuses.len()), (Turn::Over, 1));
    let answer = server.respond(vec![(Tag(2), Command::get("./I"))]);
    assert_eq!(codes(&answer), [("0", 200), ("3", 200)]);
    assert_eq!(answer.commands.len(), 2);
    assert!(server.is_over());
    assert_eq!(client.receive(&answer, &mut tree), Step::Ended(End::AbortedHere));
}

#[test]
fn a_server_with_nothing_to_ask_ends_the_session_and_the_client_says_no_more() {
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let package_2 = server.respond(Vec::new());
    assert!(server.is_over());
    assert_eq!(
        client.receive(&package_2, &mut tree()),
        Step::Ended(End::Finished)
    );
    assert_eq!(client.end(), Some(End::Finished));
}

#[test]
fn a_client_does_not_answer_an_abort() {
    let (mut client, _) = client_of(account());
    let mut aborting = package(2);
    aborting.commands.push(alert_of(AlertCode::SESSION_ABORT));
    let mut tree = tree();
    assert_eq!(client.receive(&aborting, &mut tree), Step::Ended(End::Aborted));
    assert_eq!(client.receive(&package(2), &mut tree), Step::Ended(End::Aborted));
}

#[test]
fn a_server_answers_an_abort_with_statuses_only() {
    let (_, mut package_1) = client_of(account());
    package_1.commands.push(alert_of(AlertCode::SESSION_ABORT));
    let mut server = server();
    assert_eq!(server.receive(&package_1).turn, Turn::Over);
    let answer = server.respond(vec![(Tag(1), Command::get("./DevInfo"))]);
    assert_eq!(codes(&answer), [("0", 212), ("1", 200), ("2", 200), ("9", 200)]);
    assert_eq!(answer.commands.len(), 4);
    assert!(server.is_over());
}

#[test]
fn what_was_ended_is_not_opened_again() {
    let mut server = server();
    server.receive(&package(1));
    server.abort();
    assert_eq!(server.receive(&from_client(2, Vec::new(), true)).turn, Turn::Over);
    let answer = server.respond(vec![(Tag(1), Command::get("./I"))]);
    assert_eq!(answer.commands.len(), 1);
    assert!(server.is_over());
}

#[test]
fn a_first_message_of_a_new_session_is_not_the_one_of_the_old_session_once_more() {
    let mut server = server();
    server.receive(&package(1));
    server.respond(Vec::new());
    let mut other = package(1);
    assert!(server.is_repeated(&other) && server.continues_with(&other));
    other.header.credentials = None;
    assert!(!server.is_repeated(&other) && !server.continues_with(&other));
}

#[test]
fn only_a_session_that_is_over_is_begun_anew_by_another_number_than_1() {
    let mut server = server();
    let mut opening = package(1);
    server.receive(&opening);
    server.respond(vec![(Tag(1), Command::get("./I"))]);
    // Asked for other credentials, a client says package 1 again.
    opening.header.message_id = "2".into();
    assert!(server.continues_with(&opening) && server.continues_with(&package(3)));
    server.receive(&package(3));
    server.respond(Vec::new());
    assert!(server.is_over());
    opening.header.message_id = "3".into();
    assert!(!server.continues_with(&opening) && server.continues_with(&package(3)));
}
