//! Messages to elements, in the order of the SyncML DTD.

use std::borrow::Cow;

use super::message::{
    Address, Alert, Challenge, Command, Credentials, Data, Group, Header, Item, Message, Meta, Operation,
    Results, Status,
};
use super::{Encoding, METINF, NAMESPACE};
use crate::xml::{Element, Node};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub(super) fn message<'m>(message: &'m Message, encoding: Encoding) -> Element<'m> {
    let mut body = element("SyncBody");
    for command in &message.commands {
        body = body.with_child(self::command(command, encoding));
    }
    if message.is_final {
        body = body.with_child(element("Final"));
    }
    element("SyncML")
        .with_child(header(&message.header))
        .with_child(body)
}

fn header<'m>(header: &'m Header) -> Element<'m> {
    let mut raised = element("SyncHdr")
        .with_child(leaf("VerDTD", "1.2"))
        .with_child(leaf("VerProto", "DM/1.2"))
        .with_child(leaf("SessionID", &header.session_id))
        .with_child(leaf("MsgID", &header.message_id))
        .with_child(address("Target", &header.target))
        .with_child(address("Source", &header.source));
    if let Some(uri) = &header.response_uri {
        raised = raised.with_child(leaf("RespURI", uri));
    }
    if let Some(credentials) = &header.credentials {
        raised = raised.with_child(self::credentials(credentials));
    }
    let sizes = [
        ("MaxMsgSize", header.max_message_size),
        ("MaxObjSize", header.max_object_size),
    ];
    let mut meta = element("Meta");
    for (name, size) in sizes {
        if let Some(size) = size {
            meta = meta.with_child(metinf(name, size.to_string()));
        }
    }
    if meta.children.is_empty() {
        raised
    } else {
        raised.with_child(meta)
    }
}

fn address<'m>(local: &'static str, address: &'m Address) -> Element<'m> {
    let raised = element(local).with_child(leaf("LocURI", &address.uri));
    match &address.name {
        Some(name) => raised.with_child(leaf("LocName", name)),
        None => raised,
    }
}

fn credentials<'m>(credentials: &'m Credentials) -> Element<'m> {
    let mut meta = element("Meta");
    if let Some(format) = &credentials.format {
        meta = meta.with_child(metinf("Format", format));
    }
    meta = meta.with_child(metinf("Type", &credentials.scheme));
    element("Cred")
        .with_child(meta)
        .with_child(leaf("Data", &credentials.data))
}

fn challenge<'m>(challenge: &'m Challenge) -> Element<'m> {
    let mut meta = element("Meta");
    if let Some(format) = &challenge.format {
        meta = meta.with_child(metinf("Format", format));
    }
    meta = meta.with_child(metinf("Type", &challenge.scheme));
    if let Some(nonce) = &challenge.next_nonce {
        meta = meta.with_child(metinf("NextNonce", nonce));
    }
    element("Chal").with_child(meta)
}

fn command<'m>(command: &'m Command, encoding: Encoding) -> Element<'m> {
    let local = command.name();
    match command {
        Command::Status(status) => self::status(status, encoding),
        Command::Results(results) => self::results(results, encoding),
        Command::Alert(alert) => self::alert(alert, encoding),
        Command::Get(operation)
        | Command::Add(operation)
        | Command::Replace(operation)
        | Command::Delete(operation)
        | Command::Copy(operation)
        | Command::Exec(operation) => self::operation(local, operation, encoding),
        Command::Atomic(group) | Command::Sequence(group) => self::group(local, group, encoding),
    }
}

fn operation<'m>(local: &'static str, operation: &'m Operation, encoding: Encoding) -> Element<'m> {
    let mut raised = with_meta(
        element(local).with_child(leaf("CmdID", &operation.id)),
        &operation.meta,
    );
    if let Some(correlator) = &operation.correlator {
        raised = raised.with_child(leaf("Correlator", correlator));
    }
    with_items(raised, &operation.items, encoding)
}

fn group<'m>(local: &'static str, group: &'m Group, encoding: Encoding) -> Element<'m> {
    let raised = with_meta(element(local).with_child(leaf("CmdID", &group.id)), &group.meta);
    group.commands.iter().fold(raised, |raised, inner| {
        raised.with_child(command(inner, encoding))
    })
}

fn status<'m>(status: &'m Status, encoding: Encoding) -> Element<'m> {
    let mut raised = element("Status")
        .with_child(leaf("CmdID", &status.id))
        .with_child(leaf("MsgRef", &status.message_ref))
        .with_child(leaf("CmdRef", &status.command_ref))
        .with_child(leaf("Cmd", &status.command));
    for target in &status.target_refs {
        raised = raised.with_child(leaf("TargetRef", target));
    }
    for source in &status.source_refs {
        raised = raised.with_child(leaf("SourceRef", source));
    }
    if let Some(challenge) = &status.challenge {
        raised = raised.with_child(self::challenge(challenge));
    }
    with_items(
        raised.with_child(leaf("Data", status.code.to_string())),
        &status.items,
        encoding,
    )
}

