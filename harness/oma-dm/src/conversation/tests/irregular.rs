//! What is not allowed is noted: where, of whom, and nothing else.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::syncml::tests::any_message;

/// Changes to the worked session.
#[rstest]
#[case::session_changed(|it: &mut Session| it[2].1.header.session_id = "A8".into(), "3 client session-changed")]
#[case::message_repeated(
    |it: &mut Session| it[3].1.header.message_id = "1".into(),
    "4 server reused-msg-id"
)]
#[case::client_changed(
    |it: &mut Session| it[2].1.header.source = "IMEI:1".into(),
    "3 client source-changed"
)]
#[case::other_client(|it: &mut Session| it[1].1.header.target = "IMEI:1".into(), "2 server wrong-target")]
#[case::other_server(
    |it: &mut Session| it[1].1.header.source = "https://dms3.example/dm".into(),
    "2 server other-source"
)]
#[case::server_changed(
    |it: &mut Session| it[3].1.header.source = "https://dms3.example/dm".into(),
    "4 server source-changed"
)]
#[case::other_target(
    |it: &mut Session| it[2].1.header.target = "https://dms3.example/dm".into(),
    "3 client wrong-target"
)]
#[case::no_status_for_the_header(|it: &mut Session| drop(it[2].1.commands.remove(0)), "3 client missing-status")]
#[case::no_status_for_a_command(|it: &mut Session| drop(it[2].1.commands.remove(3)), "3 client missing-status")]
#[case::no_status_for_an_alert(|it: &mut Session| drop(it[1].1.commands.remove(1)), "2 server missing-status")]
#[case::unknown_message(
    |it: &mut Session| status_of(it, 2, 3).message_ref = "7".into(),
    "3 client unknown-msg-ref; 3 client missing-status"
)]
#[case::unknown_command(
    |it: &mut Session| status_of(it, 2, 3).command_ref = "7".into(),
    "3 client unknown-cmd-ref; 3 client missing-status"
)]
#[case::wrong_name(|it: &mut Session| status_of(it, 2, 3).command = "Add".into(), "3 client wrong-cmd")]
#[case::wrong_name_of_the_header(
    |it: &mut Session| status_of(it, 1, 0).command = "Alert".into(),
    "2 server wrong-cmd"
)]
#[case::repeated(
    |it: &mut Session| { let again = it[2].1.commands[3].clone(); it[2].1.commands.push(again) },
    "3 client repeated-status"
)]
#[case::for_a_status(
    |it: &mut Session| it[3].1.commands.push(status("2", "4", "Status", 200)),
    "4 server status-for-status"
)]
#[case::for_results(
    |it: &mut Session| it[3].1.commands.push(status("2", "3", "Results", 200)),
    "4 server status-for-results"
)]
#[case::no_challenge(
    |it: &mut Session| { let of = status_of(it, 1, 0); of.code = StatusCode(401); of.challenge = None },
    "2 server no-challenge; 2 server more-than-refusal; 2 server more-than-refusal; 3 client missing-device-info; \
     3 client missing-session-alert"
)]
#[case::results_first(|it: &mut Session| it[2].1.commands.swap(1, 2), "3 client results-before-status")]
#[case::results_of_what_failed(
    |it: &mut Session| status_of(it, 2, 1).code = StatusCode(404),
    "3 client results-of-failure"
)]
#[case::results_without_data(|it: &mut Session| results_of(it, 2, 2).items[0].data = None, "3 client missing-data")]
#[case::results_of_nothing(
    |it: &mut Session| results_of(it, 2, 2).command_ref = "9".into(),
    "3 client results-without-get; 3 client missing-results"
)]
#[case::results_of_the_server(
    |it: &mut Session| it[3].1.commands.push(results("2", "2", "./A")),
    "4 server results-without-get"
)]
#[case::no_results(|it: &mut Session| drop(it[2].1.commands.remove(2)), "3 client missing-results")]
#[case::command_of_a_client(
    |it: &mut Session| it[2].1.commands.push(Command::get("./A").with_id("9")),
    "3 client not-for-client; 4 server missing-status"
)]
#[case::other_replace_of_a_client(
    |it: &mut Session| {
        let replace = Command::Replace(Operation::on(vec![source("./Other", "v")]));
        it[0].1.commands.push(replace.with_id("9"));
        it[1].1.commands.push(status("1", "9", "Replace", 200).with_id("9"));
    },
    "1 client not-for-client"
)]
#[case::device_info_later(
    |it: &mut Session| {
        it[2].1.commands.push(device_info().with_id("9"));
        it[3].1.commands.push(status("2", "9", "Replace", 200).with_id("9"));
    },
    "3 client not-for-client"
)]
#[case::to_show_to_a_server(
    |it: &mut Session| {
        it[2].1.commands.push(alert(1100).with_id("9"));
        it[3].1.commands.push(status("2", "9", "Alert", 200).with_id("9"));
    },
    "3 client alert-wrong-way"
)]
#[case::event_of_a_server(
    |it: &mut Session| {
        it[1].1.commands.push(alert(1226).with_id("9"));
        it[2].1.commands.push(status("1", "9", "Alert", 200).with_id("9"));
    },
    "2 server alert-wrong-way"
)]
#[case::no_reason(
    |it: &mut Session| { it[0].1.commands.remove(0); it[1].1.commands.remove(1); },
    "1 client missing-session-alert"
)]
#[case::no_device_info(
    |it: &mut Session| { it[0].1.commands.remove(1); it[1].1.commands.remove(2); },
    "1 client missing-device-info"
)]
#[case::silence_of_the_client(|it: &mut Session| it.truncate(2), "3 client broken-off")]
#[case::silence_of_the_server(|it: &mut Session| it.truncate(1), "2 server broken-off")]
#[case::no_final_at_the_end(|it: &mut Session| it[3].1.is_final = false, "4 server missing-final")]
#[case::server_first(|it: &mut Session| drop(it.remove(0)), "1 server out-of-turn; 1 server unknown-msg-ref; \
    1 server unknown-msg-ref; 1 server unknown-msg-ref")]
