//! What something hostile does to this implementation: nothing, unless a deviation makes it frail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::background::lock;
use crate::deviation::{Deviation, Deviations};

/// How deep a document may be nested for those whose parser calls itself.
const STACK: usize = 10_000;

/// The turn of whoever does one thing after the other.
pub(crate) type Turn = tokio::sync::OwnedMutexGuard<()>;

/// How a role takes what means harm. Clones are of the same role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frailty {
    deviations: Deviations,
    /// Nothing is answered or asked any more.
    is_broken: Arc<AtomicBool>,
    /// The certificate with which each peer came first, by the names in it.
    first_seen: Arc<Mutex<BTreeMap<Vec<String>, Vec<u8>>>>,
    /// Whoever does one thing after the other holds it meanwhile.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Frailty {
    /// That of a role with these deviations.
    pub(crate) fn new(deviations: &Deviations) -> Self {
        Self {
            deviations: deviations.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn has(&self, deviation: Deviation) -> bool {
        self.deviations.has(deviation)
    }

    /// Goes on, unless something has been the end of it.
    pub(crate) async fn stand(&self) {
        if self.is_broken.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for its turn, where one thing is done after the other.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        self.turn_of(Deviation::WaitsForSlowPeers).await
    }

    /// Waits for its turn to ask, where one thing is asked after the other; it lasts until the answer begins.
    pub(crate) async fn turn_to_ask(&self) -> Option<Turn> {
        self.turn_of(Deviation::WaitsForSilentPeers).await
    }

    async fn turn_of(&self, deviation: Deviation) -> Option<Turn> {
        if !self.has(deviation) {
            return None;
        }
        Some(Arc::clone(&self.turn).lock_owned().await)
    }

    /// A body was read.
    pub(crate) async fn meet_body(&self, body: &[u8]) {
        if self.has(Deviation::FetchesExternalEntities)
            && let Some(url) = external_entity(body)
        {
            fetch(url).await;
        }
        self.break_if(Deviation::ExpandsEntities, || has_bomb(body));
        self.break_if(Deviation::CrashesOnDeepNesting, || depth(body) > STACK);
        self.break_if(Deviation::CrashesOnBrokenWbxml, || is_broken_wbxml(body));
        self.stand().await;
    }

    /// A body was too large.
    pub(crate) fn meet_huge_body(&self) {
        self.break_if(Deviation::ChokesOnHugeBodies, || true);
    }

    /// A connection broke off in the middle of a message.
    pub(crate) fn meet_broken_connection(&self) {
        self.break_if(Deviation::DiesWithABrokenConnection, || true);
    }

    /// A peer has shown a certificate.
    pub(crate) fn meet_certificate(&self, names: &[String], certificate: &[u8]) {
        if !self.has(Deviation::LocksOutWhoRenews) {
            return;
        }
        let mut first_seen = lock(&self.first_seen);
        let first = first_seen
            .entry(names.to_vec())
            .or_insert_with(|| certificate.to_vec());
        self.break_if(Deviation::LocksOutWhoRenews, || first != certificate);
    }

    fn break_if(&self, deviation: Deviation, is_met: impl FnOnce() -> bool) {
        if self.has(deviation) && is_met() {
            self.is_broken.store(true, Ordering::SeqCst);
        }
    }
}

fn has_bomb(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.matches("<!ENTITY").count() > 2
}

fn external_entity(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("SYSTEM \"http://")?;
    rest.split_once('"').map(|(url, _)| url)
}

async fn fetch(url: &str) {
    let (authority, path) = url.split_once('/').unwrap_or((url, ""));
    let Ok(mut stream) = TcpStream::connect(authority).await else {
        return;
    };
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    // What comes back is not used.
    drop(stream.write_all(request.as_bytes()).await);
    drop(stream.read(&mut [0; 64]).await);
}

fn depth(body: &[u8]) -> usize {
    let mut open = 0_usize;
    let mut deepest = 0;
    for pair in body.windows(2) {
        match pair {
            [b'<', b'/'] => open = open.saturating_sub(1),
            [b'<', b'!' | b'?'] => {}
            [b'<', _] => open += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

fn is_broken_wbxml(body: &[u8]) -> bool {
    matches!(body, [2 | 3, ..]) && oma_dm::wbxml::decode(body).is_err()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn stands(frailty: &Frailty) -> bool {
        tokio::time::timeout(Duration::from_millis(20), frailty.stand())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn nothing_harms_who_has_no_deviation() {
        let frailty = Frailty::default();
        frailty.meet_body("<a>".repeat(STACK * 2).as_bytes()).await;
        frailty.meet_huge_body();
        frailty.meet_broken_connection();
        frailty.meet_certificate(&[], &[1]);
        frailty.meet_certificate(&[], &[2]);
        assert!(stands(&frailty).await);
    }

    #[tokio::test]
    async fn deep_nesting_harms_who_has_that_deviation_and_only_deep_nesting() {
        let frailty = Frailty::new(&[Deviation::CrashesOnDeepNesting].into_iter().collect());
        frailty.meet_body(b"<a><b/><b/></a>").await;
        frailty.meet_huge_body();
        assert!(stands(&frailty).await);
        let met = frailty.clone();
        let meeting = tokio::spawn(async move { met.meet_body("<a>".repeat(STACK + 1).as_bytes()).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!meeting.is_finished());
        assert!(!stands(&frailty).await);
        meeting.abort();
    }
}
