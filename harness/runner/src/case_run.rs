//! One case, on devices of its own, from its first to its last record.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use dmconform_case::implementation::Implementation;
use dmconform_case::test_case::{How, TestCase};
use dmconform_judge::BESIDE;
use dmconform_model::capture::Capture;
use dmconform_model::certificate::Certificate;
use dmconform_model::result::Problem;
use dmconform_model::transcript::TriggerOutcome;
use dmconform_model::{CaseResult, Event, MessageId, RunEvent, remedy};
use dmconform_roles::CaseContext;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::applies::ExclusiveListener;
use crate::case_context::context;
use crate::drive::Driver;
use crate::gating::{passed, standing};
use crate::private;
use crate::run::Shared;
use crate::target::Running;
use crate::variables::Variables;

/// An implementation that is being tested, in the run that tests it.
#[derive(Clone)]
pub(crate) struct UnderTest {
    pub(crate) shared: Arc<Shared>,
    pub(crate) running: Arc<Running>,
    pub(crate) devices: Arc<Devices>,
}

impl UnderTest {
    /// An implementation that runs, with its devices all free.
    pub(crate) fn new(shared: Arc<Shared>, running: &Arc<Running>) -> Self {
        Self {
            shared,
            running: Arc::clone(running),
            devices: Arc::new(Devices::new(running)),
        }
    }

    /// Runs one case from its first to its last record, and again where it did not pass and may be tried again.
    pub(crate) async fn run(self, case: TestCase, listener: Option<ExclusiveListener>) {
        if let Some(begun) = self.begin(case.clone()).await {
            self.run_begun(begun, case, listener).await;
        }
    }

    /// The same, of a case that has begun.
    pub(crate) async fn run_begun(self, begun: Begun, case: TestCase, listener: Option<ExclusiveListener>) {
        let context = begun.drive(listener).await;
        let mut attempts = vec![self.end(&context)];
        for attempt in 2..=self.shared.options.gating.retries.saturating_add(1) {
            if attempts.last().is_some_and(|(result, _)| passed(result)) {
                break;
            }
            let Some(begun) = self.stage_attempt(case.clone(), attempt).await else {
                break;
            };
            let context = begun.drive(listener).await;
            attempts.push(self.end(&context));
        }
        if let Some(result) = standing(attempts) {
            self.tell(&result);
        }
    }

    /// Begins a case, and tells so; nothing if the run has ended meanwhile.
    pub(crate) async fn begin(&self, case: TestCase) -> Option<Begun> {
        self.begin_attempt(case, 1).await
    }

    /// The same, for the so many-th time: what was stored of the times before stays.
    pub(crate) async fn begin_attempt(&self, case: TestCase, attempt: u32) -> Option<Begun> {
        let begun = self.stage_attempt(case, attempt).await?;
        if self.is_stopped() {
            return None;
        }
        (self.shared.emit)(RunEvent::CaseStarted {
            implementation: self.running.file.name.clone(),
            case: begun.context.case().id.clone(),
            iut: begun.context.case().iut.clone(),
        });
        Some(begun)
    }

    /// Takes what a case needs, once there is room for it; nothing if the run was cancelled meanwhile.
    pub(crate) async fn stage(&self, case: TestCase) -> Option<Begun> {
        self.stage_attempt(case, 1).await
    }

    async fn stage_attempt(&self, case: TestCase, attempt: u32) -> Option<Begun> {
        let room = async {
            let lease = self.devices.lease(if case.given.beside { 2 } else { 1 }).await?;
            let job = Arc::clone(&self.shared.jobs).acquire_owned().await.ok()?;
            Some((lease, job))
        };
        // Room may never come: a case may want more devices than there are.
        let (lease, job) = tokio::select! {
            room = room => room?,
            () = self.cancelled() => return None,
        };
        if self.is_cancelled() {
            return None;
        }
        let mut numbers = lease.numbers.iter();
        let number = *numbers.next()?;
        let beside = numbers.next().map(|other| {
            context(
                &self.shared,
                &self.running,
                standing_still(&case),
                *other,
                attempt,
            )
        });
        let (context, variables) = context(&self.shared, &self.running, case, number, attempt);
        Some(Begun {
            of: self.clone(),
            context,
            variables,
            beside,
            _lease: lease,
            _job: job,
        })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *self.shared.cancelled.borrow()
    }

