//! Verifies a bundle: offline, by everything that is in it, and by nothing else but the key that is trusted.
//!
//! What is cheap comes first: the archive, the signature, the digests. Then everything that is stated is worked out again: the
//! selection from the claims and the catalogue, every verdict from its transcript, the summary from the verdicts, and the
//! statement from all of it. Of another version, wordings are taken as they are.

use std::collections::BTreeMap;

use dmconform_case::implementation::{Limits, Supports};
use dmconform_case::ledger::ledger;
use dmconform_case::stated as claims;
use dmconform_case::test_case::TestCase;
use dmconform_judge::{Header, JUDGE_VERSION, Judge, Owner, Transcript};
use dmconform_model::result::{Claim, summarise, summarise_robustness};
use dmconform_model::{CaseId, CaseResult, RunRecord, Target};
use dmconform_runner::owners;

use crate::archive::{Files, unpack};
use crate::attempts::{Began, OtherAttempt, Stage};
use crate::certification::{Certification, Locked, Outcome, text};
use crate::contents::{Contents, cases_text, certificates_text, file, names};
use crate::digest::sha256;
use crate::envelope::Envelope;
use crate::key::PublicKey;
use crate::manifest;
use crate::refusal::{Difference, Refusal};
use crate::statement::Statement;

/// Whose signature is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Anybody's: the bundle is whole, and who made it is for the reader to know.
    Anybody,
    /// That of the key with this fingerprint.
    Fingerprint(String),
}

/// What is known of a bundle that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it states.
    pub certification: Certification,
    /// The fingerprint of the key that signed it.
    pub signed_by: String,
    /// The other attempts of the product until then.
    pub others: Vec<OtherAttempt>,
}

/// Verifies a bundle.
///
/// # Errors
/// The first reason not to take it.
pub fn verify(octets: &[u8], trust: &Trust) -> Result<Verified, Refusal> {
    let files = unpack(octets)?;
    let key = key(&files)?;
    if let Trust::Fingerprint(known) = trust
        && *known != key.fingerprint()
    {
        return Err(Refusal::OtherKey {
            signed_by: key.fingerprint(),
            known: known.clone(),
        });
    }
    let signed = Envelope::open(file(&files, names::STATEMENT)?, &key)?;
    manifest::check(&files)?;
    let contents = Contents::read(&files)?;
    let certification = contents.certification()?;
    let mut comparison = Comparison {
        then: &certification.judge,
        differences: Vec::new(),
    };
    check_run(&contents, &comparison)?;
    check_selection(&contents, &mut comparison)?;
    check_verdicts(&contents, &mut comparison)?;
    check_summary(&contents, &comparison)?;
    check_attempts(&files, &contents)?;
    check_names(&files, &contents, &comparison)?;
    comparison.end()?;
    let manifest = sha256(file(&files, names::MANIFEST)?);
    let statement = Statement::new(certification.clone(), &contents.record, &manifest);
    if statement.to_json() != signed {
        return Err(Refusal::OtherStatement);
    }
    Ok(Verified {
        signed_by: key.fingerprint(),
        others: contents.log.others(&certification.run),
        certification,
    })
}

/// The key that comes with the bundle.
fn key(files: &Files) -> Result<PublicKey, Refusal> {
    let pem = file(files, names::KEY)?;
    let unreadable = |why: String| Refusal::Unreadable {
        name: names::KEY.to_owned(),
        why,
    };
    let key = PublicKey::from_pem(text(names::KEY, pem)?).map_err(|error| unreadable(error.to_string()))?;
    if key.to_pem().as_bytes() != pem {
        return Err(unreadable(
            "it is not written the one way in which it is".to_owned(),
        ));
    }
    Ok(key)
}

/// What this judge says otherwise than the one that judged. Of the same version, there is no reason to.
struct Comparison<'a> {
    then: &'a str,
    differences: Vec<Difference>,
}

