//! The command line of `dmconform bundle`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

#[derive(Args)]
pub(crate) struct Bundle {
    #[command(subcommand)]
    pub(crate) what: BundleCommand,
}

#[derive(Subcommand)]
pub(crate) enum BundleCommand {
    /// Make a signed bundle of a certification: everything by which somebody else can verify it.
    Create(CreateBundle),
    /// Verify a bundle, offline: that it is whole, who signed it, and that what it states follows from what is in it.
    ///
    /// Exits 0 where it is verified, whatever came out of the certification, 1 where it is refused, and 2 where it cannot be read.
    Verify(VerifyBundle),
}

#[derive(Args)]
pub(crate) struct CreateBundle {
    /// The directory of the run, as `dmconform run --certification` wrote it.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Write it here, where nothing is yet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Sign with this Ed25519 key (PKCS#8, PEM); without it, with one that is made for this bundle and kept nowhere.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct VerifyBundle {
    /// The bundle.
    #[arg(value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// Take only what was signed by this Ed25519 key (PEM).
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    pub(crate) key: Option<PathBuf>,
    /// Take only what was signed by the key with this fingerprint: the SHA-256 digest of its DER form.
    #[arg(long, value_name = "HEX")]
    pub(crate) fingerprint: Option<String>,
    /// Refuse also what is verified, and states another outcome than `certified`.
    #[arg(long)]
    pub(crate) certified: bool,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
