//! Cases that may leave a product behind that is no longer itself: each stands between two whole delegations.
//!
//! They run beside each other first. Only where something was seen does each that was there run alone, with whole
//! delegations of its own: then it shows whose doing it was.

use dmconform_case::test_case::{Circumstances, How, TestCase, What};
use dmconform_model::result::Problem;
use dmconform_model::transcript::Moment;
use dmconform_model::{CaseId, Event, Verdict};
use dmconform_roles::CaseContext;
use tokio::task::JoinHandle;

use crate::applies::exclusive_listener;
use crate::case_run::UnderTest;

/// Whether a case may leave a product behind that is no longer itself.
pub(crate) fn is_harmful(case: &TestCase) -> bool {
    case.expect.iter().any(|expected| expected.what == What::Survives)
}

/// What a whole delegation without any change has shown.
#[derive(Clone)]
struct Health {
    whole: bool,
    /// What was seen, in words.
    seen: String,
}

impl Health {
    fn record(&self, context: &CaseContext, when: Moment) {
        context.recorder.record(Event::Health {
            when,
            whole: self.whole,
            observed: self.seen.clone(),
        });
    }
}

/// What whole delegations have shown, by the circumstances they took place in.
type Healths = Vec<(Circumstances, Health)>;

fn of<'a>(healths: &'a Healths, case: &TestCase) -> Option<&'a Health> {
    let mut healths = healths.iter();
    healths
        .find(|(circumstances, _)| *circumstances == case.given)
        .map(|(_, health)| health)
}

/// What came of cases beside each other.
#[derive(Default)]
struct Together {
    /// Those that run again, alone: those that did not pass, or all, if the product is not well afterwards, or was not before.
    again: Vec<TestCase>,
    /// The verdicts on those of them of which it is known that they did the product no harm.
    verdicts: Vec<(CaseId, Verdict)>,
    /// Whether the product was well before, and is not any more.
    has_harmed: bool,
}

/// What came of cases one after the other.
#[derive(Default)]
struct Alone {
    /// Whether all of them were run.
    is_whole: bool,
    /// Whether the product was not well before or after one of them.
    has_harmed: bool,
}

impl UnderTest {
    /// Runs cases that may harm the product.
    pub(crate) async fn run_harmful(&self, cases: Vec<TestCase>) {
        // A product that the harness cannot start anew is not harmed by several at once; a listener is had by one at a time.
        let mut members = self.running.file.members().iter();
        let is_started_here = members.all(|part| part.implementation.start.is_some());
        let procedure = &self.running.file.suite.procedure;
        let (together, each): (Vec<_>, Vec<_>) = cases
            .into_iter()
            .partition(|case| is_started_here && exclusive_listener(procedure, case).is_none());
        if together.len() < 2 {
            self.run_each([together, each].concat(), &[]).await;
            return;
        }
        let count = together.len();
        let first = self.run_together(together).await;
        let again = first.again.into_iter().chain(each).collect();
        let alone = self.run_each(again, &first.verdicts).await;
        if first.has_harmed && alone.is_whole && !alone.has_harmed {
            self.tell_of_harm_together(count);
        }
    }

    /// That the product is not well after all and well after each is no verdict on any of them, and not nothing either: where
    /// robustness counts, the run is an error.
    fn tell_of_harm_together(&self, count: usize) {
        let implementation = self.running.file.name.clone();
        let message = format!(
            "show which robustness case harms {implementation}: it did no whole delegation after {count} of them beside each \
             other, and does after each of them alone; what passed the first time is in the transcripts `*.beside-others.jsonl`"
        );
        if !self.shared.stop.counts_robustness() {
            return self.running.stage.note(format!("nothing could {message}"));
        }
        self.shared.failed(Problem {
            implementation,
            message,
            output: String::new(),
        });
    }

    /// Runs cases beside each other.
    async fn run_together(&self, cases: Vec<TestCase>) -> Together {
        let mut before = self.healths(&cases).await;
        if self.is_cancelled() {
            return Together::default();
        }
        // What a conformance case did to the product must not be held against it here.
        if before.iter().all(|(_, health)| !health.whole) {
            self.restart("what was run before").await;
            before = self.healths(&cases).await;
        }
        if before.iter().any(|(_, health)| !health.whole) {
            return Together {
                again: cases,
                ..Together::default()
            };
        }
        let mut driven = Vec::new();
        for case in cases.clone() {
            let of_case = of(&before, &case).cloned();
            let under_test = self.clone();
            driven.push(tokio::spawn(async move {
                let begun = under_test.begin(case).await?;
                if let Some(health) = of_case {
                    health.record(&begun.context, Moment::Before);
                }
                Some(begun.drive(None).await)
            }));
        }
        let contexts = ended(driven).await;
        self.let_react(&cases).await;
        let after = self.healths(&cases).await;
        if self.is_cancelled() {
            // What was broken off tells nothing of the product.
            for context in contexts.into_iter().flatten() {
                self.give_up(&context);
            }
            return Together::default();
        }
        let is_well = self.running.exited().is_none() && after.iter().all(|(_, health)| health.whole);
        if !is_well {
            self.restart("robustness cases beside each other").await;
        }
        let mut together = Together {
            has_harmed: !is_well,
            ..Together::default()
        };
        for context in contexts.into_iter().flatten() {
            if let Some(health) = of(&after, context.case()) {
                health.record(&context, Moment::After);
            }
            context.recorder.record(Event::Ended);
            let result = context.recorder.result();
            let verdict = result.verdict;
            if is_well && verdict == Verdict::Pass {
                self.finish(&context);
                continue;
            }
            if self.shared.options.kept.keeps(&result) {
                self.store(&context, &beside_others(&context.header.transcript));
            }
            let case = context.case().clone();
            if is_well {
                together.verdicts.push((case.id.clone(), verdict));
            }
            together.again.push(case);
        }
        together
    }