impl Comparison<'_> {
    fn is_of_this_version(&self) -> bool {
        self.then == JUDGE_VERSION
    }

    fn differs(&mut self, difference: Difference, refusal: Refusal) -> Result<(), Refusal> {
        if self.is_of_this_version() {
            return Err(refusal);
        }
        self.differences.push(difference);
        Ok(())
    }

    fn end(self) -> Result<(), Refusal> {
        if self.differences.is_empty() {
            return Ok(());
        }
        Err(Refusal::JudgedOtherwise {
            then: self.then.to_owned(),
            differences: self.differences,
        })
    }
}

/// Whether the run was locked: one product, and nothing that changes what is asked of it.
fn check_run(contents: &Contents, comparison: &Comparison<'_>) -> Result<(), Refusal> {
    let record = &contents.record;
    let run = &record.run;
    let turned = [
        ("it is strict", run.strict),
        ("its order was changed", run.seed != 0),
        ("a deviation was asked for", !run.deviations.is_empty()),
        ("an oddity was asked for", !run.oddities.is_empty()),
        (
            "an oddity of the peers was asked for",
            !run.peer_oddities.is_empty(),
        ),
        ("it was broken off", run.cancelled || !record.not_run.is_empty()),
        ("failures were known before, and excused", record.gate.is_some()),
        (
            "its cases were selected",
            !run.selection.is_empty() || run.shard.is_some(),
        ),
        ("it ended at a failure", run.stopped_by.is_some()),
        (
            "cases were tried again",
            run.allow_flaky || record.cases.iter().any(|case| !case.attempts.is_empty()),
        ),
        (
            "its product is not that of the implementation file",
            !is_product(contents, comparison),
        ),
        (
            "its readings are not those of the profile",
            run.own_readings != contents.locked.suite.profile.own_readings,
        ),
    ];
    match turned.into_iter().find(|(_, is_so)| *is_so) {
        Some((why, _)) => Err(Refusal::NotLocked(why.to_owned())),
        None => Ok(()),
    }
}

/// Whether a run tells of the product of the implementation file, with its claims. Another version may not have known of claims that
/// nobody made.
fn is_product(contents: &Contents, comparison: &Comparison<'_>) -> bool {
    let here = contents.locked.target_with_claims();
    let [stated] = contents.record.run.targets.as_slice() else {
        return false;
    };
    if comparison.is_of_this_version() {
        return *stated == here;
    }
    let usual = claims::stated(&Supports::default(), &Limits::default());
    let is_said = |claim: &Claim| stated.claims.contains(claim) || usual.contains(claim);
    stated.claims.iter().all(|claim| here.claims.contains(claim))
        && here.claims.iter().all(is_said)
        && *stated
            == Target {
                claims: stated.claims.clone(),
                ..here
            }
}

/// Whether what was judged is what the claims select of the catalogue.
fn check_selection(contents: &Contents, comparison: &mut Comparison<'_>) -> Result<(), Refusal> {
    let selection = &contents.locked.selection;
    let mut stated: BTreeMap<&CaseId, &CaseResult> = BTreeMap::new();
    for result in &contents.record.cases {
        if stated.insert(&result.id, result).is_some() {
            return Err(Refusal::OtherSelection(result.id.clone()));
        }
    }
    for case in &selection.cases {
        let is_there = contents
            .transcripts
            .contains_key(&place(&contents.locked, &case.id));
        if stated.remove(&case.id).is_none() || !is_there {
            let difference = difference(&case.id, "not judged", "selected");
            comparison.differs(difference, Refusal::PartialSelection(case.id.clone()))?;
        }
    }
    for excluded in &selection.not_applicable {
        let stated = stated.remove(&excluded.id);
        let is_same = match comparison.is_of_this_version() {
            true => stated == Some(excluded),
            // Another version may find other words.
            false => stated.is_some_and(|stated| {
                let reason = stated.reason.clone();
                reason.is_some()
                    && *stated
                        == CaseResult {
                            reason,
                            ..(*excluded).clone()
                        }
            }),
        };
        if !is_same {
            let difference = difference(&excluded.id, "otherwise", "not applicable");
            comparison.differs(difference, Refusal::OtherSelection(excluded.id.clone()))?;
        }
    }
    for id in stated.into_keys() {
        let difference = difference(id, "judged", "not selected");
        comparison.differs(difference, Refusal::OtherSelection(id.clone()))?;
    }
    Ok(())
}

