//! A run: every implementation at once, every case with a device of its own, results as they come.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dmconform_case::implementation::Removal;
use dmconform_case::ledger::ledger;
use dmconform_case::test_case::{BootstrapPlace, Circumstances, How, TestCase, What};
use dmconform_judge::{Header, JUDGE_VERSION, Owner, Parties};
use dmconform_model::certificate::Certificate;
use dmconform_model::result::{Problem, RunInfo, summarise, summarise_robustness};
use dmconform_model::transcript::Moment;
use dmconform_model::{CaseResult, Event, Role, RunEvent, RunRecord, Verdict};
use dmconform_oddity::Oddity;
use dmconform_roles::{CaseContext, KeptLines, Offers, Recorder, client::MockClient};
use oma_dm::devinfo::DeviceInfo;
use oma_dm::tree::Tree;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::applies::{ExclusiveListener, exclusive_listener, why_not};
use crate::drive::Driver;
use crate::options::{RunOptions, TargetFile};
use crate::target::Running;
use crate::tree;
use crate::variables::{self, Variables};

/// Takes the events of a run as they happen.
pub type Emit = Arc<dyn Fn(RunEvent) + Send + Sync>;

/// What all parts of a run share.
struct Shared {
    options: RunOptions,
    emit: Emit,
    jobs: Semaphore,
    cancelled: watch::Receiver<bool>,
    gathered: Mutex<Gathered>,
}

#[derive(Default)]
struct Gathered {
    cases: Vec<CaseResult>,
    problems: Vec<Problem>,
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
    let count = planned
        .iter()
        .map(|(_, plan)| plan.parallel.len() + plan.alone.len())
        .sum::<usize>();
    emit(RunEvent::RunStarted {
        run: Box::new(info.clone()),
        cases: u32::try_from(count).unwrap_or(u32::MAX),
    });
    let jobs = usize::try_from(options.jobs.max(1)).unwrap_or(1);
    let shared = Arc::new(Shared {
        options,
        emit,
        jobs: Semaphore::new(jobs),
        cancelled,
        gathered: Mutex::default(),
    });
    let mut targets = JoinSet::new();
    for (file, plan) in planned {
        shared.gather(|gathered| gathered.cases.extend(plan.excluded));
        if plan.parallel.is_empty() && plan.alone.is_empty() {
            continue;
        }
        targets.spawn(run_target(Arc::clone(&shared), file, plan.parallel, plan.alone));
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
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let record = RunRecord {
        run: RunInfo {
            duration_ms,
            cancelled,
            ..info
        },
        summary: summarise(&gathered.cases),
        robustness: summarise_robustness(&gathered.cases),
        ledger: ledger(&shared.options.suite, &gathered.cases),
        cases: gathered.cases,
        strays: gathered.strays,
        problems: gathered.problems,
    };
    (shared.emit)(RunEvent::RunFinished(Box::new(record.clone())));
    record
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
            .map(|file| {
                let product = &file.implementation.implementation;
                dmconform_model::Target {
                    name: file.name.clone(),
                    product: format!("{} {} {}", product.vendor, product.product, product.version),
                    plays: file.implementation.plays.clone(),
                }
            })
            .collect(),
        own_readings: options.suite.profile.own_readings.clone(),
        cancelled: false,
    }
}

fn named(oddities: &[Oddity]) -> Vec<String> {
    oddities.iter().map(ToString::to_string).collect()
}

/// What is run against one implementation.
struct Plan {
    parallel: Vec<TestCase>,
    /// One at a time: first those that want a listener to themselves, then those that may harm the product.
    alone: Vec<TestCase>,
    excluded: Vec<CaseResult>,
}

fn plan(options: &RunOptions, file: &TargetFile) -> Plan {
    let mut plan = Plan {
        parallel: Vec::new(),
        alone: Vec::new(),
        excluded: Vec::new(),
    };
    let product = &file.implementation;
    for case in &options.suite.cases {
        let selected = options
            .cases
            .as_ref()
            .is_none_or(|globs| globs.is_match(&case.id.0) || globs.is_match(&case.family().0));
        let judged = case.iut.iter().all(|role| product.plays.contains(role));
        let of_role = options.roles.is_empty() || case.iut.iter().any(|role| options.roles.contains(role));
        // A case of a role that the product does not play is no news; one that it could have been judged by is.
        if case.withdrawn.is_some() || !selected || !of_role || !judged {
            continue;
        }
        match why_not(&options.suite, case, product) {
            Some(reason) => plan.excluded.push(excluded(file, case, reason)),
            None if is_harmful(case) || exclusive_listener(&options.suite.procedure, case).is_some() => {
                plan.alone.push(case.clone());
            }
            None => plan.parallel.push(case.clone()),
        }
    }
    shuffle(&mut plan.parallel, options.seed);
    shuffle(&mut plan.alone, options.seed);
    // What may harm the product comes last: nothing else is to be blamed on that.
    plan.alone.sort_by_key(is_harmful);
    plan
}

