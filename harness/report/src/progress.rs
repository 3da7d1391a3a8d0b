//! What goes to standard error while a run goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dmconform_model::{CaseId, CaseResult, Role, RunEvent, Step, Verdict};

use crate::terminal::{Style, painted};
use crate::wording;

/// How many lines of implementations and roles are shown at most: the others are summed up.
const MOST_LINES: usize = 10;
/// How wide the names in these lines are at most.
const MOST_NAME: usize = 44;

/// What progress is shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Whether verdicts are coloured, and how many characters fit a line.
    pub style: Style,
    /// How many lines there are, on a terminal whose lines can be drawn again; absent elsewhere.
    pub height: Option<u16>,
    /// Whether only what failed is shown.
    pub quiet: bool,
}

/// Whether a failure was known before.
pub type IsKnown = Box<dyn Fn(&CaseResult) -> bool + Send>;

/// The state of a run, as far as it is shown.
pub struct Progress {
    screen: Screen,
    is_known: IsKnown,
    total: u32,
    groups: BTreeMap<Group, Count>,
    /// How many lines are to be drawn again.
    drawn: usize,
}

/// The cases of an implementation that judge the same roles.
type Group = (String, Vec<Role>);

#[derive(Default)]
struct Count {
    total: u32,
    judged: u32,
    failed: u32,
    running: BTreeSet<CaseId>,
}

impl Progress {
    /// Nothing has happened yet. On a terminal a few lines are drawn again and again; elsewhere every case gets a line.
    pub fn new(screen: Screen, is_known: IsKnown) -> Self {
        Self {
            screen,
            is_known,
            total: 0,
            groups: BTreeMap::new(),
            drawn: 0,
        }
    }

    /// Takes in that the terminal has another size: so many columns and lines.
    pub fn resize(&mut self, (width, height): (u16, u16)) {
        self.screen.style.width = width;
        self.screen.height = self.screen.height.map(|_| height);
    }

    /// What to write for an event, `elapsed` after the beginning.
    pub fn event(&mut self, event: &RunEvent, elapsed: Duration) -> String {
        let line = self.take(event);
        let line = line.map(|line| format!("{line}\n")).unwrap_or_default();
        let Some(height) = self.screen.height.filter(|_| !self.screen.quiet) else {
            return line;
        };
        let cleared = self.cleared();
        if let RunEvent::RunFinished(_) = event {
            self.drawn = 0;
            return cleared;
        }
        let block = self.block(usize::from(height), elapsed);
        self.drawn = block.len();
        format!("{cleared}{line}{}", block.join("\n"))
    }

    /// Takes an event in: the line that stays of it, if one does.
    fn take(&mut self, event: &RunEvent) -> Option<String> {
        match event {
            RunEvent::RunStarted { cases, planned, .. } => {
                self.total = *cases;
                for planned in planned {
                    let key = (planned.implementation.clone(), planned.iut.clone());
                    self.groups.entry(key).or_default().total = planned.cases;
                }
                None
            }
            RunEvent::TargetFailed(problem) => {
                let name = wording::clean(&problem.implementation);
                let mark = painted("error", Verdict::Error, self.screen.style);
                Some(format!(
                    "{mark} {name}: failed to {}",
                    wording::clean(&problem.message)
                ))
            }
            RunEvent::CaseStarted {
                implementation,
                case,
                iut,
            } => {
                let key = (implementation.clone(), iut.clone());
                self.groups.entry(key).or_default().running.insert(case.clone());
                None
            }
            RunEvent::CaseFinished(case) => self.finished(case),
            RunEvent::RunFinished(_) | RunEvent::TargetStarting { .. } | RunEvent::TargetReady { .. } => None,
        }
    }

