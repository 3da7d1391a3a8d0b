//! What is allowed is not noted.

use rstest::rstest;

use super::*;
use crate::account::{Account, Credentials};
use crate::auth::Secret;
use crate::devinfo::DeviceInfo;
use crate::session::client::{ClientConfig, ClientSession, Step};
use crate::session::server::{ServerConfig, ServerSession, Tag};
use crate::tree::Tree;

#[test]
fn the_worked_session_is_as_it_should_be() {
    assert_eq!(told(&worked()), [""; 0]);
}

#[test]
fn a_client_that_follows_the_address_of_the_answer_may_go_on_calling_the_server_as_before() {
    let mut session = worked();
    session[2].1.header.target = SERVER.into();
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_client_that_has_an_event_to_say_goes_on_after_a_server_with_nothing_to_be_answered() {
    let event = vec![header("1", 212), alert(1226)];
    let answer = vec![header("2", 200), status("2", "2", "Alert", 200)];
    let session = session(vec![package_1(), package_2([]), (event, true), (answer, true)]);
    assert_eq!(told(&session), [""; 0]);
}

#[rstest]
#[case::missing(407)]
#[case::wrong(401)]
fn a_client_that_is_challenged_goes_back_to_package_1(#[case] code: u16) {
    let refused = vec![
        challenge("1", code),
        status("1", "1", "Alert", code),
        status("1", "2", "Replace", code),
    ];
    let again = vec![header("1", 200), alert(1201), device_info()];
    let accepted = vec![
        header("2", 212),
        status("2", "2", "Alert", 200),
        status("2", "3", "Replace", 200),
    ];
    let session = session(vec![
        package_1(),
        (refused, true),
        (again, true),
        (accepted, true),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn both_ends_may_challenge_at_once() {
    let refused = vec![
        challenge("1", 407),
        status("1", "1", "Alert", 407),
        status("1", "2", "Replace", 407),
    ];
    let again = vec![challenge("1", 407), alert(1201), device_info()];
    let accepted = vec![
        header("2", 212),
        status("2", "2", "Alert", 200),
        status("2", "3", "Replace", 200),
        Command::get("./A"),
    ];
    let got = vec![
        header("2", 212),
        status("2", "4", "Get", 200),
        results("2", "4", "./A"),
    ];
    let session = session(vec![
        package_1(),
        (refused, true),
        (again, true),
        (accepted, true),
        (got, true),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_server_that_is_challenged_sends_its_commands_again() {
    let refused = vec![challenge("1", 401), status("1", "4", "Get", 401)];
    let again = vec![header("2", 200), Command::get("./A")];
    let got = vec![
        header("2", 212),
        status("2", "2", "Get", 200),
        results("2", "2", "./A"),
    ];
    let session = session(vec![
        package_1(),
        package_2([Command::get("./A")]),
        (refused, true),
        (again, true),
        (got, true),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_client_that_is_challenged_later_says_the_same_again() {
    let answers = |of_header: Command| {
        vec![
            header("1", 200),
            of_header,
            status("1", "4", "Get", 200),
            results("1", "4", "./A"),
        ]
    };
    let mut again = answers(header("2", 200));
    again.swap(0, 1);
    let session = session(vec![
        package_1(),
        package_2([Command::get("./A")]),
        (answers(header("1", 200))[1..].to_vec(), true),
        (vec![challenge("2", 401)], true),
        (again, true),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn an_unfinished_package_may_be_refused_at_once() {
    let refused = vec![
        challenge("1", 407),
        status("1", "1", "Alert", 407),
        status("1", "2", "Replace", 407),
    ];
    let again = vec![header("1", 200), alert(1201), device_info()];
    let accepted = vec![
        header("2", 212),
        status("2", "2", "Alert", 200),
        status("2", "3", "Replace", 200),
    ];
    let session = session(vec![
        (package_1().0, false),
        (refused, true),
        (again, true),
        (accepted, true),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[rstest]
fn a_client_may_send_package_1_in_more_than_one_message(#[values(false, true)] answers_the_alert: bool) {
    let mut rest = vec![header("1", 200), alert(1201)];
    if answers_the_alert {
        rest.insert(1, status("1", "2", "Alert", 200));
    }
    let session = session(vec![
        (vec![device_info()], false),
        (vec![header("1", 212), alert(1222)], false),
        (rest, true),
        (
            vec![
                header("2", 200),
                status("1", "1", "Replace", 200),
                status("2", if answers_the_alert { "3" } else { "2" }, "Alert", 200),
            ],
            true,
        ),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_server_may_send_its_package_in_more_than_one_message() {
    let first: Vec<_> = package_2([Command::get("./A")]).0;
    let session = session(vec![
        package_1(),
        (first, false),
        (
            vec![header("1", 212), status("1", "4", "Get", 404), alert(1222)],
            false,
        ),
        (vec![header("2", 200), Command::delete("./B")], true),
        (vec![header("2", 200), status("2", "2", "Delete", 200)], true),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn results_ask_on_as_well_as_an_alert_does() {
    let first: Vec<_> = package_2([Command::get("./A")]).0;
    let found = vec![
        header("1", 212),
        status("1", "4", "Get", 200),
        results("1", "4", "./A"),
    ];
    let session = session(vec![
        package_1(),
        (first, false),
        (found, false),
        (vec![header("2", 200), Command::delete("./B")], true),
        (vec![header("2", 200), status("2", "2", "Delete", 200)], true),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[rstest]
#[case::right_size(8, 200)]
#[case::wrong_size_refused(9, 424)]
fn a_large_object_comes_in_parts(#[case] size: u64, #[case] code: u16) {
    let first: Vec<_> = package_2([part("abcd", Some(size), true)]).0;
    let session = session(vec![
        package_1(),
        (first, false),
        (
            vec![header("1", 212), status("1", "4", "Replace", 213), alert(1222)],
            false,
        ),
        (vec![header("2", 200), part("ef", None, true)], false),
        (
            vec![header("2", 200), status("2", "2", "Replace", 213), alert(1222)],
            false,
        ),
        (vec![header("3", 200), part("gh", None, false)], true),
        (vec![header("3", 200), status("3", "2", "Replace", code)], true),
        last_word("4"),
    ]);
    let expected: &[&str] = match size {
        8 => &[],
        _ => &["message 6 (server), CmdID 2: an object of 9 octets comes with 8 (OMA-TS-DM_Protocol 7)"],
    };
    assert_eq!(told(&session), expected);
}

/// The last part may have a Status, as every part has, or none, as other results.
#[rstest]
#[case::nothing_more(vec![header("3", 200)])]
#[case::a_status(vec![header("3", 200), status("3", "2", "Results", 200)])]
fn a_client_sends_large_results_in_parts(#[case] last_word: Vec<Command>) {
    let found = |text: &str, size: Option<u64>, more_data: bool| {
        let meta = Meta {
            size,
            ..Meta::default()
        };
        Command::Results(Results {
            message_ref: "1".to_owned(),
            command_ref: "4".to_owned(),
            items: vec![Item {
                meta,
                more_data,
                ..source("./A", text)
            }],
            ..Results::default()
        })
    };
    let session = session(vec![
        package_1(),
        package_2([Command::get("./A")]),
        (
            vec![
                header("1", 212),
                status("1", "4", "Get", 200),
                found("abc", Some(5), true),
            ],
            false,
        ),
        (
            vec![header("2", 200), status("2", "3", "Results", 213), alert(1222)],
            false,
        ),
        (vec![header("2", 200), found("de", None, false)], true),
        (last_word, true),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_part_that_is_refused_for_its_credentials_is_said_again() {
    let first: Vec<_> = package_2([part("abcd", Some(8), true)]).0;
    let session = session(vec![
        package_1(),
        (first, false),
        (
            vec![header("1", 212), status("1", "4", "Replace", 213), alert(1222)],
            false,
        ),
        (vec![header("2", 200), part("ef", None, true)], false),
        (vec![challenge("2", 401), status("2", "2", "Replace", 401)], true),
        (vec![header("3", 200), part("ef", None, true)], false),
        (
            vec![header("3", 200), status("3", "2", "Replace", 213), alert(1222)],
            false,
        ),
        (vec![header("4", 200), part("gh", None, false)], true),
        (vec![header("4", 200), status("4", "2", "Replace", 200)], true),
        last_word("5"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_structure_that_was_asked_for_has_no_data() {
    let mut found = results("1", "4", "./A");
    if let Command::Results(results) = &mut found {
        results.items[0].data = None;
    }
    let session = session(vec![
        package_1(),
        package_2([Command::get("./A?list=Struct")]),
        (vec![header("1", 212), status("1", "4", "Get", 200), found], true),
        last_word("2"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn an_item_beside_a_part_has_a_status_of_its_own() {
    let Command::Replace(mut both) = part("abcd", Some(6), true) else {
        panic!("it is a Replace")
    };
    both.items.insert(0, Item::at("./Small").with_text("x"));
    let first: Vec<_> = package_2([Command::Replace(both)]).0;
    let session = session(vec![
        package_1(),
        (first, false),
        (
            vec![
                header("1", 212),
                status("1", "4", "Replace", 200),
                status("1", "4", "Replace", 213),
                alert(1222),
            ],
            false,
        ),
        (vec![header("2", 200), part("ef", None, false)], true),
        (vec![header("2", 200), status("2", "2", "Replace", 200)], true),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn an_object_that_is_refused_is_not_sent_to_its_end() {
    let first: Vec<_> = package_2([part("abcd", Some(8), true)]).0;
    let session = session(vec![
        package_1(),
        (first, false),
        (
            vec![header("1", 212), status("1", "4", "Replace", 413), alert(1222)],
            false,
        ),
        (vec![header("2", 200), Command::get("./A")], true),
        (
            vec![
                header("2", 200),
                status("2", "2", "Get", 200),
                results("2", "2", "./A"),
            ],
            true,
        ),
        last_word("3"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[rstest]
#[case::server(vec![package_1(), package_2([alert(1223)])])]
#[case::client(vec![
    package_1(),
    package_2([Command::get("./A"), Command::get("./B")]),
    (vec![header("1", 212), alert(1223)], true),
    (vec![header("2", 200), status("2", "2", "Alert", 200)], true),
])]
fn either_end_may_end_the_session(#[case] messages: Vec<(Vec<Command>, bool)>) {
    assert_eq!(told(&session(messages)), [""; 0]);
}

#[test]
fn the_members_of_groups_have_a_status_each() {
    let group = Command::Sequence(Group {
        commands: vec![
            Command::get("./A"),
            Command::Atomic(Group {
                commands: vec![Command::delete("./B")],
                ..Group::default()
            }),
        ],
        ..Group::default()
    });
    let answers = vec![
        header("1", 212),
        status("1", "4", "Sequence", 200),
        status("1", "5", "Get", 200),
        results("1", "5", "./A"),
        status("1", "6", "Atomic", 507),
        status("1", "7", "Delete", 216),
    ];
    let session = session(vec![
        package_1(),
        package_2([group]),
        (answers, true),
        last_word("2"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

/// A Status for each item, all of DevInfo with its interior nodes, no MsgRef in Results.
#[test]
fn what_clients_in_the_field_do_is_not_noted() {
    let mut info = device_info();
    if let Command::Replace(replace) = &mut info {
        replace.items.reverse();
        replace.items.insert(0, source("DevInfo/Ext", "A/B"));
        replace.items.push(source("./DevInfo", "DevId/Man"));
    }
    let get = Command::Get(Operation::on(vec![Item::at("./A"), Item::at("./B")]));
    let answers = vec![
        header("1", 212),
        status("1", "4", "Get", 200),
        results("", "4", "./A"),
        status("1", "4", "Get", 404),
    ];
    let session = session(vec![
        (vec![alert(1201), info], true),
        package_2([get]),
        (answers, true),
        last_word("2"),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn a_client_reports_later_what_it_has_accepted() {
    let exec = Command::Exec(Operation::on(vec![Item::at("./A")]));
    let session = session(vec![
        package_1(),
        package_2([exec]),
        (vec![header("1", 212), status("1", "4", "Exec", 202)], true),
        (vec![header("2", 200), Command::get("./A")], true),
        (
            vec![
                header("2", 200),
                status("2", "2", "Get", 200),
                results("2", "2", "./A"),
                status("1", "4", "Exec", 200),
                alert(1226),
            ],
            true,
        ),
        (vec![header("3", 200), status("3", "5", "Alert", 200)], true),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

#[test]
fn results_that_the_server_cannot_take_may_have_a_status() {
    let session = session(vec![
        package_1(),
        package_2([Command::get("./A")]),
        (
            vec![
                header("1", 212),
                status("1", "4", "Get", 200),
                results("1", "4", "./A"),
            ],
            true,
        ),
        (vec![header("2", 200), status("2", "3", "Results", 413)], true),
    ]);
    assert_eq!(told(&session), [""; 0]);
}

/// Sessions of the two ends of this crate, which know nothing of this module, however much they know of each other.
#[rstest]
fn the_ends_of_this_crate_keep_the_rules(
    #[values(false, true)] device_nonce_is_stale: bool,
    #[values(false, true)] server_nonce_is_stale: bool,
    #[values(false, true)] device_is_known: bool,
) {
    let device = Credentials::digest("dev-0001", Secret::new("s3cret-dev"), *b"nonce-A");
    let server = Credentials::digest("dms2.example", Secret::new("srv-pw-2"), *b"nonce-B");
    let stale = |credentials: &Credentials, is_stale: bool| match is_stale {
        true => Credentials {
            nonce: b"stale".to_vec(),
            ..credentials.clone()
        },
        false => credentials.clone(),
    };
    let mut account = Account::new("dms2.example", SERVER);
    account.client_credentials = Some(stale(&device, device_nonce_is_stale));
    account.server_credentials = Some(stale(&server, server_nonce_is_stale));
    let device_info = DeviceInfo {
        device_id: DEVICE.into(),
        manufacturer: "Example Maker".into(),
        model: "Model-1".into(),
        dm_version: "0.1".into(),
        language: "en".into(),
    };
    let config = ClientConfig::new(account, device_info, "A7", AlertCode::CLIENT_INITIATED, b"client");
    let (mut client, mut said) = ClientSession::start(config);
    let known = device_is_known.then_some(device);
    let mut server = ServerSession::new(ServerConfig::new(SERVER, Some(server), b"server"), known);
    let mut session = Vec::new();
    let commands = [Command::get("./A"), Command::add_node("./B"), Command::get(".")];
    let mut commands = commands.into_iter().map(|command| vec![(Tag(1), command)]);
    let mut tree = Tree::new();
    while session.len() < 20 {
        server.receive(&said);
        let answer = server.respond(commands.next().unwrap_or_default());
        session.extend([(Sender::Client, said), (Sender::Server, answer.clone())]);
        match client.receive(&answer, &mut tree) {
            Step::Send(message) => said = *message,
            Step::Ended(_) => break,
        }
    }
    assert!((8..20).contains(&session.len()), "{session:#?}");
    assert_eq!(told(&session), [""; 0]);
}
