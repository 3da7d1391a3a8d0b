//! Commands of an implementation file that are run to their end, without a shell.

use std::path::Path;
use std::process::Stdio;

use dmconform_case::implementation::{Command, Duration};

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
    let child = tokio::process::Command::new(&program)
        .args(arguments)
        .envs(&wanted.environment)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let Ok(ended) = tokio::time::timeout(wanted.within.get(), child.wait_with_output()).await else {
        let within = wanted.within;
        return Err(CommandError::Endless { program, within });
    };
    let output = ended.map_err(start)?;
    if output.status.success() {
        return Ok(());
    }
    let said = [&output.stdout[..], &output.stderr[..]].concat();
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
        status: output.status.to_string(),
        said,
    })
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
