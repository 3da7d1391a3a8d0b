//! That what is secret is not printed.

use super::*;

const SECRETS: [&str; 8] = [
    "s3cret-dev",
    "srv-pw-2",
    "nonce-A",
    "nonce-B",
    // The nonces as numbers, and in base64.
    "110, 111, 110, 99, 101",
    "bm9uY2U",
    // Seeds.
    "the-seed",
    "116, 104, 101, 45, 115",
];

fn assert_unseen(what: &str, printed: &[String]) {
    for text in printed {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{what} shows {secret}: {text}");
        }
    }
}

fn both(value: &impl std::fmt::Debug) -> [String; 2] {
    [format!("{value:?}"), format!("{value:#?}")]
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let client = ClientConfig {
        seed: b"the-seed".to_vec(),
        ..config_of(account())
    };
    let server = ServerConfig::new(ADDRESS, Some(of_server()), b"the-seed");
    assert_unseen("Secret", &both(&of_device().secret));
    assert_unseen("Credentials", &both(&of_device()));
    assert_unseen("Account", &both(&account()));
    assert_unseen("ClientConfig", &both(&client));
    assert_unseen("ServerConfig", &both(&server));
    // What is no secret is there.
    assert!(format!("{client:?}").contains("dms2.example"));
    assert!(format!("{:?}", of_device()).contains("dev-0001"));
}

#[test]
fn no_message_of_a_session_prints_what_it_proves_and_is_proved_with() {
    let played = play(
        account(),
        server(),
        vec![(Tag(1), Command::get("./DevInfo"))],
        &mut tree(),
    );
    for sent in &played.sent {
        let header = &sent.message.header;
        let data = header.credentials.as_ref().map(|given| given.data.clone());
        let nonces = sent.message.commands.iter().filter_map(|command| match command {
            Command::Status(status) => status.challenge.clone()?.next_nonce,
            _ => None,
        });
        for secret in data.into_iter().chain(nonces) {
            for printed in both(&sent.message) {
                assert!(!printed.contains(&secret), "it shows {secret}: {printed}");
            }
        }
    }
    assert!(
        played.sent[1]
            .message
            .commands
            .iter()
            .any(|command| matches!(command, Command::Status(status) if status.challenge.is_some()))
    );
}

#[test]
fn a_header_does_not_print_its_digest() {
    let secret = of_device().secret;
    let header = crate::auth::HmacHeader::sign("dev-0001", &secret, b"nonce-A", b"body").unwrap();
    let written = header.to_string();
    let digest = written.rsplit("mac=").next().unwrap();
    assert!(both(&header).iter().all(|printed| !printed.contains(digest)));
}
