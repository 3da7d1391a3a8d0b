//! The verdict on a case: a pure function of its transcript.

use dmconform_case::test_case::{Expectation, What};
use dmconform_model::result::{Arrow, Evidence};
use dmconform_model::{Blame, CaseResult, Check, Finding, FindingCode, Spent, Verdict};

use crate::finding::Outcome;
use crate::header::Header;
use crate::observed::Observed;
use crate::{expectation, root_cause};

/// Judges a whole transcript.
pub(crate) fn judge(header: &Header, observed: &Observed) -> CaseResult {
    let mut checks: Vec<Check> = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    if let Some((seq, reason)) = &observed.aborted {
        findings.push(trouble(
            header,
            Verdict::Error,
            Some(Blame::Harness),
            reason,
            vec![*seq],
        ));
    } else {
        for expected in &header.case.expect {
            for outcome in expectation::judge(header, observed, expected) {
                match outcome {
                    Outcome::Held(held) => checks.extend(held),
                    Outcome::Broken(finding)
                        if follows_from_another(header, observed, expected, &finding) =>
                    {
                        reasons.push(format!("{}: {}", finding.expected, finding.observed));
                    }
                    Outcome::Broken(finding) if judged(header, &finding) => findings.push(*finding),
                    Outcome::Broken(finding) => {
                        reasons.push(format!("{}: {}", finding.expected, finding.observed));
                    }
                    Outcome::Unreached(reason) => reasons.push(reason),
                }
            }
        }
    }
    checks.dedup();
    findings.dedup();
    // A warning is what a case made for it is there to find. It does not stand for the rest of a whole delegation.
    let whole = header
        .case
        .expect
        .iter()
        .any(|expected| expected.what == What::Procedure);
    let decided = findings
        .iter()
        .any(|finding| finding.verdict > Verdict::Warn || !whole);
    if !decided && (!reasons.is_empty() || (findings.is_empty() && checks.is_empty())) {
        findings.push(inconclusive(header, observed, &reasons));
    }
    let verdict = worst(&findings);
    let reason = findings
        .iter()
        .find(|finding| finding.verdict == verdict)
        .map(|finding| finding.observed.clone());
    for finding in &mut findings {
        finding.product = product(header, finding);
    }
    CaseResult {
        id: header.case.id.clone(),
        title: header.case.title.clone(),
        purpose: header.case.purpose.clone(),
        implementation: header.target.name.clone(),
        iut: header.case.iut.clone(),
        verdict,
        reason,
        class: header.case.class,
        covers: header.case.covers.clone(),
        checks,
        findings,
        observed: arrows(observed),
        file: header.case.file.clone(),
        duration_ms: observed.last_us / 1000,
        spent: Spent::default(),
        attempts: Vec::new(),
    }
}

/// The product at fault, where several were observed.
fn product(header: &Header, finding: &Finding) -> Option<String> {
    let products = &header.target.products;
    let mut playing = products.iter();
    let (_, product) = playing.find(|(role, _)| finding.blame == Some(Blame::from(**role)))?;
    Some(product.clone())
}

/// Whether a finding is about a role that this case judges.
fn judged(header: &Header, finding: &Finding) -> bool {
    header
        .case
        .iut
        .iter()
        .any(|role| header.is_real(*role) && finding.blame == Some(Blame::from(*role)))
}

/// Whether a message that did not come, was refused, or came although it should have ended, follows from an earlier breach
/// that another case owns. The whole procedure is judged as a whole.
fn follows_from_another(
    header: &Header,
    observed: &Observed,
    expected: &Expectation,
    finding: &Finding,
) -> bool {
    let may_follow = matches!(
        FindingCode::from_name(&finding.code),
        Some(FindingCode::Missing | FindingCode::Refused | FindingCode::NoAnswer | FindingCode::WentOn)
    );
    if !may_follow || expected.what == What::Procedure {
        return false;
    }
    let last = finding.evidence.records.last().copied().unwrap_or(0);
    root_cause::find(header, observed).is_some_and(|cause| {
        cause.owner.is_some() && cause.seq < last && finding.requirement.as_ref() != Some(&cause.requirement)
    })
}

fn worst(findings: &[Finding]) -> Verdict {
    let any = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    let order = [
        Verdict::Error,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Warn,
    ];
    order
        .into_iter()
        .find(|verdict| any(*verdict))
        .unwrap_or(Verdict::Pass)
}

/// Says why a case could not be judged, and which case to look at first.
fn inconclusive(header: &Header, observed: &Observed, reasons: &[String]) -> Finding {
    let mut why = reasons
        .first()
        .cloned()
        .unwrap_or_else(|| "nothing was checked".to_owned());
    if let Some((_, reason)) = &observed.exited {
        why = format!("{why}; the product ended: {reason}");
    } else if let Some((_, role, reason)) = observed.stopped.first() {
        let repeated = why.contains(reason.as_str());
        why = match (repeated, header.is_real(*role)) {
            (true, _) => why,
            (false, true) => format!("{why}; {reason}"),
            (false, false) => format!("{why}; mock {} could not go on: {reason}", role.title()),
        };
    }
    let mut finding = trouble(header, Verdict::Inconclusive, None, &why, Vec::new());
    if let Some(cause) = root_cause::find(header, observed) {
        finding.blame = Some(Blame::from(cause.role));
        finding.observed = format!(
            "{why}; before that, {} broke {}",
            cause.role.title(),
            cause.requirement
        );
        finding.see = cause.owner;
    }
    finding
}

/// A finding about the case as a whole rather than about a requirement.
fn trouble(
    header: &Header,
    verdict: Verdict,
    blame: Option<Blame>,
    what: &str,
    records: Vec<u64>,
) -> Finding {
    // Of several requirements none was singled out, and what went wrong in the harness is about none.
    let requirement = match header.case.covers.as_slice() {
        [only] if verdict == Verdict::Inconclusive => Some(only.clone()),
        _ => None,
    };
    Finding {
        verdict,
        code: verdict.as_str().to_owned(),
        requirement,
        statement: header.case.purpose.clone(),
        step: expectation::main_step(header),
        blame,
        product: None,
        observed_by: None,
        expected: "the test purpose reached".to_owned(),
        observed: what.to_owned(),
        place: header
            .case
            .expect
            .first()
            .map(|expectation| expectation.place.clone()),
        evidence: Evidence {
            transcript: header.transcript.clone(),
            records,
        },
        see: None,
        rerun: header.rerun.clone(),
    }
}

fn arrows(observed: &Observed) -> Vec<Arrow> {
    observed
        .occurrences
        .iter()
        .map(|occurrence| Arrow {
            record: occurrence.seq,
            message: occurrence.message,
            from: occurrence.from,
            to: occurrence.to,
            note: occurrence.note.clone(),
        })
        .collect()
}
