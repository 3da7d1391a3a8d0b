//! The self-test: lets every deviation loose on the cases, each in a run of its own with its own listeners and product.

mod assess;
mod firsts;
mod mutants;
mod oddities;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use dmconform_case::Suite;
use dmconform_case::pattern::{GlobSet, globs};
use dmconform_model::result::Problem;
use dmconform_model::self_test::{HadBy, Mutant, Row};
use dmconform_model::{CaseResult, Deviation, RunRecord, SelfTest};
use dmconform_oddity::Oddity;
use dmconform_roles::Captured;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::assess::{Pass, assess};
use self::firsts::Firsts;
use self::oddities::Odd;
use crate::gating::Gating;
use crate::operator::Operator;
use crate::options::{Kept, Pace, RunOptions, TargetFile};
use crate::run::run;

/// What a self-test is asked to do.
#[derive(Clone, Debug)]
pub struct SelfTestOptions {
    /// The identifier of the self-test.
    pub id: String,
    /// When it begins: RFC 3339, UTC.
    pub started: String,
    /// The suite.
    pub suite: Arc<Suite>,
    /// The reference implementation, in each of its forms.
    pub targets: Vec<TargetFile>,
    /// Whether every deviation is tried on every case, twice.
    pub full: bool,
    /// Only these deviations; all if neither they nor oddities are named.
    pub deviations: Vec<String>,
    /// Only these oddities; all if neither they nor deviations are named.
    pub oddities: Vec<Oddity>,
    /// How many deviations are tried at once.
    pub at_once: usize,
    /// How many more of those at once that wait most of the time; without any, they take their turn among the others.
    pub waiting_at_once: usize,
    /// How many cases of one deviation run at once.
    pub jobs: u32,
    /// Where the results go.
    pub directory: PathBuf,
    /// This program, which is the reference implementation too.
    pub program: PathBuf,
}

impl SelfTestOptions {
    /// Whether nothing is left out.
    fn is_everything(&self) -> bool {
        self.deviations.is_empty() && self.oddities.is_empty()
    }
}

/// One event of a self-test.
#[derive(Clone, Debug)]
pub enum SelfTestEvent {
    /// The reference implementation without deviations was tested.
    CleanTested {
        /// How many cases were judged, and how many of them did not pass.
        judged: usize,
        /// Those that did not pass.
        not_passed: usize,
    },
    /// A deviation was tried.
    MutantTried {
        /// What came of it.
        row: Box<Row>,
        /// How many were tried so far.
        tried: usize,
        /// How many there are.
        of: usize,
    },
    /// An oddity was tried.
    OddityTried {
        /// Its name.
        oddity: Oddity,
        /// Who had it.
        had_by: HadBy,
        /// How many cases were judged.
        judged: usize,
        /// How many of them did not pass.
        failed: usize,
    },
}

/// Takes the events of a self-test as they happen.
pub type EmitSelfTest = Arc<dyn Fn(SelfTestEvent) + Send + Sync>;

/// Runs the self-test.
///
/// Transcripts are kept only of what did not go as it should.
pub async fn self_test(
    options: SelfTestOptions,
    emit: EmitSelfTest,
    cancelled: watch::Receiver<bool>,
) -> SelfTest {
    let began = Instant::now();
    let options = Arc::new(options);
    let mutants = mutants::chosen(&options);
    let test = Test {
        at_once: Arc::new(Semaphore::new(options.at_once.max(1))),
        waiting_at_once: (options.waiting_at_once > 0)
            .then(|| Arc::new(Semaphore::new(options.waiting_at_once))),
        of: mutants.len() * if options.full { 2 } else { 1 },
        waiting: Firsts::default(),
        busy: Firsts::default(),
        tried: AtomicUsize::new(0),
        options: Arc::clone(&options),
        emit,
        cancelled: cancelled.clone(),
    };
    let done = passes(&Arc::new(test), &mutants).await;
    let mut found = assess(&options, done);
    found.cancelled = *cancelled.borrow();
    found.duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    found
}

/// What the parts of a self-test have in common.
struct Test {
    options: Arc<SelfTestOptions>,
    /// How much of it goes on at once.
    at_once: Arc<Semaphore>,
    /// The same, of what waits most of the time and is not to keep the processors from the others.
    waiting_at_once: Option<Arc<Semaphore>>,
    /// What the second pass knows of the first, of what waits and of what does not.
    waiting: Firsts,
    busy: Firsts,
    /// How many deviations were tried, in all passes, and how many there are.
    tried: AtomicUsize,
    of: usize,
    emit: EmitSelfTest,
    cancelled: watch::Receiver<bool>,
}

impl Test {
    fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    const fn firsts(&self, waits: bool) -> &Firsts {
        if waits { &self.waiting } else { &self.busy }
    }

    /// Waits until something may be tried: as long as this is held.
    async fn turn(&self, waits: bool) -> Option<OwnedSemaphorePermit> {
        let waiting = self.waiting_at_once.as_ref().filter(|_| waits);
        let turns = waiting.unwrap_or(&self.at_once);
        // Nobody closes it.
        Arc::clone(turns).acquire_owned().await.ok()
    }
}

