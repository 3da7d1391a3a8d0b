//! `results.json`.

use dmconform_model::{CaseResult, RunRecord};

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
