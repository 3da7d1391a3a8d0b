//! What the first pass of a self-test tells the second: how long each trial takes, so that the longest do not come last.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// The trials of one kind in the first pass.
#[derive(Default)]
pub(super) struct Firsts {
    begun: watch::Sender<usize>,
    took: Mutex<BTreeMap<usize, Duration>>,
}

impl Firsts {
    /// A trial has begun.
    pub(super) fn begin(&self) {
        self.begun.send_modify(|begun| *begun += 1);
    }

    /// A trial has ended.
    pub(super) fn end(&self, index: usize, took: Duration) {
        self.lock().insert(index, took);
    }

    /// Waits until so many have begun, and none is left that has to come first.
    pub(super) async fn all_begun(&self, count: usize) {
        let mut begun = self.begun.subscribe();
        // The sender is here.
        let _ = begun.wait_for(|begun| *begun >= count).await;
    }

    /// Puts trials in order: those that have not ended yet, then those that took longest.
    pub(super) fn longest_first<T>(&self, trials: &mut [(usize, T)]) {
        let took = self.lock();
        trials.sort_by_key(|(index, _)| {
            let took = took.get(index).copied().unwrap_or(Duration::MAX);
            std::cmp::Reverse(took)
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Duration>> {
        self.took.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_ended_comes_first_and_then_what_took_longest() {
        let firsts = Firsts::default();
        for (index, took) in [(0, 3), (1, 9), (3, 5)] {
            firsts.end(index, Duration::from_secs(took));
        }
        let mut trials = [(0, "a"), (1, "b"), (2, "c"), (3, "d")];
        firsts.longest_first(&mut trials);
        assert_eq!(trials.map(|(_, name)| name), ["c", "b", "d", "a"]);
    }

    #[tokio::test]
    async fn the_second_pass_waits_until_the_first_has_begun_everything() {
        let firsts = Firsts::default();
        firsts.begin();
        let waited = tokio::time::timeout(Duration::from_millis(20), firsts.all_begun(2)).await;
        assert!(waited.is_err());
        firsts.begin();
        firsts.all_begun(2).await;
    }
}
