//! The whole procedure: every message of the judged roles, their order and what must be equal.

use dmconform_case::test_case::SessionRule;
use dmconform_model::{FindingCode, MessageId, Place, RequirementId, Role, Step};

use crate::absence::{Absence, explain};
use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::Observed;
use crate::occurrence::Occurrence;
use crate::order::Relation;
use crate::{equality, order, presence, regularity, view};

/// Judges everything that the procedure asks of the judged roles.
pub(crate) fn judge(header: &Header, observed: &Observed, place: &Place) -> Vec<Outcome> {
    let roles: Vec<Role> = header
        .case
        .iut
        .iter()
        .copied()
        .filter(|role| header.is_real(*role))
        .collect();
    let mut outcomes = Vec::new();
    for &role in &roles {
        outcomes.extend(messages(header, observed, role, place));
        outcomes.extend(ordered(header, observed, role, place));
        outcomes.extend(equal(header, observed, role, place));
        outcomes.extend(regular(header, observed, role, place));
        let requirement = RequirementId("DEL-1-1".to_owned());
        if header.requirements.contains_key(&requirement) {
            outcomes.extend(secured(header, observed, role, &requirement, place));
        }
    }
    outcomes
}

/// What the judged servers sent each other passed inside TLS.
pub(crate) fn inside_tls(
    header: &Header,
    observed: &Observed,
    requirement: &RequirementId,
    place: &Place,
) -> Vec<Outcome> {
    let judged = header.case.iut.iter().filter(|role| header.is_real(**role));
    judged
        .map(|role| {
            secured(header, observed, *role, requirement, place)
                .unwrap_or_else(|| Outcome::Unreached(format!("{} connected to nobody", role.title())))
        })
        .collect()
}

/// What a role says in DM sessions keeps the rules for them.
fn regular(header: &Header, observed: &Observed, role: Role, place: &Place) -> Vec<Outcome> {
    let rules = [("DM-7", SessionRule::Regular), ("DM-8", SessionRule::InForm)];
    rules
        .into_iter()
        .filter_map(|(id, rule)| {
            Some((
                header
                    .requirements
                    .get_key_value(&RequirementId(id.to_owned()))?
                    .0,
                rule,
            ))
        })
        .flat_map(|(requirement, rule)| regularity::of_role(header, observed, role, rule, requirement, place))
        .filter(|outcome| !matches!(outcome, Outcome::Unreached(_)))
        .collect()
}

/// Every message of a role came.
fn messages(header: &Header, observed: &Observed, role: Role, place: &Place) -> Vec<Outcome> {
    let with_removal = view::with_removal(header, observed);
    let due = header
        .procedure
        .messages(with_removal)
        .filter(|message| view::sender(header, *message) == Some(role));
    due.flat_map(|message| match header.presence(message, role) {
        Some(requirement) => came(header, observed, message, requirement, place),
        None => Vec::from_iter(not_accepted(header, observed, message)),
    })
    .collect()
}

fn came(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    requirement: &RequirementId,
    place: &Place,
) -> Vec<Outcome> {
    let came = presence::judge(header, observed, message, requirement, Some(place));
    if !matches!(came, Outcome::Held(_)) {
        return vec![came];
    }
    let session = observed
        .first(message)
        .filter(|answer| answer.message == MessageId::answer(Step::ClientSession));
    let checked = session.map(|answer| session_taken(header, answer, requirement, place));
    std::iter::once(came).chain(checked).collect()
}

/// An answer that no requirement asks for, and that is no positive one, or did not come: nothing is broken by it, and the
/// delegation has not come to its end either.
fn not_accepted(header: &Header, observed: &Observed, message: MessageId) -> Option<Outcome> {
    if observed.seen(message) {
        return None;
    }
    let why = match explain(header, observed, message) {
        Absence::Refused { note: seen, .. } | Absence::NoAnswer { reason: seen, .. } => {
            let step = message.step;
            format!("step {step} was not accepted, and no requirement says that it has to be: {seen}")
        }
        Absence::Waiting { missing } => format!(
            "{} was not due: {} did not come",
            view::called(header, message),
            view::called(header, missing)
        ),
        Absence::Prevented { reason } | Absence::NoProof { reason } => {
            format!("{} did not come, but {reason}", view::called(header, message))
        }
        Absence::Missing { .. } => format!("{} did not come in time", view::called(header, message)),
    };
    Some(Outcome::Unreached(why))
}

