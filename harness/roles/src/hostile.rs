//! Bodies that mean harm, and the bait that one of them refers to.

use std::sync::Arc;
use std::time::Duration;

use dmconform_case::test_case::Corruption;
use dmconform_model::{Body, Event};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::change::is_json;
use crate::context::CaseContext;

/// How often an entity of a bomb repeats the one before it, and how many there are: ten to the power of nine.
const ENTITIES: usize = 9;
const REPEATED: usize = 10;
/// How deep elements are nested. A parser that calls itself for each has no such stack.
const DEPTH: usize = 100_000;
/// What XML is made of where there is none to begin with.
const STAND_IN: &str = "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr/><SyncBody/></SyncML>";
const XML: &str = "application/vnd.syncml.dm+xml";
const WBXML: &str = "application/vnd.syncml.dm+wbxml";
/// How much is read of a request for the bait.
const BAIT_READ: usize = 512;

/// WBXML of a SyncML message (OMA-TS-SyncML_RepPro 7, WAP-192 5.4) up to the content of its VerDTD.
const WBXML_HEAD: [u8; 4] = [0x02, 0xa4, 0x01, 0x6a];
const WBXML_ELEMENTS: [u8; 3] = [0x6d, 0x6c, 0x71];
const WBXML_END: [u8; 3] = [0x01, 0x01, 0x01];

/// A body spoiled so that it does harm, and its media type; the body itself where the corruption means none.
pub(crate) fn spoil(
    context: &Arc<CaseContext>,
    corruption: Corruption,
    body: Vec<u8>,
    media_type: String,
) -> (Vec<u8>, String) {
    match corruption {
        Corruption::EntityBomb => in_document(&body, media_type, &bomb(), "&e9;"),
        Corruption::ExternalEntity => match bait(context) {
            Ok(url) => {
                let entity = format!("<!ENTITY e9 SYSTEM \"{url}\">");
                in_document(&body, media_type, &entity, "&e9;")
            }
            Err(error) => {
                context.recorder.record(Event::Aborted {
                    reason: format!("listen for who fetches an entity: {error}"),
                });
                (body, media_type)
            }
        },
        Corruption::DeepNesting if is_json(&media_type) => (nested_json(&body), media_type),
        Corruption::DeepNesting => {
            let nested = format!("{}{}", "<a>".repeat(DEPTH), "</a>".repeat(DEPTH));
            in_document(&body, media_type, "", &nested)
        }
        // A string table of four octets, and a string far behind it.
        Corruption::StringReference => (wbxml(b"\x04abc\0", &[0x83, 0xff, 0x7f]), WBXML.to_owned()),
        // Opaque data of 0xffffffff octets, of which there is one.
        Corruption::HugeLength => (
            wbxml(&[0x00], &[0xc3, 0x8f, 0xff, 0xff, 0xff, 0x7f, 0x61]),
            WBXML.to_owned(),
        ),
        other => crate::change::spoil(other, body, media_type),
    }
}

fn wbxml(string_table: &[u8], content: &[u8]) -> Vec<u8> {
    [&WBXML_HEAD, string_table, &WBXML_ELEMENTS, content, &WBXML_END].concat()
}

