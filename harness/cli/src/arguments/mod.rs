//! The command line.

mod bundle;
#[cfg(test)]
mod ci_files;
mod gating;
mod load;
mod output;
mod shell;
mod version;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::bundle::{Bundle, BundleCommand, CreateBundle, VerifyBundle};
pub(crate) use self::gating::Gating;
pub(crate) use self::load::Load;
pub(crate) use self::output::{Colour, LogFormat, Output, OutputFormat};
pub(crate) use self::shell::{Completions, Manual};
use self::version::VERSION;

/// Conformance tests for OMA Device Management server delegation.
///
/// Without a command, it is `run` without options: the bundled reference implementation is tested in every role.
#[derive(Parser)]
#[command(name = "dmconform", version = VERSION.as_str(), about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Test implementations; without options, the bundled reference implementation in every role.
    Run(Run),
    /// Let several real products talk to each other, with the harness between them, and judge each.
    Observe(Observe),
    /// Keep mock roles up for a product that is being worked on, and show what passes as it passes.
    Mock(Mock),
    /// Put many delegations at once on one product, and judge each.
    Load(Load),
    /// Look at everything that a run needs, before there is one, and say what to do about it.
    Doctor(Doctor),
    /// Write a commented implementation file to begin with.
    Init(Init),
    /// List the cases, or the requirements.
    List(List),
    /// Say everything about a case, a requirement, a deviation, an oddity or a kind of finding.
    Explain(Explain),
    /// Draw the procedure, or a case, as plain text, Mermaid or SVG.
    Diagram(Diagram),
    /// Check case, profile and implementation files, with the profile and the certificates that they name, without running anything.
    Check(Check),
    /// Judge a stored transcript again.
    Judge(Judge),
    /// Write a report of a stored run again, compare two, or merge several.
    Report(Report),
    /// Make a signed bundle of a certification, or verify one.
    Bundle(Bundle),
    /// Show what a captured body is, readably, and what departs in it from the specification.
    Decode(Decode),
    /// Show the profiles that are built in, and what a profile makes of captured messages.
    Profile(Profile),
    /// Write a set of test certificates for a product that is configured by hand.
    Certs(Certs),
    /// Test the suite itself: every deviation of the reference implementation must be caught by the cases named for it.
    Selftest(Selftest),
    /// Be the reference implementation, in one or several roles.
    Reference(Reference),
    /// Print what completes the command line in a shell.
    Completions(Completions),
    /// Print the manual page, or write those of all commands.
    Manual(Manual),
}

#[derive(Args)]
pub(crate) struct Profile {
    #[command(subcommand)]
    pub(crate) what: ProfileCommand,
}

