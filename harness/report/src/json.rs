//! `results.json`.

use dmconform_model::{CaseResult, RunEvent, RunRecord};

/// What programs may rely on: the JSON Schema of `results.json`, as it is published in `reports/schema`.
///
/// # Panics
/// Never: a schema holds only what JSON can.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&RunRecord::schema())
        .expect("a schema has text keys and finite numbers only");
    text.push('\n');
    text
}

/// What programs may rely on of an event of a run, as it is published in `reports/schema`.
///
/// # Panics
/// Never: a schema holds only what JSON can.
pub fn event_schema() -> String {
    let mut text = serde_json::to_string_pretty(&RunEvent::schema())
        .expect("a schema has text keys and finite numbers only");
    text.push('\n');
    text
}

/// An event of a run, in a line.
///
/// # Panics
/// Never: events hold only what JSON can.
pub fn event(event: &RunEvent) -> String {
    let mut text = serde_json::to_string(event).expect("events have text keys and finite numbers only");
    text.push('\n');
    text
}

/// The whole run.
///
/// # Panics
/// Never: results hold only what JSON can.
pub fn write(record: &RunRecord) -> String {
    let mut text =
        serde_json::to_string_pretty(record).expect("results have text keys and finite numbers only");
    text.push('\n');
    text
}

/// One case, exactly as it stands in [`write`], but not indented.
///
/// # Panics
/// Never: results hold only what JSON can.
pub fn case(result: &CaseResult) -> String {
    let mut text =
        serde_json::to_string_pretty(result).expect("results have text keys and finite numbers only");
    text.push('\n');
    text
}
