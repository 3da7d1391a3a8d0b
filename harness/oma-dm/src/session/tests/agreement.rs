//! That limits, encodings and schemes change how much is said at once, and nothing of what is done.

use proptest::prelude::*;

use super::*;
use crate::syncml::Operation;

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "a/x", "b/y", "none"]).prop_map(|name| format!("./I/{name}"))
}

/// Short texts, and some that fit in no message of the smaller sizes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z&<>\"ä€]{0,12}",
        1 => ("[a-z]{1,3}[&<ä€𝄞]", 150..900_usize).prop_map(|(text, times)| text.repeat(times)),
    ]
}

fn simple() -> impl Strategy<Value = Command> {
    prop_oneof![
        name().prop_map(|at| Command::get(&at)),
        name().prop_map(|at| Command::get(&format!("{at}?prop=ACL"))),
        Just(Command::get("./I?list=StructData")),
        name().prop_map(|at| Command::add_node(&at)),
        name().prop_map(|at| Command::delete(&at)),
        (name(), "[a-z]{0,8}").prop_map(|(at, text)| Command::add_text(&at, &text)),
        (name(), "[a-z]{0,8}").prop_map(|(at, text)| Command::replace_text(&at, &text)),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let group = || {
        prop::collection::vec(simple(), 1..4).prop_map(|commands| Group {
            commands,
            ..Group::default()
        })
    };
    let items = prop::collection::vec((name(), "[a-z]{0,8}"), 1..4);
    prop_oneof![
        6 => simple(),
        3 => (name(), text()).prop_map(|(at, text)| Command::add_text(&at, &text)),
        2 => (name(), text()).prop_map(|(at, text)| Command::replace_text(&at, &text)),
        1 => group().prop_map(Command::Sequence),
        1 => group().prop_map(Command::Atomic),
        1 => items.prop_map(|items| {
            let items = items.iter().map(|(at, text)| Item::at(at).with_text(text));
            Command::Replace(Operation::on(items.collect()))
        }),
    ]
}

fn script() -> impl Strategy<Value = Vec<Vec<(Tag, Command)>>> {
    let turns = prop::collection::vec(prop::collection::vec(command(), 1..8), 1..4);
    turns.prop_map(|turns| {
        let mut tags = (0..).map(Tag);
        let mut tagged = |turn: Vec<Command>| {
            turn.into_iter()
                .zip(&mut tags)
                .map(|(command, tag)| (tag, command))
                .collect()
        };
        turns.into_iter().map(&mut tagged).collect()
    })
}

fn scheme() -> impl Strategy<Value = Option<AuthenticationType>> {
    prop::sample::select(vec![
        None,
        Some(AuthenticationType::Basic),
        Some(AuthenticationType::Digest),
        Some(AuthenticationType::Hmac),
    ])
}

/// How one end is in the way of the other.
#[derive(Clone, Debug)]
struct Circumstances {
    of_client: Option<AuthenticationType>,
    of_server: Option<AuthenticationType>,
    is_for_each: bool,
    encoding: Encoding,
    client_takes: Option<u64>,
    server_takes: Option<u64>,
    has_stale_nonces: bool,
    lost_seal: usize,
}

fn circumstances() -> impl Strategy<Value = Circumstances> {
    let limit = || prop::option::of(1500..6000_u64);
    (
        (scheme(), scheme(), any::<bool>(), any::<bool>()),
        (limit(), limit(), any::<bool>(), 0..12_usize),
    )
        .prop_map(
            |(
                (of_client, of_server, is_for_each, is_xml),
                (client_takes, server_takes, has_stale_nonces, lost_seal),
            )| {
                Circumstances {
                    of_client,
                    of_server,
                    is_for_each,
                    encoding: if is_xml { Encoding::Xml } else { Encoding::Wbxml },
                    client_takes,
                    server_takes,
                    has_stale_nonces,
                    lost_seal,
                }
            },
        )
}

fn plain() -> Circumstances {
    Circumstances {
        of_client: None,
        of_server: None,
        is_for_each: false,
        encoding: Encoding::Xml,
        client_takes: None,
        server_takes: None,
        has_stale_nonces: false,
        lost_seal: usize::MAX,
    }
}

fn play_in(circumstances: &Circumstances, script: Vec<Vec<(Tag, Command)>>) -> (Played, Tree) {
    let given = |kind: Option<AuthenticationType>, credentials: Credentials| {
        kind.map(|authentication_type| Credentials {
            authentication_type,
            ..credentials
        })
    };
    let begins_with = |credentials: Option<Credentials>| match circumstances.has_stale_nonces {
        true => credentials.map(|credentials| Credentials {
            nonce: b"stale".to_vec(),
            ..credentials
        }),
        false => credentials,
    };
    let of_client = given(circumstances.of_client, of_device());
    let of_the_server = given(circumstances.of_server, of_server());
    let account = Account {
        client_credentials: begins_with(of_client.clone()),
        server_credentials: of_the_server.clone(),
        ..account()
    };
    let client = ClientConfig {
        encoding: circumstances.encoding,
        max_message_size: circumstances.client_takes,
        checks_each_message: circumstances.is_for_each,
        ..config_of(account)
    };
    let of_session = ServerConfig {
        encoding: circumstances.encoding,
        max_message_size: circumstances.server_takes,
        checks_each_message: circumstances.is_for_each,
        ..ServerConfig::new(ADDRESS, begins_with(of_the_server), b"server")
    };
    let server = ServerSession::new(of_session, of_client);
    let mut tree = tree();
    let scene = Scene {
        client,
        server,
        encoding: circumstances.encoding,
        script,
    };
    // One seal may be lost on the way; what it was for is asked for again.
    let lost = circumstances.lost_seal;
    let played = scene.play_with(&mut tree, |number, seal| {
        seal.filter(|_| number != lost || number < 2)
    });
    (played, tree)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn the_same_is_done_and_told_in_all_circumstances(script in script(), circumstances in circumstances()) {
        let (expected, expected_tree) = play_in(&plain(), script.clone());
        prop_assert_eq!(expected.end, End::Finished);
        let (played, tree) = play_in(&circumstances, script);
        // The last message asks for nothing, so nobody is asked to prove that it is his.
        let is_last_doubtful = circumstances.of_server == Some(AuthenticationType::Hmac)
            && circumstances.lost_seal >= 2 && circumstances.lost_seal == played.sent.len() - 1;
        let end = match is_last_doubtful {
            true => End::ServerNotAuthenticated(Authentication::Missing),
            false => End::Finished,
        };
        prop_assert_eq!(played.end, end);
        prop_assert_eq!(played.server.oversized(), &[]);
        prop_assert!(played.server.unanswered().is_empty());
        prop_assert_eq!(tree, expected_tree);
        prop_assert_eq!(&played.statuses, &expected.statuses);
        prop_assert_eq!(&played.results, &expected.results);
        prop_assert_eq!(&played.lost, &expected.lost);
        for (index, sent) in played.sent.iter().enumerate() {
            let limit = if sent.by_client { circumstances.server_takes } else { circumstances.client_takes };
            // Package 1 is written before the client knows what the server takes.
            if index > 0 && let Some(limit) = limit {
                prop_assert!(sent.octets as u64 <= limit, "message {index} has {} octets, not {limit}", sent.octets);
            }
        }
    }
}