fn difference(case: &CaseId, stated: &str, here: &str) -> Difference {
    Difference {
        case: case.clone(),
        stated: stated.to_owned(),
        here: here.to_owned(),
    }
}

/// The place of a case's transcript.
fn place(locked: &Locked, case: &CaseId) -> String {
    names::transcript(&locked.target.name, case)
}

/// Whether every verdict follows from its transcript, judged by what the catalogue and the claims say.
fn check_verdicts(contents: &Contents, comparison: &mut Comparison<'_>) -> Result<(), Refusal> {
    let owners = owners(&contents.locked.suite);
    for case in &contents.locked.selection.cases {
        let place = place(&contents.locked, &case.id);
        let stated = contents.record.cases.iter().find(|result| result.id == case.id);
        let (Some(stated), Some(transcript)) = (stated, contents.transcripts.get(&place)) else {
            continue;
        };
        if let Some(what) = other_header(contents, &transcript.header, case, &owners, comparison.then) {
            let refusal = Refusal::OtherHeader {
                case: case.id.clone(),
                what,
            };
            let difference = difference(
                &case.id,
                &format!("judged by another {what}"),
                &format!("the {what} is otherwise"),
            );
            comparison.differs(difference, refusal)?;
        }
        check_verdict(stated, transcript, comparison)?;
    }
    Ok(())
}

fn check_verdict(
    stated: &CaseResult,
    transcript: &Transcript,
    comparison: &mut Comparison<'_>,
) -> Result<(), Refusal> {
    let here = Judge::transcript(transcript.clone());
    let case = &stated.id;
    if here.verdict != stated.verdict {
        let (then, now) = (stated.verdict.as_str(), here.verdict.as_str());
        let refusal = Refusal::OtherVerdict {
            case: case.clone(),
            stated: then.to_owned(),
            here: now.to_owned(),
        };
        return comparison.differs(difference(case, then, now), refusal);
    }
    if here.class != stated.class || here.covers != stated.covers {
        let weight = |of: &CaseResult| {
            let covers: Vec<&str> = of.covers.iter().map(|id| id.0.as_str()).collect();
            format!("of the class {}, about {}", of.class, covers.join(", "))
        };
        let difference = difference(case, &weight(stated), &weight(&here));
        return comparison.differs(difference, Refusal::OtherAccount(case.clone()));
    }
    // Another version may find other words.
    if here != *stated && comparison.is_of_this_version() {
        return Err(Refusal::OtherAccount(case.clone()));
    }
    Ok(())
}

/// What of a header is not what the catalogue, the claims and the run say.
fn other_header(
    contents: &Contents,
    header: &Header,
    case: &TestCase,
    owners: &[Owner],
    judge: &str,
) -> Option<&'static str> {
    let Locked {
        suite,
        implementation,
        target,
        ..
    } = &contents.locked;
    let same = [
        ("case", header.case == *case),
        ("procedure", header.procedure == suite.procedure),
        ("profile", header.profile == suite.profile),
        ("requirements", header.requirements == suite.requirements),
        ("owners of requirements", header.owners.as_slice() == owners),
        ("product", *header.target == *target),
        ("claims", *header.claims == implementation.supports),
        ("limits", header.limits == implementation.limits),
        ("strictness", !header.strict),
        ("run", header.run == contents.record.run.id),
        ("place", header.transcript == place(&contents.locked, &case.id)),
        ("judge", header.judge == judge),
    ];
    same.into_iter().find(|(_, is_so)| !is_so).map(|(what, _)| what)
}

