//! When a product is ready: what its implementation file says, looked at one by one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dmconform_case::implementation::{Command, Ready};
use dmconform_roles::{Errand, Stage};
use tokio::net::TcpStream;

use crate::command;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(2);

/// What is awaited of a product that is not ready yet; the texts fit after "before".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// That it accepts connections at an address.
    Listening(String),
    /// That a URL answers with a status of 2xx.
    Answering(String),
    /// That a line of its output holds a text.
    Said(String),
    /// That a command ends with status 0.
    Command(String),
    /// That the command that leaves it in the background ends.
    End,
    /// Nothing more.
    Ready,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening(address) => write!(f, "it listened at {address}"),
            Self::Answering(url) => write!(f, "{url} answered with a status of 2xx"),
            Self::Said(text) => write!(f, "it said `{text}`"),
            Self::Command(program) => write!(f, "`{program}` ended with status 0"),
            Self::End => f.write_str("the command that starts it in the background ended"),
            Self::Ready => f.write_str("it was used"),
        }
    }
}

/// Whether somebody takes connections at an address; where nothing is answered at all, nobody does.
pub(crate) async fn is_listening(address: &str) -> bool {
    let connected = tokio::time::timeout(LOOK, TcpStream::connect(address)).await;
    connected.is_ok_and(|connected| connected.is_ok())
}

/// The first thing that is missing; nothing where the product is ready.
pub(crate) async fn first_missing(
    ready: &Ready,
    log_is_awaited: bool,
    directory: &Path,
    stage: &Arc<Stage>,
) -> Option<Awaited> {
    for address in &ready.tcp {
        if !is_listening(address).await {
            return Some(Awaited::Listening(address.clone()));
        }
    }
    if let (true, Some(text)) = (log_is_awaited, &ready.log) {
        return Some(Awaited::Said(text.clone()));
    }
    for url in &ready.http {
        let errand = Errand {
            method: "GET".to_owned(),
            url: url.clone(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        if !matches!(stage.run_errand(&errand, LOOK).await, Ok((200..300, _))) {
            return Some(Awaited::Answering(url.clone()));
        }
    }
    if let Some(program) = ready.command.first() {
        let look = Command {
            command: ready.command.clone(),
            environment: std::collections::BTreeMap::new(),
            within: ready.within,
        };
        if command::run(&look, directory).await.is_err() {
            return Some(Awaited::Command(program.clone()));
        }
    }
    None
}
