//! The log of attempts as a file that several runs may write to.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use dmconform_bundle::{BrokenLog, Log, Stage};
use dmconform_case::implementation::Product;

use crate::bounded;
use crate::output::Failure;

/// The log of attempts, and the attempt that is written to it.
pub(super) struct AttemptLog<'a> {
    path: PathBuf,
    product: &'a Product,
    run: &'a str,
}

impl<'a> AttemptLog<'a> {
    /// The log in this file, for an attempt of this product.
    pub(super) fn new(path: &Path, product: &'a Product, run: &'a str) -> Self {
        Self {
            path: path.to_owned(),
            product,
            run,
        }
    }

    /// Writes the next line, if the log holds together; gives back the log with it. Nobody else writes meanwhile.
    pub(super) fn write(&self, stage: Stage) -> Result<Log, Failure> {
        let path = self.path.display();
        let failed = |error: std::io::Error| {
            Failure::environment(format!(
                "write to the log of attempts `{path}`: {error}; choose another with --attempts"
            ))
        };
        let mut file = self.open().map_err(failed)?;
        // Until the file is closed.
        file.lock().map_err(failed)?;
        let mut text = bounded::text_of(&file).map_err(|error| {
            Failure::environment(format!(
                "read the log of attempts `{path}`: {error}; put back a copy that is whole, or begin another log with --attempts"
            ))
        })?;
        let broken = |error: BrokenLog| {
            let remedy = match error.is_newer {
                // Nothing is wrong with it: in another log, what it holds of the product would be missing.
                true => "",
                false => "; put back a copy that is whole, or begin another log with --attempts",
            };
            Failure::usage(format!(
                "trust the log of attempts `{path}`: failed to {error}{remedy}"
            ))
        };
        let line = Log::read(&text).map_err(broken)?.next(
            &dmconform_runner::timestamp(),
            self.product,
            self.run,
            stage,
        );
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line, as a full disk leaves it, would make the whole log worthless.
            let _ = file.set_len(text.len() as u64);
            return Err(failed(error));
        }
        text.push_str(&line);
        Log::read(&text).map_err(broken)
    }

    fn open(&self) -> std::io::Result<File> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use dmconform_bundle::Began;

    use super::*;

    #[test]
    fn attempts_that_are_written_at_once_stand_one_after_the_other() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("new/attempts.jsonl");
        let product = Product {
            vendor: "Acme".to_owned(),
            product: "Manager".to_owned(),
            version: "1".to_owned(),
        };
        let text = String::new;
        let began = Began {
            harness: text(),
            judge: text(),
            binary: text(),
            plays: Vec::new(),
            catalogue: text(),
            implementation: text(),
            profile: text(),
            selection: text(),
        };
        let runs: Vec<String> = (0..16).map(|number| format!("run {number}")).collect();
        std::thread::scope(|scope| {
            for run in &runs {
                let log = AttemptLog::new(&path, &product, run);
                let began = began.clone();
                scope.spawn(move || log.write(Stage::Began(began)).expect("it can be written"));
            }
        });
        let written = std::fs::read_to_string(&path).expect("it was written");
        let log = Log::read(&written).expect("it holds together");
        assert_eq!(log.others("run 0").len(), 15);
    }
}
