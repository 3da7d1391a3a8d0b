//! The time of a run, which goes on whatever becomes of the clock on the wall: it is looked at once, and what has passed since is
//! measured. A machine that sleeps meanwhile makes it late by as long.

use std::sync::LazyLock;
use std::time::Instant;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use time::OffsetDateTime;

/// The moment at which it was first asked for.
static BEGAN: LazyLock<(OffsetDateTime, Instant)> =
    LazyLock::new(|| (OffsetDateTime::now_utc(), Instant::now()));

/// The present moment, from which certificates are valid (a day before, to be exact).
pub fn now() -> OffsetDateTime {
    let (moment, measured) = *BEGAN;
    moment + measured.elapsed()
}

/// The present moment as text: RFC 3339, UTC, to the second.
pub fn timestamp() -> String {
    let now = now();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

/// What certificates are looked at with: one that was good does not expire because somebody sets the clock.
#[derive(Debug)]
pub(crate) struct Steady;

impl TimeProvider for Steady {
    fn current_time(&self) -> Option<UnixTime> {
        let since_1970 = now().unix_timestamp();
        let seconds = u64::try_from(since_1970).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            seconds,
        )))
    }
}
