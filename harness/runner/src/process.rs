//! The product's process: started, watched, and never left behind.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dmconform_case::implementation::{Command, Start};
use dmconform_roles::Stage;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::sync::watch;

use crate::command;
use crate::process_group::{is_there, kill, terminate};
use crate::ready::{Awaited, first_missing, is_listening};

/// How many lines of output are kept.
const KEPT_LINES: usize = 200;
/// How much of a line is kept, in octets.
const MAX_LINE: usize = 2000;
/// How long a product may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(3);
/// How long after a look at a product that is not ready it is looked at again: at first, and at most.
const FIRST_TICK: Duration = Duration::from_millis(1);
const TICK: Duration = Duration::from_millis(10);

/// How a product is started and ended, with every variable filled in.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) start: Start,
    pub(crate) stop: Option<Command>,
    pub(crate) reset: Option<Command>,
    /// The addresses that must be free before it is started: where it is going to listen.
    pub(crate) addresses: Vec<String>,
    /// Its working directory.
    pub(crate) directory: PathBuf,
}

/// A running product.
pub(crate) struct Process {
    output: Output,
    /// Asks for the end of the process.
    end: watch::Sender<bool>,
    ended: watch::Receiver<Option<Ended>>,
    watching: tokio::task::JoinHandle<()>,
    launch: Launch,
}

/// How a process ended.
#[derive(Clone, Debug)]
struct Ended {
    /// In words.
    how: String,
    /// Whether with status 0.
    well: bool,
}

/// Why a product could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("start `{program}`: {source}; {}", remedy_for_start(source))]
    Spawn { program: String, source: std::io::Error },
    #[error("reset the product before its start: {0}")]
    Reset(command::CommandError),
    #[error("get `{program}` ready: {how} before {awaited}")]
    Exited {
        program: String,
        how: String,
        awaited: Awaited,
        output: String,
    },
    #[error(
        "get `{program}` ready: {within} passed before {awaited}; look at `start.ready` in the implementation file"
    )]
    NeverReady {
        program: String,
        awaited: Awaited,
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

/// What to do about a program that cannot be started.
fn remedy_for_start(error: &std::io::Error) -> &'static str {
    if dmconform_model::is_out_of_files(error) {
        return dmconform_model::remedy(error);
    }
    "look at `start.command` in the implementation file"
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

/// What a product says.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    /// The last lines.
    lines: VecDeque<String>,
    /// The text that shows that it is ready, until a line has held it.
    awaited: Option<String>,
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: String) {
        let mut said = self.lock();
        if said
            .awaited
            .as_ref()
            .is_some_and(|awaited| line.contains(awaited))
        {
            said.awaited = None;
        }
        if said.lines.len() == KEPT_LINES {
            said.lines.pop_front();
        }
        said.lines.push_back(line);
    }
}

