//! A developer's workbench: mock roles that stay up, one delegation after the other, and what passes as it passes.

use std::sync::Arc;
use std::time::Duration;

use dmconform_case::implementation::{Duration as Limit, Triggers};
use dmconform_case::test_case::{Opener, TestCase};
use dmconform_model::{CaseResult, MessageId, Role};
use dmconform_roles::CaseContext;
use tokio::sync::watch;

use crate::applies::exclusive_listener;
use crate::case_run::UnderTest;
use crate::gating::Stop;
use crate::options::RunOptions;
use crate::run::{Shared, shared};
use crate::target::{Running, TargetError};

/// How long a message may take that a developer brings about by hand.
const PATIENCE: Limit = Limit {
    milliseconds: 24 * 60 * 60 * 1000,
};

/// What happens on a workbench.
#[derive(Clone, Debug)]
pub enum AtTheBench {
    /// A mock role listens.
    Listening {
        /// Which role.
        role: Role,
        /// What is spoken there.
        kind: &'static str,
        /// Where.
        url: String,
    },
    /// Where the certificates are that the product needs.
    Certificates {
        /// The directory.
        directory: std::path::PathBuf,
    },
    /// A delegation can begin, or has begun.
    Waiting {
        /// The case.
        case: String,
        /// What it is about.
        title: String,
        /// The device.
        device: String,
        /// Who opens it.
        opener: Role,
        /// Whether that is a mock.
        by_mock: bool,
    },
    /// A message passed.
    Passed(Passed),
    /// A delegation came to its end.
    Ended(Box<CaseResult>),
    /// Something that belongs to no delegation.
    Stray(String),
    /// Something that could not be kept.
    Problem(String),
}

/// A message that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// When, since the delegation began.
    pub after: Duration,
    /// Who sent it.
    pub from: Role,
    /// Who it was for.
    pub to: Role,
    /// Which one.
    pub message: MessageId,
    /// What it is called.
    pub name: String,
    /// Whether it is no refusal.
    pub accepted: bool,
    /// What it says, in a few words.
    pub note: String,
}

/// Takes what happens.
pub type Watch = Arc<dyn Fn(AtTheBench) + Send + Sync>;

/// Keeps the mock roles up until the run is cancelled, or nobody asks for another delegation; whether everything was kept.
///
/// # Errors
/// When the roles cannot be set up, or the product is to be started and does not start.
pub async fn workbench(
    mut options: RunOptions,
    case: TestCase,
    pulls_triggers: bool,
    watcher: Watch,
    cancelled: watch::Receiver<bool>,
) -> Result<bool, TargetError> {
    let Some(file) = options.targets.first_mut() else {
        return Ok(true);
    };
    let product = &mut file.implementation;
    product.limits.step_deadline = PATIENCE;
    if !pulls_triggers {
        product.triggers = Triggers::default();
    }
    // As in a run, the nodes are those that the product's devices have.
    let case = case.at_nodes(&product.nodes);
    let file = file.clone();
    let stop = Stop::new(&options.gating, options.strict, None, std::iter::empty());
    let shared = shared(options, Arc::new(|_| ()), cancelled.clone(), stop);
    let running = Arc::new(Running::start(&shared.options, &file, 1, &cancelled).await?);
    announce(&running, &watcher);
    let bench = UnderTest::new(Arc::clone(&shared), &running);
    let by_mock = !file.implementation.plays.contains(&opener(&case));
    let begins_by_itself = by_mock || pulls_triggers;
    let mut told = 0;
    let mut is_whole = true;
    for delegation in 1.. {
        if *cancelled.borrow() {
            break;
        }
        let Some(ended) = one(&bench, &case, delegation, by_mock, &watcher).await else {
            break;
        };
        watcher(AtTheBench::Ended(Box::new(ended)));
        for problem in shared.take_problems() {
            is_whole = false;
            watcher(AtTheBench::Problem(problem.message));
        }
        for stray in running.stage.strays().into_iter().skip(told) {
            told += 1;
            watcher(AtTheBench::Stray(stray));
        }
        if begins_by_itself && !is_another_asked_for(&shared, cancelled.clone()).await {
            break;
        }
    }
    running.stop().await;
    Ok(is_whole)
}

/// Whether the developer wants another delegation, where it begins without him.
async fn is_another_asked_for(shared: &Shared, mut cancelled: watch::Receiver<bool>) -> bool {
    let asked = shared
        .options
        .operator
        .ask("that was one delegation; for another one".to_owned());
    tokio::select! {
        answer = asked => answer.is_ok(),
        _ = cancelled.wait_for(|cancelled| *cancelled) => false,
    }
}

const fn opener(case: &TestCase) -> Role {
    match case.given.opens {
        Opener::Dms1 => Role::Dms1,
        Opener::Dms2 => Role::Dms2,
    }
}

fn announce(running: &Running, watcher: &Watch) {
    for (role, at) in &running.endpoints {
        if running.target.plays.contains(role) {
            continue;
        }
        let endpoints = [
            ("DM sessions", &at.dm),
            ("messages between the servers", &at.delegation),
            ("bootstraps", &at.bootstrap),
        ];
        for (kind, url) in endpoints {
            if let Some(url) = url {
                let (role, url) = (*role, url.clone());
                watcher(AtTheBench::Listening { role, kind, url });
            }
        }
    }
    if let Some(member) = running.members.first() {
        let directory = member.work.join("certificates");
        watcher(AtTheBench::Certificates { directory });
    }
}

/// One delegation from its beginning to its end.
async fn one(
    bench: &UnderTest,
    case: &TestCase,
    delegation: u32,
    by_mock: bool,
    watcher: &Watch,
) -> Option<CaseResult> {
    let begun = bench.begin_attempt(case.clone(), delegation).await?;
    let context = Arc::clone(&begun.context);
    watcher(AtTheBench::Waiting {
        case: case.id.0.clone(),
        title: case.title.clone(),
        device: context.header.parties.device.clone(),
        opener: opener(case),
        by_mock,
    });
    let listener = exclusive_listener(&context.header.procedure, case);
    let told = tokio::spawn(tell_what_passes(Arc::clone(&context), Arc::clone(watcher)));
    let context = begun.drive(listener).await;
    context.over.send_replace(true);
    // It has told all by then: what passed is in the transcript already.
    let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
    Some(bench.finish(&context))
}

/// Tells of every message of the procedure once it has passed.
async fn tell_what_passes(context: Arc<CaseContext>, watcher: Watch) {
    let mut changed = context.recorder.watch();
    let mut told = 0;
    loop {
        let passed = context.recorder.with(|observed| {
            let new = observed.occurrences.iter().skip(told);
            new.map(|seen| Passed {
                after: Duration::from_micros(seen.at_us),
                from: seen.from,
                to: seen.to,
                message: seen.message,
                name: context.header.procedure.name(seen.message).to_owned(),
                accepted: seen.accepted,
                note: seen.note.clone(),
            })
            .collect::<Vec<_>>()
        });
        told += passed.len();
        for passed in passed {
            watcher(AtTheBench::Passed(passed));
        }
        if context.is_over() && told == context.recorder.with(|observed| observed.occurrences.len()) {
            return;
        }
        let _ = tokio::time::timeout(Duration::from_millis(100), changed.changed()).await;
    }
}
