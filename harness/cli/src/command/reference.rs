//! `dmconform reference`: the reference implementation, as a process of its own.

use dmconform_reference::{Deviation, RoleName, serve};

use crate::arguments::Reference;
use crate::output::Failure;

/// Plays roles until the process is told to end.
pub(crate) fn run(arguments: &Reference) -> Result<u8, Failure> {
    let roles: Vec<RoleName> = arguments
        .roles
        .iter()
        .map(|name| {
            name.parse()
                .map_err(|error: dmconform_reference::UnknownRole| Failure::usage(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    let names = arguments
        .deviations
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let deviations: Vec<Deviation> = names
        .map(|name| {
            name.parse()
                .map_err(|error: dmconform_reference::UnknownDeviation| Failure::usage(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    // What is no deviation of these roles is another process's.
    let own: Vec<Deviation> = deviations
        .into_iter()
        .filter(|deviation| deviation.roles().iter().any(|role| roles.contains(role)))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("start threads: {error}")))?;
    runtime
        .block_on(serve(&roles, &arguments.config, &own, told_to_end()))
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(0)
}

/// Resolves when the process is interrupted or terminated.
async fn told_to_end() {
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
