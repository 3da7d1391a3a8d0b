//! The script of a mock role: the projection of the procedure onto it.

use std::sync::Arc;

use dmconform_judge::{Exchange, Observed};
use dmconform_model::{Event, MessageId, Role, Step};

use crate::context::CaseContext;
use crate::stage::Stage;
use crate::{client, delegation, server_side};

/// How performing one step ended.
pub(crate) enum Performed {
    /// It was answered, and positively.
    Accepted,
    /// The role cannot go on, for this reason.
    Stuck(String),
}

/// Plays a mock role: each of its steps once everything that the step follows was seen. Ends when the role has
/// nothing more to send, cannot go on, or the case is over.
pub async fn play(stage: Arc<Stage>, context: Arc<CaseContext>, role: Role) {
    let opener = context.case().given.opens;
    let with_removal = context.case().given.removes_account;
    let own: Vec<MessageId> = context
        .header
        .procedure
        .messages(with_removal)
        .filter(|message| message.part == dmconform_model::Part::Request)
        .filter(|message| context.header.procedure.sender(*message, opener) == Some(role))
        .collect();
    for message in own.iter().copied() {
        let changes = context.changes(message);
        let before = context.header.procedure.predecessors(message, with_removal);
        let is_due = |context: &CaseContext| match changes.after {
            Some(after) => context.recorder.with(|observed| has_arrived(observed, after)),
            None => before.iter().all(|before| context.recorder.seen(*before)),
        };
        if !context.until(is_due).await {
            return;
        }
        if changes.delay {
            context.hold(message).await;
        }
        if changes.omit {
            let change = "it is not sent".to_owned();
            context.recorder.record(Event::Changed {
                at: message,
                exchange: None,
                change,
            });
            context.hold(message).await;
            context.recorder.record(Event::ScriptStopped {
                role,
                reason: format!("step {} is left out", message.step),
            });
            return;
        }
        if context.is_over() {
            return;
        }
        // A script waits far longer than it performs: what that takes is on the heap meanwhile.
        let performed = match message.step {
            Step::BootstrapEntry | Step::AclUpdate | Step::AccountRemoval => {
                Box::pin(server_side::perform(&context, message, &changes)).await
            }
            Step::BootstrapFetch => Box::pin(client::fetch(&stage, &context, &changes)).await,
            Step::ClientSession => Box::pin(client::open_session(&stage, &context, &changes)).await,
            _ => Box::pin(delegation::perform(&stage, &context, role, message, &changes)).await,
        };
        if let Performed::Stuck(reason) = performed {
            context.recorder.record(Event::ScriptStopped { role, reason });
            let has_window = context
                .recorder
                .with(|observed| observed.window(message).is_some());
            if changes.in_words().is_some() && !has_window {
                // What the product does now that it has refused is part of the case.
                context.hold(message).await;
            }
            return;
        }
    }
    for message in own {
        if context.changes(message).replayed {
            Box::pin(delegation::replay(&stage, &context, role, message)).await;
        }
    }
}

/// Whether a message has come to its receiver. What a mock role says in a request has when that is answered: on another connection,
/// what follows it could come before.
fn has_arrived(observed: &Observed, message: MessageId) -> bool {
    observed.all(message).any(|seen| {
        let exchange = observed.exchanges.get(&seen.exchange);
        let is_on_its_way = |exchange: &Exchange| {
            seen.sent_by_observer && exchange.sent && exchange.status.is_none() && exchange.failed.is_none()
        };
        !exchange.is_some_and(is_on_its_way)
    })
}
