//! What commands that run cases have in common: threads, signals, a directory of their own, files in it.

use std::io::Write as _;
use std::path::Path;

use dmconform_model::remedy;
use tokio::sync::watch;

use crate::output::{Failure, tell};

/// Does the work, which is told when it is to come to an end early.
pub(super) fn to_the_end<W: Future>(
    work: impl FnOnce(watch::Receiver<bool>) -> W,
) -> Result<W::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("start threads: {error}; {}", remedy(&error))))?;
    let (cancel, cancelled) = watch::channel(false);
    Ok(runtime.block_on(async {
        // Before the work: a signal that nobody listens to yet would end the process on the spot, and leave products behind.
        let signals = Signals::listen();
        tokio::spawn(cancel_on_signal(cancel, signals));
        work(cancelled).await
    }))
}

/// The first signal ends the run in order; a second ends the process at once.
async fn cancel_on_signal(cancel: watch::Sender<bool>, mut signals: Signals) {
    for round in 0..2 {
        signals.next().await;
        if round == 0 {
            tell("\ncancelling: products are being stopped, what was judged so far is kept\n");
            cancel.send_replace(true);
        }
    }
    std::process::exit(5);
}

/// Signals that interrupt or terminate the process.
pub(super) struct Signals {
    #[cfg(unix)]
    listening: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Listens from now on, as far as the system lets it.
    pub(super) fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
            Self {
                listening: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect(),
            }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if let [interrupt, terminate] = self.listening.as_mut_slice() {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        // Without signals there is only the end of the process itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The identifier of what this process runs.
pub(super) fn id(started: &str) -> String {
    format!(
        "{}-{}",
        started.replace([':', '-'], "").replace('Z', ""),
        std::process::id()
    )
}

/// Makes the directory of the results, and looks whether anything can be written to it: before hours of work, not after.
pub(super) fn make_directory(directory: &Path) -> Result<(), Failure> {
    // Products are told of their folders, in texts.
    let is_text = std::path::absolute(directory).is_ok_and(|whole| whole.to_str().is_some());
    if !is_text {
        return Err(Failure::usage(format!(
            "use the directory `{}`: its path is not UTF-8; choose another with --out",
            directory.display()
        )));
    }
    let failed = |error: std::io::Error| {
        Failure::environment(format!(
            "make the directory `{}`: {error}; choose another with --out",
            directory.display()
        ))
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    let trial = directory.join(format!(".trial-{}", std::process::id()));
    let tried = std::fs::write(&trial, "x");
    let _ = std::fs::remove_file(&trial);
    tried.map_err(|error| {
        Failure::environment(format!(
            "write to the directory `{}`: {error}; {}",
            directory.display(),
            remedy(&error)
        ))
    })
}

/// Makes a directory that only its owner can look into.
pub(super) fn make_private_directory(directory: &Path) -> Result<(), Failure> {
    dmconform_runner::make_private_directory(directory).map_err(|error| unwritten(directory, &error))
}

/// A file that could not be written.
fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::environment(format!("write `{}`: {error}; {}", path.display(), remedy(error)))
}

/// Writes files that are for nobody but the user.
pub(super) fn write_private(directory: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    for (name, octets) in files {
        let path = directory.join(name);
        let written = dmconform_runner::write_private(&path, octets);
        written.map_err(|error| unwritten(&path, &error))?;
    }
    Ok(())
}

/// Writes the results, each whole or not at all: whoever finds one may rely on it.
pub(super) fn write(directory: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    for (name, octets) in files {
        let path = directory.join(name);
        write_whole(&path, octets).map_err(|error| unwritten(&path, &error))?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, octets: &[u8]) -> std::io::Result<()> {
    // What is there and is no plain file, such as `/dev/stdout` or a link, is to stay what it is.
    if path.symlink_metadata().is_ok_and(|known| !known.is_file()) {
        return std::fs::write(path, octets);
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let written = std::fs::write(&part, octets).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Makes a file where none is, for its owner to hand on, whole or not at all.
pub(super) fn write_new_private(path: &Path, octets: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(octets);
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written
}