#[case::twice(
    |it: &mut Session| {
        let mut again = it[3].clone();
        again.1.header.message_id = "3".into();
        again.1.commands.clear();
        it.push(again);
    },
    "5 server out-of-turn"
)]
#[case::answer_to_the_last_word(
    |it: &mut Session| {
        let mut answer = it[2].clone();
        answer.1.header.message_id = "3".into();
        answer.1.commands = vec![header("2", 200)];
        it.push(answer);
    },
    "5 client after-end"
)]
fn a_change_to_the_worked_session_is_noted(#[case] change: fn(&mut Session), #[case] expected: &str) {
    let mut session = worked();
    change(&mut session);
    assert_eq!(codes(&session).join("; "), expected);
}

fn status_of(session: &mut Session, message: usize, command: usize) -> &mut Status {
    match &mut session[message].1.commands[command] {
        Command::Status(status) => status,
        other => panic!("a Status, not {other:?}"),
    }
}

fn results_of(session: &mut Session, message: usize, command: usize) -> &mut Results {
    match &mut session[message].1.commands[command] {
        Command::Results(results) => results,
        other => panic!("Results, not {other:?}"),
    }
}

/// Sessions made for it.
#[rstest]
#[case::no_status_for_a_member(
    vec![
        package_1(),
        package_2([Command::Sequence(Group { commands: vec![Command::delete("./B")], ..Group::default() })]),
        (vec![header("1", 212), status("1", "4", "Sequence", 200)], true),
        last_word("2"),
    ],
    "3 client missing-status"
)]
#[case::no_status_for_the_group(
    vec![
        package_1(),
        package_2([Command::Atomic(Group { commands: vec![Command::delete("./B")], ..Group::default() })]),
        (vec![header("1", 212), status("1", "5", "Delete", 200)], true),
        last_word("2"),
    ],
    "3 client missing-status"
)]
#[case::some_device_info(
    vec![
        (vec![alert(1201), Command::Replace(Operation::on(vec![source("./DevInfo/DevId", "v")]))], true),
        package_2([]),
    ],
    "1 client missing-device-info"
)]
#[case::not_back_to_package_1(
    vec![
        package_1(),
        (vec![challenge("1", 407), status("1", "1", "Alert", 407), status("1", "2", "Replace", 407)], true),
        (vec![header("1", 200)], true),
        last_word("2"),
    ],
    "3 client missing-device-info; 3 client missing-session-alert"
)]
#[case::more_than_a_refusal(
    vec![
        package_1(),
        (
            vec![
                challenge("1", 407), status("1", "1", "Alert", 407), status("1", "2", "Replace", 407),
                Command::get("./A"),
            ],
            true,
        ),
        (
            vec![header("1", 200), status("1", "4", "Get", 404), alert(1201), device_info()],
            true,
        ),
        (vec![header("2", 212), status("2", "3", "Alert", 200), status("2", "4", "Replace", 200)], true),
    ],
    "2 server more-than-refusal"
)]
#[case::command_into_an_unfinished_package(
    vec![
        (vec![device_info()], false),
        (vec![header("1", 212), alert(1222), Command::get("./A")], false),
        (
            vec![header("1", 200), status("1", "3", "Get", 200), results("1", "3", "./A"), alert(1201)],
            true,
        ),
        (vec![header("2", 200), status("1", "1", "Replace", 200), status("2", "4", "Alert", 200)], true),
    ],
    "2 server command-too-early"
)]
#[case::final_before_the_other(
    vec![
        (vec![alert(1201), device_info()], false),
        package_2([alert(1222)]),
        (vec![header("1", 200)], true),
        last_word("2"),
    ],
    "2 server final-too-early"
)]
#[case::not_asked_on(
    vec![
        (vec![alert(1201), device_info()], false),
        (vec![header("1", 212)], false),
        (vec![header("1", 200)], true),
        (vec![header("2", 200), status("1", "1", "Alert", 200), status("1", "2", "Replace", 200)], true),
    ],
    "2 server not-asked-on"
)]
#[case::server_not_asked_on(
    vec![
        package_1(),
        (package_2([Command::delete("./A")]).0, false),
        (vec![header("1", 212), status("1", "4", "Delete", 200)], false),
        (vec![header("2", 200), Command::delete("./B")], true),
        (vec![header("2", 200), status("2", "2", "Delete", 200)], true),
        last_word("3"),
    ],
    "3 client not-asked-on"
)]
#[case::command_before_the_status_of_another(
    vec![
        package_1(),
        (package_2([Command::delete("./A")]).0, false),
        (vec![header("1", 212), alert(1222)], false),
        (vec![header("2", 200), Command::delete("./B")], true),
        (vec![header("2", 200), status("1", "4", "Delete", 200), status("2", "2", "Delete", 200)], true),
        last_word("3"),
    ],
    "4 server command-too-early"
)]
#[case::abort_without_final(
    vec![package_1(), (package_2([alert(1223)]).0, false)],
    "2 server missing-final"
)]
#[case::answer_to_an_abort(
    vec![package_1(), package_2([alert(1223)]), (vec![header("1", 200), status("1", "4", "Alert", 200)], true)],
    "3 client after-end"
)]
#[case::no_status_for_the_header_of_an_unfinished_package(
    vec![
        (vec![alert(1201), device_info()], false),
        (vec![alert(1222)], false),
        (vec![header("1", 200)], true),
        (vec![header("2", 200), status("1", "1", "Alert", 200), status("1", "2", "Replace", 200)], true),
    ],
    "2 server missing-status"
)]
#[case::no_status_in_a_refusal(
    vec![
        package_1(),
        (package_2([Command::delete("./A")]).0, false),
        (vec![challenge("1", 407)], false),
        (vec![header("2", 200), Command::delete("./A")], true),
        (vec![header("2", 212), status("2", "2", "Delete", 200)], true),
        last_word("3"),
    ],
    "3 client missing-status"
)]
#[case::abort_of_the_client_without_final(
    vec![
        package_1(),
        package_2([Command::get("./A")]),
        (vec![header("1", 212), alert(1223)], false),
        (vec![header("2", 200), status("2", "2", "Alert", 200)], true),
    ],
    "3 client missing-final"
)]
#[case::again_what_was_not_refused(
    vec![
        package_1(),
        package_2([Command::get("./A")]),
        (vec![header("1", 212), status("1", "4", "Get", 404)], true),
        (vec![header("2", 200), Command::get("./B")], true),
        (vec![header("2", 200), status("2", "2", "Get", 404)], true),
        (vec![challenge("3", 401)], true),
        (
            vec![
                header("3", 200), header("2", 200), status("2", "2", "Get", 404), status("1", "4", "Get", 404),
            ],
            true,
        ),
        last_word("4"),
    ],
    "7 client repeated-status"
)]
#[case::command_after_an_abort(
    vec![
        package_1(),
        package_2([Command::get("./A")]),
        (vec![header("1", 212), alert(1223)], true),
        (vec![header("2", 200), status("2", "2", "Alert", 200), Command::get("./B")], true),
    ],
    "4 server command-after-abort"
)]
fn an_irregular_session_is_noted(#[case] messages: Vec<(Vec<Command>, bool)>, #[case] expected: &str) {
    assert_eq!(codes(&session(messages)).join("; "), expected);
}

