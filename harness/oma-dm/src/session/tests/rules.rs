//! What is answered to what.

use rstest::rstest;

use super::*;
use crate::syncml::{Meta, Operation, Results};

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
fn what_only_a_server_may_send_is_refused_of_a_client() {
    let (_, mut package_1) = client_of(account());
    package_1.commands.push(Command::get("./DevInfo").with_id("3"));
    let mut server = server();
    server.receive(&package_1);
    assert_eq!(codes(&server.respond(Vec::new())).last(), Some(&("3", 405)));
}

fn operation(make: fn(Operation) -> Command, at: &[&str]) -> Command {
    make(Operation::on(at.iter().map(|at| Item::at(at)).collect()))
}

fn group(make: fn(Group) -> Command, commands: Vec<Command>) -> Command {
    make(Group {
        commands,
        ..Group::default()
    })
}

/// All that a message is answered with: what each Status is for, and Results where they are.
fn answers(message: &Message) -> Vec<String> {
    let all = message.commands.iter().map(|command| match command {
        Command::Status(status) => {
            let refs = status.target_refs.iter().chain(&status.source_refs);
            let refs: String = refs.map(|uri| format!(" {uri}")).collect();
            format!("{} {} {}{refs}", status.command_ref, status.command, status.code)
        }
        Command::Results(results) => format!("{} Results", results.command_ref),
        other => other.name().to_owned(),
    });
    all.collect()
}

const OF_HEADER: &str = "0 SyncHdr 212 IMEI:004999010640000 https://dms2.example/dm";

#[rstest]
#[case::one_status_per_item(operation(Command::Delete, &["./I/a", "./I/b"]), &["2 Delete 200 ./I/a", "2 Delete 404 ./I/b"])]
#[case::the_status_before_the_results(operation(Command::Get, &["./I/a"]), &["2 Get 200 ./I/a", "2 Results"])]
#[case::no_results_without_success(operation(Command::Get, &["./I/b"]), &["2 Get 404 ./I/b"])]
#[case::no_right(operation(Command::Get, &["./DMAcc/dms1"]), &["2 Get 425 ./DMAcc/dms1"])]
#[case::members_and_the_sequence_itself(
    group(Command::Sequence, vec![Command::add_text("./I/b", "x"), operation(Command::Get, &["./I/b"])]),
    &["2 Sequence 200", "3 Add 200 ./I/b", "4 Get 200 ./I/b", "4 Results"]
)]
#[case::members_and_the_atomic_itself(
    group(Command::Atomic, vec![Command::add_text("./I/b", "x"), Command::add_text("./I/a", "x")]),
    &["2 Atomic 507", "3 Add 216 ./I/b", "4 Add 418 ./I/a"]
)]
#[case::a_question_in_a_sequence(
    group(Command::Sequence, vec![alert_of(AlertCode(1101)), operation(Command::Get, &["./I/a"])]),
    &["2 Sequence 200", "3 Alert 406", "4 Get 200 ./I/a", "4 Results"]
)]
#[case::a_question_in_an_atomic(
    group(Command::Atomic, vec![Command::add_text("./I/b", "x"), alert_of(AlertCode(1100))]),
    &["2 Atomic 507", "3 Add 216 ./I/b", "4 Alert 406"]
)]
#[case::what_only_a_client_may_send_in_a_sequence(
    group(Command::Sequence, vec![alert_of(AlertCode::GENERIC)]),
    &["2 Sequence 200", "3 Alert 405"]
)]
#[case::an_alert(alert_of(AlertCode::NEXT_MESSAGE), &["2 Alert 200"])]
#[case::nothing_to_execute(operation(Command::Exec, &["./I/b"]), &["2 Exec 404 ./I/b"])]
#[case::no_item(operation(Command::Add, &[]), &["2 Add 412"])]
fn every_command_is_answered_in_its_own_way(#[case] command: Command, #[case] expected: &[&str]) {
    let mut tree = tree();
    let a = NodeUri::parse("./I/a").unwrap();
    tree.insert_leaf(&a, crate::tree::Format::Chr, "text/plain", "x")
        .unwrap();
    let (mut client, _) = client_of(account());
    let mut message = from_server(1, 212, Vec::new(), true);
    let mut number = 1;
    let mut number_all = |command: &mut Command| {
        let mut waiting = vec![command];
        while let Some(command) = waiting.pop() {
            number += 1;
            command.set_id(number.to_string());
            if let Command::Atomic(group) | Command::Sequence(group) = command {
                waiting.extend(group.commands.iter_mut().rev());
            }
        }
    };
    let mut command = command;
    number_all(&mut command);
    message.commands.push(command);
    let answer = sent(client.receive(&message, &mut tree));
    assert_eq!(answers(&answer), [&[OF_HEADER], expected].concat());
    let ids: Vec<_> = answer.commands.iter().map(Command::id).collect();
    let counted: Vec<_> = (1..=ids.len()).map(|id| id.to_string()).collect();
    assert_eq!(ids, counted);
}

