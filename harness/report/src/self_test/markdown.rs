//! `selftest.md`: the kill matrix as a list of deviations.

use dmconform_model::SelfTest;

use super::{counts, killers, sections};
use crate::markdown::escape;

/// The whole self-test.
pub fn write(found: &SelfTest) -> String {
    let mut parts = vec![
        format!("# dmconform self-test {}", escape(&found.id)),
        format!("{}. Began {}.", escape(&counts(found)), found.started),
    ];
    for section in sections(found) {
        let items: Vec<String> = section
            .items
            .iter()
            .map(|item| format!("- {}", escape(item)))
            .collect();
        let items = if items.is_empty() {
            "None.".to_owned()
        } else {
            items.join("\n")
        };
        parts.push(format!("## {}\n\n{items}", section.title));
    }
    parts.push("## Which case catches which deviation".to_owned());
    let mut rows = vec![
        "| deviation | of | breaks | caught by the cases named for it | and by |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for row in &found.matrix {
        let (named, others) = killers(row);
        let named = if named.is_empty() {
            "**nobody**".to_owned()
        } else {
            named.join(", ")
        };
        rows.push(format!(
            "| {} | {} | {} | {named} | {} |",
            escape(&row.mutant.deviation),
            row.mutant.role,
            row.breaks,
            others.join(", ")
        ));
    }
    parts.push(rows.join("\n"));
    format!("{}\n", parts.join("\n\n"))
}
