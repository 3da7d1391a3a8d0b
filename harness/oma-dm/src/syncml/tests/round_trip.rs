//! What is written reads back, whatever it is; and what is not a message does no harm.

use proptest::prelude::*;

use super::super::*;
use super::messages::{any_message, clean_message};
use super::{PACKAGES, xml};

/// Forgets where elements were read.
fn without_places(message: Message) -> Message {
    let mut message = message;
    let mut forget = |item: &mut Item| {
        if let Some(Data::Element(element)) = &mut item.data {
            *element = element.clone().without_places();
        }
    };
    message
        .commands
        .iter_mut()
        .for_each(|command| each_item(command, &mut forget));
    message
}

fn each_item(of: &mut Command, change: &mut impl FnMut(&mut Item)) {
    match of {
        Command::Status(status) => status.items.iter_mut().for_each(change),
        Command::Results(results) => results.items.iter_mut().for_each(change),
        Command::Alert(alert) => alert.items.iter_mut().for_each(change),
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => operation.items.iter_mut().for_each(change),
        Command::Atomic(group) | Command::Sequence(group) => {
            for member in &mut group.commands {
                each_item(member, change);
            }
        }
    }
}

fn any_encoding() -> impl Strategy<Value = Encoding> {
    prop_oneof![Just(Encoding::Xml), Just(Encoding::Wbxml)]
}

/// The message as it comes back: XML holds neither octets nor, in `Data`, markup.
fn as_read(message: Message, encoding: Encoding) -> Message {
    fn item(item: &mut Item) {
        match &item.data {
            Some(Data::Bytes(octets)) => {
                item.data = Some(Data::Text(crate::auth::to_base64(octets)));
                item.meta.format = Some("b64".to_owned());
            }
            Some(Data::Element(element)) => {
                let text = String::from_utf8(element.to_xml()).unwrap();
                let text = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
                item.data = Some(Data::Text(text.unwrap().to_owned()));
            }
            Some(Data::Text(_)) | None => {}
        }
    }
    let mut message = message;
    if encoding == Encoding::Xml {
        message
            .commands
            .iter_mut()
            .for_each(|command| each_item(command, &mut item));
    }
    message
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn octets_survive_wbxml(octets in prop::collection::vec(any::<u8>(), 0..40), is_of_all in any::<bool>()) {
        let binary = Meta { format: Some("bin".into()), ..Meta::default() };
        let (all, one) = if is_of_all { (binary, Meta::default()) } else { (Meta::default(), binary) };
        let item = Item { meta: one, data: Some(Data::Bytes(octets)), ..Item::at("./I/L") };
        let add = Operation { id: "1".into(), meta: all, correlator: None, items: vec![item] };
        let message = Message { commands: vec![Command::Add(add)], ..Message::default() };
        let written = write(&message, Encoding::Wbxml);
        let reading = read(&written, Encoding::Wbxml).unwrap();
        prop_assert_eq!(reading.message, message);
    }

    #[test]
    fn what_is_written_reads_back_the_same(message in any_message(), encoding in any_encoding()) {
        let written = write(&message, encoding);
        let reading = read(&written, encoding).unwrap();
        prop_assert_eq!(without_places(reading.message), as_read(message, encoding));
    }

    #[test]
    fn what_is_read_is_written_the_same_again(message in any_message(), encoding in any_encoding()) {
        let once = write(&read(&write(&message, encoding), encoding).unwrap().message, encoding);
        let twice = write(&read(&once, encoding).unwrap().message, encoding);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_message_that_keeps_the_rules_is_written_without_a_departure_in_wbxml(
        message in clean_message(),
    ) {
        let octets = write(&message, Encoding::Wbxml);
        prop_assert_eq!(read(&octets, Encoding::Wbxml).unwrap().observations, []);
        prop_assert_eq!(read_strict(&octets, Encoding::Wbxml).map(without_places), Ok(message));
    }

    #[test]
    fn a_message_that_keeps_the_rules_is_written_without_a_departure_in_xml(
        message in clean_message(),
    ) {
        let octets = write(&message, Encoding::Xml);
        prop_assert_eq!(read(&octets, Encoding::Xml).unwrap().observations, []);
        prop_assert_eq!(read_strict(&octets, Encoding::Xml), Ok(as_read(message, Encoding::Xml)));
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200), encoding in any_encoding()) {
        let _ = read(&octets, encoding);
    }

    #[test]
    fn any_tokens_behind_a_header_of_wbxml_are_read_or_refused(
        tokens in prop::collection::vec(prop_oneof![any::<u8>(), 0x45..0x7d_u8, Just(1), Just(1)], 0..200),
    ) {
        let octets = [[0x02, 0xA4, 0x01, 0x6A, 0x00, 0x6D].as_slice(), &tokens].concat();
        let _ = read(&octets, Encoding::Wbxml);
    }

    #[test]
    fn a_message_with_changed_octets_is_read_or_refused(
        package in 0..4_usize,
        encoding in any_encoding(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut octets = write(&xml(PACKAGES[package]).message, encoding);
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        if let Ok(reading) = read(&octets, encoding) {
            let written = write(&reading.message, encoding);
            let again = read(&written, encoding).unwrap();
            prop_assert_eq!(again.message.header, reading.message.header);
        }
    }
}
