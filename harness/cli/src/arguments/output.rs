//! Options about what is printed.

use clap::{Args, ValueEnum};

/// What is printed, and how.
#[derive(Args, Clone, Copy, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
    /// Print what failed and the summary line, and nothing else.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// What standard error is for while the run goes on.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Whether colours are shown.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
}

/// What standard output is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// People.
    #[default]
    Text,
    /// Programs.
    Json,
    /// A job of GitHub Actions: annotations, and its summary.
    Github,
}

/// What standard error is for while a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// People.
    #[default]
    Text,
    /// Programs: an object a line for each event.
    Json,
}

/// Whether colours are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set; everywhere, if `CLICOLOR_FORCE` is.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}
