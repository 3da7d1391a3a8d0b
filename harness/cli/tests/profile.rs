//! `dmconform profile`: what a profile makes of captured messages.

use std::process::{Command, Output};

use rstest::rstest;

fn dmconform(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dmconform"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captured"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("it prints text")
}

#[rstest]
#[case("event.http", 0)]
#[case("question.http", 0)]
#[case("answer.http", 0)]
#[case("refusal.json", 0)]
#[case("broken.http", 1)]
fn a_captured_message_is_recognised_or_it_is_said_why_not(#[case] file: &str, #[case] exit: i32) {
    let output = dmconform(&["profile", "test", "json-rest", file]);
    assert_eq!(output.status.code(), Some(exit));
    insta::assert_snapshot!(format!("profile-test-{file}"), text(&output.stdout));
}

#[test]
fn what_is_recognised_is_printed_for_programs_too() {
    let output = dmconform(&["profile", "test", "json-rest", "event.http", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(found[0]["is"][0]["message"], "7");
    assert_eq!(found[0]["is"][0]["fields"]["session"][0], "s-1");
    assert_eq!(found[0]["is"][0]["lacks"][0], "device");
    assert_eq!(found[0]["is-not"][0]["message"], "2");
}

#[test]
fn a_head_without_an_end_is_an_error_that_says_so() {
    let output = dmconform(&["profile", "test", "json-rest", "without-end.http"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("read the head of `without-end.http`: it has no end"),
        "{said}"
    );
}

#[test]
fn a_profile_that_is_built_in_can_be_taken_as_a_beginning() {
    let shown = dmconform(&["profile", "show", "json-rest"]);
    let shipped = include_str!("../../../fixtures/profiles/json-rest.yaml");
    assert_eq!(text(&shown.stdout), shipped);
    let listed = text(&dmconform(&["profile", "list"]).stdout);
    assert!(
        listed.contains("default ") && listed.contains("json-rest "),
        "{listed}"
    );
}

#[test]
fn the_nearest_name_is_suggested_for_an_unknown_profile() {
    let output = dmconform(&["profile", "show", "json-rst"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `json-rest`?"));
}

#[test]
fn a_message_has_a_size_and_a_number_of_header_fields() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let refused = |message: String| {
        let path = folder.path().join("message.http");
        std::fs::write(&path, message).expect("the folder can be written to");
        let path = path.display().to_string();
        let output = dmconform(&["profile", "test", "json-rest", &path]);
        (output.status.code(), text(&output.stderr))
    };
    let of = |fields: usize| format!("POST /a HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(fields));
    assert_eq!(refused(of(128)), (Some(1), String::new()));
    let (code, said) = refused(of(129));
    assert_eq!(code, Some(2));
    assert!(said.contains("too many headers"), "{said}");
    let (code, said) = refused("x".repeat(16 * 1024 * 1024 + 1));
    assert_eq!(code, Some(2));
    assert!(said.contains("it is larger than 16 MiB"), "{said}");
}

/// What `profile test` makes of a message, and its exit code.
fn tested(message: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("message.http");
    std::fs::write(&path, message).expect("the folder can be written to");
    let path = path.display().to_string();
    let output = dmconform(&["profile", "test", "json-rest", &path]);
    (output.status.code(), text(&output.stdout))
}

#[test]
fn an_answer_may_be_without_its_body_where_the_profile_says_so() {
    let (code, said) = tested(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("  is message 2.answer\n"), "{said}");
    assert!(
        said.contains("  is not 3.answer: it has no readable document\n"),
        "{said}"
    );
}

#[rstest]
#[case("403 Forbidden", "{\"session\": \"s-1\"}", "2.answer (refused: status 403)")]
#[case("200 OK", "{\"result\": \"refused\"}", "7.answer (refused: result refused)")]
#[case("200 OK", "{\"session\": \"s-1\"}", "3.answer (refused: there is no URL)")]
fn an_answer_that_accepts_nothing_is_said_to_be_a_refusal(
    #[case] status: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let (code, said) = tested(format!("HTTP/1.1 {status}\r\n\r\n{body}").as_bytes());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[rstest]
#[case::in_chunks("transfer-encoding: chunked", "7\r\n{\"url\":\r\n6\r\n\"/b\"}\n\r\n0\r\n\r\n")]
#[case::in_chunks_once("transfer-encoding: chunked", "{\"url\":\"/b\"}")]
#[case::with_something_after_it("content-length: 12", "{\"url\":\"/b\"}HTTP/1.1 200 OK\r\n\r\n")]
fn the_body_of_a_captured_message_is_what_its_head_says(#[case] header: &str, #[case] body: &str) {
    let (code, said) = tested(format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n{body}").as_bytes());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("is message 3.answer\n    url                /b\n"),
        "{said}"
    );
}

#[test]
fn what_could_steer_a_terminal_is_shown_and_not_obeyed() {
    let body = "{\"url\":\"\\u001b[2J\\n  is message 10\",\"session\":\"a\\u009bb\"}";
    let (code, said) = tested(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes());
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("url                \u{FFFD}[2J   is message 10\n"),
        "{said}"
    );
    assert!(said.contains("a\u{FFFD}b"), "{said}");
}

#[test]
fn what_lies_in_a_folder_never_stands_in_for_what_is_built_in() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::create_dir(folder.path().join("default")).expect("the folder can be written to");
    for name in ["json-rest", "body.json"] {
        std::fs::write(folder.path().join(name), "{\"session\":\"s-1\"}").expect("it can be written to");
    }
    let here = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmconform"));
        command.current_dir(folder.path()).args(arguments);
        command.output().expect("the program starts")
    };
    let output = here(&["profile", "test", "json-rest", "body.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let message = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/messages/delegation-initiation.xml"
    );
    let output = here(&["decode", message]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let output = here(&["profile", "test", "./json-rest", "body.json"]);
    assert_eq!(output.status.code(), Some(2), "the file is meant");
}
