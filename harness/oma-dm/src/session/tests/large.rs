//! What a device makes of objects that come in parts.

use rstest::rstest;

use super::*;
use crate::session::large_object::{Inbound, Taken};
use crate::syncml::{Data, Meta, Operation};

/// An Add of `./I/large` that goes on in the next message, or not.
fn part(text: &str, size: Option<u64>, has_more: bool) -> Command {
    let meta = Meta {
        size,
        ..Meta::default()
    };
    let item = Item::at("./I/large").with_text(text).with_meta(meta);
    Command::Add(Operation::on(vec![Item {
        more_data: has_more,
        ..item
    }]))
}

fn large() -> NodeUri {
    NodeUri::parse("./I/large").unwrap()
}

/// A client that has proved its server, and the tree that it works on.
struct Taking {
    client: ClientSession,
    tree: Tree,
    number: u32,
}

impl Taking {
    fn with(config: ClientConfig) -> Self {
        Self {
            client: ClientSession::start(config).0,
            tree: tree(),
            number: 0,
        }
    }

    fn new() -> Self {
        Self::with(config_of(account()))
    }

    /// What is answered to commands but the header, and the Alerts besides.
    fn take(&mut self, commands: Vec<Command>, is_final: bool) -> (Vec<u16>, Vec<u16>) {
        self.number += 1;
        let message = from_server(self.number, 212, commands, is_final);
        let answer = sent(self.client.receive(&message, &mut self.tree));
        assert_eq!(answer.is_final, is_final);
        let codes = codes(&answer).into_iter().skip(1).map(|(_, code)| code);
        (codes.collect(), alerts(&answer))
    }
}

#[test]
fn an_object_is_there_when_its_last_part_is_and_not_before() {
    let mut taking = Taking::new();
    assert_eq!(
        taking.take(vec![part("abc", Some(9), true)], false),
        (vec![213], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("def", None, true)], false),
        (vec![213], vec![1222])
    );
    assert!(taking.tree.get(&large()).is_none());
    assert_eq!(
        taking.take(vec![part("ghi", None, false)], true),
        (vec![200], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("abcdefghi"));
}

#[test]
fn the_status_of_the_last_part_is_that_of_the_whole() {
    let mut taking = Taking::new();
    let there = Command::add_text("./I/large", "old");
    assert_eq!(
        taking.take(vec![there, part("abc", Some(6), true)], false),
        (vec![200, 213], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("def", None, false)], true),
        (vec![418], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("old"));
}

#[rstest]
#[case::less(8)]
#[case::more(10)]
fn a_sum_that_is_not_the_size_leaves_nothing(#[case] size: u64) {
    let mut taking = Taking::new();
    taking.take(vec![part("abcdef", Some(size), true)], false);
    assert_eq!(
        taking.take(vec![part("ghi", None, false)], true),
        (vec![424], vec![])
    );
    assert!(taking.tree.get(&large()).is_none());
}

#[test]
fn what_is_too_much_is_refused_as_soon_as_it_is() {
    let mut taking = Taking::new();
    taking.take(vec![part("abc", Some(5), true)], false);
    assert_eq!(
        taking.take(vec![part("def", None, true)], false),
        (vec![424], vec![1222])
    );
    // The rest of it is not an object of its own.
    assert_eq!(
        taking.take(vec![part("ghi", None, true)], false),
        (vec![424], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("jkl", None, false)], true),
        (vec![424], vec![])
    );
    assert_eq!(
        taking.take(vec![part("new", None, false)], true),
        (vec![200], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("new"));
}

#[test]
fn a_first_part_without_a_size_is_refused_with_all_that_follows() {
    let mut taking = Taking::new();
    assert_eq!(
        taking.take(vec![part("abc", None, true)], false),
        (vec![411], vec![1222])
    );
    assert_eq!(
        taking.take(vec![part("def", None, false)], true),
        (vec![411], vec![])
    );
    assert!(taking.tree.get(&large()).is_none());
}

#[rstest]
#[case::named(Some(8), 9, 413)]
#[case::named_and_kept(Some(9), 9, 213)]
#[case::no_more_than_any(Some(u64::MAX), MAX_OBJECT + 1, 413)]
#[case::none_named(None, MAX_OBJECT + 1, 413)]
#[case::none_named_and_kept(None, MAX_OBJECT, 213)]
fn an_object_over_the_limit_is_refused_with_its_first_part(
    #[case] limit: Option<u64>,
    #[case] size: u64,
    #[case] code: u16,
) {
    let mut taking = Taking::with(ClientConfig {
        max_object_size: limit,
        ..config_of(account())
    });
    assert_eq!(
        taking.take(vec![part("abc", Some(size), true)], false),
        (vec![code], vec![1222])
    );
}

