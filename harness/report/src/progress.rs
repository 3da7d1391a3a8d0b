//! What goes to standard error while a run goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use dmconform_model::{RunEvent, Verdict};

use crate::wording;

/// The state of a run, as far as it is shown.
#[derive(Debug, Default)]
pub struct Progress {
    is_terminal: bool,
    total: u32,
    finished: u32,
    not_passed: u32,
    running: BTreeSet<String>,
}

impl Progress {
    /// Nothing has happened yet. On a terminal one line is redrawn; elsewhere every case gets a line.
    pub fn new(is_terminal: bool) -> Self {
        Self {
            is_terminal,
            ..Self::default()
        }
    }

    /// What to write for an event, `elapsed` after the beginning.
    pub fn event(&mut self, event: &RunEvent, elapsed: Duration) -> String {
        let line = match event {
            RunEvent::RunStarted { cases, .. } => {
                self.total = *cases;
                None
            }
            RunEvent::TargetFailed(problem) => {
                let name = wording::clean(&problem.implementation);
                Some(format!(
                    "error {name}: failed to {}",
                    wording::clean(&problem.message)
                ))
            }
            RunEvent::CaseStarted { implementation, case } => {
                self.running
                    .insert(wording::clean(&format!("{implementation}/{case}")));
                None
            }
            RunEvent::CaseFinished(case) => {
                self.finished += 1;
                self.running
                    .remove(&wording::clean(&format!("{}/{}", case.implementation, case.id)));
                let passed = case.verdict == Verdict::Pass;
                self.not_passed += u32::from(!passed);
                let line = format!(
                    "{:>12} {} [{}]",
                    case.verdict,
                    wording::headline(case),
                    wording::clean(&case.implementation)
                );
                (!passed || !self.is_terminal).then_some(line)
            }
            RunEvent::RunFinished(_) => return self.cleared(),
            RunEvent::TargetStarting { .. } | RunEvent::TargetReady { .. } => None,
        };
        let line = line.map(|line| format!("{line}\n")).unwrap_or_default();
        if self.is_terminal {
            format!("{}{line}{}", self.cleared(), self.live(elapsed))
        } else {
            line
        }
    }

    fn cleared(&self) -> String {
        if self.is_terminal {
            "\r\u{1b}[2K".to_owned()
        } else {
            String::new()
        }
    }

    fn live(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs();
        let first = self.running.iter().next().map(String::as_str).unwrap_or_default();
        let text = format!(
            "{}/{} judged, {} not passed, {} running, {seconds} s  {first}",
            self.finished,
            self.total,
            self.not_passed,
            self.running.len()
        );
        text.chars().take(100).collect()
    }
}
