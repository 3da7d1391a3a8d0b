//! Many delegations at once against one product, each judged.
//!
//! The same mock roles and the same judge as in a run; the same whole delegation again and again, each on a device of its own.

mod lateness;
mod room;
mod tally;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dmconform_case::test_case::TestCase;
use dmconform_model::load::{Arrivals, LoadResult, Resources};
use dmconform_model::result::Problem;
use dmconform_model::{Event, MessageId, Role};
use dmconform_roles::CaseContext;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};

use self::lateness::Lateness;
pub use self::room::NoRoom;
use self::tally::{Ended, Tally, has_passed};
use crate::applies::why_not;
use crate::case_run::{UnderTest, at_once};
use crate::gating::Stop;
use crate::instances::look_at_the_end;
use crate::options::{Pace, RunOptions, TargetFile};
use crate::run::shared;
use crate::target::{Running, TargetError};

/// How many polls in a second all devices in flight do together, at the most.
const POLLS_PER_SECOND: u32 = 200;

/// How often a case looks whether something is overdue. What happens wakes it anyway.
const TICK: Duration = Duration::from_millis(500);

/// A client that comes as seldom as this does not keep its connection in between, as devices do not.
const SELDOM: Duration = Duration::from_secs(1);

/// How many begin in a second where so many are to be in flight: thousands that begin in the same moment would be a crowd of our own
/// making, which no devices are.
const FIRST_PER_SECOND: u32 = 100;

/// How often the progress is told.
const REPORTED: Duration = Duration::from_secs(1);

/// What a load is to be.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The product, which is the first target, and everything else that a run needs.
    pub run: RunOptions,
    /// How many delegations.
    pub delegations: u32,
    /// How they arrive.
    pub arrivals: Arrivals,
}

/// How far a load has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadProgress {
    /// How many delegations have begun.
    pub begun: u32,
    /// How many have ended.
    pub ended: u32,
    /// How many of them did not pass.
    pub not_passed: u32,
    /// What 99 of a hundred that passed did not exceed, in microseconds; nothing before one has.
    pub p99_us: Option<u64>,
    /// How long it has gone on.
    pub elapsed: Duration,
}

/// Why there is no load.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The machine has no room for it.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The product could not be set up.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No whole delegation applies to it.
    #[error("find a whole delegation for {product}: {reason}")]
    NoCase {
        /// The product.
        product: String,
        /// Why none applies.
        reason: String,
    },
}

/// Takes the progress.
pub type EmitLoad = Arc<dyn Fn(LoadProgress) + Send + Sync>;

