//! Whether a message came, and what follows when it did not.

use dmconform_model::{FindingCode, MessageId, Part, Place, RequirementId};

use crate::absence::{Absence, explain};
use crate::finding::{Breach, Outcome, broken, held};
use crate::header::Header;
use crate::observed::Observed;
use crate::view;

/// Judges that a message was seen. Its absence breaks `requirement` only where the message was due: every
/// precondition met, the opportunity given, the declared limit passed.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    message: MessageId,
    requirement: &RequirementId,
    place: Option<&Place>,
) -> Outcome {
    if let Some(seen) = observed.first(message) {
        return held(
            requirement,
            format!("{} came: {}", view::called(header, message), seen.note),
            vec![seen.seq],
        );
    }
    let Some(sender) = view::sender(header, message) else {
        return Outcome::Unreached(format!("nobody sends {message}"));
    };
    let called = view::called(header, message);
    if !header.is_real(sender) {
        return Outcome::Unreached(format!("{called} did not come, and its sender is a mock"));
    }
    let (code, seen, records) = match explain(header, observed, message) {
        Absence::Missing { records } => {
            let limit = header.limits.step_deadline;
            (
                FindingCode::Missing,
                format!("nothing within {limit} of the moment it was due"),
                records,
            )
        }
        Absence::Refused { note, record } => (FindingCode::Refused, note, vec![record]),
        Absence::NoAnswer { reason, record } => (FindingCode::NoAnswer, reason, vec![record]),
        Absence::Waiting { missing } => {
            return Outcome::Unreached(format!(
                "{called} was not due: {} did not come",
                view::called(header, missing)
            ));
        }
        Absence::NoProof { reason } | Absence::Prevented { reason } => {
            return Outcome::Unreached(format!("{called} did not come, but {reason}"));
        }
    };
    let expected = match message.part {
        Part::Request => format!(
            "{called} from {} to {}",
            sender.title(),
            receiver(header, message)
        ),
        Part::Answer => format!(
            "a positive answer from {} to step {}",
            sender.title(),
            message.step
        ),
    };
    broken(
        header,
        Breach {
            code,
            requirement,
            step: message.step,
            blame: sender,
            observed_by: header.procedure.receiver(message, header.case.given.opens),
            expected,
            observed: seen,
            records,
            place,
        },
    )
}

fn receiver(header: &Header, message: MessageId) -> &'static str {
    header
        .procedure
        .receiver(message, header.case.given.opens)
        .map_or("nobody", dmconform_model::Role::title)
}
