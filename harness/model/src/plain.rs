//! Plain text: lines that are not too long.

/// Breaks a text into lines of at most `width` characters, at spaces where there are any.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        if !line.is_empty() && length(&line) + 1 + length(&word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while length(&word) > width {
            let end = word.char_indices().nth(width).map_or(word.len(), |(end, _)| end);
            let rest = word.split_off(end);
            lines.push(std::mem::replace(&mut word, rest));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The number of characters of a text.
pub fn length(text: &str) -> usize {
    text.chars().count()
}
