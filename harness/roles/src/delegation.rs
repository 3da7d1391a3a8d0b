//! Messages between the servers: a mock server sends them, and answers those of its peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use dmconform_case::test_case::FieldChange;
use dmconform_judge::THIRD_SERVER;
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Event, MessageId, Part, Role, Step};
use dmconform_oddity::Oddity;

use crate::change::{Changes, Third};
use crate::context::{CaseContext, endpoint};
use crate::dial::{Failed, Outgoing};
use crate::documents::{self, Written};
use crate::http::server::{Fault, Reply};
use crate::script::Performed;
use crate::stage::{Presents, Stage};

/// Sends a message to the other server and takes its answer.
pub(crate) async fn perform(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    role: Role,
    message: MessageId,
    changes: &Changes,
) -> Performed {
    let written = match documents::write(context, message, changes) {
        Ok(written) => written,
        Err(reason) => {
            context.recorder.record(Event::Aborted {
                reason: reason.clone(),
            });
            return Performed::Stuck(reason);
        }
    };
    if let Some(third) = changes.from_third
        && let Err(reason) = send_as_third(stage, context, role, message, &written, third).await
    {
        context.recorder.record(Event::Aborted {
            reason: reason.clone(),
        });
        return Performed::Stuck(reason);
    }
    let presents = Presents::Own(role, changes.certificate.unwrap_or(Certificate::Good));
    let sent = send(stage, context, role, message, &written, presents, changes).await;
    let performed = match sent {
        Ok(status) if (200..300).contains(&status) => {
            if context.recorder.seen(MessageId::answer(message.step)) || changes.corrupt.is_some() {
                Performed::Accepted
            } else {
                Performed::Stuck(format!(
                    "the answer to step {} lacks what it should carry",
                    message.step
                ))
            }
        }
        Ok(status) => Performed::Stuck(format!("step {} was answered with {status}", message.step)),
        Err(failed) => Performed::Stuck(format!("step {} got no answer: {}", message.step, failed.reason)),
    };
    for _ in 0..changes.repeat {
        let repeated = Some("the same again".to_owned());
        let mut outgoing = outgoing(
            context,
            role,
            message,
            &written,
            Presents::Own(role, Certificate::Good),
        );
        outgoing.change = repeated.map(|change| (message, change));
        let _ = stage.exchange(context, outgoing).await;
    }
    performed
}

/// A third server, with a good certificate of its own, sends what it has no part in.
async fn send_as_third(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    role: Role,
    message: MessageId,
    written: &Written,
    third: Third,
) -> Result<(), String> {
    let as_third = |written: &Written| Outgoing {
        change: Some((message, THIRD_SERVER.to_owned())),
        ..outgoing(context, role, message, written, Presents::Third)
    };
    match third {
        Third::Copied => drop(stage.exchange(context, as_third(written)).await),
        Third::InItsOwnName => {
            let own = if role == Role::Dms1 {
                "delegating-server"
            } else {
                "delegated-server"
            };
            let name = FieldChange::To("${third}".to_owned());
            let changes = Changes {
                fields: BTreeMap::from([(own.to_owned(), name)]),
                ..Changes::default()
            };
            let written = documents::write(context, message, &changes)?;
            drop(stage.exchange(context, as_third(&written)).await);
        }
        Third::Resuming => {
            let tls = stage.client_tls(Presents::Third, None);
            let tls = tls.map_err(|error| error.to_string())?.resuming();
            // The first gets the ticket, with which the second begins.
            for _ in 0..2 {
                let outgoing = Outgoing {
                    resuming: Some(tls.clone()),
                    ..as_third(written)
                };
                drop(stage.exchange(context, outgoing).await);
            }
        }
    }
    Ok(())
}

/// Sends a message again, octet for octet, when the delegation is complete, and gives the product its time.
pub(crate) async fn replay(stage: &Arc<Stage>, context: &Arc<CaseContext>, role: Role, message: MessageId) {
    let with_removal = context.case().given.removes_account;
    let complete = |context: &CaseContext| {
        let mut all = context.header.procedure.messages(with_removal);
        all.all(|message| context.recorder.seen(message))
    };
    if !context.until(complete).await {
        return;
    }
    let Ok(written) = documents::write(context, message, &Changes::default()) else {
        return;
    };
    let presents = Presents::Own(role, Certificate::Good);
    let replayed = Outgoing {
        change: Some((
            message,
            "it is sent again when the delegation is complete".to_owned(),
        )),
        ..outgoing(context, role, message, &written, presents)
    };
    drop(stage.exchange(context, replayed).await);
    context.hold(message).await;
}

async fn send(
    stage: &Arc<Stage>,
    context: &Arc<CaseContext>,
    role: Role,
    message: MessageId,
    written: &Written,
    presents: Presents,
    changes: &Changes,
) -> Result<u16, Failed> {
    let outgoing = Outgoing {
        change: changes.in_words().map(|words| (message, words)),
        close_at: changes.close_at,
        version: changes.version,
        slow: changes.slow,
        plaintext: changes.plaintext,
        ..outgoing(context, role, message, written, presents)
    };
    stage
        .exchange(context, outgoing)
        .await
        .map(|answer| answer.status)
}

