//! How late the harness itself is under a load: what a product is blamed for may be owed to that.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::tally::{LONGEST_US, histogram};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(20);

/// How much later than asked for a task went on, look for look, in microseconds.
pub(super) struct Lateness(Mutex<Histogram<u64>>);

impl Lateness {
    pub(super) fn new() -> Self {
        Self(Mutex::new(histogram()))
    }

    /// Looks on until it is dropped.
    pub(super) async fn watch(&self) {
        loop {
            let asked = Instant::now();
            tokio::time::sleep(LOOK).await;
            self.add(asked.elapsed().saturating_sub(LOOK));
        }
    }

    fn add(&self, late: Duration) {
        let us = |time: Duration| {
            u64::try_from(time.as_micros())
                .unwrap_or(u64::MAX)
                .min(LONGEST_US)
        };
        // The looks that a stall has kept from taking place would have been late, too.
        self.lock()
            .record_correct(us(late), us(LOOK))
            .expect("no time is beyond the bounds of the histogram");
    }

    /// What 99 of a hundred looks did not exceed, and the most; nothing before the first look.
    pub(super) fn found(&self) -> Option<(u64, u64)> {
        let looks = self.lock();
        (!looks.is_empty()).then(|| (looks.value_at_quantile(0.99), looks.max()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Histogram<u64>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_before_the_first_look() {
        assert_eq!(Lateness::new().found(), None);
    }

    #[test]
    fn the_latest_look_shows_and_so_does_what_most_did_not_exceed() {
        let lateness = Lateness::new();
        for _ in 0..10_000 {
            lateness.add(Duration::from_micros(100));
        }
        lateness.add(Duration::from_millis(800));
        let (usual, most) = lateness.found().expect("it was looked");
        assert!((100..110).contains(&usual), "{usual}");
        assert!((800_000..810_000).contains(&most), "{most}");
    }

    #[test]
    fn a_harness_that_stands_still_for_a_third_of_the_time_is_late_though_few_looks_saw_it() {
        let lateness = Lateness::new();
        for _ in 0..10 {
            for _ in 0..100 {
                lateness.add(Duration::from_micros(100));
            }
            lateness.add(Duration::from_secs(1));
        }
        let (usual, _) = lateness.found().expect("it was looked");
        assert!(usual >= 900_000, "{usual}");
    }

    #[tokio::test]
    async fn a_runtime_that_is_held_up_is_late() {
        let lateness = Lateness::new();
        let hold_up = async {
            tokio::time::sleep(LOOK / 2).await;
            std::thread::sleep(LOOK * 5);
        };
        tokio::select! {
            () = lateness.watch() => {}
            () = async { hold_up.await; tokio::time::sleep(LOOK).await } => {}
        }
        let (_, most) = lateness.found().expect("it was looked");
        assert!(most >= 50_000, "{most} µs");
    }
}