/// The document with a member in front that is nested as deep.
fn nested_json(body: &[u8]) -> Vec<u8> {
    let nested = format!("{{\"nested\": {}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let rest = match body.strip_prefix(b"{") {
        Some(b"}") | None => b"}".to_vec(),
        Some(members) => [b", ", members].concat(),
    };
    [nested.into_bytes(), rest].concat()
}

fn bomb() -> String {
    let mut entities = "<!ENTITY e0 \"dmconform \">".to_owned();
    for number in 1..=ENTITIES {
        let before = format!("&e{};", number - 1).repeat(REPEATED);
        entities = format!("{entities}<!ENTITY e{number} \"{before}\">");
    }
    entities
}

/// The document with a document type that declares something, and with content at the beginning of its root element.
fn in_document(body: &[u8], media_type: String, declared: &str, content: &str) -> (Vec<u8>, String) {
    let text = std::str::from_utf8(body).ok();
    let (text, media_type) = match text.and_then(|text| Some((text, root(text)?))) {
        Some((text, _)) => (text, media_type),
        None => (STAND_IN, XML.to_owned()),
    };
    let Some((begin, end)) = root(text) else {
        return (text.as_bytes().to_vec(), media_type);
    };
    let name: String = text[begin + 1..end]
        .chars()
        .take_while(|character| !character.is_whitespace() && *character != '/')
        .collect();
    let declared = match declared {
        "" => String::new(),
        declared => format!("<!DOCTYPE {name} [{declared}]>"),
    };
    let spoiled = format!(
        "{}{declared}{}{content}{}",
        &text[..begin],
        &text[begin..=end],
        &text[end + 1..]
    );
    (spoiled.into_bytes(), media_type)
}

/// Where the start tag of the root element begins and ends.
fn root(text: &str) -> Option<(usize, usize)> {
    let is_name = |(at, _): &(usize, &str)| {
        text[at + 1..]
            .chars()
            .next()
            .is_some_and(|character| character.is_alphabetic() || character == '_')
    };
    let (begin, _) = text.match_indices('<').find(is_name)?;
    let end = begin + text[begin..].find('>')?;
    (!text[begin..end].ends_with('/')).then_some((begin, end))
}

/// Listens for somebody who fetches an entity, until the case is over; the address.
fn bait(context: &Arc<CaseContext>) -> std::io::Result<String> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let url = format!("http://{}/entity", listener.local_addr()?);
    let (context, baited) = (Arc::clone(context), url.clone());
    tokio::spawn(async move {
        let mut over = context.over.subscribe();
        let caught = tokio::select! {
            caught = listener.accept() => caught,
            _ = over.wait_for(|over| *over) => return,
        };
        let Ok((mut socket, _)) = caught else { return };
        let first_bytes = Body::new(first(&mut socket).await);
        context.recorder.record(Event::Fetched {
            url: baited,
            first_bytes,
        });
        // Who is no longer there does not need it.
        let _ = socket
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await;
    });
    Ok(url)
}

async fn first(socket: &mut TcpStream) -> Vec<u8> {
    let mut read = vec![0; BAIT_READ];
    let reading = tokio::time::timeout(Duration::from_millis(500), socket.read(&mut read)).await;
    read.truncate(reading.map_or(0, Result::unwrap_or_default));
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &[u8] =
        b"<?xml version=\"1.0\"?>\n<Question xmlns=\"urn:q\"><SessionID>7</SessionID></Question>";

    #[test]
    fn the_document_around_what_does_harm_stays_as_it_is() {
        let (body, media_type) = in_document(DOCUMENT, "text/xml".to_owned(), "<!ENTITY e9 \"x\">", "&e9;");
        let text = String::from_utf8(body).expect("it was text");
        assert_eq!(media_type, "text/xml");
        assert_eq!(
            text,
            "<?xml version=\"1.0\"?>\n<!DOCTYPE Question [<!ENTITY e9 \"x\">]><Question xmlns=\"urn:q\">&e9;\
             <SessionID>7</SessionID></Question>"
        );
    }

    #[test]
    fn where_there_is_no_xml_a_stand_in_is_spoiled() {
        let (body, media_type) = in_document(
            &[0x02, 0xff],
            "application/octet-stream".to_owned(),
            "",
            "<a></a>",
        );
        assert!(body.starts_with(b"<SyncML xmlns=\"SYNCML:SYNCML1.2\"><a></a>"));
        assert_eq!(media_type, XML);
    }

    #[test]
    fn the_bomb_would_be_ten_gigabytes() {
        let text = bomb();
        assert_eq!(text.matches("<!ENTITY").count(), ENTITIES + 1);
        assert!(text.len() < 2000, "small as it is sent");
        assert!(10_usize.pow(9) * "dmconform ".len() > 9_000_000_000);
    }

    #[test]
    fn what_is_wrong_with_the_wbxml_is_nothing_but_what_is_meant() {
        let good = wbxml(b"\x04abc\0", &[0x83, 0x00]);
        assert!(
            oma_dm::wbxml::decode(&good).is_ok(),
            "the same with a good offset"
        );
        assert!(oma_dm::wbxml::decode(&wbxml(b"\x04abc\0", &[0x83, 0xff, 0x7f])).is_err());
    }
}