/// A large object in three parts, each answered, with one thing changed.
#[rstest]
#[case::as_it_should_be(|_: &mut Session| {}, "")]
#[case::no_size(|it: &mut Session| set_size(it, 1, 3, None), "2 server part-without-size")]
#[case::size_again(|it: &mut Session| set_size(it, 3, 1, Some(6)), "4 server part-with-size")]
#[case::wrong_size(
    |it: &mut Session| set_size(it, 1, 3, Some(7)),
    "6 server wrong-size; 7 client wrong-size-taken"
)]
#[case::not_213(|it: &mut Session| status_of(it, 2, 1).code = StatusCode(200), "3 client part-not-213")]
#[case::no_status(|it: &mut Session| drop(it[2].1.commands.remove(1)), "3 client missing-status")]
#[case::final_too_soon(
    |it: &mut Session| it[1].1.is_final = true,
    "2 server final-with-part"
)]
#[case::something_else_between(
    |it: &mut Session| {
        it[3].1.commands.insert(1, Command::delete("./X").with_id("9"));
        it[4].1.commands.push(status("2", "9", "Delete", 200).with_id("9"));
    },
    "4 server part-interrupted"
)]
#[case::something_else_behind(
    |it: &mut Session| {
        it[1].1.commands.push(Command::delete("./X").with_id("9"));
        it[2].1.commands.push(status("1", "9", "Delete", 200).with_id("9"));
    },
    "2 server part-interrupted"
)]
#[case::never_ended(
    |it: &mut Session| {
        it[5].1.commands[1] = Command::delete("./X").with_id("2");
        status_of(it, 6, 1).command = "Delete".into();
    },
    "6 server part-interrupted"
)]
#[case::another_object_instead(
    |it: &mut Session| {
        it[3].1.commands[1] = part("xy", None, false).with_id("2");
        if let Command::Replace(replace) = &mut it[3].1.commands[1] {
            replace.items[0].target = Some("./P".into());
        }
        status_of(it, 4, 1).code = StatusCode(200);
        it[5].1.commands[1] = Command::delete("./X").with_id("2");
        status_of(it, 6, 1).command = "Delete".into();
    },
    "4 server part-interrupted"
)]
fn the_parts_of_a_large_object_are_checked(#[case] change: fn(&mut Session), #[case] expected: &str) {
    let mut session = session(vec![
        package_1(),
        (package_2([part("ab", Some(6), true)]).0, false),
        (
            vec![header("1", 212), status("1", "4", "Replace", 213), alert(1222)],
            false,
        ),
        (vec![header("2", 200), part("cd", None, true)], false),
        (
            vec![header("2", 200), status("2", "2", "Replace", 213), alert(1222)],
            false,
        ),
        (vec![header("3", 200), part("ef", None, false)], true),
        (vec![header("3", 200), status("3", "2", "Replace", 200)], true),
        last_word("4"),
    ]);
    change(&mut session);
    assert_eq!(codes(&session).join("; "), expected);
}

