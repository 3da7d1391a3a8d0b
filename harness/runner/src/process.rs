//! The product's process: started, watched, and never left behind.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dmconform_case::implementation::Start;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How many lines of output are kept.
const KEPT_LINES: usize = 200;
/// How long a product may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(3);

/// A running product.
pub(crate) struct Process {
    output: Output,
    stop: watch::Sender<bool>,
    exited: watch::Receiver<Option<String>>,
    watching: tokio::task::JoinHandle<()>,
}

/// Why a product could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("start `{program}`: {source}; look at `start.command` in the implementation file")]
    Spawn { program: String, source: std::io::Error },
    #[error("get `{program}` ready: {how} before it listened at {waiting}")]
    Exited {
        program: String,
        how: String,
        waiting: String,
        output: String,
    },
    #[error(
        "get `{program}` ready: it did not listen at {waiting} within {within}; look at `start.ready` in the implementation file"
    )]
    NeverReady {
        program: String,
        waiting: String,
        within: dmconform_case::implementation::Duration,
        output: String,
    },
    #[error(
        "start `{program}`: something listens at {address} already; stop it, or let the harness choose the port"
    )]
    PortInUse { program: String, address: String },
    #[error("start `{program}`: the run was cancelled")]
    Cancelled { program: String },
}

impl ProcessError {
    /// The product's last output.
    pub(crate) fn output(&self) -> &str {
        match self {
            Self::Exited { output, .. } | Self::NeverReady { output, .. } => output,
            _ => "",
        }
    }
}

type Output = Arc<Mutex<VecDeque<String>>>;

impl Process {
    /// Starts a product and waits until it is ready.
    pub(crate) async fn start(
        start: &Start,
        directory: &Path,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Self, ProcessError> {
        let (program, arguments) = start
            .command
            .split_first()
            .map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
        let name = program.to_owned();
        for address in &start.ready.tcp {
            if TcpStream::connect(address).await.is_ok() {
                return Err(ProcessError::PortInUse {
                    program: name,
                    address: address.clone(),
                });
            }
        }
        let mut process =
            Self::spawn(program, arguments, &start.environment, directory).map_err(|source| {
                ProcessError::Spawn {
                    program: name.clone(),
                    source,
                }
            })?;
        let deadline = Instant::now() + start.ready.within.get();
        for address in &start.ready.tcp {
            loop {
                if TcpStream::connect(address).await.is_ok() {
                    break;
                }
                let problem = if let Some(how) = process.exited() {
                    let (waiting, output) = (address.clone(), process.output());
                    Some(ProcessError::Exited {
                        program: name.clone(),
                        how,
                        waiting,
                        output,
                    })
                } else if Instant::now() >= deadline {
                    let (waiting, output) = (address.clone(), process.output());
                    Some(ProcessError::NeverReady {
                        program: name.clone(),
                        waiting,
                        within: start.ready.within,
                        output,
                    })
                } else if *cancelled.borrow() {
                    Some(ProcessError::Cancelled {
                        program: name.clone(),
                    })
                } else {
                    None
                };
                if let Some(problem) = problem {
                    process.stop().await;
                    return Err(problem);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(process)
    }

    fn spawn(
        program: &str,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
        directory: &Path,
    ) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: what the product starts goes with it, and Ctrl-C reaches the harness first.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let output = Output::default();
        let readers = [
            child
                .stdout
                .take()
                .map(|pipe| tokio::spawn(collect(pipe, Arc::clone(&output)))),
            child
                .stderr
                .take()
                .map(|pipe| tokio::spawn(collect(pipe, Arc::clone(&output)))),
        ];
        let (stop, stopping) = watch::channel(false);
        let (exit, exited) = watch::channel(None);
        let watching = tokio::spawn(async move {
            let how = watch_over(child, stopping).await;
            for reader in readers.into_iter().flatten() {
                // A grandchild may hold the pipe open; what it says is not waited for.
                let _ = tokio::time::timeout(Duration::from_millis(200), reader).await;
            }
            exit.send_replace(Some(how));
        });
        Ok(Self {
            output,
            stop,
            exited,
            watching,
        })
    }

    /// How it ended; nothing while it runs.
    pub(crate) fn exited(&self) -> Option<String> {
        self.exited.borrow().clone()
    }

    /// Its last output.
    pub(crate) fn output(&self) -> String {
        let lines = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Ends it: asks first, then kills.
    pub(crate) async fn stop(&mut self) {
        self.stop.send_replace(true);
        // The task ends when the process has.
        let _ = (&mut self.watching).await;
    }
}

async fn collect(pipe: impl AsyncRead + Unpin, output: Output) {
    let mut lines = BufReader::new(pipe).lines();
    // What is no text ends the collection, not the product.
    while let Ok(Some(mut line)) = lines.next_line().await {
        if line.len() > 2000 {
            line = line.chars().take(500).chain("…".chars()).collect();
        }
        let mut kept = output.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

/// Waits for the end of a process, or brings it about.
async fn watch_over(mut child: Child, mut stopping: watch::Receiver<bool>) -> String {
    let id = child.id();
    tokio::select! {
        status = child.wait() => return ended(status),
        // An error means that the handle is gone: end it, too.
        _ = stopping.wait_for(|stop| *stop) => {}
    }
    signal(id, "TERM").await;
    let status = match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            signal(id, "KILL").await;
            let _ = child.start_kill();
            child.wait().await
        }
    };
    ended(status)
}

fn ended(status: std::io::Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => format!("it ended with {status}"),
        Err(error) => format!("it ended, and nobody knows how: {error}"),
    }
}

/// Signals the whole process group. The standard library cannot; `kill` is on every Unix.
#[cfg(unix)]
async fn signal(id: Option<u32>, name: &str) {
    let Some(id) = id else { return };
    let _ = Command::new("kill")
        .args([format!("-{name}"), "--".to_owned(), format!("-{id}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
}

#[cfg(not(unix))]
async fn signal(_: Option<u32>, _: &str) {}
