//! Values on their way between items of commands and nodes of the tree.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Format, Node};
use crate::syncml::{Data, Item, Meta, StatusCode};
use crate::tnds::{self, ManagementTree};
use crate::uri::Address;
use crate::xml;

/// Media type of a leaf that names none.
pub(super) const PLAIN_TEXT: &str = "text/plain";

/// What an item says of a value.
pub(super) struct Value {
    /// Its format, if one is named.
    pub(super) format: Option<Format>,
    /// Its type, if one is named.
    pub(super) type_name: Option<String>,
    /// The value itself, decoded.
    pub(super) octets: Option<Vec<u8>>,
}

impl Value {
    /// Reads an item; what it does not say of itself, the command says for all its items.
    pub(super) fn read(command: &Meta, item: &Item) -> Result<Self, StatusCode> {
        let format = match item.meta.format.as_ref().or(command.format.as_ref()) {
            Some(name) => Some(Format::from_name(name).ok_or(StatusCode::UNSUPPORTED_MEDIA_TYPE)?),
            None => None,
        };
        let type_name = item
            .meta
            .media_type
            .clone()
            .or_else(|| command.media_type.clone());
        let octets = item.data.as_ref().map(octets_of);
        let octets = match (format, octets) {
            (Some(Format::B64), Some(octets)) => {
                Some(tnds::from_base64(&octets).ok_or(StatusCode::BAD_REQUEST)?)
            }
            (_, octets) => octets,
        };
        Ok(Self {
            format,
            type_name,
            octets,
        })
    }
}

/// The value for a property; nothing counts as the empty text.
pub(super) fn property_text(item: &Item) -> Result<String, StatusCode> {
    match &item.data {
        None => Ok(String::new()),
        Some(data) => String::from_utf8(octets_of(data)).map_err(|_| StatusCode::BAD_REQUEST),
    }
}

/// The result of a Get on a property.
pub(super) fn text_item(source: &Address, text: &str) -> Item {
    result_item(source, Meta::default(), Some(Data::Text(text.to_owned())))
}

/// The result of a Get on an interior node.
pub(super) fn children_item(source: &Address, names: &[&str]) -> Item {
    let meta = Meta {
        format: Some(Format::Node.name().to_owned()),
        ..Meta::default()
    };
    result_item(source, meta, Some(Data::Text(names.join("/"))))
}

/// The result of a Get on a leaf. Octets go as base64, which either encoding carries.
pub(super) fn node_item(source: &Address, node: &Node) -> Item {
    let value = node.value().unwrap_or_default();
    let (format, text) = match (node.format(), xml::text_of(value)) {
        (Format::Bin, _) | (_, None) => (Format::B64, BASE64.encode(value)),
        (format, Some(text)) => (format, text.to_owned()),
    };
    result_item(source, meta_of(format, &node.type_name), Some(Data::Text(text)))
}

/// A node in a listing: what it is, without its value.
pub(super) fn structure_item(source: &Address, node: &Node) -> Item {
    result_item(source, meta_of(node.format(), &node.type_name), None)
}

/// The result of a Get that is a TNDS object.
pub(super) fn object_item(source: &Address, object: &ManagementTree) -> Item {
    let xml = String::from_utf8(object.to_xml()).expect("the XML writer writes UTF-8");
    result_item(
        source,
        meta_of(Format::Xml, tnds::XML_MEDIA_TYPE),
        Some(Data::Text(xml)),
    )
}

fn result_item(source: &Address, meta: Meta, data: Option<Data>) -> Item {
    Item {
        source: Some(source.to_string()),
        meta,
        data,
        ..Item::default()
    }
}

/// Defaults are left out.
fn meta_of(format: Format, type_name: &str) -> Meta {
    let is_default_type = type_name == PLAIN_TEXT || type_name.is_empty();
    Meta {
        format: Some(format)
            .filter(|format| *format != Format::Chr)
            .map(|format| format.name().to_owned()),
        media_type: Some(type_name.to_owned()).filter(|_| !is_default_type),
        ..Meta::default()
    }
}

fn octets_of(data: &Data) -> Vec<u8> {
    match data {
        Data::Text(text) => text.as_bytes().to_vec(),
        Data::Bytes(octets) => octets.clone(),
        Data::Element(element) => element.to_xml(),
    }
}