/// Puts the load on the product, and says what came of it. Transcripts are kept of the first delegations of each kind of
/// finding; what could not be kept comes beside the result.
///
/// # Errors
/// The machine has no room for it, no delegation applies, or the product does not start.
pub async fn load(
    options: LoadOptions,
    emit: EmitLoad,
    cancelled: watch::Receiver<bool>,
) -> Result<(LoadResult, Vec<Problem>), LoadError> {
    let LoadOptions {
        mut run,
        delegations,
        arrivals,
    } = options;
    let Some(file) = run.targets.first().cloned() else {
        let (product, reason) = ("nothing".to_owned(), "no product was named".to_owned());
        return Err(LoadError::NoCase { product, reason });
    };
    let case = whole_delegation(&file, &run.roles)?;
    let most = at_once(&file.implementation).min(delegations);
    let limits = &file.implementation.limits;
    let in_flight = in_flight(arrivals, most, limits.step_deadline.get());
    let poll = poll(in_flight, limits.window.get(), limits.step_deadline.get());
    let keeps_connections = poll < SELDOM;
    let resources = room::make(in_flight, keeps_connections)?;
    let (open_files, ports) = (resources.open_files, resources.local_ports);
    run.pace = Pace {
        tick: TICK,
        poll: Some(poll),
        sessions: (!keeps_connections).then(|| room::sessions(in_flight, open_files, ports)),
        spools: true,
        // As many as the process may have open; a product may keep each of its connections.
        connections: resources.open_files.and_then(|files| usize::try_from(files).ok()),
    };
    run.jobs = u32::MAX;
    let (id, started) = (run.id.clone(), run.started.clone());
    let began = Instant::now();
    let stop = Stop::new(&run.gating, run.strict, None, std::iter::empty());
    let shared = shared(run, Arc::new(|_| ()), cancelled.clone(), stop);
    let running = Arc::new(Running::start(&shared.options, &file, 1, &cancelled).await?);
    let bench = UnderTest::new(shared, &running);
    let load = Arc::new(Load {
        bench,
        case,
        tally: Mutex::new(Tally::new()),
        begun: AtomicU32::new(0),
        ended: AtomicU32::new(0),
        passed: AtomicU32::new(0),
        most: AtomicU32::new(0),
        began: Instant::now(),
    });
    let reporter = tokio::spawn(report(Arc::clone(&load), emit));
    let lateness = Arc::new(Lateness::new());
    let looks = Arc::clone(&lateness);
    let watch = tokio::spawn(async move { looks.watch().await });
    // Who waits for a device of the product is not in flight.
    let in_turn = match arrivals {
        Arrivals::Concurrency(_) => Arrivals::Concurrency(in_flight),
        Arrivals::PerSecond(rate) => Arrivals::PerSecond(rate),
    };
    load.all(delegations, in_turn, cancelled.clone()).await;
    let handshakes_broken_off = running.stage.handshakes_broken_off();
    reporter.abort();
    watch.abort();
    let (late_p99_us, late_most_us) = lateness.found().unzip();
    let took = load.began.elapsed();
    look_at_the_end(&load.bench.shared, &running);
    running.stop().await;
    let mut problems = Vec::new();
    load.bench
        .shared
        .gather(|gathered| problems.append(&mut gathered.problems));
    let tally = load.tally();
    let passed = load.passed.load(Ordering::Relaxed);
    let result = LoadResult {
        schema_version: LoadResult::SCHEMA_VERSION,
        id,
        started,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        target: file.target(),
        case: load.case.id.clone(),
        arrivals,
        asked: delegations,
        verdicts: tally.verdicts(),
        per_second: f64::from(passed) / took.as_secs_f64().max(f64::EPSILON),
        most_possible: Some(most),
        most_in_flight: load.most.load(Ordering::Relaxed),
        poll_interval_ms: u64::try_from(poll.as_millis()).unwrap_or(u64::MAX),
        whole: tally.whole(),
        messages: tally.messages(),
        faults: tally.faults(),
        levels: tally.levels(),
        handshakes_broken_off,
        resources: Resources {
            memory_most_kib: room::most_memory_kib(),
            late_p99_us,
            late_most_us,
            ..resources
        },
        cancelled: *cancelled.borrow(),
    };
    Ok((result, problems))
}

/// When a delegation begins at the earliest: in an open load by its rate, and in a closed one, of the first ones, a hundred in a second;
/// after those, when another one has ended.
fn earliest(number: u32, arrivals: Arrivals) -> Duration {
    let in_turn = |rate: u32| Duration::from_secs(1) * number / rate.max(1);
    match arrivals {
        Arrivals::PerSecond(rate) => in_turn(rate),
        Arrivals::Concurrency(at_once) if number < at_once => in_turn(FIRST_PER_SECOND),
        Arrivals::Concurrency(_) => Duration::ZERO,
    }
}

/// How many delegations are in flight at once, as far as it can be known beforehand: those of an open load are over, or given up,
/// within a limit or so, unless the product falls behind.
fn in_flight(arrivals: Arrivals, most: u32, deadline: Duration) -> u32 {
    let wanted = match arrivals {
        Arrivals::Concurrency(count) => count,
        Arrivals::PerSecond(rate) => {
            let seconds = u32::try_from(deadline.as_secs() + 1).unwrap_or(u32::MAX);
            rate.saturating_mul(seconds)
        }
    };
    wanted.clamp(1, most.max(1))
}

