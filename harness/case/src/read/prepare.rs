//! Writes what was read of a YAML text as octets that are read again in no time. The build script does, of what is built in.
//!
//! A value is its kind, where it begins, and how many octets of the text it is; then its text, where that is not how it is written
//! there, or how many values it has, and those. Numbers have seven bits in an octet, the lowest ones first.

use super::yaml::{Node, Value};

/// Writes a value of a text.
pub(crate) fn write(node: &Node, text: &str, out: &mut Vec<u8>) {
    let written = text.get(node.at.clone());
    out.push(match &node.value {
        Value::Null => b'0',
        Value::Scalar(said) if written == Some(said) => b'=',
        Value::Scalar(_) => b't',
        Value::List(_) => b'l',
        Value::Map(_) => b'm',
    });
    number(node.at.start, out);
    number(node.at.len(), out);
    match &node.value {
        Value::Scalar(said) if written != Some(said) => {
            number(said.len(), out);
            out.extend(said.bytes());
        }
        Value::Null | Value::Scalar(_) => {}
        Value::List(items) => {
            number(items.len(), out);
            items.iter().for_each(|item| write(item, text, out));
        }
        Value::Map(entries) => {
            number(entries.len(), out);
            for (key, value) in entries {
                write(key, text, out);
                write(value, text, out);
            }
        }
    }
}

fn number(mut number: usize, out: &mut Vec<u8>) {
    loop {
        let [lowest, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(lowest & 0x7F);
        }
        out.push(lowest | 0x80);
    }
}
