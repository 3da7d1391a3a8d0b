//! Commands of an implementation file that are run to their end, without a shell.

use std::path::Path;
use std::process::Stdio;

use dmconform_case::implementation::{Command, Duration};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How much of the output is told, in characters.
const TOLD: usize = 500;

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
    let mut child = tokio::process::Command::new(&program)
        .args(arguments)
        .envs(&wanted.environment)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let (output, complaints) = (child.stdout.take(), child.stderr.take());
    let ending = async { tokio::join!(child.wait(), last_of(output), last_of(complaints)) };
    let Ok((status, output, complaints)) = tokio::time::timeout(wanted.within.get(), ending).await else {
        let within = wanted.within;
        return Err(CommandError::Endless { program, within });
    };
    let status = status.map_err(start)?;
    if status.success() {
        return Ok(());
    }
    let said = [output, complaints].concat();
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

/// The end of what a pipe brings: a command that writes without an end fills no memory with it.
async fn last_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut last = Vec::new();
    let Some(mut pipe) = pipe else { return last };
    let mut piece = [0; 8192];
    while let Ok(read @ 1..) = pipe.read(&mut piece).await {
        last.extend_from_slice(&piece[..read]);
        // A character has at most four octets.
        last.drain(..last.len().saturating_sub(4 * TOLD));
    }
    last
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
        let last = last_of(Some(&much[..])).await;
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
    async fn a_program_that_is_not_there_is_named() {
        let error = run(&command(&["dmconform-no-such-program"], 5000), Path::new("/"))
            .await
            .expect_err("there is none");
        assert!(error.to_string().contains("`dmconform-no-such-program`"));
    }
}
