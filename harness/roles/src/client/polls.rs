//! When the mock client comes to DMS-1 for something new.

use std::sync::Arc;
use std::time::Duration;

use dmconform_judge::Observed;
use dmconform_model::{Event, MessageId, Role, Step};
use dmconform_oddity::Oddity;
use oma_dm::account::Account;

use super::change_credentials;
use super::session::session;
use crate::context::CaseContext;
use crate::stage::Stage;

/// After how many polls without anything new the client comes less often.
const POLLS_IN_A_ROW: u32 = 4;
/// How many times longer it stays away then, at most.
const LONGEST_PAUSE: u32 = 8;
/// How long it stays away then, at most: where it comes less often than that anyway, it keeps nobody busy.
const LONGEST_AWAY: Duration = Duration::from_millis(400);

/// How long after something has happened a client comes to see what DMS-1 says to it, if it does not come sooner anyway.
const SOON: Duration = Duration::from_millis(10);

/// Polls DMS-1 as long as it could have something to say. Ends with the case.
///
/// Where nothing happens, the client comes less and less often: a product that stands still is not to be kept busy. In a
/// window it always comes as often as at first, since that is what gives the product its opportunity.
pub async fn poll(stage: Arc<Stage>, context: Arc<CaseContext>) {
    let usual = (context.window() / 8).clamp(Duration::from_millis(15), Duration::from_secs(5));
    let interval = context.poll.unwrap_or(usual);
    let longest = longest_pause(interval);
    let mut failures = 0;
    let mut known = news(&context);
    let mut idle = 0_u32;
    while !context.is_over() {
        let may_speak = context.header.is_real(Role::Dms1)
            || context.oddities.has(Oddity::PollsOften)
            || context
                .offers
                .get(&Role::Dms1)
                .is_some_and(|offers| offers.is_waiting());
        if may_speak && !is_early(&context) {
            let room = context.room_for_session().await;
            if context.is_over() {
                return;
            }
            // Between polls, which is most of the time, and while there is no room for one, nothing is kept of one.
            let polled = Box::pin(poll_once(&stage, &context)).await;
            drop(room);
            match polled {
                Ok(()) => failures = 0,
                Err(reason) => {
                    failures += 1;
                    if failures == 20 {
                        let reason = format!("20 sessions with DMS-1 in a row failed: {reason}");
                        context.recorder.record(Event::ScriptStopped {
                            role: Role::DmClient,
                            reason,
                        });
                        return;
                    }
                }
            }
        }
        let pause = 1 + idle.saturating_sub(POLLS_IN_A_ROW).min(longest - 1);
        idle += 1;
        for _ in 0..pause {
            let mut over = context.over.subscribe();
            let is_called = tokio::select! {
                () = tokio::time::sleep(interval) => false,
                () = context.something_to_say(Role::Dms1) => true,
                () = soon_after_news(&context, &known) => true,
                _ = over.wait_for(|over| *over) => return,
            };
            let now = news(&context);
            if is_called || now != known || now.holding {
                (known, idle) = (now, 0);
                break;
            }
        }
    }
}

/// How many intervals the client stays away at most.
fn longest_pause(interval: Duration) -> u32 {
    let intervals = LONGEST_AWAY.as_millis() / interval.as_millis().max(1);
    u32::try_from(intervals)
        .unwrap_or(u32::MAX)
        .clamp(1, LONGEST_PAUSE)
}

/// Waits until something has happened since, and a moment longer: for what a server makes of it.
async fn soon_after_news(context: &CaseContext, known: &News) {
    let mut changed = context.recorder.watch();
    while news(context) == *known {
        if changed.changed().await.is_err() {
            // Nothing more is recorded.
            return std::future::pending().await;
        }
    }
    tokio::time::sleep(SOON).await;
}

/// What has happened in a case besides polls.
#[derive(PartialEq, Eq)]
struct News {
    occurrences: usize,
    changes: usize,
    holding: bool,
}

fn news(context: &CaseContext) -> News {
    context.recorder.with(|observed| News {
        occurrences: observed.occurrences.len(),
        changes: observed.changes.len(),
        holding: observed.is_holding(),
    })
}

/// Whether the client has yet to wait: one that is to come for the entry with other credentials than its own comes when
/// there is an entry to come for, and not before, so that none of its sessions is as it should be.
fn is_early(context: &CaseContext) -> bool {
    let url = MessageId::answer(Step::UrlRequest);
    context.case().other_credentials_for_dms_1().is_some() && !context.recorder.seen(url)
}

async fn poll_once(stage: &Arc<Stage>, context: &Arc<CaseContext>) -> Result<(), String> {
    let mut client = context.client.lock().await;
    let server_id = context.server_id(Role::Dms1).to_owned();
    let Some((root, mut account)) = Account::find(&client.tree, &server_id) else {
        return Ok(());
    };
    if let Some(credentials) = context.case().other_credentials_for_dms_1() {
        let entry = MessageId::answer(Step::BootstrapEntry);
        let is_first = |observed: &Observed| observed.changes.iter().all(|applied| applied.at != entry);
        if context.recorder.with(is_first) {
            let change = context.changes(entry).in_words().unwrap_or_default();
            context.recorder.record(Event::Changed {
                at: entry,
                exchange: None,
                change,
            });
        }
        change_credentials(&mut account, credentials);
        // That it is refused is what the case is about.
        let _ = session(stage, context, &mut client, Role::Dms1, &root, account, None).await;
        return Ok(());
    }
    session(stage, context, &mut client, Role::Dms1, &root, account, None).await?;
    if !context.oddities.has(Oddity::PollsOften) {
        return Ok(());
    }
    match Account::find(&client.tree, &server_id) {
        Some((root, account)) => session(stage, context, &mut client, Role::Dms1, &root, account, None).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_comes_seldom_stays_away_no_longer_for_it() {
        let longest = |ms| longest_pause(Duration::from_millis(ms));
        assert_eq!([15, 50, 100, 300].map(longest), [8, 8, 4, 1]);
        assert_eq!([1_900, 60_000].map(longest), [1, 1]);
        assert_eq!(longest(0), 8);
    }
}