/// How often a mock client comes to ask for something new: the more of them, the less often each, but often enough that DMS-1 has
/// several opportunities to say what is due before its limit.
fn poll(in_flight: u32, window: Duration, deadline: Duration) -> Duration {
    let all_together = Duration::from_secs(1) * in_flight / POLLS_PER_SECOND;
    let least = window / 8;
    all_together.clamp(least, least.max(deadline / 4))
}

/// The first whole delegation of the suite that applies to the product and judges one of these roles, or any of its own.
fn whole_delegation(file: &TargetFile, roles: &[Role]) -> Result<TestCase, LoadError> {
    let product = &file.implementation;
    let is_of_role = |case: &&TestCase| {
        let asked = if roles.is_empty() { &product.plays } else { roles };
        // A client is one device.
        let mut servers = case.iut.iter().filter(|role| **role != Role::DmClient);
        servers.any(|role| asked.contains(role))
    };
    let mut reason = "none judges a server role that it plays".to_owned();
    for case in file
        .suite
        .cases
        .iter()
        .filter(|case| case.is_whole_delegation())
        .filter(is_of_role)
    {
        match why_not(&file.suite, case, product) {
            None => return Ok(case.clone().at_nodes(&product.nodes)),
            Some(why) => reason = format!("{} does not apply: {why}", case.id),
        }
    }
    Err(LoadError::NoCase {
        product: file.name.clone(),
        reason,
    })
}

/// A load that goes on.
struct Load {
    bench: UnderTest,
    case: TestCase,
    tally: Mutex<Tally>,
    begun: AtomicU32,
    ended: AtomicU32,
    passed: AtomicU32,
    most: AtomicU32,
    began: Instant,
}

impl Load {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all of them arrive, and waits for the last one.
    async fn all(self: &Arc<Self>, count: u32, arrivals: Arrivals, mut cancelled: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(match arrivals {
            Arrivals::Concurrency(at_once) => usize::try_from(at_once.max(1)).unwrap_or(1),
            Arrivals::PerSecond(_) => Semaphore::MAX_PERMITS,
        }));
        let mut tasks = JoinSet::new();
        for number in 0..count {
            let arrival = async {
                let planned = self.began + earliest(number, arrivals);
                tokio::time::sleep_until(planned.into()).await;
                let permit = Arc::clone(&room).acquire_owned().await.ok();
                match arrivals {
                    Arrivals::PerSecond(_) => (permit, planned),
                    Arrivals::Concurrency(_) => (permit, Instant::now()),
                }
            };
            let (permit, planned) = tokio::select! {
                arrived = arrival => arrived,
                _ = cancelled.wait_for(|cancelled| *cancelled) => break,
            };
            // What is gone takes no more, and would fail all the rest in no time.
            if self.bench.running.exited().is_some() {
                break;
            }
            let load = Arc::clone(self);
            tasks.spawn(async move {
                load.one(number + 1, planned).await;
                drop(permit);
            });
            while let Some(ended) = tasks.try_join_next() {
                self.look_at(ended);
            }
        }
        while let Some(ended) = tasks.join_next().await {
            self.look_at(ended);
        }
    }

    /// A delegation that ended otherwise than by its verdict is a defect of the harness, and is told.
    fn look_at(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            self.ended.fetch_add(1, Ordering::Relaxed);
            self.bench.shared.failed(Problem {
                implementation: self.bench.running.file.name.clone(),
                message: format!(
                    "judge a delegation: {error}; this is a defect of dmconform, please report it"
                ),
                output: String::new(),
            });
        }
    }

    /// How many are in flight now.
    fn in_flight(&self) -> u32 {
        let ended = self.ended.load(Ordering::Relaxed);
        self.begun.load(Ordering::Relaxed).saturating_sub(ended)
    }

    /// One delegation, from when it was to begin to its verdict.
    async fn one(&self, number: u32, planned: Instant) {
        let mut case = self.case.clone();
        case.id.0 = format!("{}.{number}", case.id.0);
        let Some(begun) = self.bench.stage(case).await else {
            return;
        };
        self.begun.fetch_add(1, Ordering::Relaxed);
        let at_first = self.in_flight();
        self.most.fetch_max(at_first, Ordering::Relaxed);
        let context = begun.drive(None).await;
        context.recorder.record(Event::Ended);
        let in_flight = self.in_flight().max(at_first);
        let is_broken_off =
            self.bench.is_cancelled() && context.recorder.with(|observed| observed.aborted.is_some());
        // What was broken off in the middle says nothing of the product.
        if !is_broken_off {
            self.count(&context, in_flight, planned);
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self, context: &CaseContext, in_flight: u32, planned: Instant) {
        let ended = ended(context, in_flight, planned);
        if has_passed(ended.result.verdict) {
            self.passed.fetch_add(1, Ordering::Relaxed);
        }
        let is_kept = self.tally().add(&ended, &context.header.transcript);
        if is_kept {
            self.bench.store(context, &context.header.transcript);
        }
    }
}

