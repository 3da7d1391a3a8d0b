//! Diagrams in the language of Mermaid.

use dmconform_model::Role;
use dmconform_model::diagram::{Diagram, Line};

/// The diagram in the language of Mermaid.
pub fn write(diagram: &Diagram) -> String {
    let mut lines = vec![
        "---".to_owned(),
        format!("title: {}", quoted(&diagram.title)),
        "---".to_owned(),
        "sequenceDiagram".to_owned(),
    ];
    for lifeline in &diagram.lifelines {
        let played = match lifeline.judged {
            Some(true) => " (judged)",
            Some(false) => " (mock)",
            None => "",
        };
        lines.push(format!(
            "    participant {} as {}{played}",
            id(lifeline.role),
            lifeline.role.title()
        ));
    }
    let mut depth = 1;
    for line in &diagram.lines {
        if matches!(line, Line::OptionEnds) {
            depth -= 1;
        }
        lines.push(format!("{}{}", "    ".repeat(depth), one(line)));
        if matches!(line, Line::OptionBegins(_)) {
            depth += 1;
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn one(line: &Line) -> String {
    match line {
        Line::Arrow {
            from,
            to,
            label,
            answer,
            omitted,
        } => {
            let arrow = match (answer, omitted) {
                (false, false) => "->>",
                (true, false) => "-->>",
                (false, true) => "-x",
                (true, true) => "--x",
            };
            format!("{}{arrow}{}: {}", id(*from), id(*to), escaped(label))
        }
        Line::Note {
            over: (left, right),
            text,
        } if left == right => {
            format!("Note over {}: {}", id(*left), escaped(text))
        }
        Line::Note {
            over: (left, right),
            text,
        } => {
            format!("Note over {},{}: {}", id(*left), id(*right), escaped(text))
        }
        Line::OptionBegins(text) => format!("opt {}", escaped(text)),
        Line::OptionEnds => "end".to_owned(),
    }
}

const fn id(role: Role) -> &'static str {
    match role {
        Role::DmClient => "Client",
        Role::Dms1 => "DMS1",
        Role::Dms2 => "DMS2",
        Role::BootstrapServer => "BS",
    }
}

/// Mermaid ends a statement at `;`, begins an entity with `#`, and reads HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '#' => escaped.push_str("#35;"),
            ';' => escaped.push_str("#59;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A text in the quotes of YAML.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace(['\n', '\r'], " ")
    )
}
