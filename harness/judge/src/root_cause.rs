//! Why a case could not be judged: the first breach of a real role, and the case that owns it.

use dmconform_model::{CaseId, MessageId, Part, Place, RequirementId, Role, Step};

use crate::absence::{Absence, explain};
use crate::condition::absolute_https;
use crate::finding::Outcome;
use crate::header::Header;
use crate::observed::Observed;
use crate::{equality, order, view};

/// The first breach of a real role in a transcript.
pub(crate) struct RootCause {
    /// The requirement that was broken.
    pub requirement: RequirementId,
    /// Who broke it.
    pub role: Role,
    /// The case that owns it, unless it is the one at hand.
    pub owner: Option<CaseId>,
    /// The record that shows it.
    pub(crate) seq: u64,
}

/// Finds the first breach of the procedure by a real role.
pub(crate) fn find(header: &Header, observed: &Observed) -> Option<RootCause> {
    let mut found: Vec<(u64, RequirementId, Role)> = Vec::new();
    for &role in &header.target.plays {
        let early = order::breaches(header, observed, role);
        found.extend(
            early
                .into_iter()
                .filter(|breach| breach.first.is_some() || !left_out(header, observed, breach.rule.first))
                .map(|breach| (breach.then.seq, breach.rule.requirement.clone(), role)),
        );
        found.extend(unequal(header, observed, role));
        found.extend(absent(header, observed, role));
        found.extend(defective(header, observed, role));
    }
    let causes = found.into_iter().map(|(seq, requirement, role)| {
        let owner = header.owner(&requirement, role).cloned();
        RootCause {
            requirement,
            role,
            owner,
            seq,
        }
    });
    causes.min_by_key(|cause| (cause.owner.is_none(), cause.seq))
}

/// Whether a step that should have come first is missing altogether: then that is the breach, and not that the next
/// step came without it.
fn left_out(header: &Header, observed: &Observed, message: MessageId) -> bool {
    let request = MessageId::request(message.step);
    observed.first(request).is_none() && matches!(explain(header, observed, request), Absence::Missing { .. })
}

fn unequal(header: &Header, observed: &Observed, role: Role) -> Vec<(u64, RequirementId, Role)> {
    let nowhere = Place {
        file: String::new(),
        line: 0,
        column: 0,
    };
    equality::of_role(header, observed, role, &nowhere)
        .filter_map(|(requirement, outcome)| match outcome {
            Outcome::Broken(finding) => Some((
                finding.evidence.records.last().copied()?,
                requirement.clone(),
                role,
            )),
            _ => None,
        })
        .collect()
}

fn absent(header: &Header, observed: &Observed, role: Role) -> Vec<(u64, RequirementId, Role)> {
    let with_removal = view::with_removal(header, observed);
    let own = header
        .procedure
        .messages(with_removal)
        .filter(|message| view::sender(header, *message) == Some(role));
    own.filter(|message| !observed.seen(*message))
        .filter_map(|message| {
            let requirement = header.presence(message, role)?;
            let seq = match explain(header, observed, message) {
                Absence::Missing { records } => *records.last()?,
                Absence::Refused { record, .. } | Absence::NoAnswer { record, .. } => record,
                Absence::Waiting { .. } | Absence::Prevented { .. } | Absence::NoProof { .. } => return None,
            };
            Some((seq, requirement.clone(), role))
        })
        .collect()
}

/// What is wrong with single messages whatever the case is about: what was no answer, no ACL, no bootstrap.
fn defective(header: &Header, observed: &Observed, role: Role) -> Vec<(u64, RequirementId, Role)> {
    let own = observed
        .occurrences
        .iter()
        .filter(|occurrence| occurrence.from == role && !occurrence.sent_by_observer);
    own.filter_map(|occurrence| {
        let says = |field: &str, value: &str| occurrence.values(field).contains(value);
        let requirement = match (occurrence.message.step, occurrence.message.part) {
            (Step::AclUpdate, Part::Request) if says("well-formed", "no") => "DEL-8-4",
            (Step::ClientSession, Part::Answer)
                if occurrence.accepted && !view::takes_session(header, occurrence) =>
            {
                "DEL-6-4"
            }
            (Step::UrlRequest, Part::Answer)
                if occurrence.accepted && !occurrence.values("url").iter().all(|url| absolute_https(url)) =>
            {
                "DEL-3-3"
            }
            (Step::BootstrapFetch, Part::Answer) if says("credentials", "wrong") => "DEL-5-6",
            _ => return None,
        };
        Some((occurrence.seq, RequirementId(requirement.to_owned()), role))
    })
    .collect()
}
