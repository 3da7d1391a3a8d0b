//! Drives one case: lets the mock roles play, makes the product begin, and ends when nothing more is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dmconform_case::claims::StartedBy;
use dmconform_case::test_case::{How, Look, Opener, TestCase, What};
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::{Endpoint, EndpointKind, TriggerOutcome};
use dmconform_model::{Event, MessageId, Part, Role, Step};
use dmconform_roles::{CaseContext, client, play, probe};
use oma_dm::tree::Tree;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::applies::exclusive_listener;
use crate::summons::{have_fetched, notify_client, summon};
use crate::target::Running;
use crate::trigger::Wish;
use crate::variables::Variables;

/// How often a driver that waits for one thing looks whether it is there.
const TICK: Duration = Duration::from_millis(10);
/// How often a case is looked at in which nothing happens, in the long run.
const LONGEST_TICK: Duration = Duration::from_millis(100);
/// How long after a record a case is looked at.
const TOGETHER: Duration = Duration::from_millis(2);
/// How soon a case is looked at again when a limit is about to pass.
const SHORTEST_TICK: Duration = Duration::from_millis(1);

/// How many times the limit for one message a case may take, whatever goes on in it.
const LONGEST: u32 = 20;

/// What drives one case.
pub(crate) struct Driver<'a> {
    pub(crate) running: &'a Arc<Running>,
    pub(crate) context: Arc<CaseContext>,
    pub(crate) variables: Variables,
    pub(crate) cancelled: watch::Receiver<bool>,
}

