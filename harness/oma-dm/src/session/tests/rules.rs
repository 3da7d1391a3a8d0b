//! What is answered to what.

use super::*;

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
fn what_only_a_server_may_send_is_refused_of_a_client() {
    let (_, mut package_1) = client_of(account());
    package_1.commands.push(Command::get("./DevInfo").with_id("3"));
    let mut server = server();
    server.receive(&package_1);
    assert_eq!(codes(&server.respond(Vec::new())).last(), Some(&("3", 405)));
}
