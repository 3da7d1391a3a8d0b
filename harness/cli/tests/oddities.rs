//! Each oddity shows in what the products and the mock roles send; otherwise the self-test would prove nothing.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use rstest::rstest;
use tempfile::TempDir;

/// What was sent in a full delegation, against each product with one role.
struct Sent {
    /// By the products.
    products: String,
    /// By the mock roles.
    peers: String,
    /// Everything else that happened.
    events: String,
}

fn delegations(options: &[&str]) -> Sent {
    cases(
        [
            ["reference-dm-client", "DEL-CLIENT-0-010"],
            ["reference-dms-1", "DEL-DMS1-0-010"],
            ["reference-dms-2", "DEL-DMS2-0-010"],
        ],
        options,
    )
}

fn cases<const N: usize>(cases: [[&str; 2]; N], options: &[&str]) -> Sent {
    let folder = TempDir::new().expect("a folder can be made");
    let out = folder.path().join("out").display().to_string();
    let ended = Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .args(["run", "--seed", "1", "--out", &out])
        .args(cases.iter().flat_map(|[_, case]| ["--case", case]))
        .args(options)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let text: Vec<String> = cases
        .iter()
        .map(|[product, case]| {
            let path = format!("{out}/transcripts/{product}/{case}.jsonl");
            fs::read_to_string(path).expect("it was written")
        })
        .collect();
    // The first line says what is expected, not what happened.
    let lines = || text.iter().flat_map(|text| text.lines().skip(1));
    let of = |kinds: &[&str]| -> String {
        let is_one = |line: &&str| {
            kinds
                .iter()
                .any(|kind| line.contains(&format!("\"event\":{{\"{kind}\"")))
        };
        lines().filter(is_one).collect::<Vec<_>>().join("\n")
    };
    Sent {
        products: of(&["request-received", "response-received"]),
        peers: of(&["request-sent", "response-sent"]),
        events: of(&["connection-opened"]),
    }
}

fn usual() -> &'static Sent {
    static USUAL: OnceLock<Sent> = OnceLock::new();
    USUAL.get_or_init(|| delegations(&[]))
}

fn odd(oddity: &str) -> Sent {
    delegations(&["--oddity", oddity, "--peer-oddity", oddity])
}

#[test]
fn an_alert_beside_the_one_that_opens_a_session_is_not_held_against_a_client_that_was_notified() {
    let sent = cases(
        [["reference-dm-client", "DEL-CLIENT-4-510"]],
        &["--oddity", "further-alerts"],
    );
    // In WBXML, as the client's file has it: the code of the generic alert as text.
    assert!(sent.products.contains("31323236"), "{}", sent.products);
}

fn count(text: &str, marks: &[&str]) -> usize {
    marks.iter().map(|mark| text.matches(mark).count()).sum()
}

#[rstest]
#[case::connections("connection-for-each-message", &[r#"["connection","close"]"#])]
#[case::header_fields("further-header-fields", &["x-request-id"])]
#[case::media_types("media-type-parameters", &[";charset=utf-8", "; Charset=\\\"utf-8"])]
#[case::status("other-success-status", &["\"status\":201", "\"status\":202", "\"status\":203"])]
#[case::no_body("answers-without-body", &["\"status\":204"])]
#[case::prefix("documents-with-prefix", &["<d:Answer"])]
#[case::extensions("documents-with-extensions", &["urn:example:extension"])]
#[case::order("documents-in-another-order", &["<Answer xmlns=\\\"urn:dmconform:delegation:0\\\"><Result>"])]
#[case::document_layout("documents-with-layout", &["<!-- laid out -->\\n<Answer"])]
#[case::urls("urls-with-queries", &["a=%2F%C3%A9"])]
#[case::syncml_layout("syncml-with-layout", &["<!-- laid out -->\\n<SyncML"])]
#[case::polls("polls-often", &["<MsgID>1</MsgID>"])]
#[case::alerts("further-alerts", &["urn:example:alert"])]
#[case::sequence("commands-in-sequence", &["<Sequence>"])]
#[case::separate("separate-commands", &["<Add>"])]
#[case::reads("reads-first", &["<LocURI>./DevInfo/Lang</LocURI>"])]
#[case::names("unusual-entry-names", &["-._~"])]
#[case::acls("acls-in-another-order", &["<Data>Replace="])]
fn what_products_and_their_peers_send_shows_the_oddity(#[case] oddity: &str, #[case] marks: &[&str]) {
    let odd = odd(oddity);
    let more = |odd: &str, usual: &str| count(odd, marks) > count(usual, marks);
    assert!(
        more(&odd.products, &usual().products),
        "the products do not show {oddity}"
    );
    assert!(
        more(&odd.peers, &usual().peers),
        "the mock roles do not show {oddity}"
    );
}

