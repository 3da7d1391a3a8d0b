//! The matrix as Markdown.

use dmconform_model::Step;

use super::{AtStep, Matrix, Pair, Played, Said};
use crate::markdown::escape;

/// The matrix, and below it each pair with its steps.
pub fn write(matrix: &Matrix) -> String {
    let (rows, columns) = matrix.axes();
    let head: Vec<String> = columns.iter().map(|product| escape(&product.name)).collect();
    let mut text = format!(
        "# Products against products\n\n| | {} |\n|---|{}\n",
        head.join(" | "),
        "---|".repeat(columns.len())
    );
    for row in rows {
        let cells = columns.iter().map(|column| {
            let pairs = matrix.pairs_of(&row.name, &column.name);
            pairs.map(in_short).collect::<Vec<_>>().join("<br>")
        });
        let cells: Vec<String> = cells.collect();
        text = format!("{text}| **{}** | {} |\n", escape(&row.name), cells.join(" | "));
    }
    for pair in &matrix.pairs {
        text.push_str(&section(pair));
    }
    text.push_str("\n## Products\n\n");
    for product in &matrix.products {
        text = format!(
            "{text}- **{}**: {}\n",
            escape(&product.name),
            escape(&product.product)
        );
    }
    text
}

/// A pair in a cell: its verdict, and the steps that are to be looked at.
pub(super) fn in_short(pair: &Pair) -> String {
    let bad: Vec<String> = not_passed(pair).map(|step| step.to_string()).collect();
    match bad.is_empty() {
        true => pair.verdict.to_string(),
        false => format!("{} (step {})", pair.verdict, bad.join(", ")),
    }
}

fn not_passed(pair: &Pair) -> impl Iterator<Item = Step> {
    let noteworthy = pair.steps.iter().filter(|at| match at.verdict {
        Some(verdict) => verdict != dmconform_model::Verdict::Pass,
        None => at.step != Step::AccountRemoval,
    });
    noteworthy.map(|at| at.step)
}

fn section(pair: &Pair) -> String {
    let steps: Vec<String> = pair.steps.iter().map(|at| format!("| {} ", at.step)).collect();
    let seen: Vec<String> = pair.steps.iter().map(|at| format!("| {} ", seen(at))).collect();
    let mut text = format!(
        "\n## {} with {}: {}\n\n{}\n\n{}|\n{}|\n{}|\n",
        escape(&played(&pair.row)),
        escape(&played(&pair.column)),
        pair.verdict,
        basis(pair),
        steps.concat(),
        "|---".repeat(steps.len()),
        seen.concat(),
    );
    if !pair.findings.is_empty() {
        text.push('\n');
    }
    for said in &pair.findings {
        text = format!("{text}- {}\n", escape(&line(said)));
    }
    text
}

/// What was seen of a step, in a word.
pub(super) fn seen(at: &AtStep) -> &'static str {
    match at.verdict {
        Some(verdict) => verdict.as_str(),
        None if at.step == Step::AccountRemoval => "not asked for",
        None => "not reached",
    }
}

/// A product with its roles.
pub(super) fn played(played: &Played) -> String {
    let roles: Vec<&str> = played.roles.iter().map(|role| role.as_str()).collect();
    format!("{} ({})", played.name, roles.join(", "))
}

/// What a pair's verdict rests on.
pub(super) fn basis(pair: &Pair) -> String {
    let noun = if pair.delegations == 1 {
        "delegation"
    } else {
        "delegations"
    };
    let runs: Vec<&str> = pair.runs.iter().map(String::as_str).collect();
    format!("{} {noun} judged, in {}.", pair.delegations, runs.join(", "))
}

/// A finding in a line.
pub(super) fn line(said: &Said) -> String {
    let step = said.step.map(|step| format!("step {step}, ")).unwrap_or_default();
    let requirement = said
        .requirement
        .as_ref()
        .map(|id| format!(" ({id})"))
        .unwrap_or_default();
    let blames = match &said.blames {
        Some(product) => format!("; blamed on {product}"),
        None => "; nobody of the two is blamed".to_owned(),
    };
    format!(
        "{}: {step}{}{requirement}{blames}; seen in {}",
        said.verdict, said.statement, said.case
    )
}
