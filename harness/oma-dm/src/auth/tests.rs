//! The digests against what was computed elsewhere, and the header that carries one.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[test]
fn the_printed_examples_of_the_specification_come_out() {
    // OMA-TS-DM_Protocol 9.4.1 and 9.4.2.
    assert_eq!(basic("Bruce2", &Secret::new("OhBehave")), "QnJ1Y2UyOk9oQmVoYXZl");
    assert_eq!(
        md5("Bruce2", &Secret::new("OhBehave"), b"Nonce"),
        "Zz6EivR3yeaaENcRN6lpAQ=="
    );
}

#[rstest]
#[case("dev-0001", "s3cret-dev", "nonce-A", "lBXwH+VDIDoSQRfB1kGzdg==")]
#[case("dms2.example", "srv-pw-2", "nonce-B", "7ioNd1FNAVNkfwqg4bPAHw==")]
fn digests_are_those_computed_elsewhere(
    #[case] name: &str,
    #[case] secret: &str,
    #[case] nonce: &str,
    #[case] expected: &str,
) {
    assert_eq!(md5(name, &Secret::new(secret), nonce.as_bytes()), expected);
}

#[test]
fn a_digest_over_a_message_is_the_one_computed_elsewhere() {
    let body = b"<SyncML xmlns='SYNCML:SYNCML1.2'></SyncML>";
    let mac = mac("dev-0001", &Secret::new("s3cret-dev"), b"nonce-A", body);
    assert_eq!(mac, "fZKRYXNXTI1a22mdcbWwSw==");
}

#[rstest]
#[case(b"trig-nonce", 0x2c35_eb3f_1752_088c_bed5_bc5e_4f1f_0601)]
#[case(b"\0\0\0\0", 0xcdfe_6061_4456_ad3c_e909_f156_a627_0aff)]
fn the_digest_of_a_notification_is_the_one_computed_elsewhere(#[case] nonce: &[u8], #[case] expected: u128) {
    let octets = b"\x02\xd8\0\0\0\0\xa7\x0cdms2.example";
    let digest = notification_digest("dms2.example", &Secret::new("srv-pw-2"), nonce, octets);
    assert_eq!(u128::from_be_bytes(digest), expected);
}

#[test]
fn digests_are_the_same_only_when_all_of_them_is() {
    assert!(same("lBXwH+VDIDoSQRfB1kGzdg==", "lBXwH+VDIDoSQRfB1kGzdg=="));
    assert!(!same("lBXwH+VDIDoSQRfB1kGzdg==", "lBXwH+VDIDoSQRfB1kGzdg="));
    assert!(!same("lBXwH+VDIDoSQRfB1kGzdg==", "mBXwH+VDIDoSQRfB1kGzdg=="));
    assert!(!same("lBXwH+VDIDoSQRfB1kGzdg==", ""));
}

#[test]
fn a_secret_is_not_printed() {
    assert_eq!(format!("{:?}", Secret::new("s3cret")), "Secret(…)");
}

const BODY: &[u8] = b"<SyncML xmlns='SYNCML:SYNCML1.2'></SyncML>";

fn verifies(value: &str) -> bool {
    let header = HmacHeader::parse(value).unwrap();
    header.verifies("dev-0001", &Secret::new("s3cret-dev"), b"nonce-A", BODY)
}

#[rstest]
#[case::as_specified(r#"algorithm=MD5, username="dev-0001", mac=fZKRYXNXTI1a22mdcbWwSw=="#)]
#[case::without_the_algorithm(r#"username="dev-0001", mac=fZKRYXNXTI1a22mdcbWwSw=="#)]
#[case::in_another_order(r#"mac=fZKRYXNXTI1a22mdcbWwSw==,username="dev-0001",algorithm=md5"#)]
#[case::with_the_digest_in_quotes(r#"username="dev-0001", mac="fZKRYXNXTI1a22mdcbWwSw==""#)]
#[case::with_empty_elements(", ,username=\"dev-0001\" ,\r\n\t mac = fZKRYXNXTI1a22mdcbWwSw== , ")]
#[case::with_names_in_capitals(r#"USERNAME="dev-0001", MAC=fZKRYXNXTI1a22mdcbWwSw=="#)]
#[case::with_an_escaped_letter(r#"username="dev\-0001", mac=fZKRYXNXTI1a22mdcbWwSw=="#)]
#[case::with_something_unknown(r#"username="dev-0001", mac=fZKRYXNXTI1a22mdcbWwSw==, x="a, b""#)]
fn a_header_is_read_however_it_may_be_written(#[case] value: &str) {
    assert!(verifies(value));
}

