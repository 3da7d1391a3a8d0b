//! A contract probe: a message about a session that nobody has opened must be refused, and one that nobody could read, too.

use std::collections::BTreeMap;
use std::time::Duration;

use dmconform_judge::Fields;
use dmconform_model::certificate::Certificate;
use dmconform_model::{MessageId, Role, Step};
use dmconform_roles::{Errand, Presents, Unanswered};

use super::{Examination, Topic};
use crate::target::Running;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends each server of the product a report about a session that does not exist.
pub(super) async fn look(examination: &Examination<'_>, running: &Running) {
    let plays = &examination.file.implementation.plays;
    for role in [Role::Dms1, Role::Dms2]
        .into_iter()
        .filter(|role| plays.contains(role))
    {
        probe(examination, running, role).await;
    }
}

async fn probe(examination: &Examination<'_>, running: &Running, role: Role) {
    // Step 9 goes to DMS-2, step 7 to DMS-1.
    let (step, other) = match role {
        Role::Dms1 => (Step::BootstrapComplete, Role::Dms2),
        _ => (Step::ClientPrepared, Role::Dms1),
    };
    let message = MessageId::request(step);
    let profile = &examination.file.suite.profile;
    let url = running.endpoints.iter().find(|(known, _)| *known == role);
    let url = url.and_then(|(_, at)| at.delegation.clone());
    let (Some(document), Some(url)) = (profile.messages.get(&message), url) else {
        return;
    };
    let id = |role: Role| running.stage.party(role).server_id.clone();
    let devices = &examination.file.implementation.devices;
    let values = [
        ("session", "a-session-that-nobody-opened".to_owned()),
        ("device", devices.id(1)),
        ("manufacturer", devices.manufacturer.clone()),
        ("model", devices.model.clone()),
        ("delegating-server", id(Role::Dms1)),
        ("delegated-server", id(Role::Dms2)),
    ];
    let fields: Fields = values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), vec![value]))
        .collect::<BTreeMap<_, _>>();
    let Ok(written) = profile.write(message, document, &fields) else {
        return;
    };
    let mut headers = written.headers.clone();
    if !written.body.is_empty() {
        headers.push(("content-type".to_owned(), profile.delegation.media_type.clone()));
    }
    let presents = Presents::Own(other, Certificate::Good);
    let url = format!("{}{}", url.trim_end_matches('/'), written.target);
    let errand = Errand {
        method: written.method,
        url,
        headers,
        body: written.body,
    };
    match running.stage.ask(presents, &errand, PATIENCE).await {
        Ok((status, _)) if (200..300).contains(&status) => examination.doubtful(
            Topic::Contract,
            format!("{role} answers {status} to a report about a session that nobody opened"),
            "cases that forge or replay session identifiers will fail or warn; it should refuse what it does not know",
        ),
        Ok((status, _)) => examination.good(
            Topic::Contract,
            format!("{role} refuses a report about a session that nobody opened, with {status}"),
        ),
        Err(Unanswered::BrokenOff(reason)) => examination.good(
            Topic::Contract,
            format!("{role} breaks off at a report about a session that nobody opened ({reason})"),
        ),
        Err(Unanswered::Silent(reason)) => examination.doubtful(
            Topic::Contract,
            format!("{role} says nothing to a report about a session that nobody opened ({reason})"),
            "cases that forge session identifiers will take as long as the limit for a step; it should refuse what it does not know",
        ),
        Err(Unanswered::NotAsked(reason)) => examination.doubtful(
            Topic::Contract,
            format!("{role} could not be asked about a session that nobody opened ({reason})"),
            "what keeps the two from connecting is told above; mend that first",
        ),
    }
}
