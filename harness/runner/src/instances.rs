//! The instances of one implementation in a run, and which cases run on which.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dmconform_case::test_case::TestCase;
use dmconform_model::RunEvent;
use dmconform_model::result::Problem;
use tokio::task::JoinSet;

use crate::applies::exclusive_listener;
use crate::case_run::UnderTest;
use crate::options::TargetFile;
use crate::plan::Plan;
use crate::run::Shared;
use crate::target::{Running, TargetError};

/// The instance of a product that runs everything but what further ones take from it.
const FIRST: u32 = 1;

/// How many cases that run alone make it worth while to start an instance for them.
const WORTH_AN_INSTANCE: usize = 3;

/// Of how many instances one is for the cases that may harm the product; with fewer, they come last on the first.
const WORTH_ONE_APART: u32 = 3;

/// Runs what is planned for an implementation, on as many instances of it as are worth their start.
pub(crate) async fn run_target(shared: Arc<Shared>, file: TargetFile, plan: Plan) {
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
    let instances = file.instances().min(shared.options.jobs);
    let mut harmful = plan.harmful;
    let mut apart = JoinSet::new();
    if instances >= WORTH_ONE_APART && !harmful.is_empty() {
        let cases = std::mem::take(&mut harmful);
        apart.spawn(harm_apart(Arc::clone(&shared), file.clone(), instances, cases));
    }
    let mut further = JoinSet::new();
    for number in alone.instances(instances - u32::from(!apart.is_empty())).skip(1) {
        further.spawn(run_beside(
            Arc::clone(&shared),
            file.clone(),
            number,
            alone.clone(),
        ));
    }
    let mut cases = JoinSet::new();
    for case in plan.parallel {
        // Each begins before the next is looked at, so that they begin in their order.
        let Some(begun) = under_test.begin(case.clone()).await else {
            break;
        };
        cases.spawn(under_test.clone().run_begun(begun, case, None));
    }
    while cases.join_next().await.is_some() {}
    // One that is gone would take the others' cases, and none could say anything.
    alone.run_while(&under_test, || running.exited().is_none()).await;
    if running.exited().is_some() {
        while further.join_next().await.is_some() {}
        alone.run(&under_test).await;
    }
    look_at_the_end(&shared, &running);
    while let Some(left) = apart.join_next().await {
        harmful.extend(left.unwrap_or_default());
    }
    // What becomes of the product now is for the cases to say.
    under_test.run_harmful(harmful).await;
    drop(running);
    end(under_test).await;
    while further.join_next().await.is_some() {}
}

/// Runs cases that may harm the product on an instance of its own, on which nothing else can be blamed on what they do. Those are
/// returned that were not run, since it does not start.
async fn harm_apart(
    shared: Arc<Shared>,
    file: TargetFile,
    number: u32,
    cases: Vec<TestCase>,
) -> Vec<TestCase> {
    let Some(running) = start_beside(&shared, &file, number).await else {
        return cases;
    };
    let under_test = UnderTest::new(shared, &running);
    under_test.run_harmful(cases).await;
    drop(running);
    end(under_test).await;
    Vec::new()
}

/// Starts a further instance of the product; that it does not start is told.
async fn start_beside(shared: &Shared, file: &TargetFile, number: u32) -> Option<Arc<Running>> {
    match Running::start(&shared.options, file, number, &shared.cancelled).await {
        Ok(running) => Some(Arc::new(running)),
        Err(error) => {
            let mut problem = problem(file.name.clone(), error);
            problem.message = format!(
                "start instance {number} beside the others ({}); give `start.instances` a lower number",
                problem.message
            );
            shared.failed(problem);
            None
        }
    }
}

/// Runs cases that want a listener to themselves on a further instance of the product.
async fn run_beside(shared: Arc<Shared>, file: TargetFile, number: u32, alone: Alone) {
    let Some(running) = start_beside(&shared, &file, number).await else {
        return;
    };
    let under_test = UnderTest::new(Arc::clone(&shared), &running);
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

    /// The instances of a product that are worth their start: as many as there may be, and each has a few to run.
    fn instances(&self, most: u32) -> RangeInclusive<u32> {
        let worth = u32::try_from(self.lock().len() / WORTH_AN_INSTANCE).unwrap_or(u32::MAX);
        FIRST..=most.min(worth).max(FIRST)
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
pub(crate) fn look_at_the_end(shared: &Shared, running: &Running) {
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