/// Everything once, or twice. Where every case is tried on everything, the reference implementation without deviations has the
/// machine to itself first, in both passes at once, since that waits more than it computes; then the deviations and oddities of both passes take their turns, so that what waits long at the end of
/// one pass does not keep the next one waiting. A few cases wait far more than they compute: there, all of it goes on at once.
async fn passes(test: &Arc<Test>, mutants: &[(Mutant, Deviation)]) -> Vec<Pass> {
    let directory = |number: usize| test.options.directory.join(format!("runs/{number}"));
    if !test.options.full {
        let directory = directory(1);
        let (clean, tried) = tokio::join!(try_clean(&directory, test), try_all(1, &directory, test, mutants));
        return vec![Pass::of(clean, tried)];
    }
    let (one, two) = (directory(1), directory(2));
    let clean = tokio::join!(try_clean(&one, test), try_clean(&two, test));
    let clean = [clean.0, clean.1];
    let (first, second) = tokio::join!(try_all(1, &one, test, mutants), try_all(2, &two, test, mutants));
    let tried = clean.into_iter().zip([first, second]);
    tried.map(|(clean, tried)| Pass::of(clean, tried)).collect()
}

/// The deviations and the oddities of one pass.
type Tried = ((Vec<Row>, Vec<Problem>), Odd);

async fn try_all(
    number: usize,
    directory: &Path,
    test: &Arc<Test>,
    mutants: &[(Mutant, Deviation)],
) -> Tried {
    tokio::join!(
        mutants::try_all(number, directory, test, mutants),
        oddities::try_all(number, directory, test)
    )
}

impl Pass {
    fn of(clean: RunRecord, ((rows, mut problems), odd): Tried) -> Self {
        problems.extend(clean.problems);
        problems.extend(odd.problems);
        Self {
            clean: clean.cases,
            rows,
            odd: odd.alarms,
            oddities: odd.tried,
            problems,
        }
    }
}

/// The cases against the reference implementation without deviations.
async fn try_clean(directory: &Path, test: &Test) -> RunRecord {
    let options = &test.options;
    let directory = directory.join("clean");
    let run = RunOptions {
        directory: directory.clone(),
        cases: clean_cases(options),
        ..run_options(options, options.targets.clone())
    };
    let record = silent_run(run, &test.cancelled).await;
    let alarms = assess::false_alarms(&record.cases);
    (test.emit)(SelfTestEvent::CleanTested {
        judged: record.cases.iter().filter(|case| is_judged(case)).count(),
        not_passed: alarms.len(),
    });
    if alarms.is_empty() && record.problems.is_empty() {
        discard(&directory);
    }
    record
}

/// The cases that the clean reference implementation must pass: those that name a deviation that is asked for, or all.
fn clean_cases(options: &SelfTestOptions) -> Option<GlobSet> {
    if options.full || options.is_everything() {
        return None;
    }
    if options.deviations.is_empty() {
        return oddities::full_delegations();
    }
    let cases = options.suite.cases.iter();
    let naming = cases.filter(|case| case.catches.iter().any(|name| options.deviations.contains(name)));
    let naming: Vec<String> = naming.map(|case| case.id.0.clone()).collect();
    globs(&naming).ok().flatten()
}

fn run_options(options: &SelfTestOptions, targets: Vec<TargetFile>) -> RunOptions {
    RunOptions {
        id: options.id.clone(),
        started: options.started.clone(),
        suite: Arc::clone(&options.suite),
        targets,
        roles: Vec::new(),
        cases: None,
        jobs: options.jobs,
        seed: 0,
        strict: false,
        deviations: Vec::new(),
        oddities: Vec::new(),
        peer_oddities: Vec::new(),
        certificates: None,
        operator: Operator::nobody(),
        suite_options: Vec::new(),
        rerun: None,
        // What goes as it should leaves nothing behind anyway.
        kept: Kept::NotPassed,
        captured: Captured::Nothing,
        pace: Pace::default(),
        gating: Gating::default(),
        keep_work: false,
        directory: options.directory.clone(),
        program: options.program.clone(),
    }
}

async fn silent_run(options: RunOptions, cancelled: &watch::Receiver<bool>) -> RunRecord {
    run(options, Arc::new(|_| ()), cancelled.clone()).await
}

/// What was not tried to the end, which no row tells.
fn broken_off(what: &str, error: &tokio::task::JoinError) -> Problem {
    Problem {
        implementation: "the reference implementation".to_owned(),
        message: format!("try one {what} to the end: {error}; this is a fault of dmconform"),
        output: String::new(),
    }
}

/// Removes the transcripts of what went as it should. What cannot be removed only takes space.
fn discard(directory: &Path) {
    let _ = std::fs::remove_dir_all(directory);
}

/// Whether a case of a run counts: it was judged.
fn is_judged(case: &CaseResult) -> bool {
    case.verdict != dmconform_model::Verdict::NotApplicable
}