fn set_size(session: &mut Session, message: usize, command: usize, size: Option<u64>) {
    match &mut session[message].1.commands[command] {
        Command::Replace(replace) => replace.items[0].meta.size = size,
        other => panic!("a Replace, not {other:?}"),
    }
}

#[test]
fn a_part_inside_a_group_is_noted() {
    let group = Command::Sequence(Group {
        commands: vec![part("ab", Some(6), true)],
        ..Group::default()
    });
    let session = session(vec![
        package_1(),
        package_2([group]),
        (
            vec![
                header("1", 212),
                status("1", "4", "Sequence", 200),
                status("1", "5", "Replace", 406),
            ],
            true,
        ),
        last_word("2"),
    ]);
    assert_eq!(codes(&session), ["2 server part-in-group"]);
}

#[test]
fn a_session_that_goes_on_is_noted_as_it_does() {
    let mut conversation = Conversation::new();
    for (index, (sender, mut message)) in worked().into_iter().enumerate() {
        if index == 2 {
            message.commands.remove(0);
        }
        let notes = conversation.take(sender, &message);
        assert_eq!(notes.len(), usize::from(index == 2), "{notes:?}");
        assert_eq!(conversation.end().is_empty(), index == 3);
    }
}

#[test]
fn a_note_says_what_is_wrong_where_and_by_which_rule() {
    let mut session = worked();
    session[2].1.commands.swap(1, 2);
    session[2].1.commands.remove(3);
    insta::assert_snapshot!(told(&session).join("\n"), @r"
    message 3 (client), CmdID 3: Results come before the Status of their Get (OMA-TS-DM_RepPro 6.6.12)
    message 3 (client): no Status for Get (CmdID 5) of message 1 (OMA-TS-DM_RepPro 6.5)
    ");
}

#[test]
fn nothing_is_noted_of_no_session() {
    assert_eq!(told(&[]), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_session_of_any_messages_is_checked(
        messages in prop::collection::vec((any::<bool>(), any_message()), 0..8),
    ) {
        let sender = |is_client: &bool| if *is_client { Sender::Client } else { Sender::Server };
        let notes = check(messages.iter().map(|(is_client, message)| (sender(is_client), message)));
        for note in notes {
            prop_assert!(note.message <= messages.len());
            if let Some((is_client, _)) = messages.get(note.message) {
                prop_assert_eq!(note.sender, sender(is_client));
            }
        }
    }
}
