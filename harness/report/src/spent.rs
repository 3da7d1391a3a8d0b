//! What the time of a run went into, in words: what implementation files declare, and what is left to make faster.

use dmconform_model::{RunRecord, Spent, Verdict};

use crate::wording;

/// A few lines; nothing where no case ran.
pub(crate) fn lines(record: &RunRecord) -> Option<String> {
    let ran = || {
        record
            .cases
            .iter()
            .filter(|case| case.verdict != Verdict::NotApplicable)
    };
    let mut spent = Spent::default();
    ran().for_each(|case| spent += case.spent);
    if spent.total() == 0 {
        return None;
    }
    let time = |us: u64| wording::duration(us / 1000);
    Some(format!(
        "cases took: {} one after the other ({} of them)\n   declared: {} (windows {}, limits that passed {}, rest at the \
         end {}){}\n   products: {} for their answers\n     others: {}\n",
        time(spent.total()),
        ran().count(),
        time(spent.declared()),
        time(spent.windows),
        time(spent.limits),
        time(spent.rests),
        against_least(record, spent.declared()).unwrap_or_default(),
        time(spent.answers),
        time(spent.others),
    ))
}

/// How much longer a run took than what is declared takes if nothing else does.
fn against_least(record: &RunRecord, declared_us: u64) -> Option<String> {
    let jobs = u64::from(record.run.jobs.max(1));
    let least_ms = declared_us / 1000 / jobs;
    // Beside what less takes, starting the products is most of a run.
    if least_ms < 1000 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio to one digit")]
    let ratio = record.run.duration_ms as f64 / least_ms as f64;
    let least = wording::duration(least_ms);
    Some(format!(
        "; {jobs} at once: {least}, and the run took {ratio:.1} times as long"
    ))
}
