//! Text inside of markup: nothing that a product says is ever markup itself.

use crate::wording;

/// A text in one line, for the content and the attributes of HTML and SVG.
pub(crate) fn escape(text: &str) -> String {
    entities(&wording::clean(text))
}

/// A text with its lines, for the content of `<pre>`.
pub(crate) fn escape_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| entities(&wording::clean(line))).collect();
    lines.join("\n")
}

fn entities(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
