//! A decoded body, for people and for programs.

use serde_json::{Value, json};

use super::{Decoded, Noted};
use crate::output::{one_line, printable};

/// For people: what it is in one line, all of it, and what departs in it.
pub(super) fn text(decoded: &Decoded) -> String {
    let Decoded {
        title,
        encoding,
        octets,
        summary,
        document,
        noted,
        rules,
        ..
    } = decoded;
    let in_encoding = match *encoding {
        "octets" => String::new(),
        encoding => format!(" in {encoding}"),
    };
    let head = one_line(&format!("{title}{in_encoding}, {octets} octets: {summary}"));
    let departures = match noted.as_slice() {
        [] => format!("nothing departs from {rules}\n"),
        [one] => format!("one departure from {rules}:\n{}", line(one)),
        several => {
            let lines: String = several.iter().map(line).collect();
            format!("{} departures from {rules}:\n{lines}", several.len())
        }
    };
    format!("{head}\n\n{}\n{departures}", printable(document))
}

fn line(noted: &Noted) -> String {
    let octet = noted.octet.map(|at| format!("octet {at}"));
    let place = noted.place.map(|place| place.to_string());
    let place: Vec<_> = [octet, place].into_iter().flatten().collect();
    let parts = [place.join(", "), noted.path.clone(), noted.text.clone()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let unusual = noted.is_unusual.then_some("unusual, but allowed");
    let remarks: Vec<_> = [unusual, noted.section].into_iter().flatten().collect();
    let remarks = match remarks.as_slice() {
        [] => String::new(),
        remarks => format!(" ({})", remarks.join("; ")),
    };
    format!("  {}\n", one_line(&format!("{}{remarks}", parts.join(": "))))
}

/// For programs.
pub(super) fn json(decoded: &Decoded) -> String {
    let details: serde_json::Map<_, _> = decoded
        .details
        .iter()
        .map(|(name, values)| ((*name).to_owned(), json!(values)))
        .collect();
    let noted: Vec<Value> = decoded
        .noted
        .iter()
        .map(|noted| {
            json!({
                "path": noted.path,
                "text": noted.text,
                "section": noted.section,
                "unusual": noted.is_unusual,
                "octet": noted.octet,
                "line": noted.place.map(|place| place.line),
                "column": noted.place.map(|place| place.column),
            })
        })
        .collect();
    let value = json!({
        "kind": decoded.kind,
        "encoding": decoded.encoding,
        "octets": decoded.octets,
        "summary": decoded.summary,
        "details": details,
        "document": decoded.document,
        "departures": noted,
    });
    format!("{value:#}\n")
}
