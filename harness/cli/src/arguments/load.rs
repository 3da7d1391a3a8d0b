//! The arguments of `dmconform load`.

use std::path::PathBuf;

use clap::Args;

use super::Format;

#[derive(Args)]
pub(crate) struct Load {
    /// The product; the bundled reference implementation without it.
    #[arg(long, value_name = "FILE")]
    pub(crate) implementation: Option<PathBuf>,
    /// The role that is judged, where the product plays several; without a product, which role the reference plays.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// How many delegations, each for a device of its own as far as the product has so many.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) devices: u32,
    /// How many are in flight all the time: the next begins when one has ended. The first ones begin at most a hundred in a second.
    #[arg(long, value_name = "N", conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) concurrency: Option<u32>,
    /// How many begin in a second, whatever has become of those before; each is measured from when it was to begin.
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// What the messages between the servers look like, in place of what the implementation file says.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Issue certificates from what `dmconform certs --out DIR` wrote, for a product that was configured with it.
    #[arg(long, value_name = "DIR")]
    pub(crate) certificates: Option<PathBuf>,
    /// Give the product this defect, as `run` does; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) deviation: Vec<String>,
    /// Put no load on anything: compare with what another load came to (`load.json`), which is `--with`.
    #[arg(long, value_name = "FILE", requires = "with", conflicts_with_all = [
        "implementation", "role", "devices", "rate", "concurrency", "profile", "certificates", "deviation", "out", "format",
    ])]
    pub(crate) compare: Option<PathBuf>,
    /// The later of two results that are compared.
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub(crate) with: Option<PathBuf>,
    /// Write the results here instead of to `reports/load/<id>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