#[rstest]
#[case::another_name(r#"username="dev-0002", mac=fZKRYXNXTI1a22mdcbWwSw=="#)]
#[case::another_digest(r#"username="dev-0001", mac=gZKRYXNXTI1a22mdcbWwSw=="#)]
fn a_header_of_somebody_else_does_not_verify(#[case] value: &str) {
    assert!(!verifies(value));
}

#[test]
fn a_header_verifies_with_its_own_name_secret_nonce_and_body_only() {
    let secret = Secret::new("s3cret-dev");
    let header = HmacHeader::sign("dev-0001", &secret, b"nonce-A", BODY).unwrap();
    assert!(header.verifies("dev-0001", &secret, b"nonce-A", BODY));
    assert!(!header.verifies("dev-0002", &secret, b"nonce-A", BODY));
    assert!(!header.verifies("dev-0001", &Secret::new("other"), b"nonce-A", BODY));
    assert!(!header.verifies("dev-0001", &secret, b"nonce-B", BODY));
    assert!(!header.verifies("dev-0001", &secret, b"nonce-A", &BODY[1..]));
}

#[rstest]
#[case("algorithm=SHA1, username=\"d\", mac=fZKRYXNXTI1a22mdcbWwSw==", 10, HmacProblem::Algorithm("SHA1".into()))]
#[case("username=\"d\"", 12, HmacProblem::Missing("mac"))]
#[case("mac=fZKRYXNXTI1a22mdcbWwSw==", 28, HmacProblem::Missing("username"))]
#[case("", 0, HmacProblem::Missing("username"))]
#[case("username=d, mac=fZKRYXNXTI1a22mdcbWwSw==", 9, HmacProblem::Unquoted)]
#[case("username=\"d\", mac=AAAA", 18, HmacProblem::Digest)]
#[case("username=\"d\", mac=?", 18, HmacProblem::Digest)]
#[case("username=\"d\", Username=\"e\"", 23, HmacProblem::Repeated("Username".into()))]
#[case(
    "username=\"d",
    9,
    HmacProblem::Syntax("a quote at the end of what one begins")
)]
#[case(
    "username=\"d\" mac=AAAA",
    13,
    HmacProblem::Syntax("a comma after a parameter")
)]
#[case("username", 8, HmacProblem::Syntax("`=` after the name of a parameter"))]
#[case("=x", 0, HmacProblem::Syntax("the name of a parameter"))]
fn a_header_that_says_nothing_is_refused_with_the_place(
    #[case] value: &str,
    #[case] at: usize,
    #[case] problem: HmacProblem,
) {
    assert_eq!(
        HmacHeader::parse(value).unwrap_err(),
        HmacHeaderError { at, problem }
    );
}

#[test]
fn a_refusal_reads_as_the_end_of_a_sentence() {
    let error = HmacHeader::parse("algorithm=SHA1, username=\"d\", mac=AAAA").unwrap_err();
    let expected =
        "use the header x-syncml-hmac: the algorithm is `SHA1`, where only MD5 is defined (octet 10)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_name_that_would_begin_another_header_is_not_written() {
    let error = HmacHeader::sign("d\r\nX: y", &Secret::new("s"), b"n", BODY).unwrap_err();
    assert_eq!(
        error,
        HmacHeaderError {
            at: 1,
            problem: HmacProblem::ControlCharacter
        }
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(value in ".*") {
        // What is read is what is written again.
        if let Ok(header) = HmacHeader::parse(&value) {
            let again = HmacHeader::parse(&header.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), header.to_string());
        }
    }

    #[test]
    fn a_header_comes_back_as_it_was_written(name in "\\PC*", body in prop::collection::vec(any::<u8>(), 0..40)) {
        let secret = Secret::new("s3cret");
        let header = HmacHeader::sign(&name, &secret, b"nonce", &body).unwrap();
        let read = HmacHeader::parse(&header.to_string()).unwrap();
        prop_assert_eq!(read.username(), &name);
        prop_assert!(read.verifies(&name, &secret, b"nonce", &body));
    }
}
