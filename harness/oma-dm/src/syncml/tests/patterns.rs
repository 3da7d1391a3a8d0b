//! What is read by the way in which another message is written, is read as it would be without that.

use proptest::prelude::*;

use super::messages::clean_message;
use super::*;

fn pattern(octets: &[u8]) -> Pattern {
    Pattern::of(octets, &xml(octets)).expect("it is as it should be")
}

/// A message in which one text is another one.
fn with(octets: &[u8], text: &str, other: &str) -> Vec<u8> {
    let document = std::str::from_utf8(octets).expect("it is text");
    assert!(document.contains(text), "{text}");
    document.replace(text, other).into_bytes()
}

/// Whether a message is read by the pattern of another one, and then as it is read without.
fn is_read(pattern: &Pattern, octets: &[u8]) -> bool {
    let document = std::str::from_utf8(octets).expect("it is text");
    let Some(message) = pattern.read(document) else {
        return false;
    };
    let reading = xml(octets);
    assert_eq!(reading.observations, []);
    assert_eq!(reading.message, message);
    true
}

#[rstest]
fn a_message_of_the_worked_session_is_read_by_its_own_pattern(#[values(0, 1, 2, 3)] package: usize) {
    let octets = PACKAGES[package];
    assert!(is_read(&pattern(octets), octets));
}

#[rstest]
#[case::of_another_session(0, ">A7<", ">1FFE0<")]
#[case::of_a_session_with_a_longer_name(0, ">A7<", ">A7B<")]
#[case::of_a_session_with_a_shorter_name(0, ">A7<", ">A<")]
#[case::to_another_server(0, "https://", "https://elsewhere.example/")]
#[case::with_another_nonce(2, "bm9uY2UtRA==", "bm9uY2Ugbm8uIDU=")]
#[case::of_another_device(2, "dev-0001", "a device")]
#[case::with_another_account(2, "./DMAcc/dms1", "./DMAcc/another one")]
fn another_message_that_is_written_the_same_way_is_read_by_the_pattern(
    #[case] package: usize,
    #[case] text: &str,
    #[case] other: &str,
) {
    let octets = PACKAGES[package];
    assert!(is_read(&pattern(octets), &with(octets, text, other)));
}

#[rstest]
#[case::without_an_element(0, "<MsgID>1</MsgID>", "")]
#[case::with_another_command_id(0, "<CmdID>2</CmdID>", "<CmdID>3</CmdID>")]
#[case::with_an_entity(0, ">A7<", ">A&#55;<")]
#[case::with_white_space(0, ">A7<", "> A7<")]
#[case::with_a_line_end(0, ">A7<", ">A\r7<")]
#[case::with_other_letters(0, ">A7<", ">Ä7<")]
#[case::with_what_no_text_has(0, ">A7<", ">A]]>7<")]
#[case::with_nothing(0, ">A7<", "><")]
#[case::with_markup(0, ">A7<", ">A<!-- -->7<")]
#[case::with_a_nonce_that_is_none(2, "bm9uY2UtRA==", "no nonce")]
#[case::with_more_behind_it(0, "</SyncML>", "</SyncML><!-- -->")]
fn one_that_is_written_otherwise_is_not(#[case] package: usize, #[case] text: &str, #[case] other: &str) {
    let octets = PACKAGES[package];
    assert!(!is_read(&pattern(octets), &with(octets, text, other)));
}

#[test]
fn a_message_with_a_departure_or_a_very_long_one_has_no_pattern() {
    let departs = with(PACKAGES[0], "<VerProto>DM/1.2<", "<VerProto>DM/1.3<");
    assert!(Pattern::of(&departs, &xml(&departs)).is_none());
    let long = with(PACKAGES[0], "dev-0001", &"9".repeat(4 * 1024));
    assert!(Pattern::of(&long, &xml(&long)).is_none());
    assert!(!is_read(&pattern(PACKAGES[0]), &long));
}

#[test]
fn what_a_text_says_goes_where_that_text_is() {
    let octets = PACKAGES[2];
    let document = std::str::from_utf8(octets).expect("it is text");
    // Each text that may be another one becomes one, and no two of them are the same then.
    let mut number = 0;
    let parts = document.split('>').map(|part| match part.split_once('<') {
        Some((text, tag)) if !text.trim().is_empty() && tag.starts_with('/') => {
            number += 1;
            let is_another = !matches!(
                tag,
                "/VerDTD" | "/VerProto" | "/CmdID" | "/Cmd" | "/Format" | "/Type"
            ) && text.parse::<u16>().is_err()
                && !text.ends_with('=')
                && !text.contains('&');
            match is_another {
                true => format!("text-{number}<{tag}"),
                false => part.to_owned(),
            }
        }
        _ => part.to_owned(),
    });
    let other = parts.collect::<Vec<_>>().join(">");
    assert!(other.contains("text-"), "{other}");
    assert!(is_read(&pattern(octets), other.as_bytes()), "{other}");
}

proptest! {
    #[test]
    fn whatever_a_pattern_reads_is_read_the_same_without_it(
        package in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[ -~\\r\\n\\tä]{0,5}", 0_usize..3), 1..4),
    ) {
        let pattern = pattern(PACKAGES[package]);
        let mut document = std::str::from_utf8(PACKAGES[package]).expect("it is text").to_owned();
        for (place, text, instead_of) in changes {
            let boundary = |at: usize| (at..).find(|at| document.is_char_boundary(*at)).expect("the end is one");
            let start = boundary(place.index(document.len()));
            let end = boundary((start + instead_of).min(document.len()));
            document.replace_range(start..end, &text);
        }
        if let Some(message) = pattern.read(&document) {
            let reading = read(document.as_bytes(), Encoding::Xml);
            let reading = reading.expect("what a pattern reads is a message");
            prop_assert_eq!(&reading.observations, &[]);
            prop_assert_eq!(reading.message, message);
        }
    }

    #[test]
    fn a_message_as_it_should_be_is_read_by_its_own_pattern_and_so_is_one_with_its_texts_in_other_places(
        message in clean_message(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 3),
    ) {
        let octets = write(&message, Encoding::Xml);
        let reading = xml(&octets);
        prop_assert_eq!(&reading.observations, &[]);
        if octets.len() > 4096 {
            return Ok(());
        }
        let pattern = Pattern::of(&octets, &reading).expect("it is short, and as it should be");
        let document = String::from_utf8_lossy(&octets).into_owned();
        prop_assert_eq!(pattern.read(&document), Some(reading.message));
        // What stands between two tags stands between two others.
        let mut parts: Vec<String> = document.split_inclusive(['<', '>']).map(str::to_owned).collect();
        let texts: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].ends_with('<') && parts[*at].len() > 1).collect();
        for (one, other) in places {
            if !texts.is_empty() {
                parts.swap(texts[one.index(texts.len())], texts[other.index(texts.len())]);
            }
        }
        let swapped = parts.concat();
        if let Some(message) = pattern.read(&swapped) {
            let reading = xml(swapped.as_bytes());
            prop_assert_eq!(&reading.observations, &[]);
            prop_assert_eq!(reading.message, message);
        }
    }
}