    fn finished(&mut self, case: &CaseResult) -> Option<String> {
        let key = (case.implementation.clone(), case.iut.clone());
        let is_known = (self.is_known)(case);
        let passed = case.verdict == Verdict::Pass;
        let count = self.groups.entry(key).or_default();
        count.running.remove(&case.id);
        count.judged += 1;
        count.failed += u32::from(!passed && !is_known);
        let is_shown = match (self.screen.quiet, self.screen.height.is_some()) {
            (true, _) => !passed && !is_known && case.verdict != Verdict::Warn,
            (false, true) => !passed,
            (false, false) => true,
        };
        let (word, colour) = match (is_known, case.is_flaky()) {
            (true, _) => ("known", Verdict::Warn),
            (false, true) => ("flaky", Verdict::Warn),
            (false, false) => (case.verdict.as_str(), case.verdict),
        };
        let mark = painted(&format!("{word:>12}"), colour, self.screen.style);
        is_shown.then(|| {
            format!(
                "{mark} {} [{}]",
                wording::headline(case),
                wording::clean(&case.implementation)
            )
        })
    }

    /// What takes away the lines that were drawn last; the cursor is at the end of the last one.
    fn cleared(&self) -> String {
        match self.drawn {
            0 | 1 => "\r\u{1b}[J".to_owned(),
            lines => format!("\r\u{1b}[{}A\u{1b}[J", lines - 1),
        }
    }

    /// The lines that are drawn again: one for each implementation and roles, and the sum.
    fn block(&self, height: usize, elapsed: Duration) -> Vec<String> {
        let width = usize::from(self.screen.style.width).saturating_sub(1);
        let room = MOST_LINES.min(height.saturating_sub(3));
        let mut open: Vec<_> = self.groups.iter().filter(|(_, count)| !count.is_done()).collect();
        let left_out = open.len().saturating_sub(room);
        open.truncate(room);
        let names: Vec<String> = open
            .iter()
            .map(|((implementation, iut), _)| name(implementation, iut, width))
            .collect();
        let longest = names.iter().map(|name| columns(name)).max().unwrap_or_default();
        let mut lines: Vec<String> = names
            .iter()
            .zip(&open)
            .map(|(name, (_, count))| {
                let padding = " ".repeat(longest - columns(name));
                format!("{name}{padding}  {}", count.in_words())
            })
            .collect();
        if left_out > 0 && room > 0 {
            lines.push(format!("… and {left_out} more"));
        }
        let sum = |of: fn(&Count) -> u32| self.groups.values().map(of).sum::<u32>();
        let running: usize = self.groups.values().map(|count| count.running.len()).sum();
        lines.push(format!(
            "{}/{} judged, {} not passed, {running} running, {} s",
            sum(|count| count.judged),
            self.total,
            sum(|count| count.failed),
            elapsed.as_secs()
        ));
        lines.iter().map(|line| fitting(line, width)).collect()
    }
}

impl Count {
    fn is_done(&self) -> bool {
        self.running.is_empty() && self.judged >= self.total
    }

    fn in_words(&self) -> String {
        let mut text = format!("{:>3}/{}", self.judged, self.total);
        if self.failed > 0 {
            text = format!("{text}, {} not passed", self.failed);
        }
        let steps: BTreeSet<Option<Step>> = self.running.iter().map(step).collect();
        if !steps.is_empty() {
            let steps = steps.into_iter();
            let steps = steps.map(|step| step.map_or_else(|| "all".to_owned(), |step| step.to_string()));
            text = format!("{text}  steps {}", steps.collect::<Vec<_>>().join(" "));
        }
        text
    }
}

/// The step that a case is about, by its identifier; nothing if it is about no single one.
fn step(case: &CaseId) -> Option<Step> {
    case.0.split(['-', '.']).nth(2)?.parse().ok()
}

fn name(implementation: &str, iut: &[Role], width: usize) -> String {
    let roles: Vec<&str> = iut.iter().map(|role| role.as_str()).collect();
    let name = wording::clean(&format!("{implementation} {}", roles.join("+")));
    fitting(&name, MOST_NAME.min(width / 2))
}

/// How many columns a text takes at most: what is not ASCII may take two.
fn columns(text: &str) -> usize {
    text.chars()
        .map(|character| 2 - usize::from(character.is_ascii()))
        .sum()
}

/// The beginning of a text that fits a width in columns.
fn fitting(text: &str, width: usize) -> String {
    let mut room = width;
    text.chars()
        .take_while(|character| {
            let needed = 2 - usize::from(character.is_ascii());
            let fits = needed <= room;
            room = room.saturating_sub(needed);
            fits
        })
        .collect()
}
