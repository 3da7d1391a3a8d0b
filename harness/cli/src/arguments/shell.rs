//! Options of what goes with the program into a shell: completions and manual pages.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Args)]
pub(crate) struct Completions {
    /// For which shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Args)]
pub(crate) struct Manual {
    /// Write a page for each command into this folder, which is there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
