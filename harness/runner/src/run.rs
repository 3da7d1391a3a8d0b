//! A run: every implementation at once, every case with a device of its own, results as they come.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dmconform_case::ledger::ledger;
use dmconform_case::stated::stated;
use dmconform_case::test_case::TestCase;
use dmconform_judge::Owner;
use dmconform_model::result::{Problem, RunInfo, summarise, summarise_robustness};
use dmconform_model::run_event::Planned;
use dmconform_model::{CaseId, CaseOf, CaseResult, Date, Role, RunEvent, RunRecord, Target};
use dmconform_oddity::Oddity;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::applies::exclusive_listener;
use crate::case_context::owners;
use crate::case_run::UnderTest;
use crate::gating::Stop;
use crate::options::{RunOptions, TargetFile};
use crate::plan::{Plan, plan};
use crate::target::{Running, TargetError};

/// The instance of a product that runs everything but what further ones take from it.
const FIRST: u32 = 1;

/// How many cases that run alone make it worth while to start an instance for them.
const WORTH_AN_INSTANCE: usize = 3;

/// Takes the events of a run as they happen.
pub type Emit = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// What all parts of a run share.
pub(crate) struct Shared {
    pub(crate) options: RunOptions,
    pub(crate) owners: Arc<Vec<Owner>>,
    pub(crate) emit: Emit,
    /// Room for the cases that run at once.
    pub(crate) jobs: Arc<Semaphore>,
    pub(crate) cancelled: watch::Receiver<bool>,
    /// The end of the run at its first failure.
    pub(crate) stop: Stop,
    gathered: Mutex<Gathered>,
}

/// What has come of a run so far.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) cases: Vec<CaseResult>,
    pub(crate) problems: Vec<Problem>,
    strays: Vec<String>,
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
        }
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
    Arc::new(Shared {
        owners: Arc::new(owners(&options.suite)),
        options,
        emit,
        jobs: Arc::new(Semaphore::new(jobs)),
        cancelled,
        stop,
        gathered: Mutex::default(),
    })
}

fn info(options: &RunOptions) -> RunInfo {
    RunInfo {
        id: options.id.clone(),
        started: options.started.clone(),
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

    /// Keeps and tells that a product could not be tested, or not to its end.
    fn failed(&self, problem: Problem) {
        self.gather(|gathered| gathered.problems.push(problem.clone()));
        (self.emit)(RunEvent::TargetFailed(problem));
    }

    pub(crate) fn gather(&self, add: impl FnOnce(&mut Gathered)) {
        add(&mut self.lock());
    }
}

async fn run_target(shared: Arc<Shared>, file: TargetFile, plan: Plan) {
    if shared.stop.by().is_some() {
        return;
    }
    let implementation = file.name.clone();
    (shared.emit)(RunEvent::TargetStarting {
        implementation: implementation.clone(),
    });
    let began = Instant::now();
    let running = match Running::start(&shared.options, &file, FIRST, &shared.cancelled).await {
        Ok(running) => Arc::new(running),
        Err(error) => return shared.failed(problem(implementation, error)),
    };
    let after_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    (shared.emit)(RunEvent::TargetReady {
        implementation: implementation.clone(),
        after_ms,
    });
    let under_test = UnderTest::new(Arc::clone(&shared), &running);
    let alone = Alone::new(plan.alone);
    let mut further = JoinSet::new();
    for number in alone.instances(&file, shared.options.jobs).skip(1) {
        further.spawn(run_beside(
            Arc::clone(&shared),
            file.clone(),
            number,
            alone.clone(),
        ));
    }
    let mut cases = JoinSet::new();
    for case in plan.parallel {
        cases.spawn(under_test.clone().run(case, None));
    }
    while cases.join_next().await.is_some() {}
    alone.run(&under_test).await;
    look_at_the_end(&shared, &running);
    // What becomes of the product now is for the cases to say.
    under_test.run_harmful(plan.harmful).await;
    drop(running);
    end(under_test).await;
    while further.join_next().await.is_some() {}
}

/// Runs cases that want a listener to themselves on a further instance of the product.
async fn run_beside(shared: Arc<Shared>, file: TargetFile, number: u32, alone: Alone) {
    let running = match Running::start(&shared.options, &file, number, &shared.cancelled).await {
        Ok(running) => Arc::new(running),
        Err(error) => {
            let mut problem = problem(file.name, error);
            problem.message = format!(
                "start instance {number} beside the others ({}); give `start.instances` a lower number",
                problem.message
            );
            return shared.failed(problem);
        }
    };
    let under_test = UnderTest::new(Arc::clone(&shared), &running);
    // One that is gone would take the others' cases, and none could say anything.
    alone.run_while(&under_test, || running.exited().is_none()).await;
    look_at_the_end(&shared, &running);
    drop(running);
    end(under_test).await;
}

/// The cases that want a listener to themselves: those that no instance has taken yet.
#[derive(Clone)]
struct Alone {
    cases: Arc<Mutex<VecDeque<TestCase>>>,
}

impl Alone {
    fn new(cases: Vec<TestCase>) -> Self {
        Self {
            cases: Arc::new(Mutex::new(cases.into())),
        }
    }

    /// The instances of a product that are worth their start: as many as its file allows, of as many cases at once, and
    /// each has a few to run.
    fn instances(&self, file: &TargetFile, jobs: u32) -> RangeInclusive<u32> {
        let worth = u32::try_from(self.lock().len() / WORTH_AN_INSTANCE).unwrap_or(u32::MAX);
        FIRST..=file.instances().min(worth).min(jobs).max(FIRST)
    }

    /// Runs those that are left, one after the other.
    async fn run(&self, under_test: &UnderTest) {
        self.run_while(under_test, || true).await;
    }

    /// Runs those that are left, one after the other, as long as this holds.
    async fn run_while(&self, under_test: &UnderTest, goes_on: impl Fn() -> bool) {
        let procedure = &under_test.running.file.suite.procedure;
        while goes_on()
            && let Some(case) = self.next()
        {
            let listener = exclusive_listener(procedure, &case);
            under_test.clone().run(case, listener).await;
        }
    }

    fn next(&self) -> Option<TestCase> {
        self.lock().pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<TestCase>> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends an instance, and keeps what came to it that belongs to no case.
async fn end(under_test: UnderTest) {
    let UnderTest { shared, running, .. } = under_test;
    let implementation = running.file.name.clone();
    let strays = running.stage.strays();
    shared.gather(|gathered| {
        gathered.strays.extend(
            strays
                .into_iter()
                .map(|stray| format!("{implementation}: {stray}")),
        );
    });
    match Arc::try_unwrap(running) {
        Ok(running) => running.stop().await,
        // Somebody still holds on to it; dropping the process kills it.
        Err(running) => running.stage.close(),
    }
}

fn problem(implementation: String, error: TargetError) -> Problem {
    let message = error.to_string();
    let output = match error {
        TargetError::Product { output, .. } => output,
        _ => String::new(),
    };
    Problem {
        implementation,
        message,
        output,
    }
}

/// A product whose process has ended by now was not tested to the end.
fn look_at_the_end(shared: &Shared, running: &Running) {
    let (Some(how), false) = (running.exited(), *shared.cancelled.borrow()) else {
        return;
    };
    let implementation = running.file.name.clone();
    let output = running.output();
    let message = format!("test {implementation} to the end: {how}");
    shared.failed(Problem {
        implementation,
        message,
        output,
    });
}
