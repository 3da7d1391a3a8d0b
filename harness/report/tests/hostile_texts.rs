//! Every text of a run's record may come from a stranger: whatever is in it, it stays text in every report.

use dmconform_model::RunRecord;
use dmconform_report::terminal::{self, Style};
use dmconform_report::{html, junit, markdown};
use serde_json::Value;

use crate::common::eventful;

/// The places of all texts in a value.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| texts(item, &format!("{at}/{index}"), found));
        }
        Value::Object(entries) => {
            let entries = entries.iter();
            entries.for_each(|(key, item)| texts(item, &format!("{at}/{key}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn with(value: &Value, places: &[String], text: &str) -> Value {
    let mut changed = value.clone();
    for place in places {
        *changed.pointer_mut(place).expect("the place is there") = Value::from(text);
    }
    changed
}

/// The places whose text may be any: the others are names that a reader knows.
fn free(value: &Value, places: &[String]) -> Vec<String> {
    if serde_json::from_value::<RunRecord>(with(value, places, "any <b>text</b>")).is_ok() {
        return places.to_vec();
    }
    match places {
        [_] => Vec::new(),
        _ => {
            let (one, other) = places.split_at(places.len() / 2);
            [free(value, one), free(value, other)].concat()
        }
    }
}

const HOSTILE: [&str; 4] = [
    "</td></style></svg></pre><script>alert(1)</script><img src=x>",
    "\" onload=\"alert(1)\" ' onload='alert(1)' x=\"<script>",
    "&lt;script&gt; &#60;script&#62; <script>alert(1)//--><!--]]>",
    "\u{1b}[2J\u{9b}1m\0\u{202e}\u{7}<script>alert(1)</script>",
];

#[test]
fn every_text_of_a_record_stays_text() {
    let (record, _) = eventful();
    let value = serde_json::to_value(&record).expect("a record is JSON");
    let mut places = Vec::new();
    texts(&value, "", &mut places);
    let places = free(&value, &places);
    assert!(places.len() > 200, "{} texts are free", places.len());
    for hostile in HOSTILE {
        let record = serde_json::from_value(with(&value, &places, hostile));
        assert_text(&record.expect("each text alone is taken"));
    }
}

fn assert_text(record: &RunRecord) {
    let page = html::write(record, &dmconform_report::Ladders::new());
    assert!(page.contains("alert(1)"), "nothing of it is shown");
    for markup in [
        "<script",
        "<img",
        "</script",
        " onload=\"",
        "\" onload",
        "' onload='",
    ] {
        assert!(!page.contains(markup), "`{markup}` is on the page");
    }
    let xml = junit::write(record).expect("it can be written");
    let xml = String::from_utf8(xml).expect("it is text");
    assert!(!xml.contains("<script") && !xml.contains("<img"));
    let style = Style {
        colour: false,
        width: 100,
    };
    let printed = terminal::summary(record, style);
    let summary = markdown::write(record, &dmconform_report::Ladders::new());
    // The last output of a product stands in a block of code.
    let is_markup = |line: &&str| !line.starts_with("    ") && line.contains("<script");
    assert_eq!(summary.lines().find(is_markup), None);
    for text in [page, printed, summary] {
        let steers = |line: &&str| line.contains(['\u{1b}', '\u{9b}', '\0', '\u{202e}', '\u{7}']);
        assert_eq!(text.lines().find(steers), None);
    }
}
