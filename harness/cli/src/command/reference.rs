//! `dmconform reference`: the reference implementation, as a process of its own.

use dmconform_oddity::Oddities;
use dmconform_reference::{Deviation, Manners, RoleName, serve};
use serde_json::json;

use crate::arguments::{Format, Reference};
use crate::output::{Failure, print};

use super::work;

/// Plays roles until the process is told to end, or lists the deviations.
pub(crate) fn run(arguments: &Reference) -> Result<u8, Failure> {
    let Some(config) = arguments.config.as_ref().filter(|_| !arguments.list_deviations) else {
        print(&list(arguments.format));
        return Ok(0);
    };
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
    let oddities = Oddities::parse(&arguments.oddities, arguments.seed)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let manners = Manners {
        deviations: own,
        oddities,
    };
    let mut builder = match arguments.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder
        .worker_threads(usize::from(arguments.threads))
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(format!("start threads: {error}")))?;
    runtime
        .block_on(serve(
            &roles,
            config,
            manners,
            told_to_end(arguments.until_input_ends),
        ))
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(0)
}

/// Resolves when the process is told to end: by a signal, or by the end of its input where that is asked for.
async fn told_to_end(with_its_input: bool) {
    let (tell, told) = tokio::sync::oneshot::channel();
    if with_its_input {
        // A thread of its own, which nobody waits for: reading cannot be broken off.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = tell.send(());
        });
    }
    let input = async {
        match told.await {
            Ok(()) => (),
            // Nobody reads it.
            Err(_) => std::future::pending().await,
        }
    };
    let mut signals = work::Signals::listen();
    tokio::select! {
        () = signals.next() => {}
        () = input => {}
    }
}

/// Every deviation, as a table or as JSON.
fn list(format: Format) -> String {
    let roles = |deviation: &Deviation| -> Vec<String> {
        deviation.roles().iter().map(ToString::to_string).collect()
    };
    let parts = |deviation: &Deviation| {
        let (breaks, words) = deviation.breaks().split_once(": ").unwrap_or_default();
        (breaks.to_owned(), words.to_owned())
    };
    if format == Format::Json {
        let all = Deviation::ALL.iter().map(|deviation| {
            let (breaks, words) = parts(deviation);
            json!({"name": deviation.name(), "of": roles(deviation), "breaks": breaks, "words": words})
        });
        return format!("{:#}\n", serde_json::Value::Array(all.collect()));
    }
    let width = |of: fn(&Deviation) -> usize| Deviation::ALL.iter().map(of).max().unwrap_or(0);
    let names = width(|deviation| deviation.name().len());
    let mut text = String::new();
    for deviation in Deviation::ALL {
        let (breaks, words) = parts(deviation);
        let of = roles(deviation).join(", ");
        text = format!(
            "{text}{:names$}  {of:16}  {breaks:8}  {words}\n",
            deviation.name()
        );
    }
    format!(
        "{text}{} deviations; `dmconform explain NAME` says which cases catch one\n",
        Deviation::ALL.len()
    )
}