fn outgoing(
    context: &CaseContext,
    role: Role,
    message: MessageId,
    written: &Written,
    presents: Presents,
) -> Outgoing {
    let receiver = context
        .header
        .procedure
        .receiver(message, context.case().given.opens);
    let to = receiver.unwrap_or(Role::Dms1);
    Outgoing {
        observer: role,
        endpoint: endpoint(to, EndpointKind::Delegation),
        url: format!(
            "{}{}",
            context.endpoints(to).delegation.unwrap_or_default(),
            written.message.target
        ),
        method: written.message.method.clone(),
        headers: headers(written),
        body: written.message.body.clone().into(),
        presents,
        change: None,
        close_at: None,
        version: None,
        slow: false,
        resuming: None,
        plaintext: false,
    }
}

/// The header fields of a request; one without a body says nothing of it.
fn headers(written: &Written) -> Vec<(String, String)> {
    let media_type = ("content-type".to_owned(), written.media_type.clone());
    // A body that a case has emptied still has its media type.
    let has_none = written.message.body.is_empty() && written.message.method == "GET";
    let of_body = (!has_none).then_some(media_type);
    of_body
        .into_iter()
        .chain(written.message.headers.iter().cloned())
        .collect()
}

/// Learns which session a delegation has, where a product has opened it with this exchange.
pub(crate) fn learn_session(context: &CaseContext, exchange: u64) {
    let opening = Some(MessageId::request(Step::Initiation));
    let opens = context.recorder.with(|observed| {
        observed
            .exchanges
            .get(&exchange)
            .is_some_and(|known| known.message == opening)
    });
    if opens && let Some(session) = session_of(context, exchange) {
        context.learn_session_id(&session);
    }
}

/// Answers a message of the other server, by its exchange's number.
pub(crate) async fn answer(context: &Arc<CaseContext>, exchange: u64) -> Reply {
    let message = context
        .recorder
        .with(|observed| observed.exchanges.get(&exchange).and_then(|known| known.message));
    let Some(message) = message.filter(|message| message.part == Part::Request) else {
        let (body, media_type) = documents::refusal(Some(context), &context.session_id(), "unreadable");
        return Reply::new(400, &media_type, body);
    };
    learn_session(context, exchange);
    let answer = MessageId::answer(message.step);
    let changes = context.changes(answer);
    if changes.delay {
        context.hold(answer).await;
    }
    let words = changes
        .in_words()
        .or_else(|| changes.omit.then(|| "it is not sent".to_owned()));
    if let Some(change) = words.filter(|_| changes.certificate.is_none()) {
        context.recorder.record(Event::Changed {
            at: answer,
            exchange: Some(exchange),
            change,
        });
    }
    if let Some(status) = changes.answer {
        let (body, media_type) = documents::refusal(Some(context), &context.session_id(), "refused");
        return Reply::new(status, &media_type, body);
    }
    match documents::write(context, answer, &changes) {
        Ok(written) => {
            let mut reply = match is_without_body(context, answer, &changes) {
                true => Reply::new(204, "", Vec::new()),
                false => Reply::new(
                    context.oddities.success_status(written.message.status),
                    &written.media_type,
                    written.message.body,
                ),
            };
            reply.headers.extend(written.message.headers);
            reply.with_fault(fault(&changes))
        }
        Err(reason) => {
            context.recorder.record(Event::Aborted { reason });
            Reply::new(500, "text/plain", Vec::new())
        }
    }
}

/// Whether a positive answer goes without a body, which the profile takes for one, and the case does not change.
fn is_without_body(context: &CaseContext, answer: MessageId, changes: &Changes) -> bool {
    let document = context.profile().messages.get(&answer);
    context.oddities.has(Oddity::AnswersWithoutBody)
        && document.is_some_and(|document| document.body_optional)
        && changes.in_words().is_none()
}

fn session_of(context: &CaseContext, exchange: u64) -> Option<String> {
    context.recorder.with(|observed| {
        let occurrence = observed
            .occurrences
            .iter()
            .find(|seen| seen.exchange == exchange)?;
        occurrence.fields.get("session")?.first().cloned()
    })
}

/// The fault of an answer that the case asks for.
pub(crate) fn fault(changes: &Changes) -> Option<Fault> {
    use dmconform_case::test_case::CloseAt;

    if changes.omit {
        return Some(Fault::Never);
    }
    if changes.slow {
        return Some(Fault::Trickle);
    }
    Some(match changes.close_at? {
        CloseAt::Start => Fault::CloseBefore,
        CloseAt::Middle => Fault::CloseMiddle,
        CloseAt::End => Fault::CloseAfter,
    })
}