    /// Resolves when the run is cancelled.
    async fn cancelled(&self) {
        let mut cancelled = self.shared.cancelled.clone();
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            // Nobody is left who could cancel it.
            std::future::pending::<()>().await;
        }
    }

    /// What comes of something; nothing if the run is cancelled first.
    async fn unless_cancelled<T>(&self, doing: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = doing => Some(done),
            () = self.cancelled() => None,
        }
    }

    /// Whether no other case begins, since one failed.
    pub(crate) fn is_stopped(&self) -> bool {
        self.shared.stop.by().is_some()
    }

    /// Ends a case's transcript, stores it if it is kept, and tells the result.
    pub(crate) fn finish(&self, context: &CaseContext) -> CaseResult {
        let (result, _) = self.end(context);
        self.tell(&result);
        result
    }

    /// Ends a case's transcript, and stores it if it is kept: the result, and its place.
    fn end(&self, context: &CaseContext) -> (CaseResult, String) {
        context.recorder.record(Event::Ended);
        let result = context.recorder.result();
        let place = context.header.transcript.clone();
        if self.shared.options.kept.keeps(&result) {
            self.store(context, &place);
            self.store_capture(context);
        }
        (result, place)
    }

    fn tell(&self, result: &CaseResult) {
        self.shared.stop.look_at(result);
        self.shared.gather(|gathered| gathered.cases.push(result.clone()));
        (self.shared.emit)(RunEvent::CaseFinished(Box::new(result.clone())));
    }

    /// Stores a transcript in a place relative to the run's directory.
    pub(crate) fn store(&self, context: &CaseContext, place: &str) {
        match context.recorder.stored() {
            Ok(text) => self.write(context, place, &text),
            Err(error) => self.not_written(context, &self.shared.options.directory.join(place), &error),
        }
    }

    /// Stores what passed over the connections of a case, beside its transcript, where that is kept.
    fn store_capture(&self, context: &CaseContext) {
        let Some(capture) = self.running.stage.capture(context) else {
            return;
        };
        let place = Capture::beside(&context.header.transcript);
        // A capture is numbers and texts throughout, which always can be written.
        let text = serde_json::to_string(&capture).unwrap_or_default();
        self.write(context, &place, &text);
    }

    fn write(&self, context: &CaseContext, place: &str, text: &str) {
        let directory = &self.shared.options.directory;
        let path = directory.join(place);
        // One that was removed is not made again, as if what was in it were not missing.
        let stored = match directory.is_dir() {
            true => store(&path, text),
            false => Err(ErrorKind::NotFound.into()),
        };
        let Err(error) = stored else {
            return;
        };
        // Half a transcript is evidence of nothing; `--resume` runs the case again either way.
        let _ = std::fs::remove_file(&path);
        self.not_written(context, &path, &error);
    }

    fn not_written(&self, context: &CaseContext, path: &Path, error: &std::io::Error) {
        let message = format!("write `{}`: {error}; {}", path.display(), remedy(error));
        let problem = Problem {
            implementation: context.header.target.name.clone(),
            message,
            output: String::new(),
        };
        self.shared.gather(|gathered| gathered.problems.push(problem));
    }
}

/// A case that has all it needs.
pub(crate) struct Begun {
    of: UnderTest,
    pub(crate) context: Arc<CaseContext>,
    variables: Variables,
    /// The delegation that goes on beside it.
    beside: Option<(Arc<CaseContext>, Variables)>,
    _lease: Lease,
    _job: OwnedSemaphorePermit,
}

impl Begun {
    /// Drives it to its end. Its transcript lacks nothing then but what is tried afterwards.
    pub(crate) async fn drive(self, listener: Option<ExclusiveListener>) -> Arc<CaseContext> {
        let running = &self.of.running;
        let context = Arc::clone(&self.context);
        if let Some(listener) = &listener
            && let Some(Err(error)) = self
                .of
                .unless_cancelled(Box::pin(present(running, listener)))
                .await
        {
            context.recorder.record(Event::Aborted {
                reason: error.to_string(),
            });
        }
        running.stage.router.enter(&context, listener.is_some());
        let driver = |context: Arc<CaseContext>, variables: Variables| Driver {
            running,
            context,
            variables,
            cancelled: self.of.shared.cancelled.clone(),
        };
        let case = driver(Arc::clone(&context), self.variables);
        match self.beside {
            // On the heap, since the others would have room for it, too: many cases are in flight at once in a load.
            Some((beside, variables)) => Box::pin(drive_beside(&case, &driver(beside, variables))).await,
            None => case.drive().await,
        }
        running.stage.router.leave(&context);
        if let Some(listener) = listener {
            let put_back = running.stage.present(listener.endpoint, Certificate::Good, None);
            if let Some(Err(error)) = self.of.unless_cancelled(put_back).await {
                running
                    .stage
                    .note(format!("the good certificate could not be put back: {error}"));
            }
        }
        context
    }
}