#[test]
fn a_client_that_comes_back_opens_more_sessions_with_dms_2() {
    let sessions = |sent: &str| {
        let is_opened = |line: &&str| {
            // In XML or in WBXML.
            let is_first = line.contains("<MsgID>1</MsgID>") || line.to_lowercase().contains("5b03310001");
            line.contains(r#""endpoint":{"role":"dms-2","kind":"dm"}"#) && is_first
        };
        sent.lines().filter(is_opened).count()
    };
    let client = |options: &[&str]| {
        let sent = cases([["reference-dm-client", "DEL-CLIENT-0-010"]], options);
        sessions(&sent.products)
    };
    assert_eq!([client(&[]), client(&["--oddity", "comes-back"])], [1, 2]);
    let mock_client = |options: &[&str]| {
        let sent = cases([["reference-dms-2", "DEL-DMS2-0-010"]], options);
        sessions(&sent.peers)
    };
    assert_eq!(
        [mock_client(&[]), mock_client(&["--peer-oddity", "comes-back"])],
        [1, 2]
    );
}

#[test]
fn chunks_show_in_what_products_send() {
    let chunked = count(
        &odd("chunked-bodies").products,
        &[r#"["transfer-encoding","chunked"]"#],
    );
    assert!(chunked > 5, "{chunked} bodies came in chunks");
}

/// With one command in each message, two commands take a message more.
#[test]
fn one_command_in_each_message_makes_more_messages() {
    let commands = [
        "--oddity",
        "separate-commands",
        "--peer-oddity",
        "separate-commands",
    ];
    let one = [
        "--oddity",
        "one-command-per-message",
        "--peer-oddity",
        "one-command-per-message",
    ];
    let (together, apart) = (delegations(&commands), delegations(&[commands, one].concat()));
    let third = |sent: &str| count(sent, &["<MsgID>3</MsgID>", "<MsgID>4</MsgID>"]);
    assert!(third(&apart.products) > third(&together.products));
    assert!(third(&apart.peers) > third(&together.peers));
}

/// An ACL and the removal of the account stand in one Sequence: of a product, and of a mock role that speaks XML to another.
#[test]
fn the_account_is_removed_in_the_message_that_updates_the_acls() {
    let together = |sent: &str| {
        let is_both = |message: &&str| {
            let sequence = message.split_once("<Sequence>").map_or("", |(_, rest)| rest);
            sequence.contains("?prop=ACL</LocURI></Target>") && sequence.contains("<Delete>")
        };
        sent.lines().filter(is_both).count()
    };
    let of_product =
        |options: &[&str]| together(&cases([["reference-dms-1", "DEL-DMS1-0-020"]], options).products);
    let of_peers =
        |options: &[&str]| together(&cases([["reference-dms-2", "DEL-DMS2-0-020"]], options).peers);
    assert_eq!((of_product(&[]), of_peers(&[])), (0, 0));
    assert_eq!(of_product(&["--oddity", "removal-with-acls"]), 1);
    assert_eq!(of_peers(&["--peer-oddity", "removal-with-acls"]), 1);
}

#[test]
fn servers_that_keep_connections_open_fewer() {
    let opened = |sent: &Sent| count(&sent.events, &[r#""kind":"delegation""#]);
    let (kept, usual) = (opened(&odd("connections-kept")), opened(usual()));
    assert!(kept < usual, "{kept} connections instead of {usual}");
}

#[test]
fn a_connection_that_is_kept_does_not_carry_what_needs_another_one() {
    // Each of them speaks another version of TLS at step 3, on a connection of its own.
    cases(
        [
            ["reference-dms-2-bootstrap-server", "ROB-DMS2-1-010"],
            ["reference-dms-2-bootstrap-server", "ROB-DMS2-1-020"],
        ],
        &["--peer-oddity", "connections-kept"],
    );
}

#[test]
fn a_product_with_every_oddity_passes_among_peers_with_every_oddity() {
    let all = delegations(&["--oddity", "all", "--peer-oddity", "all"]);
    assert!(count(&all.products, &["x-request-id"]) > 0);
    assert!(count(&all.peers, &["x-request-id"]) > 0);
}
