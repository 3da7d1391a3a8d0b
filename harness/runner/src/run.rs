//! A run: every implementation at once, every case with a device of its own, results as they come.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dmconform_case::ledger::ledger;
use dmconform_case::stated::stated;
use dmconform_judge::Owner;
use dmconform_model::result::{Problem, RunInfo, summarise, summarise_robustness};
use dmconform_model::run_event::Planned;
use dmconform_model::{CaseId, CaseOf, CaseResult, Date, Role, RunEvent, RunRecord, Target};
use dmconform_oddity::Oddity;
use dmconform_roles::Spool;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::case_context::owners;
use crate::gating::Stop;
use crate::instances::run_target;
use crate::options::{RunOptions, TargetFile};
use crate::plan::{Plan, plan};

/// Takes the events of a run as they happen.
pub type Emit = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// What all parts of a run share.
pub(crate) struct Shared {
    pub(crate) options: RunOptions,
    pub(crate) owners: Arc<Vec<Owner>>,
    pub(crate) emit: Emit,
    /// Room for the cases that run at once.
    pub(crate) jobs: Arc<Semaphore>,
    /// Room for the sessions of mock clients that close their connections with each of them.
    pub(crate) open_sessions: Option<Arc<Semaphore>>,
    /// Where transcripts wait until it is known whether they are kept, if not in memory.
    pub(crate) spool: Option<Arc<Spool>>,
    pub(crate) cancelled: watch::Receiver<bool>,
    /// The end of the run at its first failure.
    pub(crate) stop: Stop,
    gathered: Mutex<Gathered>,
    /// Distinguishes the delegations of this run from those of every other.
    of_run: u64,
    delegations: AtomicU64,
    /// The numbers of DM sessions that mock clients have had, and may have: of each case, some.
    sessions: AtomicU16,
}

/// What has come of a run so far.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) cases: Vec<CaseResult>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) strays: Vec<String>,
}

/// Runs everything that was asked for. Transcripts are written as cases end; the record of the run is returned.
///
/// Cancelled, it ends the cases and the products in order, and returns what was judged so far.
pub async fn run(options: RunOptions, emit: Emit, cancelled: watch::Receiver<bool>) -> RunRecord {
    let began = Instant::now();
    let planned: Vec<(TargetFile, Plan)> = options
        .targets
        .iter()
        .map(|target| (target.clone(), plan(&options, target)))
        .collect();
    let info = info(&options);
    let count = planned.iter().map(|(_, plan)| plan.len()).sum::<usize>();
    emit(RunEvent::RunStarted {
        run: Box::new(info.clone()),
        cases: u32::try_from(count).unwrap_or(u32::MAX),
        planned: counted(&planned),
    });
    let day = Date::of_moment(&options.started);
    let cases = planned.iter().flat_map(|(_, plan)| plan.cases());
    let stop = Stop::new(&options.gating, options.strict, day, cases);
    let selected = selected(&planned);
    let shared = shared(options, emit, cancelled, stop);
    let mut targets = JoinSet::new();
    for (file, mut plan) in planned {
        shared.gather(|gathered| gathered.cases.append(&mut plan.excluded));
        if plan.len() > 0 {
            targets.spawn(run_target(Arc::clone(&shared), file, plan));
            continue;
        }
        let of_earlier = shared.options.gating.problems.iter();
        let of_earlier = of_earlier.filter(|problem| problem.implementation == file.name);
        shared.gather(|gathered| gathered.problems.extend(of_earlier.cloned()));
    }
    while targets.join_next().await.is_some() {}
    let mut gathered = std::mem::take(&mut *shared.lock());
    let order = |case: &CaseResult| {
        let target = shared
            .options
            .targets
            .iter()
            .position(|target| target.name == case.implementation);
        let place = shared
            .options
            .suite
            .cases
            .iter()
            .position(|known| known.id == case.id);
        (target, place)
    };
    gathered.cases.sort_by_key(order);
    gathered
        .problems
        .sort_by(|one, other| one.implementation.cmp(&other.implementation));
    let cancelled = *shared.cancelled.borrow();
    let is_judged = |of: &CaseOf| gathered.cases.iter().any(|case| of.is(case));
    let not_run = selected.into_iter().filter(|of| !is_judged(of)).collect();
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut record = RunRecord {
        schema_version: RunRecord::SCHEMA_VERSION,
        run: RunInfo {
            duration_ms,
            cancelled,
            stopped_by: shared.stop.by().cloned(),
            ..info
        },
        summary: summarise(&gathered.cases),
        robustness: summarise_robustness(&gathered.cases),
        ledger: ledger(&shared.options.suite, &gathered.cases),
        cases: gathered.cases,
        strays: gathered.strays,
        problems: gathered.problems,
        not_run,
        gate: None,
    };
    if let Some((known, day)) = shared.options.gating.expectations.as_ref().zip(day) {
        let mut cases: Vec<&CaseId> = shared.options.suite.cases.iter().map(|case| &case.id).collect();
        let targets = shared.options.targets.iter();
        cases.extend(targets.flat_map(|target| target.suite.cases.iter().map(|case| &case.id)));
        record.gate = Some(known.judge(&record, &cases, day));
    }
    (shared.emit)(RunEvent::RunFinished(Box::new(record.clone())));
    record
}