/// The pool of devices: each case leases one, and the pool bounds how many run at once.
pub(crate) struct Devices {
    free: Mutex<VecDeque<u32>>,
    available: Arc<Semaphore>,
}

/// Devices that a case has to itself until this is dropped.
struct Lease {
    numbers: Vec<u32>,
    of: Arc<Devices>,
    _permit: OwnedSemaphorePermit,
}

impl Devices {
    pub(crate) fn new(running: &Running) -> Self {
        let product = &running.file.implementation;
        let count = product.devices.count();
        let at_once = at_once(product);
        let permits = usize::try_from(at_once).unwrap_or(1).min(Semaphore::MAX_PERMITS);
        Self {
            free: Mutex::new((1..=count).collect()),
            available: Arc::new(Semaphore::new(permits)),
        }
    }

    async fn lease(self: &Arc<Self>, count: u32) -> Option<Lease> {
        let permit = Arc::clone(&self.available).acquire_many_owned(count).await.ok()?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = (0..count).filter_map(|_| free.pop_front()).collect();
        Some(Lease {
            numbers,
            of: Arc::clone(self),
            _permit: permit,
        })
    }
}

/// How many delegations a product takes part in at once, as far as its file says so.
pub(crate) fn at_once(product: &Implementation) -> u32 {
    let claimed = product.supports.concurrent_delegations.unwrap_or(u32::MAX);
    // Somebody can do one thing at a time.
    let by_hand = if product.triggers.ask_the_operator() {
        1
    } else {
        u32::MAX
    };
    product.devices.count().min(claimed).min(by_hand)
}

impl Drop for Lease {
    /// The devices go to the end of the queue: what still arrives for the last case meets nobody for a while.
    fn drop(&mut self) {
        let mut free = self.of.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend(self.numbers.drain(..));
    }
}

async fn present(running: &Running, listener: &ExclusiveListener) -> Result<(), dmconform_roles::StageError> {
    let ExclusiveListener {
        endpoint,
        certificate,
        version,
        ..
    } = *listener;
    running.stage.present(endpoint, certificate, version).await
}

/// The delegation beside a case: it comes to where the case holds back its message, and stays there.
fn standing_still(case: &TestCase) -> TestCase {
    let mut beside = case.clone();
    for change in &mut beside.changes {
        if change.how == How::Delay {
            change.how = How::Omit;
        }
    }
    beside
}

/// Drives a case, and another delegation beside it that begins while the case holds back its message. What becomes of
/// the other one is not judged: it is there to be mixed up.
async fn drive_beside(case: &Driver<'_>, other: &Driver<'_>) {
    let stage = &case.running.stage;
    let beside = async {
        let holds = |context: &CaseContext| context.recorder.with(dmconform_judge::Observed::is_holding);
        if case.context.until(holds).await {
            stage.router.enter(&other.context, false);
            let held_back = case.context.case().changes.iter().map(|change| change.at).next();
            tokio::join!(
                other.drive(),
                come_as_far(&case.context, &other.context, held_back)
            );
        }
        // The case ends when it is over itself.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = case.drive() => {}
        () = beside => {}
    }
    other.context.over.send_replace(true);
    stage.router.leave(&other.context);
}

/// Notes it in a case that the delegation beside it has come to what the case holds back of its own.
async fn come_as_far(case: &CaseContext, other: &CaseContext, held_back: Option<MessageId>) {
    let Some(held_back) = held_back else { return };
    let before = other.header.procedure.predecessors(held_back, false);
    let has_come = |other: &CaseContext| before.iter().all(|message| other.recorder.seen(*message));
    if other.until(has_come).await {
        case.recorder.record(Event::Triggered {
            trigger: BESIDE.to_owned(),
            outcome: TriggerOutcome::Taken,
        });
    }
}

fn store(path: &Path, text: &str) -> std::io::Result<()> {
    // The credentials of the run are in it.
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        folder.parent().map_or(Ok(()), private::directory)?;
        private::directory(folder)?;
    }
    private::write(path, text)
}
