//! What makes a real client come: it is told to open a session, notified, or told to fetch the bootstrap.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dmconform_case::claims::BeforeNotification;
use dmconform_judge::is_carried_by_dm_session;
use dmconform_model::transcript::TriggerOutcome;
use dmconform_model::{Event, MessageId, Role, Step};
use dmconform_roles::{CaseContext, notification};
use oma_dm::syncml::Command;

use crate::target::Running;
use crate::trigger::Wish;
use crate::variables::Variables;

/// How often it is looked whether there is something to come for, and how soon a client that did not come is told again the first
/// time.
const LOOKS_AGAIN: Duration = Duration::from_millis(20);

/// The session identifier of the first notification of a case; the next one has the next.
const FIRST_NOTIFIED_SESSION: u16 = 0xA7;

/// Notifies a real client whenever a mock DMS-1 has something to say to it.
pub(crate) async fn notify_client(
    running: Arc<Running>,
    context: Arc<CaseContext>,
    variables: Variables,
    patience: Duration,
) {
    let mut session = FIRST_NOTIFIED_SESSION;
    let mut notified = 0;
    let notify = async |session: u16, octets: Result<Vec<u8>, String>| {
        let outcome = match octets {
            Ok(octets) => running.notify(octets, &variables, patience).await,
            Err(error) => Some(TriggerOutcome::Refused(error)),
        };
        let Some(outcome) = outcome else { return };
        let trigger = format!("notify-device session {session:X}");
        context.recorder.record(Event::Triggered { trigger, outcome });
    };
    let of = |session| notification(&context, Role::Dms1, session).map_err(|error| error.to_string());
    let before = context.case().given.before_notification;
    let first = of(session);
    if let (BeforeNotification::Replayed, Some(offers)) = (before, context.offers.get(&Role::Dms1)) {
        // Something to ask for: nonces move on only with what the client has to answer.
        offers.push(Command::get("./DevInfo/DevId"));
        notified = offers.count();
        notify(session, first.clone()).await;
        let had_session =
            context.until(|context| context.recorder.with(|observed| observed.had_session(Role::Dms1)));
        let _ = tokio::time::timeout(patience, had_session).await;
        // The client has yet to note what came of it.
        context.hold(MessageId::request(Step::BootstrapEntry)).await;
    }
    let mut is_due = before != BeforeNotification::Nothing;
    while !context.is_over() {
        let said = context.offers.get(&Role::Dms1).map_or(0, |offers| offers.count());
        let waits = context
            .offers
            .get(&Role::Dms1)
            .is_some_and(|offers| offers.is_waiting());
        if waits && said > notified {
            if std::mem::take(&mut is_due) {
                notify(session, spoilt_notification(before, first.clone())).await;
                session += 1;
                context.hold(MessageId::answer(Step::BootstrapEntry)).await;
            }
            notified = said;
            if let Some(offers) = context.offers.get(&Role::Dms1) {
                offers.note_notified();
            }
            notify(session, of(session)).await;
            session += 1;
        }
        let mut over = context.over.subscribe();
        tokio::select! {
            // Not at once: it may be in the session in which it has just answered something else.
            () = tokio::time::sleep(LOOKS_AGAIN) => {}
            _ = over.wait_for(|over| *over) => break,
        }
    }
}

/// A notification that a client must not come for.
fn spoilt_notification(before: BeforeNotification, good: Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let mut octets = good?;
    // The digest comes first (OMA-TS-DM_Notification 6.2).
    if let (BeforeNotification::Forged, Some(first)) = (before, octets.first_mut()) {
        *first ^= 0xff;
    }
    Ok(octets)
}

/// Tells a real client to open a session whenever one of these servers has something to say to it: a mock one that waits,
/// or a real one from which something is due.
pub(crate) async fn summon(
    running: Arc<Running>,
    context: Arc<CaseContext>,
    servers: Vec<Role>,
    variables: Variables,
    patience: Duration,
) {
    let mut failures = 0;
    let mut worked = BTreeSet::new();
    let mut summoned = None;
    // One that has yet to come is told again, but less and less often: it may open a session each time.
    let mut again_after = Duration::ZERO;
    let mut known = 0;
    let reaction = context.header.limits.reacts_within.get();
    while !context.is_over() {
        let is_waiting = |role: &&Role| context.offers.get(role).is_some_and(|offers| offers.is_waiting());
        let waiting = servers.iter().find(is_waiting).copied();
        let said: u64 = context.offers.values().map(|offers| offers.count()).sum();
        if waiting.is_none() || said != known {
            (again_after, known) = (Duration::ZERO, said);
        }
        let is_told = summoned.is_some_and(|at: Instant| at.elapsed() < again_after);
        // A real server says in its own time what it has to say.
        let is_early = summoned.is_some_and(|at: Instant| at.elapsed() < reaction);
        let due = || servers.iter().copied().find(|role| is_due_from(&context, *role));
        let server = match waiting {
            Some(_) if is_told => None,
            Some(role) => Some(role),
            None if is_early => None,
            None => due(),
        };
        if let Some(role) = server {
            again_after = (2 * again_after).clamp(LOOKS_AGAIN, reaction.max(LOOKS_AGAIN));
            let mut variables = variables.clone();
            variables.insert("server".to_owned(), context.server_id(role).to_owned());
            let made = running.make(Wish::ContactServer, &variables, patience).await;
            let Some(outcome) = made else { return };
            summoned = Some(Instant::now());
            // That it works for a server is worth a word, once; that it does not, a few.
            let is_worth_it = match outcome {
                TriggerOutcome::Taken => worked.insert(role),
                _ => {
                    failures += 1;
                    failures <= 3
                }
            };
            if is_worth_it {
                let trigger = format!("contact-server {role}");
                context.recorder.record(Event::Triggered { trigger, outcome });
            }
        }
        let mut over = context.over.subscribe();
        tokio::select! {
            () = tokio::time::sleep(LOOKS_AGAIN) => {}
            _ = over.wait_for(|over| *over) => return,
        }
    }
}

/// Whether a real server has something to say to the client that it can say in a DM session only.
fn is_due_from(context: &CaseContext, server: Role) -> bool {
    let due = context.recorder.due();
    !context.is_mock(server)
        && due
            .iter()
            .any(|(message, sender)| *sender == server && is_carried_by_dm_session(*message))
}

/// Tells a real client to fetch the bootstrap once it has the entry of step 4, where it does not do so by itself.
pub(crate) async fn have_fetched(
    running: Arc<Running>,
    context: Arc<CaseContext>,
    variables: Variables,
    patience: Duration,
) {
    let entered = MessageId::answer(Step::BootstrapEntry);
    if !context.until(|context| context.recorder.seen(entered)).await {
        return;
    }
    if let Some(outcome) = running.make(Wish::FetchBootstrap, &variables, patience).await {
        let trigger = Wish::FetchBootstrap.name().to_owned();
        context.recorder.record(Event::Triggered { trigger, outcome });
    }
}