impl Driver<'_> {
    /// Drives the case to its end; the transcript is complete then, but for what is tried afterwards.
    pub(crate) async fn drive(&self) {
        let context = Arc::clone(&self.context);
        if context.is_mock(Role::DmClient) {
            let client = context.client.lock().await;
            self.record_state(&client.tree, "the case begins");
        }
        if let Some(listener) = exclusive_listener(&context.header.procedure, context.case()) {
            let changes = context.changes(listener.at);
            let change = changes.handshake_in_words().unwrap_or_default();
            context.recorder.record(Event::Changed {
                at: listener.at,
                exchange: None,
                change,
            });
        }
        // Before anybody says anything: what is put back later would be put back in the middle of the case.
        if !self.prepare().await {
            // Whatever came of it on a device in an unknown state would prove nothing.
            context.over.send_replace(true);
            return;
        }
        let scripts = self.scripts();
        let helpers = self.helpers();
        self.begin().await;
        self.watch(&scripts).await;
        context.over.send_replace(true);
        for mut task in scripts.into_iter().chain(helpers) {
            // They end with the case; one that a peer holds up is not waited for.
            if tokio::time::timeout(Duration::from_millis(500), &mut task)
                .await
                .is_err()
            {
                task.abort();
                // It lets go of the client then, whose tree is looked at.
                let _ = task.await;
            }
        }
        if context.is_mock(Role::DmClient)
            && let Ok(client) = context.client.try_lock()
        {
            self.record_state(&client.tree, "the case ends");
        }
    }

    fn record_state(&self, tree: &Tree, when: &str) {
        if self.running.stage.captures() {
            client::record_whole_state(&self.context, tree, when);
        } else {
            client::record_state(&self.context, tree, when);
        }
    }

    /// The mock roles' scripts, and the looks at a real client's tree.
    fn scripts(&self) -> Vec<JoinHandle<()>> {
        let mock = Role::ALL.into_iter().filter(|role| self.context.is_mock(*role));
        let stage = &self.running.stage;
        let roles = mock.map(|role| tokio::spawn(play(Arc::clone(stage), Arc::clone(&self.context), role)));
        let looks = self
            .context
            .case()
            .expect
            .iter()
            .filter_map(|expectation| match &expectation.what {
                What::State(state) if matches!(state.look, Look::Probe { .. }) => {
                    Some(tokio::spawn(probe(Arc::clone(&self.context), state.clone())))
                }
                _ => None,
            });
        roles.chain(looks).collect()
    }

    /// What goes on beside the scripts until the case ends: the mock client polls, a real one is told to come.
    fn helpers(&self) -> Vec<JoinHandle<()>> {
        if self.context.is_mock(Role::DmClient) {
            return vec![tokio::spawn(client::poll(
                Arc::clone(&self.running.stage),
                Arc::clone(&self.context),
            ))];
        }
        let running = self.running;
        let summons = |servers: Vec<Role>| {
            summon(
                Arc::clone(running),
                Arc::clone(&self.context),
                servers,
                self.variables.clone(),
                self.patience(),
            )
        };
        let mut tasks = Vec::new();
        if running.can(Wish::FetchBootstrap) {
            tasks.push(tokio::spawn(have_fetched(
                Arc::clone(running),
                Arc::clone(&self.context),
                self.variables.clone(),
                self.patience(),
            )));
        }
        let is_notified = self.context.case().given.started_by == StartedBy::Notification;
        if is_notified && running.takes_notifications() {
            // What another server than DMS-1 has to say, the client comes for as usual.
            tasks.push(tokio::spawn(summons(vec![Role::Dms2])));
            tasks.push(tokio::spawn(notify_client(
                Arc::clone(running),
                Arc::clone(&self.context),
                self.variables.clone(),
                self.patience(),
            )));
        } else {
            tasks.push(tokio::spawn(summons(vec![Role::Dms1, Role::Dms2])));
        }
        tasks
    }

    fn patience(&self) -> Duration {
        self.context.header.limits.step_deadline.get()
    }

    /// Puts the product's device back to its beginning, and provisions its Bootstrap Server; whether that worked.
    async fn prepare(&self) -> bool {
        for wish in [
            Wish::ResetDevice,
            Wish::ProvisionAccount,
            Wish::ProvisionBootstrap,
        ] {
            if !self.make(wish).await {
                return false;
            }
        }
        true
    }

    /// Makes the product begin, where it is the product that does.
    async fn begin(&self) {
        let opener = match self.context.case().given.opens {
            Opener::Dms1 => Role::Dms1,
            Opener::Dms2 => Role::Dms2,
        };
        self.make(Wish::StartDelegation(opener)).await;
    }

    /// Makes the product do something if there is a trigger for it; whether it took that.
    async fn make(&self, wish: Wish) -> bool {
        // A case waits far longer than it makes somebody do something: what that takes is on the heap meanwhile.
        let made = Box::pin(self.running.make(wish, &self.variables, self.patience())).await;
        let Some(outcome) = made else { return true };
        let name = wish.name();
        let taken = outcome == TriggerOutcome::Taken;
        self.context.recorder.record(Event::Triggered {
            trigger: name.to_owned(),
            outcome: outcome.clone(),
        });
        if let TriggerOutcome::Refused(reason) | TriggerOutcome::Unreachable(reason) = outcome {
            let reason = format!("the trigger {name} did not work: {reason}");
            self.context.recorder.record(Event::ScriptStopped {
                role: wish.role(),
                reason,
            });
        }
        taken
    }

    /// Waits until nothing more is due, the case is decided and stands still, or it is broken off.
    async fn watch(&self, scripts: &[JoinHandle<()>]) {
        let context = Arc::clone(&self.context);
        let mut overdue = Overdue::new(self.patience());
        let quiet = context
            .header
            .limits
            .reacts_within
            .get()
            .max(Duration::from_millis(100));
        let mut changed = context.recorder.watch();
        let mut marker = progress(&context);
        let mut moved = Instant::now();
        let began = Instant::now();
        let longest = self.patience() * LONGEST;
        loop {
            if *self.cancelled.borrow() {
                context.recorder.record(Event::Aborted {
                    reason: "the run was cancelled".to_owned(),
                });
                return;
            }
            if let Some(reason) = self.running.exited() {
                context.recorder.record(Event::ProductExited { reason });
                return;
            }
            if context.recorder.is_full() {
                let reason = "its transcript is full: a peer floods the case (docs/limits.md)".to_owned();
                context.recorder.record(Event::ScriptStopped {
                    role: context.case().iut[0],
                    reason,
                });
                return;
            }
            if began.elapsed() > longest {
                let reason = format!("the case did not come to rest within {} s", longest.as_secs());
                context.recorder.record(Event::ScriptStopped {
                    role: context.case().iut[0],
                    reason,
                });
                return;
            }
            let waiting = overdue.look(&context) + usize::from(is_client_to_come(&context));
            let now = progress(&context);
            if now != marker {
                marker = now;
                moved = Instant::now();
            }
            let done = scripts.iter().all(JoinHandle::is_finished);
            let quiet_for = moved.elapsed();
            let mut next = overdue.next();
            if !marker.holding {
                if done && waiting == 0 {
                    if is_about_what_follows(context.case()) {
                        self.last_window(&context).await;
                    }
                    return;
                }
                if self.listener_was_judged(&context) {
                    self.last_window(&context).await;
                    return;
                }
                // A client that is slow to come has not shown yet what it does.
                let patience = if awaits_answers(&context) {
                    self.patience()
                } else {
                    quiet
                };
                let still = quiet_for >= patience;
                if !still {
                    let rest = patience - quiet_for;
                    next = Some(next.map_or(rest, |next| next.min(rest)));
                }
                if still && (waiting == 0 || context.recorder.settled()) {
                    self.last_window(&context).await;
                    self.last_answers(&context).await;
                    return;
                }
            }
            // What happens wakes it. What does not, a process that ends or a script that gives up, is found the later, the longer
            // nothing has happened: where hundreds of cases wait, looking would be most of what is done.
            let tick = self.running.pace.tick;
            let pause = (quiet_for / 8).clamp(tick, tick.max(LONGEST_TICK));
            let pause = next.map_or(pause, |next| pause.min(next.max(SHORTEST_TICK)));
            tokio::select! {
                // An exchange is several records: one look is enough for all of them.
                _ = changed.changed() => tokio::time::sleep(TOGETHER).await,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// The listener with another certificate, or of an old version, has been tried, and not only by one that it refused itself. What
    /// still comes to another one, of what a case before has led to, shows nothing.
    fn listener_was_judged(&self, context: &CaseContext) -> bool {
        let Some(listener) = exclusive_listener(&context.header.procedure, context.case()) else {
            return false;
        };
        let is_changed = listener.certificate != Certificate::Good
            || listener.version.is_some_and(|version| version.is_outdated());
        is_changed
            && context.recorder.with(|observed| {
                observed.connections.values().any(|connection| {
                    connection.side == dmconform_model::transcript::Side::Accepted
                        && connection.endpoint == listener.endpoint
                        && connection
                            .presented
                            .is_none_or(|found| found == listener.certificate)
                        && (connection.is_refused_by_peer() || connection.is_outdated())
                })
            })
    }

    /// A look at a real client's tree that began in the last window is waited for.
    async fn last_answers(&self, context: &CaseContext) {
        let began = Instant::now();
        while awaits_answers(context) && began.elapsed() < self.patience() {
            tokio::time::sleep(TICK).await;
        }
    }

    /// What the product does after a change that ended the procedure is part of the case: one window for that.
    async fn last_window(&self, context: &CaseContext) {
        let change = context.recorder.with(|observed| {
            let applied = observed.changes.last()?;
            observed.window(applied.at).is_none().then_some(applied.at)
        });
        if let Some(at) = change {
            context.look_after(at).await;
            self.until_still(context).await;
        }
    }

    /// What the product does after a change may take it several steps, of which the window has seen the first: it is over
    /// when nothing has moved for as long as the product takes to react.
    async fn until_still(&self, context: &CaseContext) {
        let reaction = context.header.limits.reacts_within.get();
        let began = Instant::now();
        let last_us = || {
            context
                .recorder
                .with(|observed| observed.occurrences.last().map(|last| last.at_us))
        };
        while began.elapsed() < self.patience() {
            let now_us = context.recorder.since_us(Instant::now());
            let still_for = Duration::from_micros(now_us.saturating_sub(last_us().unwrap_or(0)));
            if still_for >= reaction {
                return;
            }
            tokio::time::sleep((reaction - still_for).max(SHORTEST_TICK)).await;
        }
    }
}

/// Whether the case goes on until the product has answered. What it survives is seen in what it does afterwards for others,
/// whether it ever answers or not.
fn awaits_answers(context: &CaseContext) -> bool {
    let mut expected = context.case().expect.iter();
    !expected.all(|expectation| expectation.what == What::Survives) && is_unanswered(context)
}

/// Whether the product has yet to answer something: a command to the client, or a request of a mock role that is no poll.
fn is_unanswered(context: &CaseContext) -> bool {
    let commands = context.offers.values().any(|offers| offers.is_unanswered());
    let is_poll = |endpoint: Endpoint| endpoint.role == Role::Dms1 && endpoint.kind == EndpointKind::Dm;
    commands
        || context.recorder.with(|observed| {
            observed.exchanges.values().any(|exchange| {
                exchange.sent
                    && exchange.status.is_none()
                    && exchange.failed.is_none()
                    && !is_poll(exchange.endpoint)
            })
        })
}

/// Whether a mock client that is to show other credentials has yet to come with them.
fn is_client_to_come(context: &CaseContext) -> bool {
    context.case().other_credentials_for_dms_1().is_some()
        && context.recorder.seen(MessageId::answer(Step::UrlRequest))
        && context.recorder.with(|observed| observed.changes.is_empty())
}

/// Whether a case is about what must not follow from a change, which nothing that is due waits for.
fn is_about_what_follows(case: &TestCase) -> bool {
    let repeats = case
        .changes
        .iter()
        .any(|change| matches!(change.how, How::Repeat(_) | How::Replayed));
    repeats || forbidden(case).next().is_some()
}

/// The messages of which a case says that they must not come at all.
fn forbidden(case: &TestCase) -> impl Iterator<Item = MessageId> {
    case.expect
        .iter()
        .filter_map(|expectation| match expectation.what {
            What::Never { message, until: None } => Some(message),
            _ => None,
        })
}

/// How far a case has come; polls do not count.
#[derive(PartialEq, Eq)]
struct Progress {
    occurrences: usize,
    windows: usize,
    holding: bool,
    changes: usize,
    probes: usize,
    /// Where connections failed. That the same one fails again is nothing new.
    failed_at: BTreeSet<(Role, Endpoint)>,
}

fn progress(context: &CaseContext) -> Progress {
    context.recorder.with(|observed| Progress {
        occurrences: observed.occurrences.len(),
        windows: observed.windows.len(),
        holding: observed.is_holding(),
        changes: observed.changes.len(),
        probes: observed
            .probes
            .iter()
            // What a real server reads of the client is its own affair, and may be without end.
            .filter(|probe| probe.status.is_some() && context.is_mock(probe.server))
            .count(),
        failed_at: observed
            .connections
            .values()
            .filter(|connection| connection.failed.is_some())
            .map(|connection| (connection.observer, connection.endpoint))
            .collect(),
    })
}

/// Watches the declared limit of every message that is due.
struct Overdue {
    limit: Duration,
    since: BTreeMap<MessageId, Instant>,
    passed: BTreeSet<MessageId>,
}

impl Overdue {
    const fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: BTreeMap::new(),
            passed: BTreeSet::new(),
        }
    }

    /// How long it is until the next limit passes.
    fn next(&self) -> Option<Duration> {
        let left = self
            .since
            .values()
            .filter_map(|since| self.limit.checked_sub(since.elapsed()));
        left.min()
    }

    /// Records the limits that passed; how many messages are still waited for.
    ///
    /// What a mock role is about to send is waited for as long, unless the case changes it or the role stopped.
    fn look(&mut self, context: &CaseContext) -> usize {
        let now = Instant::now();
        let due = context.recorder.due();
        self.since
            .retain(|message, _| due.iter().any(|(due, _)| due == message));
        let mut waiting = 0;
        for (message, sender) in due {
            // What must not come is not waited for: the window at the end of the case is for that.
            if forbidden(context.case()).any(|forbidden| forbidden == message) {
                continue;
            }
            // Nor is the answer to a mock role that has given up asking, where the case is about what follows.
            if is_about_what_follows(context.case()) && is_given_up(context, message) {
                continue;
            }
            if context.is_mock(sender) {
                let since = *self.since.entry(message).or_insert(now);
                waiting += usize::from(
                    now.duration_since(since) < self.limit && will_send(context, message, sender),
                );
                continue;
            }
            let since = *self.since.entry(message).or_insert(now);
            if self.passed.contains(&message) {
                continue;
            }
            if now.duration_since(since) < self.limit {
                waiting += 1;
                continue;
            }
            self.passed.insert(message);
            context
                .recorder
                .record(Event::DeadlinePassed { awaiting: message });
        }
        waiting
    }
}

/// Whether a message is the answer to a mock role that has stopped, which therefore nobody asks for any more.
fn is_given_up(context: &CaseContext, message: MessageId) -> bool {
    let procedure = &context.header.procedure;
    let request = MessageId {
        part: Part::Request,
        ..message
    };
    let asked_by = procedure.sender(request, context.case().given.opens);
    message.part == Part::Answer
        && asked_by.is_some_and(|role| context.is_mock(role) && has_stopped(context, role))
}

fn has_stopped(context: &CaseContext, role: Role) -> bool {
    let stopped =
        |observed: &dmconform_judge::Observed| observed.stopped.iter().any(|(_, who, _)| *who == role);
    context.recorder.with(stopped)
}

/// Whether a mock role is still going to send a message, as the procedure or as the case has it.
fn will_send(context: &CaseContext, message: MessageId, sender: Role) -> bool {
    let changes = context.changes(message);
    let has_changed = context
        .recorder
        .with(|observed| observed.changes.iter().any(|applied| applied.at == message));
    // What is to be different about it is yet to come.
    let is_to_come = changes.in_words().is_none() || !has_changed;
    !has_stopped(context, sender) && !changes.omit && is_to_come
}