impl Process {
    /// Starts a product and waits until it is ready.
    pub(crate) async fn start(
        launch: Launch,
        stage: &Arc<Stage>,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Self, ProcessError> {
        let program = launch.start.command.first().cloned().unwrap_or_default();
        for address in launch.addresses.iter().chain(&launch.start.ready.tcp) {
            if is_listening(address).await {
                return Err(ProcessError::PortInUse {
                    program,
                    address: address.clone(),
                });
            }
        }
        if let Some(reset) = &launch.reset {
            command::run(reset, &launch.directory)
                .await
                .map_err(ProcessError::Reset)?;
        }
        let mut process = Self::spawn(launch).map_err(|source| ProcessError::Spawn {
            program: program.clone(),
            source,
        })?;
        match process.get_ready(program, stage, cancelled).await {
            Ok(()) => Ok(process),
            Err(error) => {
                process.stop().await;
                Err(error)
            }
        }
    }

    async fn get_ready(
        &self,
        program: String,
        stage: &Arc<Stage>,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<(), ProcessError> {
        let start = &self.launch.start;
        let began = Instant::now();
        let deadline = began + start.ready.within.get();
        loop {
            let awaited = if start.detached && self.ended.borrow().is_none() {
                Some(Awaited::End)
            } else {
                let is_awaited = self.output.lock().awaited.is_some();
                first_missing(&start.ready, is_awaited, &self.launch.directory, stage).await
            };
            // Whatever is ready is the product only as long as it is there.
            if let Some(how) = self.ended_badly() {
                return Err(ProcessError::Exited {
                    program,
                    how,
                    awaited: awaited.unwrap_or(Awaited::Ready),
                    output: self.output(),
                });
            }
            let Some(awaited) = awaited else { return Ok(()) };
            if Instant::now() >= deadline {
                return Err(ProcessError::NeverReady {
                    program,
                    awaited,
                    within: start.ready.within,
                    output: self.output(),
                });
            }
            if *cancelled.borrow() {
                return Err(ProcessError::Cancelled { program });
            }
            // What is ready at once is used at once; what takes long is not asked all the time.
            tokio::time::sleep((began.elapsed() / 8).clamp(FIRST_TICK, TICK)).await;
        }
    }

    fn spawn(launch: Launch) -> std::io::Result<Self> {
        let start = &launch.start;
        let (program, arguments) = start
            .command
            .split_first()
            .map_or(("", &[][..]), |(program, arguments)| {
                (program.as_str(), arguments)
            });
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .envs(&start.environment)
            .current_dir(&launch.directory)
            // It stays open as long as the harness lives, however that ends: a product can end with it.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // A group of its own: what the product starts goes with it, and Ctrl-C reaches the harness first.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let output = Output::default();
        output.lock().awaited.clone_from(&start.ready.log);
        let readers = [
            child
                .stdout
                .take()
                .map(|pipe| tokio::spawn(collect(pipe, output.clone()))),
            child
                .stderr
                .take()
                .map(|pipe| tokio::spawn(collect(pipe, output.clone()))),
        ];
        let (end, ending) = watch::channel(false);
        let (tell, ended) = watch::channel(None);
        let keeps_the_group = start.detached;
        // Whoever waits for a process closes its input first.
        let input = child.stdin.take();
        let watching = tokio::spawn(async move {
            let how = watch_over(child, ending, keeps_the_group).await;
            drop(input);
            for reader in readers.into_iter().flatten() {
                // A grandchild may hold the pipe open; what it says is not waited for.
                let _ = tokio::time::timeout(Duration::from_millis(200), reader).await;
            }
            tell.send_replace(Some(how));
        });
        Ok(Self {
            output,
            end,
            ended,
            watching,
            launch,
        })
    }

    /// How it ended; nothing while it runs, or where it runs in the background.
    pub(crate) fn exited(&self) -> Option<String> {
        let ended = self.ended.borrow().clone();
        ended
            .filter(|_| !self.launch.start.detached)
            .map(|ended| ended.how)
    }

    /// How it ended, where it should not have, or not so.
    fn ended_badly(&self) -> Option<String> {
        let ended = self.ended.borrow().clone()?;
        (!self.launch.start.detached || !ended.well).then_some(ended.how)
    }

    /// Its last output.
    pub(crate) fn output(&self) -> String {
        let said = self.output.lock();
        said.lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Ends it: by its own command if it has one, then asks, then kills. What the command had to complain about is returned.
    pub(crate) async fn stop(&mut self) -> Option<String> {
        let mut complaint = None;
        if let Some(stop) = &self.launch.stop {
            let stopped = command::run(stop, &self.launch.directory).await;
            complaint = stopped.err().map(|error| error.to_string());
            let ended = self.ended.wait_for(Option::is_some);
            let _ = tokio::time::timeout(GRACE, ended).await;
        }
        self.end.send_replace(true);
        // The task ends when the process has.
        let _ = (&mut self.watching).await;
        complaint
    }
}

/// Takes down what a pipe brings, line by line. A product that writes without an end fills no memory with it.
async fn collect(mut pipe: impl AsyncRead + Unpin, output: Output) {
    let mut line = Vec::new();
    let mut piece = [0; 8192];
    while let Ok(read @ 1..) = pipe.read(&mut piece).await {
        let mut lines = piece[..read].split(|octet| *octet == b'\n').peekable();
        while let Some(part) = lines.next() {
            let room = (MAX_LINE + 1).saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            if lines.peek().is_some() {
                output.add(text(&line));
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        output.add(text(&line));
    }
}

/// A line as text: whatever is no text is marked, and what is too long is cut.
fn text(line: &[u8]) -> String {
    let kept = line.strip_suffix(b"\r").unwrap_or(line);
    if kept.len() <= MAX_LINE {
        return String::from_utf8_lossy(kept).into_owned();
    }
    format!("{}…", String::from_utf8_lossy(&kept[..MAX_LINE]))
}

/// Waits for the end of a process, or brings it about. What it started ends with it, unless it is to stay behind.
async fn watch_over(mut child: Child, mut ending: watch::Receiver<bool>, keeps_the_group: bool) -> Ended {
    let id = child.id();
    let by_itself = tokio::select! {
        status = child.wait() => Some(ended(status)),
        // An error means that the handle is gone: end it, too.
        _ = ending.wait_for(|end| *end) => None,
    };
    if let Some(mut ended) = by_itself {
        if !keeps_the_group && end_the_group(id).await {
            ended
                .how
                .push_str(", and left processes behind, which were ended");
        }
        return ended;
    }
    terminate(id);
    let status = match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            kill(id);
            let _ = child.start_kill();
            child.wait().await
        }
    };
    end_the_group(id).await;
    ended(status)
}

/// Ends what is left of a process group; whether there was anything.
async fn end_the_group(id: Option<u32>) -> bool {
    if !terminate(id) {
        return false;
    }
    let deadline = Instant::now() + GRACE;
    while is_there(id) {
        if Instant::now() >= deadline {
            kill(id);
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}

fn ended(status: std::io::Result<std::process::ExitStatus>) -> Ended {
    match status {
        Ok(status) => Ended {
            how: format!("it ended with {status}"),
            well: status.success(),
        },
        Err(error) => Ended {
            how: format!("it ended, and nobody knows how: {error}"),
            well: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collected(octets: &[u8]) -> Vec<String> {
        let output = Output::default();
        collect(octets, output.clone()).await;
        output.lock().lines.iter().cloned().collect()
    }

    #[tokio::test]
    async fn what_a_product_says_is_taken_down_line_by_line_with_what_is_no_text_marked() {
        assert_eq!(
            collected(b"one\r\n\ntw\xffo\nthree").await,
            ["one", "", "tw\u{fffd}o", "three"]
        );
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut_and_what_follows_it_is_kept() {
        let octets = [vec![b'x'; 3_000_000], b"\nnext\n".to_vec()].concat();
        let lines = collected(&octets).await;
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], format!("{}…", "x".repeat(MAX_LINE)));
        assert_eq!(lines[1], "next");
    }

    #[tokio::test]
    async fn of_many_lines_the_last_are_kept() {
        let lines = collected("line\n".repeat(KEPT_LINES + 50).as_bytes()).await;
        assert_eq!(lines.len(), KEPT_LINES);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_product_that_does_not_end_when_asked_to_is_killed() {
        let script = "trap '' TERM; echo set; while :; do sleep 1; done";
        let start = Start {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            environment: std::collections::BTreeMap::new(),
            detached: false,
            instances: 1,
            ready: dmconform_case::implementation::Ready {
                tcp: Vec::new(),
                http: Vec::new(),
                log: None,
                command: Vec::new(),
                within: dmconform_case::implementation::Duration { milliseconds: 1000 },
            },
        };
        let launch = Launch {
            start,
            stop: None,
            reset: None,
            addresses: Vec::new(),
            directory: PathBuf::from("/"),
        };
        let mut process = Process::spawn(launch).expect("there is a shell");
        while process.output().is_empty() {
            tokio::time::sleep(TICK).await;
        }
        let began = Instant::now();
        process.stop().await;
        assert!(began.elapsed() >= GRACE, "it was not given the time to end");
        let how = process.exited().expect("it has ended");
        assert!(how.contains("signal: 9"), "{how}");
    }
}
