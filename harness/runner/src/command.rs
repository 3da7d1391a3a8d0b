//! Commands of an implementation file that are run to their end, without a shell.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use dmconform_case::implementation::{Command, Duration};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;

/// How much of the output is told, in characters.
const TOLD: usize = 500;
/// How long the last words of a command are waited for that has ended.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_millis(200);

/// Why a command did not do what it was to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("run `{program}`: {source}; look whether it is installed, and in PATH")]
    Start { program: String, source: std::io::Error },
    #[error("run `{program}`: it did not end within {within}, and was ended; allow it more with `within`")]
    Endless { program: String, within: Duration },
    #[error("run `{program}`: it ended with {status}{said}")]
    Ended {
        program: String,
        status: String,
        said: String,
    },
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started, takes too long, or does not end with status 0.
pub(crate) async fn run(wanted: &Command, directory: &Path) -> Result<(), CommandError> {
    let (program, arguments) = wanted
        .command
        .split_first()
        .map_or(("", &[][..]), |(program, arguments)| {
            (program.as_str(), arguments)
        });
    let program = program.to_owned();
    let start = |source| CommandError::Start {
        program: program.clone(),
        source,
    };
    let mut command = tokio::process::Command::new(&program);
    command
        .args(arguments)
        .envs(&wanted.environment)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(start)?;
    let (output, complaints) = (child.stdout.take(), child.stderr.take());
    let (said, complained) = (said_by(output), said_by(complaints));
    let Ok(status) = tokio::time::timeout(wanted.within.get(), child.wait()).await else {
        let within = wanted.within;
        return Err(CommandError::Endless { program, within });
    };
    let status = status.map_err(start)?;
    if status.success() {
        return Ok(());
    }
    let said = [said.end().await, complained.end().await].concat();
    let said = String::from_utf8_lossy(&said);
    let said = match said.trim() {
        "" => String::new(),
        said => {
            let skipped = said.chars().count().saturating_sub(TOLD);
            format!(": {}", said.chars().skip(skipped).collect::<String>())
        }
    };
    Err(CommandError::Ended {
        program,
        status: status.to_string(),
        said,
    })
}

/// What is read of a pipe, while it is read.
struct Said {
    last: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

fn said_by(pipe: Option<impl AsyncRead + Send + Unpin + 'static>) -> Said {
    let last = Arc::default();
    let reader = tokio::spawn(read_to(Arc::clone(&last), pipe));
    Said { last, reader }
}

impl Said {
    /// The end of it, once the command has ended. What it has left running may hold the pipe open, and is not waited for.
    async fn end(mut self) -> Vec<u8> {
        let _ = tokio::time::timeout(LAST_WORDS, &mut self.reader).await;
        self.reader.abort();
        std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps the end of what a pipe brings: a command that writes without an end fills no memory with it.
async fn read_to(last: Arc<Mutex<Vec<u8>>>, pipe: Option<impl AsyncRead + Unpin>) {
    let Some(mut pipe) = pipe else { return };
    let mut piece = [0; 8192];
    while let Ok(read @ 1..) = pipe.read(&mut piece).await {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.extend_from_slice(&piece[..read]);
        // A character has at most four octets.
        let kept = last.len().saturating_sub(4 * TOLD);
        last.drain(..kept);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn command(words: &[&str], milliseconds: u64) -> Command {
        Command {
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: [("WORD".to_owned(), "said".to_owned())].into(),
            within: Duration { milliseconds },
        }
    }

    #[tokio::test]
    async fn a_command_that_ends_well_is_done() {
        let outcome = run(&command(&["true"], 5000), Path::new("/")).await;
        assert!(outcome.is_ok());
    }

    #[tokio::test]
    async fn a_command_that_ends_badly_says_what_it_said() {
        let failing = command(&["sh", "-c", "echo it was $WORD; exit 3"], 5000);
        let error = run(&failing, Path::new("/")).await.expect_err("it ends with 3");
        assert_eq!(
            error.to_string(),
            "run `sh`: it ended with exit status: 3: it was said"
        );
    }

    #[tokio::test]
    async fn of_what_a_command_says_the_end_is_told() {
        let mut much = vec![b'x'; 1_000_000];
        much.extend_from_slice("€nd".repeat(10).as_bytes());
        let last = said_by(Some(std::io::Cursor::new(much))).end().await;
        assert_eq!(last.len(), 4 * TOLD);
        let failing = command(
            &[
                "sh",
                "-c",
                "head -c 3000000 /dev/zero | tr '\\0' x; echo the end; exit 3",
            ],
            5000,
        );
        let error = run(&failing, Path::new("/")).await.expect_err("it ends with 3");
        let CommandError::Ended { said, .. } = error else {
            panic!("{error}");
        };
        assert!(said.ends_with("xthe end"), "{said}");
        assert_eq!(said.chars().count(), TOLD + ": ".len());
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_ended() {
        let error = run(&command(&["sleep", "60"], 50), Path::new("/"))
            .await
            .expect_err("it sleeps");
        assert!(matches!(error, CommandError::Endless { .. }));
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_is_not_waited_for() {
        let began = std::time::Instant::now();
        let leaving = command(&["sh", "-c", "sleep 60 & exit 0"], 30_000);
        run(&leaving, Path::new("/")).await.expect("it ends with 0");
        let failing = command(&["sh", "-c", "echo no; sleep 60 & exit 3"], 30_000);
        let error = run(&failing, Path::new("/")).await.expect_err("it ends with 3");
        assert!(error.to_string().ends_with("exit status: 3: no"), "{error}");
        assert!(began.elapsed() < std::time::Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error = run(&command(&["dmconform-no-such-program"], 5000), Path::new("/"))
            .await
            .expect_err("there is none");
        assert!(error.to_string().contains("`dmconform-no-such-program`"));
    }
}