/// How many cases are run of each implementation, per roles that are judged.
fn counted(planned: &[(TargetFile, Plan)]) -> Vec<Planned> {
    let mut counted: Vec<Planned> = Vec::new();
    for (file, plan) in planned {
        let mut of_roles: BTreeMap<&[Role], u32> = BTreeMap::new();
        for case in plan.cases() {
            *of_roles.entry(&case.iut).or_default() += 1;
        }
        counted.extend(of_roles.into_iter().map(|(iut, cases)| Planned {
            implementation: file.name.clone(),
            iut: iut.to_vec(),
            cases,
        }));
    }
    counted
}

/// The cases that are run, by implementation.
fn selected(planned: &[(TargetFile, Plan)]) -> Vec<CaseOf> {
    let cases = planned.iter().flat_map(|(file, plan)| {
        plan.cases().map(|case| CaseOf {
            implementation: file.name.clone(),
            case: case.id.clone(),
        })
    });
    let mut cases: Vec<CaseOf> = cases.collect();
    cases.sort();
    cases
}

/// What all parts of a run share, at its beginning.
pub(crate) fn shared(
    options: RunOptions,
    emit: Emit,
    cancelled: watch::Receiver<bool>,
    stop: Stop,
) -> Arc<Shared> {
    let jobs = usize::try_from(options.jobs.max(1)).unwrap_or(1);
    let open_sessions = options.pace.sessions.map(|room| Arc::new(Semaphore::new(room)));
    let spool = options.pace.spools;
    let spool = spool.then(|| Arc::new(Spool::new(options.directory.clone())));
    Arc::new(Shared {
        owners: Arc::new(owners(&options.suite)),
        options,
        emit,
        jobs: Arc::new(Semaphore::new(jobs)),
        spool,
        open_sessions,
        cancelled,
        stop,
        gathered: Mutex::default(),
        of_run: RandomState::new().hash_one(0),
        delegations: AtomicU64::new(1),
        sessions: AtomicU16::new(first_session()),
    })
}

/// How many numbers of DM sessions a case has to itself: polls are sessions, too.
const SESSIONS_OF_A_CASE: u16 = 251;

/// Where the numbers of DM sessions begin: another place in each run, since products may know the sessions of the run before.
fn first_session() -> u16 {
    let [high, low, ..] = RandomState::new().hash_one(1).to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn info(options: &RunOptions) -> RunInfo {
    RunInfo {
        id: options.id.clone(),
        started: options.gating.began.as_ref().unwrap_or(&options.started).clone(),
        duration_ms: 0,
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        jobs: options.jobs,
        strict: options.strict,
        deviations: options.deviations.clone(),
        oddities: named(&options.oddities),
        peer_oddities: named(&options.peer_oddities),
        targets: options
            .targets
            .iter()
            .map(|file| Target {
                claims: stated(&file.implementation.supports, &file.implementation.limits),
                ..file.target()
            })
            .collect(),
        own_readings: own_readings(options),
        cancelled: false,
        selection: options.gating.selection.clone(),
        shard: options.gating.shard,
        stopped_by: None,
        allow_flaky: options.gating.allow_flaky,
    }
}

/// What the profiles in use take in their own reading, each once.
fn own_readings(options: &RunOptions) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for target in &options.targets {
        for reading in &target.suite.profile.own_readings {
            if !found.contains(reading) {
                found.push(reading.clone());
            }
        }
    }
    found
}

fn named(oddities: &[Oddity]) -> Vec<String> {
    oddities.iter().map(ToString::to_string).collect()
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What no other delegation is called, in this run or in another: a product may remember what it has seen.
    pub(crate) fn new_token(&self) -> String {
        let number = self.delegations.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-{number}", self.of_run & u64::from(u32::MAX))
    }

    /// The number of the last session that a mock client had before a case; the identifiers of those in it follow, and are no others'
    /// before they have gone round.
    pub(crate) fn last_session(&self) -> u16 {
        self.sessions.fetch_add(SESSIONS_OF_A_CASE, Ordering::Relaxed)
    }

    /// Keeps and tells that a product could not be tested, or not to its end.
    pub(crate) fn failed(&self, problem: Problem) {
        self.gather(|gathered| gathered.problems.push(problem.clone()));
        (self.emit)(RunEvent::TargetFailed(problem));
    }

    pub(crate) fn gather(&self, add: impl FnOnce(&mut Gathered)) {
        add(&mut self.lock());
    }

    /// The problems that were gathered since they were taken last.
    pub(crate) fn take_problems(&self) -> Vec<Problem> {
        std::mem::take(&mut self.lock().problems)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_run_begins_with_other_numbers_of_dm_sessions_than_the_run_before() {
        let beginnings: BTreeSet<u16> = (0..8).map(|_| first_session()).collect();
        assert!(beginnings.len() > 1, "{beginnings:?}");
    }
}
