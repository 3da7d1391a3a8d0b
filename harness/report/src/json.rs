//! `results.json`, and what programs may rely on in it and in others.

use dmconform_model::load::LoadResult;
use dmconform_model::{CaseResult, RunEvent, RunRecord, form};
use serde::Serialize;

/// What programs may rely on: the JSON Schemas of what they read, by the names of their files in `reports/schema`.
pub fn schemas() -> [(&'static str, String); 3] {
    [
        ("results.schema.json", text(&form::schema::<RunRecord>())),
        ("run-events.schema.json", text(&form::schema::<RunEvent>())),
        ("load.schema.json", text(&form::schema::<LoadResult>())),
    ]
}

/// # Panics
/// Never: a schema holds only what JSON can.
fn text(schema: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(schema).expect("a schema has text keys and finite numbers only");
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

/// One case with all that [`write`] has of it, less far indented.
///
/// # Panics
/// Never: results hold only what JSON can.
pub fn case(result: &CaseResult) -> String {
    let mut text =
        serde_json::to_string_pretty(result).expect("results have text keys and finite numbers only");
    text.push('\n');
    text
}