#[derive(Subcommand)]
pub(crate) enum ProfileCommand {
    /// Name the profiles that are built in.
    List,
    /// Print one, as a beginning for one of your own.
    Show {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Show what captured messages are recognised as, which fields come out of them, and why not.
    Test {
        /// The profile: a file, or the name of one that is built in.
        #[arg(value_name = "PROFILE")]
        profile: PathBuf,
        /// Captured messages: an HTTP request or answer with its head, or a body alone; `-` is standard input.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

#[derive(Args, Default)]
pub(crate) struct Run {
    /// Test this product instead of the bundled reference implementation; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) implementation: Vec<PathBuf>,
    /// Only cases that judge this role; may be given several times.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// Only cases whose identifier matches this pattern, such as `DEL-DMS1-8-*`; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub(crate) case: Vec<String>,
    /// Cases of your own, next to those that are built in: a file or a folder of them; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) cases: Vec<PathBuf>,
    /// What the messages look like on the wire: a file, or `json-rest`, in place of the default profile.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Issue certificates from what `dmconform certs --out DIR` wrote, for a product that was configured with it.
    #[arg(long, value_name = "DIR")]
    pub(crate) certificates: Option<PathBuf>,
    /// How many cases run at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// What fixes the order of the cases, and what oddities leave open; 0 is the order of the suite.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Let warnings fail.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Give the product this defect: the reference implementation one of its own, another product one that its file
    /// passes on as `${deviations}`; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) deviation: Vec<String>,
    /// Give the reference implementation this legal oddity; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) oddity: Vec<String>,
    /// Let the roles that the harness plays have this legal oddity; may be given several times, and `all` are all.
    #[arg(long, value_name = "NAME")]
    pub(crate) peer_oddity: Vec<String>,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
    /// Certify the product: every case that its claims ask for is run, nothing can be left out or added, and the attempt is
    /// written down.
    #[arg(long)]
    pub(crate) certification: bool,
    /// Write attempts of certification to this log.
    #[arg(
        long,
        value_name = "FILE",
        requires = "certification",
        default_value = "reports/attempts.jsonl"
    )]
    pub(crate) attempts: PathBuf,
    /// Go on with a run that was broken off, in its directory, with the options that it began with: cases of which there are
    /// whole transcripts are judged by them, the others are run.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "certification"])]
    pub(crate) resume: Option<PathBuf>,
    /// Write the results here instead of to `reports/runs/<run id>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gating: Gating,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What is kept beside the transcripts.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Evidence {
    /// Keep what passes over connections, octet by octet, and the device's whole tree before and after each case, for
    /// `dmconform report evidence`.
    #[arg(long)]
    pub(crate) capture: bool,
    /// Keep the secrets of the TLS connections, too: with them, whoever has the capture reads everything that passed,
    /// credentials included.
    #[arg(long, requires = "capture")]
    pub(crate) key_log: bool,
    /// Leave the private keys, and product files with secrets in them, in the working directories of the products.
    #[arg(long)]
    pub(crate) keep_work: bool,
}

#[derive(Args)]
pub(crate) struct Observe {
    /// One of the products; give two, three or four. The harness plays the roles that none of them plays.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) implementation: Vec<PathBuf>,
    /// Only delegations whose identifier matches this pattern, such as `OBS-DMS1*`; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub(crate) case: Vec<String>,
    /// What the messages between the servers look like, in place of what the implementation files say.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Issue certificates from what `dmconform certs --out DIR` wrote, for products that were configured with it.
    #[arg(long, value_name = "DIR")]
    pub(crate) certificates: Option<PathBuf>,
    /// How many delegations run at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// What fixes the order of the delegations; 0 is the order of the suite.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Let warnings fail.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
    /// Write the results here instead of to `reports/runs/<run id>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gating: Gating,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Args)]
pub(crate) struct Mock {
    /// The roles to keep up, as a check: all that the product does not play.
    #[arg(value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// The product that is worked on: the harness plays every role that it does not play.
    #[arg(long, value_name = "FILE")]
    pub(crate) implementation: PathBuf,
    /// Let the delegations go as this case has them, with its changes; a whole delegation without.
    #[arg(long, value_name = "ID")]
    pub(crate) case: Option<String>,
    /// Do not start the product, whatever its file says: it runs in a debugger.
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Pull the triggers of the implementation file; otherwise the product is made to begin by hand.
    #[arg(long)]
    pub(crate) trigger: bool,
    /// What the messages between the servers look like, in place of what the implementation file says.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Issue certificates from what `dmconform certs --out DIR` wrote, for a product that was configured with it.
    #[arg(long, value_name = "DIR")]
    pub(crate) certificates: Option<PathBuf>,
    /// Write transcripts here instead of to `reports/mock/<id>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Doctor {
    /// The product; may be given several times. Without it, the bundled reference implementation.
    #[arg(long, value_name = "FILE")]
    pub(crate) implementation: Vec<PathBuf>,
    /// What the messages between the servers look like, in place of what the implementation file says.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Issue certificates from what `dmconform certs --out DIR` wrote, for a product that was configured with it.
    #[arg(long, value_name = "DIR")]
    pub(crate) certificates: Option<PathBuf>,
    /// Write transcripts here instead of to `reports/doctor/<id>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Init {
    /// The roles that the product plays: dm-client, dms-1, dms-2, bootstrap-server.
    #[arg(value_name = "ROLE", required = true)]
    pub(crate) roles: Vec<String>,
    /// Write it here, where nothing is yet, instead of to standard output (`-`).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct List {
    /// List the requirements instead, with how each is checked, and what is not tested and why.
    #[arg(long)]
    pub(crate) requirements: bool,
    /// Only cases that judge this role, or requirements that bind it; may be given several times.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// Cases of your own, next to those that are built in: a file or a folder of them; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) cases: Vec<PathBuf>,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Explain {
    /// The identifier of a case (`DEL-DMS1-8-030`) or a requirement (`DEL-8-3`), or the name of a deviation
    /// (`acl-wildcard`), of an oddity (`answers-without-body`) or of a kind of finding (`too-early`).
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Cases of your own, next to those that are built in: a file or a folder of them; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) cases: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Diagram {
    /// The identifier of a case; without it, the procedure.
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// How it is drawn.
    #[arg(long, value_enum, default_value_t = Drawing::Text)]
    pub(crate) format: Drawing,
    /// Which server opens the delegation, in the procedure; a case says that itself.
    #[arg(long, value_name = "ROLE", default_value = "dms-1", value_parser = ["dms-1", "dms-2"], conflicts_with = "id")]
    pub(crate) opens: String,
    /// Cases of your own, next to those that are built in: a file or a folder of them; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub(crate) cases: Vec<PathBuf>,
}

/// How a diagram is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    /// With characters.
    #[default]
    Text,
    /// As a Mermaid sequence diagram.
    Mermaid,
    /// As SVG.
    Svg,
}

#[derive(Args)]
pub(crate) struct Check {
    /// The files, or folders of them; without any, the suite that is built in.
    #[arg(value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Judge {
    /// The transcript, as a run has stored it.
    #[arg(value_name = "TRANSCRIPT")]
    pub(crate) transcript: PathBuf,
}

#[derive(Args)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) what: ReportCommand,
}