#[rstest]
#[case::status(Command::Status(crate::session::body::status("1", "1", "Alert", StatusCode::OK)))]
#[case::results(Command::Results(Results::default()))]
fn statuses_and_results_are_not_answered(#[case] command: Command) {
    let (mut client, _) = client_of(account());
    let message = from_server(1, 212, vec![command.clone()], true);
    assert_eq!(client.receive(&message, &mut tree()), Step::Ended(End::Finished));
    let mut server = server();
    server.receive(&package(1));
    server.respond(Vec::new());
    server.receive(&from_client(2, vec![command], true));
    assert_eq!(codes(&server.respond(Vec::new())), [("0", 200)]);
    assert!(server.is_over());
}

#[rstest]
#[case(1100, 406)]
#[case(1101, 406)]
#[case(1104, 406)]
#[case(1200, 405)]
#[case(1201, 405)]
#[case(1222, 200)]
#[case(1224, 405)]
#[case(1225, 200)]
#[case(1226, 405)]
#[case(1250, 406)]
fn a_client_answers_alerts(#[case] code: u16, #[case] expected: u16) {
    let (mut client, _) = client_of(account());
    let message = from_server(1, 212, vec![alert_of(AlertCode(code))], true);
    let answer = sent(client.receive(&message, &mut tree()));
    assert_eq!(codes(&answer), [("0", 212), ("2", expected)]);
}

#[rstest]
#[case(1100, 406)]
#[case(1200, 200)]
#[case(1201, 200)]
#[case(1222, 200)]
#[case(1223, 200)]
#[case::without_items(1224, 412)]
#[case(1225, 200)]
#[case::without_items(1226, 412)]
#[case(1250, 406)]
fn a_server_answers_alerts(#[case] code: u16, #[case] expected: u16) {
    let mut server = server();
    server.receive(&from_client(1, vec![alert_of(AlertCode(code))], true));
    assert_eq!(codes(&server.respond(Vec::new())), [("0", 212), ("1", expected)]);
}

/// Has a user.
struct Attended(UserAnswer);

impl Device for Attended {
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<Outcome> {
        tree().execute_asking(server_id, command, &mut |_| self.0.clone())
    }

    fn ask_user(&mut self, _: &Alert) -> UserAnswer {
        self.0.clone()
    }
}

#[rstest]
#[case::yes(UserAnswer::of(StatusCode::OK))]
#[case::no(UserAnswer::of(StatusCode(304)))]
#[case::cannot_be_shown(UserAnswer::of(StatusCode(416)))]
#[case::a_text(UserAnswer { code: StatusCode::OK, items: vec![Item::default().with_text("blue")] })]
fn what_the_user_says_is_the_answer(#[case] answer: UserAnswer) {
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let question = server.respond(vec![(Tag(1), alert_of(AlertCode(1102)))]);
    let reply = sent(client.receive(&question, &mut Attended(answer.clone())));
    let received = server.receive(&reply);
    let told: Vec<_> = received
        .statuses
        .into_iter()
        .map(|status| (status.code, status.items))
        .collect();
    assert_eq!(told, [(answer.code, answer.items)]);
}