/// Whether a case may leave a product behind that is no longer itself.
fn is_harmful(case: &TestCase) -> bool {
    case.expect.iter().any(|expected| expected.what == What::Survives)
}

/// A fixed shuffle per seed, by the multiplier of Knuth's MMIX generator. Seed 0 keeps the order of the suite.
fn shuffle(cases: &mut [TestCase], seed: u64) {
    if seed == 0 {
        return;
    }
    let mut state = seed;
    for at in (1..cases.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (at + 1);
        cases.swap(at, other);
    }
}

fn excluded(file: &TargetFile, case: &TestCase, reason: String) -> CaseResult {
    CaseResult {
        id: case.id.clone(),
        title: case.title.clone(),
        purpose: case.purpose.clone(),
        implementation: file.name.clone(),
        iut: case.iut.clone(),
        class: case.class,
        verdict: Verdict::NotApplicable,
        reason: Some(reason),
        covers: case.covers.clone(),
        checks: Vec::new(),
        findings: Vec::new(),
        observed: Vec::new(),
        file: case.file.clone(),
        duration_ms: 0,
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gather(&self, add: impl FnOnce(&mut Gathered)) {
        add(&mut self.lock());
    }
}

async fn run_target(shared: Arc<Shared>, file: TargetFile, parallel: Vec<TestCase>, alone: Vec<TestCase>) {
    let implementation = file.name.clone();
    (shared.emit)(RunEvent::TargetStarting {
        implementation: implementation.clone(),
    });
    let began = Instant::now();
    let running = match Running::start(&shared.options, &file, &shared.cancelled).await {
        Ok(running) => Arc::new(running),
        Err(error) => {
            let output = match &error {
                crate::TargetError::Product { output, .. } => output.clone(),
                _ => String::new(),
            };
            let problem = Problem {
                implementation,
                message: error.to_string(),
                output,
            };
            shared.gather(|gathered| gathered.problems.push(problem.clone()));
            return (shared.emit)(RunEvent::TargetFailed(problem));
        }
    };
    let after_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    (shared.emit)(RunEvent::TargetReady {
        implementation: implementation.clone(),
        after_ms,
    });
    let devices = Arc::new(Devices::new(&running));
    let mut cases = JoinSet::new();
    for case in parallel {
        cases.spawn(run_case(
            Arc::clone(&shared),
            Arc::clone(&running),
            Arc::clone(&devices),
            case,
            None,
        ));
    }
    while cases.join_next().await.is_some() {}
    let (harmless, harmful): (Vec<_>, Vec<_>) = alone.into_iter().partition(|case| !is_harmful(case));
    run_alone(&shared, &running, &devices, harmless).await;
    look_at_the_end(&shared, &running);
    // What becomes of the product now is for the cases to say.
    run_alone(&shared, &running, &devices, harmful).await;
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

/// Runs cases one after the other.
async fn run_alone(
    shared: &Arc<Shared>,
    running: &Arc<Running>,
    devices: &Arc<Devices>,
    cases: Vec<TestCase>,
) {
    // A product that does no whole delegation in some circumstances is not asked for one again and again.
    let mut unwell: Vec<(Circumstances, String)> = Vec::new();
    for case in cases {
        if *shared.cancelled.borrow() {
            return;
        }
        let given = case.given.clone();
        let known = unwell.iter().find(|(known, _)| *known == given);
        if let Some((_, reason)) = known.filter(|_| is_harmful(&case)) {
            (shared.emit)(RunEvent::CaseStarted {
                implementation: running.file.name.clone(),
                case: case.id.clone(),
            });
            let (context, _) = context(shared, running, case, 1);
            context.recorder.record(Event::Health {
                when: Moment::Before,
                whole: false,
                observed: reason.clone(),
            });
            finish(shared, &context);
            continue;
        }
        let listener = exclusive_listener(&shared.options.suite.procedure, &case);
        let id = case.id.clone();
        let health = run_case(
            Arc::clone(shared),
            Arc::clone(running),
            Arc::clone(devices),
            case,
            listener,
        )
        .await;
        if let Some(Health::Unwell(observed)) = health {
            unwell.push((given, format!("{observed}, as {id} has shown")));
        }
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
    let problem = Problem {
        implementation,
        message,
        output,
    };
    shared.gather(|gathered| gathered.problems.push(problem.clone()));
    (shared.emit)(RunEvent::TargetFailed(problem));
}

/// The pool of devices: each case leases one, and the pool bounds how many run at once.
struct Devices {
    free: Mutex<VecDeque<u32>>,
    available: Semaphore,
}

impl Devices {
    fn new(running: &Running) -> Self {
        let count = running.file.implementation.devices.count;
        Self {
            free: Mutex::new((1..=count).collect()),
            available: Semaphore::new(usize::try_from(count).unwrap_or(1).min(Semaphore::MAX_PERMITS)),
        }
    }

    fn take(&self) -> u32 {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
            .unwrap_or(1)
    }

    /// The device goes to the end of the queue: what still arrives for the last case meets nobody for a while.
    fn give_back(&self, device: u32) {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(device);
    }
}

async fn run_case(
    shared: Arc<Shared>,
    running: Arc<Running>,
    devices: Arc<Devices>,
    case: TestCase,
    listener: Option<ExclusiveListener>,
) -> Option<Health> {
    let mut cancelled = shared.cancelled.clone();
    let harmful = is_harmful(&case);
    let count = if case.given.beside { 2 } else { 1 };
    let (Ok(_device), Ok(_job)) = (
        devices.available.acquire_many(count).await,
        shared.jobs.acquire().await,
    ) else {
        return None;
    };
    if *cancelled.borrow_and_update() {
        return None;
    }
    let number = devices.take();
    let id = case.id.clone();
    let started = RunEvent::CaseStarted {
        implementation: running.file.name.clone(),
        case: id.clone(),
    };
    (shared.emit)(started);
    let other = case.given.beside.then(|| devices.take());
    let beside = other.map(|other| context(&shared, &running, standing_still(&case), other));
    let (context, variables) = context(&shared, &running, case, number);
    let mut before = None;
    if harmful {
        let found = health(&shared, &running, &devices, &context, Moment::Before).await;
        if *cancelled.borrow_and_update() {
            context.recorder.record(Event::Aborted {
                reason: "the run was cancelled".to_owned(),
            });
        }
        if matches!(found, Health::Unwell(_)) {
            devices.give_back(number);
            finish(&shared, &context);
            return Some(found);
        }
        before = Some(found);
    }
    if let Some(listener) = &listener
        && let Err(error) = present(&running, listener).await
    {
        context.recorder.record(Event::Aborted {
            reason: error.to_string(),
        });
    }
    running.stage.router.enter(&context, listener.is_some());
    let driver = Driver {
        running: &running,
        context: Arc::clone(&context),
        variables,
        cancelled: cancelled.clone(),
    };
    match beside {
        Some((beside, variables)) => {
            let other = Driver {
                running: &running,
                context: beside,
                variables,
                cancelled,
            };
            drive_beside(&driver, &other).await;
        }
        None => driver.drive().await,
    }
    running.stage.router.leave(&context);
    if let Some(other) = other {
        devices.give_back(other);
    }
    if let Some(listener) = listener
        && let Err(error) = running
            .stage
            .present(listener.endpoint, Certificate::Good, None)
            .await
    {
        running
            .stage
            .note(format!("the good certificate could not be put back: {error}"));
    }
    if harmful {
        health(&shared, &running, &devices, &context, Moment::After).await;
    }
    devices.give_back(number);
    finish(&shared, &context);
    before
}

/// Ends a case's transcript, stores it, and tells the result.
fn finish(shared: &Shared, context: &CaseContext) {
    context.recorder.record(Event::Ended);
    let result = context.recorder.result();
    let path = shared.options.directory.join(&context.header.transcript);
    if let Err(error) = store(&path, &context.recorder.stored()) {
        let message = format!(
            "write the transcript `{}`: {error}; is the disk full?",
            path.display()
        );
        let problem = Problem {
            implementation: context.header.target.name.clone(),
            message,
            output: String::new(),
        };
        shared.gather(|gathered| gathered.problems.push(problem));
    }
    shared.gather(|gathered| gathered.cases.push(result.clone()));
    (shared.emit)(RunEvent::CaseFinished(Box::new(result)));
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

/// Tries a whole delegation without any change, in the circumstances of a case and with another device, and notes in the
/// case's transcript what came of it.
async fn health(
    shared: &Arc<Shared>,
    running: &Arc<Running>,
    devices: &Arc<Devices>,
    case: &Arc<CaseContext>,
    when: Moment,
) -> Health {
    let number = devices.take();
    let mut healthy = case.case().clone();
    healthy.changes.clear();
    healthy.expect.clear();
    let (context, variables) = context(shared, running, healthy, number);
    running.stage.router.enter(&context, false);
    let driver = Driver {
        running,
        context: Arc::clone(&context),
        variables,
        cancelled: shared.cancelled.clone(),
    };
    driver.drive().await;
    running.stage.router.leave(&context);
    devices.give_back(number);
    if let Some(reason) = running.exited() {
        case.recorder.record(Event::ProductExited { reason });
    }
    let with_removal = case.case().given.removes_account;
    let mut messages = case.header.procedure.messages(with_removal);
    let missing = messages.find(|message| !context.recorder.seen(*message));
    let whole = missing.is_none();
    let seen = match missing {
        Some(missing) => format!("{missing} ({}) was not seen", case.header.procedure.name(missing)),
        None => "every message of the procedure was seen".to_owned(),
    };
    case.recorder.record(Event::Health {
        when,
        whole,
        observed: seen.clone(),
    });
    if when == Moment::After && !whole && !*shared.cancelled.borrow() {
        restart(shared, running, &case.case().id.0).await;
    }
    if whole { Health::Well } else { Health::Unwell(seen) }
}

/// Whether a product does a whole delegation.
enum Health {
    /// It does.
    Well,
    /// It does not: what was not seen.
    Unwell(String),
}

/// What a case did to the product must not be held against it in the next one.
async fn restart(shared: &Shared, running: &Running, case: &str) {
    let note = match running.restart(&shared.cancelled).await {
        Ok(true) => format!("the product was started anew after {case}, which it did not survive"),
        Ok(false) => {
            format!("the product did not survive {case}; start it anew, and run the cases after it again")
        }
        Err(error) => format!("the product did not survive {case}, and could not be started anew: {error}"),
    };
    running.stage.note(note);
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
        let holds = |context: &CaseContext| {
            let open = |observed: &dmconform_judge::Observed| {
                observed.windows.iter().any(|window| window.closed.is_none())
            };
            context.recorder.with(open)
        };
        if case.context.until(holds).await {
            stage.router.enter(&other.context, false);
            other.drive().await;
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

fn store(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The credentials of the run are in it.
        options.mode(0o600);
    }
    std::io::Write::write_all(&mut options.open(path)?, text.as_bytes())
}

/// Everything that a case needs: what it is judged with, its parties, its tree.
fn context(shared: &Shared, running: &Running, case: TestCase, number: u32) -> (Arc<CaseContext>, Variables) {
    let product = &running.file.implementation;
    let device = product.devices.id(number);
    let token = format!(
        "{:x}-{}-{number}-{}",
        shared.options.seed ^ 0x5eed,
        running.file.name,
        case.id.0.to_lowercase()
    );
    let mut variables = running.variables.clone();
    variables.insert("device".to_owned(), device.clone());
    let parties = Parties {
        dms_1: running.names.dms_1.clone(),
        dms_2: running.names.dms_2.clone(),
        third: running.names.third.clone(),
        device,
        manufacturer: product.devices.manufacturer.clone(),
        model: product.devices.model.clone(),
    };
    let mut endpoints: BTreeMap<_, _> = running.endpoints.iter().cloned().collect();
    let oddities = shared.options.of_peers();
    let bootstrap_url = oddities.bootstrap_url(bootstrap_url(running, &case, &variables, &token));
    endpoints.entry(Role::BootstrapServer).or_default().bootstrap = Some(bootstrap_url.clone());
    let dms_1_credentials = variables::credentials(&product.credentials.dms_1, &variables);
    let session = format!("session-{token}");
    set_delegation(
        &mut variables,
        &case,
        running,
        &session,
        product.supports.removes_own_account,
    );
    let header = Header {
        judge: JUDGE_VERSION.to_owned(),
        run: shared.options.id.clone(),
        procedure: shared.options.suite.procedure.clone(),
        profile: shared.options.suite.profile.clone(),
        requirements: shared.options.suite.requirements.clone(),
        owners: owners(shared),
        target: running.target.clone(),
        claims: product.supports.clone(),
        limits: product.limits,
        parties,
        endpoints,
        dms_2_credentials: variables::credentials(&product.credentials.dms_2, &variables),
        strict: shared.options.strict,
        rerun: rerun(shared, running, &case),
        transcript: format!("transcripts/{}/{}.jsonl", running.file.name, case.id),
        case,
    };
    let dms_1 = header
        .endpoints
        .get(&Role::Dms1)
        .and_then(|endpoints| endpoints.dm.clone())
        .unwrap_or_default();
    let grown = tree::tree(&header, &dms_1_credentials, &dms_1);
    let recorder = Recorder::new(header.clone());
    let (tree, device_info) = grown.unwrap_or_else(|reason| {
        recorder.record(Event::Aborted {
            reason: format!("set up the client's tree: {reason}"),
        });
        let parties = &header.parties;
        let info = DeviceInfo {
            device_id: parties.device.clone(),
            manufacturer: parties.manufacturer.clone(),
            model: parties.model.clone(),
            dm_version: String::new(),
            language: String::new(),
        };
        (Tree::new(), info)
    });
    let offers = [Role::Dms1, Role::Dms2]
        .map(|role| (role, Offers::default()))
        .into_iter()
        .collect();
    let context = CaseContext {
        recorder,
        dms_1_credentials,
        session_id: Mutex::new(session),
        token,
        bootstrap_url,
        client: tokio::sync::Mutex::new(MockClient::new(tree, device_info)),
        offers,
        oddities,
        lines: KeptLines::default(),
        over: watch::Sender::new(false),
        header,
    };
    (Arc::new(context), variables)
}

/// The variables of a delegation, for triggers.
fn set_delegation(
    variables: &mut Variables,
    case: &TestCase,
    running: &Running,
    session: &str,
    removal: Removal,
) {
    let names = &running.names;
    let opens = case.given.opens == dmconform_case::test_case::Opener::Dms1;
    let peer = if opens { &names.dms_2 } else { &names.dms_1 };
    let tree: Vec<String> = case.given.tree.iter().map(|part| format!("\"{part}\"")).collect();
    let removes = case.given.removes_account && removal != Removal::Never;
    let set = [
        ("peer", peer.clone()),
        ("server", names.dms_1.clone()),
        ("session", session.to_owned()),
        ("type", case.given.delegation_type.clone()),
        ("tree", format!("[{}]", tree.join(", "))),
        ("remove-account", removes.to_string()),
    ];
    variables.extend(set.map(|(name, value)| (name.to_owned(), value)));
}

fn bootstrap_url(running: &Running, case: &TestCase, variables: &Variables, token: &str) -> String {
    let of = |role: Role| {
        running
            .endpoints
            .iter()
            .find(|(known, _)| *known == role)
            .map(|(_, endpoints)| endpoints)
    };
    let real = running.target.plays.contains(&Role::BootstrapServer);
    let own = of(Role::BootstrapServer)
        .and_then(|endpoints| endpoints.bootstrap.clone())
        .unwrap_or_default();
    if real {
        return variables::filled(&own, variables);
    }
    let co_located = case.given.bootstrap_server == BootstrapPlace::CoLocated;
    let with_dms_2 = of(Role::Dms2)
        .and_then(|endpoints| endpoints.dm.as_ref())
        .filter(|_| co_located);
    let url = match with_dms_2 {
        Some(dm) => format!("{}/bootstrap/{token}", dm.trim_end_matches("/dm")),
        None => format!("{own}{token}"),
    };
    // Where messages are short, there is something that does not fit one.
    match case.given.max_message_size {
        Some(octets) => format!("{url}?long={}", "x".repeat(octets.try_into().unwrap_or(0))),
        None => url,
    }
}

fn owners(shared: &Shared) -> Vec<Owner> {
    let suite = &shared.options.suite;
    let mut owners = Vec::new();
    for requirement in suite.requirements.keys() {
        for role in Role::ALL {
            if let Some(case) = suite.owner(requirement, role) {
                owners.push(Owner {
                    requirement: requirement.clone(),
                    role,
                    case: case.clone(),
                });
            }
        }
    }
    owners
}

/// The command that runs just this case again.
fn rerun(shared: &Shared, running: &Running, case: &TestCase) -> String {
    let mut command = format!("dmconform run --case {}", case.id);
    match &running.file.path {
        Some(path) => command = format!("{command} --implementation {}", path.display()),
        None => {
            for role in &case.iut {
                command = format!("{command} --role {role}");
            }
        }
    }
    for option in &shared.options.suite_options {
        command = format!("{command} {option}");
    }
    if shared.options.strict {
        command.push_str(" --strict");
    }
    for deviation in &shared.options.deviations {
        command = format!("{command} --deviation {deviation}");
    }
    for oddity in &shared.options.oddities {
        command = format!("{command} --oddity {oddity}");
    }
    for oddity in &shared.options.peer_oddities {
        command = format!("{command} --peer-oddity {oddity}");
    }
    if !(shared.options.oddities.is_empty() && shared.options.peer_oddities.is_empty()) {
        command = format!("{command} --seed {}", shared.options.seed);
    }
    command
}
