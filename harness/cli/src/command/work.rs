//! What commands that run cases have in common: threads, signals, a directory of their own, files in it.

use std::path::Path;

use tokio::sync::watch;

use crate::output::{Failure, tell};

/// Does the work, which is told when it is to come to an end early.
pub(super) fn to_the_end<W: Future>(
    work: impl FnOnce(watch::Receiver<bool>) -> W,
) -> Result<W::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("start threads: {error}")))?;
    let (cancel, cancelled) = watch::channel(false);
    Ok(runtime.block_on(async {
        tokio::spawn(cancel_on_signal(cancel));
        work(cancelled).await
    }))
}

/// The first signal ends the run in order; a second ends the process at once.
async fn cancel_on_signal(cancel: watch::Sender<bool>) {
    for round in 0..2 {
        signalled().await;
        if round == 0 {
            tell("\ncancelling: products are being stopped, what was judged so far is kept\n");
            cancel.send_replace(true);
        }
    }
    std::process::exit(5);
}

/// Resolves when the process is interrupted or terminated.
pub(super) async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without signals there is only the end of the process itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
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

/// Makes the directory of the results.
pub(super) fn make_directory(directory: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::environment(format!(
            "make the directory `{}`: {error}; choose another with --out",
            directory.display()
        ))
    };
    std::fs::create_dir_all(directory).map_err(failed)
}

/// Writes files that are for nobody but the user.
pub(super) fn write_private(directory: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    for (name, octets) in files {
        let path = directory.join(name);
        let written = dmconform_runner::write_private(&path, octets);
        written.map_err(|error| {
            Failure::environment(format!("write `{}`: {error}; is the disk full?", path.display()))
        })?;
    }
    Ok(())
}

/// Writes the results.
pub(super) fn write(directory: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Failure> {
    for (name, bytes) in files {
        let path = directory.join(name);
        std::fs::write(&path, bytes).map_err(|error| {
            Failure::environment(format!("write `{}`: {error}; is the disk full?", path.display()))
        })?;
    }
    Ok(())
}