#[rstest]
#[case::yes(Command::Sequence, 200, [200, 200, 200])]
#[case::no(Command::Sequence, 304, [200, 304, 215])]
#[case::cancelled(Command::Sequence, 214, [200, 214, 215])]
#[case::not_answered(Command::Sequence, 408, [200, 408, 215])]
#[case::not_shown(Command::Sequence, 416, [200, 416, 200])]
#[case::all_or_nothing(Command::Atomic, 200, [200, 200, 200])]
#[case::no_to_all(Command::Atomic, 304, [507, 304, 215])]
#[case::all_cancelled(Command::Atomic, 214, [507, 214, 215])]
fn what_the_user_says_in_a_group_is_about_the_rest_of_it(
    #[case] make: fn(Group) -> Command,
    #[case] said: u16,
    #[case] expected: [u16; 3],
) {
    let question = group(
        make,
        vec![alert_of(AlertCode(1102)), Command::add_text("./I/b", "x")],
    );
    let (mut client, package_1) = client_of(account());
    let mut server = server();
    server.receive(&package_1);
    let asked = server.respond(vec![(Tag(1), question)]);
    let blue = Item::default().with_text("blue");
    let answer = UserAnswer {
        code: StatusCode(said),
        items: vec![blue.clone()],
    };
    let reply = sent(client.receive(&asked, &mut Attended(answer)));
    let received = server.receive(&reply);
    let told: Vec<_> = received.statuses.iter().map(|status| status.code.0).collect();
    assert_eq!(told, expected);
    assert_eq!(received.statuses[1].items, [blue]);
}

fn event(code: AlertCode) -> Alert {
    let item = Item::default().with_text("x").with_meta(Meta {
        format: Some("chr".into()),
        media_type: Some("Reversed-Domain-Name: example.event".into()),
        ..Meta::default()
    });
    Alert {
        id: String::new(),
        code,
        correlator: None,
        items: vec![item],
    }
}

#[test]
fn events_go_with_the_first_package_or_a_later_one_and_are_answered() {
    let config = ClientConfig {
        events: vec![event(AlertCode::CLIENT_EVENT)],
        ..config_of(account())
    };
    let (mut client, package_1) = ClientSession::start(config);
    assert_eq!(alerts(&package_1), [1201, 1224]);
    let mut server = server();
    let received = server.receive(&package_1);
    assert_eq!(received.alerts[1].items.len(), 1);
    server.answer_alert(&received.alerts[1].id, StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED);
    let package_2 = server.respond(Vec::new());
    assert_eq!(
        codes(&package_2),
        [("0", 212), ("1", 200), ("2", 200), ("3", 406)]
    );

    // There would be nothing to say but for the event.
    client.push_event(event(AlertCode::GENERIC));
    let package_3 = sent(client.receive(&package_2, &mut tree()));
    assert_eq!((alerts(&package_3), package_3.is_final), (vec![1226], true));
    server.receive(&package_3);
    let end = client.receive(&server.respond(Vec::new()), &mut tree());
    assert_eq!(end, Step::Ended(End::Finished));
    let told = [
        (AlertCode::CLIENT_INITIATED, 200),
        (AlertCode::CLIENT_EVENT, 406),
        (AlertCode::GENERIC, 200),
    ];
    assert_eq!(
        client.alert_statuses(),
        told.map(|(alert, code)| (alert, StatusCode(code)))
    );
}

#[rstest]
#[case(0x00a7, "A7")]
#[case(1, "1")]
#[case(0xffff, "FFFF")]
fn a_notification_is_answered_with_its_session_identifier(#[case] id: u16, #[case] expected: &str) {
    let config = ClientConfig::triggered(account(), device_info(), id, b"client");
    let (_, package_1) = ClientSession::start(config);
    assert_eq!(package_1.header.session_id, expected);
    assert_eq!(alerts(&package_1), [1200]);
}