#[test]
fn an_object_over_the_limit_is_refused_in_one_message_too() {
    let mut taking = Taking::with(ClientConfig {
        max_object_size: Some(2),
        ..config_of(account())
    });
    assert_eq!(
        taking.take(vec![part("abc", None, false)], true),
        (vec![413], vec![])
    );
    assert_eq!(
        taking.take(vec![part("ab", None, false)], true),
        (vec![200], vec![])
    );
}

#[rstest]
#[case::by_another_command(vec![Command::add_text("./I/other", "x")], vec![200])]
#[case::by_another_object(vec![part("xyz", Some(3), false)], vec![200])]
#[case::by_the_same_from_the_beginning(vec![part("xyz", Some(6), true)], vec![213])]
fn an_object_that_is_interrupted_is_given_up_and_said_so(
    #[case] commands: Vec<Command>,
    #[case] answered: Vec<u16>,
) {
    let mut taking = Taking::new();
    taking.take(vec![part("abc", Some(9), true)], false);
    let is_final = answered != [213];
    let mut expected = vec![1225];
    expected.extend((!is_final).then_some(1222));
    assert_eq!(taking.take(commands, is_final), (answered, expected));
    assert_ne!(taking.tree.text(&large()), Some("abcxyz"));
}

#[test]
fn the_alert_of_an_interruption_says_which_object_it_was() {
    let mut taking = Taking::new();
    taking.take(vec![part("abc", Some(9), true)], false);
    let message = from_server(2, 200, Vec::new(), true);
    let answer = sent(taking.client.receive(&message, &mut taking.tree));
    let Some(Command::Alert(alert)) = answer.commands.last() else {
        panic!("there is no Alert")
    };
    assert_eq!(alert.code, AlertCode::NO_END_OF_DATA);
    assert_eq!(alert.items, [Item::at("./I/large")]);
    assert!(answer.is_final);
}

#[test]
fn items_before_the_one_in_parts_are_done_at_once() {
    let mut taking = Taking::new();
    let Command::Add(Operation { mut items, .. }) = part("abc", Some(6), true) else {
        panic!("it is an Add")
    };
    items.insert(0, Item::at("./I/small").with_text("x"));
    let both = Command::Add(Operation::on(items));
    assert_eq!(taking.take(vec![both], false), (vec![200, 213], vec![1222]));
    assert_eq!(taking.tree.text(&NodeUri::parse("./I/small").unwrap()), Some("x"));
    assert_eq!(
        taking.take(vec![part("def", None, false)], true),
        (vec![200], vec![])
    );
    assert_eq!(taking.tree.text(&large()), Some("abcdef"));
}

#[test]
fn only_the_last_item_may_go_on() {
    let mut taking = Taking::new();
    let Command::Add(Operation { mut items, .. }) = part("abc", Some(6), true) else {
        panic!("it is an Add")
    };
    items.push(Item::at("./I/small").with_text("x"));
    assert_eq!(
        taking.take(vec![Command::Add(Operation::on(items))], true),
        (vec![400], vec![])
    );
    assert!(taking.tree.get(&NodeUri::parse("./I/small").unwrap()).is_none());
}

#[test]
fn no_part_of_a_group_goes_on() {
    let mut taking = Taking::new();
    let group = Command::Sequence(Group {
        commands: vec![part("abc", Some(6), true)],
        ..Group::default()
    });
    assert_eq!(taking.take(vec![group], true), (vec![406, 406], vec![]));
}

#[test]
fn a_device_without_large_objects_says_so() {
    let mut taking = Taking::with(ClientConfig {
        takes_large_objects: false,
        ..config_of(account())
    });
    assert_eq!(
        taking.take(vec![part("abc", Some(6), true)], true),
        (vec![406], vec![])
    );
}

#[test]
fn octets_are_put_together_as_octets() {
    let mut inbound = Inbound::new(None);
    let octets = |octets: &[u8], size, more_data| {
        let item = Item {
            data: Some(Data::Bytes(octets.to_vec())),
            more_data,
            meta: Meta {
                size,
                ..Meta::default()
            },
            ..Item::at("./I/large")
        };
        Command::Replace(Operation::on(vec![item]))
    };
    inbound.take(&octets(b"\xc3", Some(3), true));
    let Taken::Whole(whole) = inbound.take(&octets(b"\xa4\0", None, false)) else {
        panic!("it is whole")
    };
    let Command::Replace(operation) = *whole else {
        panic!("it is a Replace")
    };
    assert_eq!(operation.items[0].data, Some(Data::Bytes(b"\xc3\xa4\0".to_vec())));
}