#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// As a page, from its results and its transcripts.
    Html(StoredRun),
    /// As Markdown, for a pull request or the summary of a job.
    Markdown(StoredRun),
    /// As JUnit XML, for CI servers.
    Junit(StoredRun),
    /// Compare two runs: what fails now, what was mended, what fails for another reason. Exits 0 where nothing got worse.
    Compare(Compare),
    /// Write what proves the verdicts as files for other tools: packets for Wireshark, the device's tree before and after.
    Evidence(EvidenceOf),
    /// Set products against products: what runs of `dmconform observe` say of each pair, step by step.
    Matrix(MatrixOf),
    /// Merge the parts of a run that several machines have done into one, and write all of its reports.
    Merge(Merge),
}

#[derive(Args)]
pub(crate) struct Compare {
    /// The directory of the earlier run.
    #[arg(value_name = "BEFORE")]
    pub(crate) before: PathBuf,
    /// The directory of the later run.
    #[arg(value_name = "AFTER")]
    pub(crate) after: PathBuf,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = ComparisonFormat::Text)]
    pub(crate) format: ComparisonFormat,
}

/// What a comparison is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparisonFormat {
    /// People.
    #[default]
    Text,
    /// Pull requests.
    Markdown,
    /// Programs.
    Json,
}

#[derive(Args)]
pub(crate) struct Merge {
    /// The directories of the parts.
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// The directory of the whole; it must not be there yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct MatrixOf {
    /// The directories of the runs, as they were written by `dmconform observe`.
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = MatrixFormat::Markdown)]
    pub(crate) format: MatrixFormat,
    /// Write it here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What a matrix is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixFormat {
    /// People at a terminal, and pull requests.
    #[default]
    Markdown,
    /// People with a browser.
    Html,
    /// Programs.
    Json,
}

#[derive(Args)]
pub(crate) struct EvidenceOf {
    /// The directory of the run, as it was written by `dmconform run --capture`.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Only cases whose identifier matches this pattern, such as `DEL-DMS1-8-*`; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub(crate) case: Vec<String>,
    /// Write the secrets that decrypt the packets, too, into them and as a key log.
    #[arg(long)]
    pub(crate) key_log: bool,
    /// Where to write it: a folder for each implementation, and in it one for each case.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct StoredRun {
    /// The directory of the run, as it was written by `dmconform run`.
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Write it here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Decode {
    /// The file with the body, as it was captured; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The media type that it was sent with, parameters included; without it, the body is recognised by what is in it.
    #[arg(long, value_name = "TYPE")]
    pub(crate) media_type: Option<String>,
    /// What delegation documents look like: a file, or `json-rest`, in place of the default profile.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Show passwords, nonces and credentials, too.
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Certs {
    /// Where to write them, where none are yet; the directory gets mode 0700, every file 0600.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The server identifier of DMS-1.
    #[arg(long, value_name = "ID", default_value = "dms1.dmconform.test")]
    pub(crate) dms_1: String,
    /// The server identifier of DMS-2.
    #[arg(long, value_name = "ID", default_value = "dms2.dmconform.test")]
    pub(crate) dms_2: String,
    /// A host that the certificates are for, besides loopback: where the product is reached; may be given several times.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Selftest {
    /// Try every deviation and oddity on every case, twice, instead of once on the cases that name it and on full delegations.
    #[arg(long)]
    pub(crate) full: bool,
    /// Only this deviation; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) deviation: Vec<String>,
    /// Only this legal oddity; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) oddity: Vec<String>,
    /// How many deviations are tried at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,
    /// Write the kill matrix here instead of to `reports/selftest/<id>`.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What standard output is for.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Args)]
pub(crate) struct Reference {
    /// The roles to play: dm-client, dms-1, dms-2, bootstrap-server.
    #[arg(value_name = "ROLE", required_unless_present = "list_deviations")]
    pub(crate) roles: Vec<String>,
    /// The configuration file.
    #[arg(long, value_name = "FILE", required_unless_present = "list_deviations")]
    pub(crate) config: Option<PathBuf>,
    /// List the defects that it can be given, and play nothing.
    #[arg(long)]
    pub(crate) list_deviations: bool,
    /// What the list is for.
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "list_deviations")]
    pub(crate) format: Format,
    /// The defects to have, separated by commas; may be empty.
    #[arg(long, value_name = "NAMES", default_value = "")]
    pub(crate) deviations: String,
    /// The legal oddities to have, separated by commas; may be empty.
    #[arg(long, value_name = "NAMES", default_value = "")]
    pub(crate) oddities: String,
    /// What decides what the oddities leave open.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How many threads work; one does a message with the fewest changes between threads.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) threads: u8,
    /// End when standard input ends: with whoever started it, however that ends.
    #[arg(long)]
    pub(crate) until_input_ends: bool,
}

/// What standard output is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// People.
    #[default]
    Text,
    /// Programs.
    Json,
}
