//! The only place that prints: results to standard output, progress and errors to standard error.

use std::io::{IsTerminal as _, Write as _};

/// A command that could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What to say.
    pub(crate) message: String,
    /// The exit code.
    pub(crate) code: u8,
}

impl Failure {
    /// A mistake of the user: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// A failure of the harness or its environment: exit code 5.
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 5,
        }
    }
}

/// Prints a result. A reader that went away is no failure of ours.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints progress or an explanation.
pub(crate) fn tell(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints an error, unless it is rendered already.
pub(crate) fn error(message: &str) {
    let rendered = message.starts_with("error");
    let text = if rendered {
        format!("{message}\n")
    } else {
        format!("error: failed to {message}\n")
    };
    tell(&text);
}

/// Whether progress can be redrawn, and colours shown.
pub(crate) fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
