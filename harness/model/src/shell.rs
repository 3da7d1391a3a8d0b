//! Words as a shell reads them: commands that are shown are copied.

/// A word as a POSIX shell takes it: as it is where it stands for itself, and in single quotes where it does not.
pub fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_that_does_not_stand_for_itself_is_quoted() {
        assert_eq!(quoted("reports/runs/7"), "reports/runs/7");
        assert_eq!(quoted("my product.yaml"), "'my product.yaml'");
        assert_eq!(quoted("O'Neil.yaml"), r"'O'\''Neil.yaml'");
        assert_eq!(quoted("$HOME"), "'$HOME'");
        assert_eq!(quoted(""), "''");
    }
}