fn results<'m>(results: &'m Results, encoding: Encoding) -> Element<'m> {
    let mut raised = element("Results").with_child(leaf("CmdID", &results.id));
    if !results.message_ref.is_empty() {
        raised = raised.with_child(leaf("MsgRef", &results.message_ref));
    }
    raised = with_meta(
        raised.with_child(leaf("CmdRef", &results.command_ref)),
        &results.meta,
    );
    for (local, reference) in [
        ("TargetRef", &results.target_ref),
        ("SourceRef", &results.source_ref),
    ] {
        if let Some(reference) = reference {
            raised = raised.with_child(leaf(local, reference));
        }
    }
    with_items(raised, &results.items, encoding)
}

fn alert<'m>(alert: &'m Alert, encoding: Encoding) -> Element<'m> {
    let mut raised = element("Alert")
        .with_child(leaf("CmdID", &alert.id))
        .with_child(leaf("Data", alert.code.to_string()));
    if let Some(correlator) = &alert.correlator {
        raised = raised.with_child(leaf("Correlator", correlator));
    }
    with_items(raised, &alert.items, encoding)
}

fn with_items<'m>(raised: Element<'m>, items: &'m [Item], encoding: Encoding) -> Element<'m> {
    items.iter().fold(raised, |raised, item| {
        raised.with_child(self::item(item, encoding))
    })
}

fn item<'m>(item: &'m Item, encoding: Encoding) -> Element<'m> {
    let mut raised = element("Item");
    for (local, uri) in [("Target", &item.target), ("Source", &item.source)] {
        if let Some(uri) = uri {
            raised = raised.with_child(element(local).with_child(leaf("LocURI", uri)));
        }
    }
    raised = match (&item.data, encoding) {
        // Octets are base64 in XML, and have to say so.
        (Some(Data::Bytes(_)), Encoding::Xml) => with_meta_in(raised, Some("b64"), &item.meta),
        _ => with_meta(raised, &item.meta),
    };
    if let Some(data) = &item.data {
        raised = raised.with_child(self::data(data, encoding));
    }
    if item.more_data {
        raised.with_child(element("MoreData"))
    } else {
        raised
    }
}

fn data<'m>(data: &'m Data, encoding: Encoding) -> Element<'m> {
    let mut raised = element("Data");
    match (data, encoding) {
        (Data::Text(text), _) => raised = raised.with_text(text),
        (Data::Element(inner), Encoding::Wbxml) => raised = raised.with_child(inner.clone()),
        // In XML markup is escaped (OMA-TS-DM_RepPro 6.3.1).
        (Data::Element(inner), Encoding::Xml) => raised = raised.with_text(markup(inner)),
        (Data::Bytes(octets), Encoding::Wbxml) => raised.children.push(Node::Opaque(octets.clone())),
        // XML cannot hold octets (OMA-TS-DM_RepPro: binary is b64 there).
        (Data::Bytes(octets), Encoding::Xml) => raised = raised.with_text(BASE64.encode(octets)),
    }
    raised
}

/// The element as a text, which needs no declaration of XML.
fn markup(element: &Element<'_>) -> String {
    let document = String::from_utf8_lossy(&element.to_xml()).into_owned();
    match document.split_once("?>\n") {
        Some((declaration, rest)) if declaration.starts_with("<?xml") => rest.to_owned(),
        _ => document,
    }
}

fn with_meta<'m>(raised: Element<'m>, meta: &'m Meta) -> Element<'m> {
    with_meta_in(raised, meta.format.as_deref(), meta)
}

/// Adds meta information, with this format instead of its own.
fn with_meta_in<'m>(raised: Element<'m>, format: Option<&'m str>, meta: &'m Meta) -> Element<'m> {
    let parts = [
        ("Format", format.map(Cow::Borrowed)),
        ("Type", meta.media_type.as_deref().map(Cow::Borrowed)),
        ("Mark", meta.mark.as_deref().map(Cow::Borrowed)),
        ("Size", meta.size.map(|size| size.to_string().into())),
    ];
    if parts.iter().all(|(_, text)| text.is_none()) {
        return raised;
    }
    let mut raised_meta = element("Meta");
    for (local, text) in parts {
        if let Some(text) = text {
            raised_meta = raised_meta.with_child(metinf(local, text));
        }
    }
    raised.with_child(raised_meta)
}

fn element<'m>(local: &'static str) -> Element<'m> {
    Element::new(NAMESPACE, local)
}

fn leaf<'m>(local: &'static str, text: impl Into<Cow<'m, str>>) -> Element<'m> {
    let text = text.into();
    if text.is_empty() {
        element(local)
    } else {
        element(local).with_text(text)
    }
}

fn metinf<'m>(local: &'static str, text: impl Into<Cow<'m, str>>) -> Element<'m> {
    let text = text.into();
    let raised = Element::new(METINF, local);
    if text.is_empty() {
        raised
    } else {
        raised.with_text(text)
    }
}