/// Whether the results as a whole follow from the cases.
fn check_summary(contents: &Contents, comparison: &Comparison<'_>) -> Result<(), Refusal> {
    let RunRecord {
        summary,
        robustness,
        cases,
        ledger: stated,
        ..
    } = &contents.record;
    let same = [
        ("summary", *summary == summarise(cases)),
        (
            "summary of robustness",
            *robustness == summarise_robustness(cases),
        ),
        (
            "ledger of requirements",
            !comparison.is_of_this_version() || *stated == ledger(&contents.locked.suite, cases),
        ),
    ];
    match same.into_iter().find(|(_, is_so)| !is_so) {
        Some((what, _)) => Err(Refusal::OtherSummary(what)),
        None => Ok(()),
    }
}

/// Whether the log of attempts ends with this run, and was begun and ended with what is here.
fn check_attempts(files: &Files, contents: &Contents) -> Result<(), Refusal> {
    let run = &contents.record.run;
    let last = contents.log.last();
    let last = last.filter(|last| last.run == run.id);
    let last = last.ok_or(Refusal::OtherAttempt("they do not end with this run"))?;
    let Stage::Ended(ended) = &last.stage else {
        return Err(Refusal::OtherAttempt("this run was never ended"));
    };
    let began = contents.log.began(&run.id);
    let (_, began) = began.ok_or_else(|| Refusal::NoAttempt(run.id.clone()))?;
    let locked = &contents.locked;
    let expected = Began {
        // Whether that is what the claims select is looked at beside.
        selection: sha256(file(files, names::CASES)?),
        ..locked.began(&run.harness, &began.judge, &began.binary)
    };
    let same = [
        (
            "they are those of another product",
            last.product == locked.implementation.implementation,
        ),
        (
            "this run was begun with another catalogue, product, profile or selection",
            *began == expected,
        ),
        (
            "this run came to another end",
            ended.outcome == Outcome::of(&contents.record),
        ),
        ("this run had other results", ended.results == contents.results),
        (
            "this run had other transcripts",
            ended.transcripts == contents.evidence,
        ),
    ];
    match same.into_iter().find(|(_, is_so)| !is_so) {
        Some((why, _)) => Err(Refusal::OtherAttempt(why)),
        None => Ok(()),
    }
}

/// Whether nothing else is in the bundle than what was looked at.
fn check_names(files: &Files, contents: &Contents, comparison: &Comparison<'_>) -> Result<(), Refusal> {
    if !has_selected_cases(files, contents, comparison)? {
        return Err(Refusal::Unexpected(names::CASES.to_owned()));
    }
    if file(files, names::CERTIFICATES)? != certificates_text(&contents.transcripts).as_bytes() {
        return Err(Refusal::Unexpected(names::CERTIFICATES.to_owned()));
    }
    let others = [
        names::IMPLEMENTATION,
        names::PROFILE,
        names::RESULTS,
        names::ATTEMPTS,
        names::CASES,
        names::CERTIFICATES,
    ];
    let places: Vec<String> = contents
        .locked
        .selection
        .cases
        .iter()
        .map(|case| place(&contents.locked, &case.id))
        .collect();
    let is_known = |name: &&String| {
        let name = name.as_str();
        names::SEAL.contains(&name)
            || others.contains(&name)
            // The digest of the catalogue has all of them.
            || name.starts_with(names::CATALOGUE)
            || places.iter().any(|place| place == name)
    };
    match files.keys().find(|name| !is_known(name)) {
        Some(name) => Err(Refusal::Unexpected(name.clone())),
        None => Ok(()),
    }
}

/// Whether the cases that are in the bundle are those that the claims select. Another version may write less of a case, or in another
/// order.
fn has_selected_cases(
    files: &Files,
    contents: &Contents,
    comparison: &Comparison<'_>,
) -> Result<bool, Refusal> {
    let stated = file(files, names::CASES)?;
    let selection = &contents.locked.selection;
    if comparison.is_of_this_version() {
        return Ok(stated == cases_text(selection).as_bytes());
    }
    let stated: Result<Vec<TestCase>, _> = serde_json::from_slice(stated);
    Ok(stated.is_ok_and(|cases| cases == selection.cases))
}