/// What a delegation has come to, and how long it and its messages took.
fn ended(context: &CaseContext, in_flight: u32, planned: Instant) -> Ended {
    let began = context.recorder.began();
    let (last_us, messages) = context.recorder.with(|observed| {
        let seen = &observed.occurrences;
        let is_real = |role: Role| context.header.is_real(role);
        let after = seen.iter().skip(1).zip(seen);
        let messages: Vec<(MessageId, Role, u64)> = after
            .filter(|(now, _)| is_real(now.from) && now.accepted)
            .map(|(now, before)| (now.message, now.from, now.at_us.saturating_sub(before.at_us)))
            .collect();
        (seen.last().map_or(0, |last| last.at_us), messages)
    });
    let late = began.saturating_duration_since(planned);
    let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
    Ended {
        result: context.recorder.result(),
        in_flight,
        whole_us: late_us.saturating_add(last_us),
        messages,
    }
}

async fn report(load: Arc<Load>, emit: EmitLoad) {
    loop {
        tokio::time::sleep(REPORTED).await;
        let (not_passed, p99_us) = {
            let tally = load.tally();
            (tally.not_passed(), tally.p99_us())
        };
        emit(LoadProgress {
            begun: load.begun.load(Ordering::Relaxed),
            ended: load.ended.load(Ordering::Relaxed),
            not_passed,
            p99_us,
            elapsed: load.began.elapsed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn of_a_closed_load_the_first_ones_begin_one_after_the_other_and_the_others_when_one_has_ended() {
        let closed = |number| earliest(number, Arrivals::Concurrency(1_500));
        assert_eq!([closed(0), closed(1_000)], [s(0), s(10)]);
        assert_eq!([closed(1_500), closed(9_999_999)], [s(0), s(0)]);
        assert_eq!(earliest(300, Arrivals::PerSecond(20)), s(15));
    }

    #[test]
    fn no_more_are_in_flight_than_arrive_within_a_limit_or_the_product_has_room_for() {
        assert_eq!(in_flight(Arrivals::Concurrency(20), 5, s(5)), 5);
        assert_eq!(in_flight(Arrivals::PerSecond(10), 40_000, s(15)), 160);
        assert_eq!(in_flight(Arrivals::PerSecond(10), 100, s(15)), 100);
    }

    #[test]
    fn a_client_comes_several_times_within_a_limit_however_many_there_are() {
        let window = Duration::from_millis(400);
        assert_eq!(poll(1, window, s(15)), window / 8);
        assert_eq!(poll(600, window, s(15)), s(3));
        assert_eq!(poll(10_000, window, s(15)), s(15) / 4);
    }
}