    /// Gives a product the time to notice that a connection has broken off, before it is asked whether it has survived that: the
    /// delegation may have gone on meanwhile, and be over.
    async fn let_react(&self, cases: &[TestCase]) {
        let breaks_off = |case: &TestCase| {
            let mut changes = case.changes.iter();
            changes.any(|change| matches!(change.how, How::CloseAt(_)))
        };
        if cases.iter().any(breaks_off) {
            tokio::time::sleep(self.running.file.implementation.limits.reacts_within.get()).await;
        }
    }

    /// Ends a case of which the run did not see the end.
    fn give_up(&self, context: &CaseContext) {
        context.recorder.record(Event::Aborted {
            reason: "the run was cancelled".to_owned(),
        });
        self.finish(context);
    }

    /// Runs cases one after the other, each between two whole delegations; the one after a case is the one before the next.
    /// What came of some of them beside others is compared.
    async fn run_each(&self, cases: Vec<TestCase>, first: &[(CaseId, Verdict)]) -> Alone {
        let mut alone = Alone::default();
        let mut known: Healths = Vec::new();
        for case in cases {
            if self.is_cancelled() || self.is_stopped() {
                return alone;
            }
            let before = match of(&known, &case) {
                Some(health) => health.clone(),
                None => self.health(&case).await,
            };
            let Some(begun) = self.begin(case.clone()).await else {
                return alone;
            };
            before.record(&begun.context, Moment::Before);
            if !before.whole {
                // A product that does no whole delegation in some circumstances is not asked for one again and again.
                self.finish(&begun.context);
                // What it did before is not known to be nobody's doing.
                alone.has_harmed = true;
                let seen = format!("{}, as {} has shown", before.seen, case.id);
                if of(&known, &case).is_none() {
                    known.push((case.given, Health { whole: false, seen }));
                }
                continue;
            }
            let context = begun
                .drive(exclusive_listener(&self.running.file.suite.procedure, &case))
                .await;
            self.let_react(std::slice::from_ref(&case)).await;
            let after = self.health(&case).await;
            if self.is_cancelled() {
                self.give_up(&context);
                return alone;
            }
            if let Some(reason) = self.running.exited() {
                context.recorder.record(Event::ProductExited { reason });
            }
            after.record(&context, Moment::After);
            known.retain(|(_, health)| !health.whole);
            if after.whole {
                known.push((case.given.clone(), after));
            } else {
                alone.has_harmed = true;
                self.restart(&case.id.0).await;
            }
            let verdict = self.finish(&context).verdict;
            self.compare(&context, verdict, first);
        }
        alone.is_whole = true;
        alone
    }

    /// Says where a case came out otherwise beside others than alone.
    fn compare(&self, context: &CaseContext, verdict: Verdict, first: &[(CaseId, Verdict)]) {
        let case = &context.case().id;
        let Some((_, beside)) = first.iter().find(|(known, _)| known == case) else {
            return;
        };
        if *beside != verdict {
            self.running.stage.note(format!(
                "{case} came out as {beside} beside other robustness cases, and as {verdict} alone, which counts; the \
                 transcript of the first time is {}",
                beside_others(&context.header.transcript),
            ));
        }
    }

    /// Tries a whole delegation in each of the circumstances that cases have.
    async fn healths(&self, cases: &[TestCase]) -> Healths {
        let mut tried = Vec::new();
        let mut circumstances: Vec<&Circumstances> = Vec::new();
        for case in cases {
            if circumstances.contains(&&case.given) {
                continue;
            }
            circumstances.push(&case.given);
            let (under_test, case) = (self.clone(), case.clone());
            tried.push(tokio::spawn(async move {
                let health = under_test.health(&case).await;
                (case.given, health)
            }));
        }
        ended(tried).await
    }

    /// Tries a whole delegation without any change, in the circumstances of a case.
    async fn health(&self, case: &TestCase) -> Health {
        let mut healthy = case.clone();
        healthy.changes.clear();
        healthy.expect.clear();
        healthy.given.beside = false;
        let Some(begun) = self.stage(healthy).await else {
            return Health {
                whole: false,
                seen: "the run was cancelled".to_owned(),
            };
        };
        let context = begun.drive(None).await;
        let procedure = &context.header.procedure;
        let mut messages = procedure.messages(case.given.removes_account);
        let missing = messages.find(|message| !context.recorder.seen(*message));
        let seen = match missing {
            Some(missing) => format!("{missing} ({}) was not seen", procedure.name(missing)),
            None => "every message of the procedure was seen".to_owned(),
        };
        Health {
            whole: missing.is_none(),
            seen,
        }
    }

    /// What a case did to the product must not be held against it in the next one.
    async fn restart(&self, culprit: &str) {
        let note = match self.running.restart(&self.shared.cancelled).await {
            Ok(true) => format!("the product did no whole delegation after {culprit}, and was started anew"),
            Ok(false) => format!(
                "the product did no whole delegation after {culprit}; start it anew, and run the cases after it again"
            ),
            Err(error) => format!(
                "the product did no whole delegation after {culprit}, and could not be started anew: {error}"
            ),
        };
        self.running.stage.note(note);
    }
}

/// What tasks came to, in their order.
async fn ended<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        // One that panicked is missing, and its case with it.
        results.extend(task.await);
    }
    results
}

/// Where the transcript of a case stands that ran beside others and runs again.
fn beside_others(transcript: &str) -> String {
    format!("{}.beside-others.jsonl", transcript.trim_end_matches(".jsonl"))
}
