//! Handshakes that belong to no case: which TLS an endpoint of a product speaks, and what it asks for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_model::tls::{Facts, Version};
use dmconform_oddity::Oddities;

use crate::dial::Place;
use crate::http::Observer;
use crate::http::client::{self, Limits, Sending, Target};
use crate::stage::{Presents, Stage, lock};

/// The most that is read of an answer, in octets.
const MAX_ANSWER: usize = 64 * 1024;

/// What came of a handshake and one request after it.
#[derive(Clone, Debug, Default)]
pub struct Knock {
    /// What was negotiated and presented; nothing where it did not come to that.
    pub facts: Option<Facts>,
    /// The status of the answer to a request, which proves that the other end took the handshake too: under TLS 1.3 it may
    /// refuse it after the fact.
    pub status: Option<u16>,
    /// Why there is no status.
    pub reason: Option<String>,
}

impl Stage {
    /// Opens a connection to an endpoint, and sends a request for its URL.
    pub async fn knock(
        self: &Arc<Self>,
        url: &str,
        presents: Presents,
        version: Option<Version>,
        patience: Duration,
    ) -> Knock {
        let seen = Arc::new(Seen::default());
        let knocked = self.try_knock(url, presents, version, patience, &seen);
        let outcome = match tokio::time::timeout(patience, knocked).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("{url} gave no answer within {patience:?}")),
        };
        let facts = lock(&seen.0).clone();
        match outcome {
            Ok(status) => Knock {
                facts,
                status: Some(status),
                reason: None,
            },
            Err(reason) => Knock {
                facts,
                status: None,
                reason: Some(reason),
            },
        }
    }

    async fn try_knock(
        &self,
        url: &str,
        presents: Presents,
        version: Option<Version>,
        patience: Duration,
        seen: &Arc<Seen>,
    ) -> Result<u16, String> {
        let place = Place::of(url, &self.hosts).await?;
        let tls = self
            .client_tls(presents, version)
            .map_err(|error| error.to_string())?;
        let limits = Limits {
            body: MAX_ANSWER,
            patience,
        };
        let target = Target {
            address: place.address,
            host: place.host,
            authority: place.authority,
        };
        let observer = Arc::clone(seen) as Arc<dyn Observer>;
        let opened = client::open(&target, &tls, observer, limits, &Oddities::default()).await;
        let mut connection = opened.map_err(|(_, error)| error.reason)?;
        let sending = Sending {
            method: "GET".to_owned(),
            target: place.target,
            headers: Vec::new(),
            body: Vec::new().into(),
            close_at: None,
        };
        let answered = connection.exchange(sending, || (), limits).await;
        answered.map(|answer| answer.status).map_err(|error| error.reason)
    }
}

/// What a handshake showed.
#[derive(Default)]
struct Seen(Mutex<Option<Facts>>);

impl Observer for Seen {
    fn opened(&self, _: SocketAddr) -> u64 {
        0
    }

    fn tap(&self, _: u64) -> Option<dmconform_tls::Tap> {
        None
    }

    fn established(&self, _: u64, facts: &Arc<Facts>) {
        *lock(&self.0) = Some(Facts::clone(facts));
    }

    fn failed(&self, _: u64, _: &str, _: bool) {}

    fn plaintext(&self, _: u64, _: &[u8]) {}

    fn closed(&self, _: u64, _: &str) {}
}
