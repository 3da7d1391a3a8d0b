//! HTTP requests that belong to no case: triggers, and looks whether a product is ready.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dmconform_model::tls::Facts;
use dmconform_oddity::Oddities;

use crate::dial::Place;
use crate::http::Observer;
use crate::http::client::{self, Limits, Sending, Target};
use crate::stage::{Presents, Stage};

/// The most that is read of an answer, in octets.
const MAX_ANSWER: usize = 64 * 1024;

/// An HTTP request that belongs to no case.
#[derive(Clone, Debug)]
pub struct Errand {
    /// The method.
    pub method: String,
    /// The URL, http or https.
    pub url: String,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It was never asked: there is no connection.
    #[error("{0}")]
    NotAsked(String),
    /// The connection was broken off, or what came is no answer.
    #[error("{0}")]
    BrokenOff(String),
    /// Nothing came in time.
    #[error("{0}")]
    Silent(String),
}

impl Stage {
    /// Asks an endpoint of a product something, as a party with a certificate or without one; the status of the answer and
    /// what it says.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn ask(
        self: &Arc<Self>,
        presents: Presents,
        errand: &Errand,
        patience: Duration,
    ) -> Result<(u16, String), Unanswered> {
        let is_asked = AtomicBool::new(false);
        let errand_done = self.try_errand(presents, errand, patience, &is_asked);
        match tokio::time::timeout(patience, errand_done).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let reason = format!("{} gave no answer within {patience:?}", errand.url);
                Err(match is_asked.load(Ordering::Relaxed) {
                    true => Unanswered::Silent(reason),
                    false => Unanswered::NotAsked(reason),
                })
            }
        }
    }

    /// Sends a request; the status of the answer and what it says.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn run_errand(
        self: &Arc<Self>,
        errand: &Errand,
        patience: Duration,
    ) -> Result<(u16, String), String> {
        let answered = self.ask(Presents::Nothing, errand, patience).await;
        answered.map_err(|unanswered| unanswered.to_string())
    }

    async fn try_errand(
        &self,
        presents: Presents,
        errand: &Errand,
        patience: Duration,
        is_asked: &AtomicBool,
    ) -> Result<(u16, String), Unanswered> {
        let place = Place::of(&errand.url, &self.hosts).await;
        let place = place.map_err(Unanswered::NotAsked)?;
        let limits = Limits {
            body: MAX_ANSWER,
            patience,
        };
        let sending = Sending {
            method: errand.method.clone(),
            target: place.target,
            headers: errand.headers.clone(),
            body: errand.body.clone().into(),
            close_at: None,
        };
        let target = Target {
            address: place.address,
            host: place.host,
            authority: place.authority,
        };
        let observer: Arc<dyn Observer> = Arc::new(Nobody);
        let usual = Oddities::default();
        let opened = if place.is_tls {
            let tls = self
                .client_tls(presents, None)
                .map_err(|error| Unanswered::NotAsked(error.to_string()))?;
            client::open(&target, &tls, observer, limits, &usual).await
        } else {
            client::open_plain(&target, observer, limits, &usual).await
        };
        let mut connection = opened.map_err(|(_, error)| Unanswered::NotAsked(error.reason))?;
        let asked = || is_asked.store(true, Ordering::Relaxed);
        let answered = connection.exchange(sending, asked, limits).await;
        let answer = answered
            .map_err(|error| Unanswered::BrokenOff(format!("{}: {}", target.authority, error.reason)))?;
        let said = String::from_utf8_lossy(&answer.body);
        Ok((answer.status, said.trim().chars().take(500).collect()))
    }
}

/// What happens on such connections is nobody's business.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn opened(&self, _: SocketAddr) -> u64 {
        0
    }

    fn tap(&self, _: u64) -> Option<dmconform_tls::Tap> {
        None
    }

    fn established(&self, _: u64, _: &Arc<Facts>) {}

    fn failed(&self, _: u64, _: &str, _: bool) {}

    fn plaintext(&self, _: u64, _: &[u8]) {}

    fn closed(&self, _: u64, _: &str) {}
}