/// DMS-2's first answer in step 6: a Status for everything, and its own credentials (OMA DM protocol 1.2, 8.2;
/// security 1.2, 5.3).
fn session_taken(
    header: &Header,
    answer: &Occurrence,
    requirement: &RequirementId,
    place: &Place,
) -> Outcome {
    if view::takes_session(header, answer) {
        let what = match header.is_real(Role::DmClient) {
            true => "a Status for everything",
            false => "a Status for everything, and mutual authentication",
        };
        return held(requirement, what, vec![answer.seq]);
    }
    let seen = format!(
        "statuses {}, authentication {}",
        view::list(answer.values("statuses")),
        view::list(answer.values("authentication"))
    );
    broken(
        header,
        Breach {
            code: FindingCode::Session,
            requirement,
            step: Step::ClientSession,
            blame: answer.from,
            observed_by: Some(answer.observer),
            expected: "a Status for the header and every command, and the server's own credentials"
                .to_owned(),
            observed: seen,
            records: vec![answer.seq],
            place: Some(place),
        },
    )
}

/// Nothing of a role came too early.
fn ordered(header: &Header, observed: &Observed, role: Role, place: &Place) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = order::breaches(header, observed, role)
        .into_iter()
        .map(|breach| {
            let seen = match breach.first {
                Some(first) => format!(
                    "it came {} before {} was sent",
                    crate::never::milliseconds(first.at_us.saturating_sub(breach.then.at_us)),
                    view::called(header, first.message)
                ),
                None => format!(
                    "it came, and {} never did",
                    view::called(header, breach.rule.first)
                ),
            };
            let records = breach
                .first
                .map(|first| first.seq)
                .into_iter()
                .chain([breach.then.seq])
                .collect();
            broken(
                header,
                Breach {
                    code: FindingCode::Order,
                    requirement: &breach.rule.requirement,
                    step: breach.then.message.step,
                    blame: role,
                    observed_by: Some(breach.then.observer),
                    expected: format!(
                        "{} not before {}",
                        view::called(header, breach.then.message),
                        view::called(header, breach.rule.first)
                    ),
                    observed: seen,
                    records,
                    place: Some(place),
                },
            )
        })
        .collect();
    if outcomes.is_empty() {
        outcomes.extend(kept(header, observed, role));
    }
    outcomes
}

/// The order rules that a role kept, as checks.
fn kept(header: &Header, observed: &Observed, role: Role) -> Vec<Outcome> {
    header
        .procedure
        .order
        .iter()
        .filter(|rule| order::applies(observed, rule))
        .filter_map(|rule| {
            let then = observed.first(rule.then).filter(|then| then.from == role)?;
            let first = order::preceding(observed, rule.first, then)?;
            if order::relation(observed, Some(first), then) != Relation::Kept {
                return None;
            }
            let what = format!(
                "{} came before {}",
                view::called(header, rule.first),
                view::called(header, rule.then)
            );
            Some(held(&rule.requirement, what, vec![first.seq, then.seq]))
        })
        .collect()
}

/// What a role carries on is what it was given. A field that a message does not carry is not compared.
fn equal(header: &Header, observed: &Observed, role: Role, place: &Place) -> Vec<Outcome> {
    equality::of_role(header, observed, role, place)
        .map(|(_, outcome)| outcome)
        .filter(|outcome| !matches!(outcome, Outcome::Unreached(_)))
        .collect()
}

/// Delegation messages pass only inside TLS.
fn secured(
    header: &Header,
    observed: &Observed,
    role: Role,
    requirement: &RequirementId,
    place: &Place,
) -> Option<Outcome> {
    use dmconform_model::transcript::EndpointKind;

    if !matches!(role, Role::Dms1 | Role::Dms2) {
        return None;
    }
    // What the role says it says on connections that it opens: only those show how.
    let mut opened = observed.connections.values().filter(|connection| {
        let speaker = crate::never::speaker(connection.endpoint.role, connection.endpoint.kind);
        connection.endpoint.kind == EndpointKind::Delegation && connection.observer != role && speaker == role
    });
    let plain = opened
        .clone()
        .find_map(|connection| Some((connection.plaintext?, connection.observer)));
    if let Some((seq, observer)) = plain {
        return Some(broken(
            header,
            Breach {
                code: FindingCode::Plaintext,
                requirement,
                step: Step::TlsConnection,
                blame: role,
                observed_by: Some(observer),
                expected: "TLS from the first byte".to_owned(),
                observed: "bytes that are no TLS".to_owned(),
                records: vec![seq],
                place: Some(place),
            },
        ));
    }
    let seq = opened.find_map(|connection| connection.established)?;
    Some(held(requirement, "the servers talked inside TLS", vec![seq]))
}
