//! The only place that prints: results to standard output, progress and errors to standard error.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::arguments::Colour;

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

    /// What is shown of it.
    pub(crate) fn rendered(&self) -> String {
        rendered(&self.message)
    }
}

/// Whether a result could not be printed.
static UNPRINTED: AtomicBool = AtomicBool::new(false);
/// Whether the reader of standard output went away.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Prints a result. A reader that went away is no failure of ours; a full disk behind standard output is one, which is told once.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let Err(why) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) else {
        return;
    };
    if why.kind() == ErrorKind::BrokenPipe {
        UNREAD.store(true, Ordering::Relaxed);
        return;
    }
    if !UNPRINTED.swap(true, Ordering::Relaxed) {
        error(&format!(
            "write to standard output: {why}; make room where it leads to, or let it lead elsewhere"
        ));
    }
}

/// Whether a result could not be printed, which makes a command fail that has done its work.
pub(crate) fn is_incomplete() -> bool {
    UNPRINTED.load(Ordering::Relaxed)
}

/// Whether nobody reads standard output any more: what does nothing but print can end.
pub(crate) fn is_unread() -> bool {
    UNREAD.load(Ordering::Relaxed)
}

/// What a terminal shows as it is: control characters could do anything to it.
pub(crate) fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' => '\n',
        '\t' => '\t',
        control if control.is_control() => '\u{FFFD}',
        other => other,
    };
    text.chars().map(shown).collect()
}

/// The same, of what is to stay in its line.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// Prints progress or an explanation.
pub(crate) fn tell(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints an error, unless it is rendered already.
pub(crate) fn error(message: &str) {
    tell(&format!("{}\n", rendered(message)));
}

fn rendered(message: &str) -> String {
    match message.starts_with("error") {
        true => message.to_owned(),
        false => format!("error: failed to {message}"),
    }
}

/// Whether standard error is a terminal on which lines can be drawn again.
pub(crate) fn is_terminal() -> bool {
    std::io::stderr().is_terminal() && !is_dumb()
}

/// A terminal that knows no commands.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// Whether colours are shown on standard output, and whether on standard error.
pub(crate) fn colours(asked: Colour) -> (bool, bool) {
    let of = |is_terminal: bool| match asked {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => by_environment(is_terminal),
    };
    (
        of(std::io::stdout().is_terminal()),
        of(std::io::stderr().is_terminal()),
    )
}

/// What the usual variables say: `NO_COLOR` stands over `CLICOLOR_FORCE`, and both over what a terminal is.
fn by_environment(is_terminal: bool) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("NO_COLOR") {
        return false;
    }
    let is_forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    is_forced || (is_terminal && !is_dumb())
}

/// How many columns and lines standard error has; what most have, where that is not known.
pub(crate) fn size() -> (u16, u16) {
    let found = terminal_size::terminal_size_of(std::io::stderr());
    found.map_or((100, 24), |(width, height)| (width.0, height.0))
}

/// How many characters fit a line of standard output: what `COLUMNS` says, what the terminal has, or 100.
pub(crate) fn width() -> u16 {
    let told = std::env::var("COLUMNS").ok();
    let told = told.and_then(|columns| columns.parse().ok());
    let found = || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0);
    told.or_else(found).unwrap_or(100)
}
