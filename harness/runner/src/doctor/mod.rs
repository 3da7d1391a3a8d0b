//! Looks at everything that a run needs, before there is one: what is wrong with it, and what to do about that.

mod behaviour;
mod contract;
mod surroundings;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::options::{RunOptions, TargetFile};
use crate::target::{Running, TargetError};

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The implementation file and what it names.
    Files,
    /// The clock, on which certificates depend.
    Clock,
    /// The addresses of this machine.
    Ports,
    /// Names of hosts.
    Names,
    /// How the product starts.
    Start,
    /// Its TLS.
    Tls,
    /// What it makes of a message that belongs to nothing.
    Contract,
    /// Whether it can be made to do its part.
    Triggers,
    /// Its claims, against what it does.
    Claims,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Files => "files",
            Self::Clock => "clock",
            Self::Ports => "ports",
            Self::Names => "names",
            Self::Start => "start",
            Self::Tls => "tls",
            Self::Contract => "contract",
            Self::Triggers => "triggers",
            Self::Claims => "claims",
        })
    }
}

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// A run is possible, and will find something here.
    Doubtful,
    /// No run makes sense before this is mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which implementation.
    pub implementation: String,
    /// What was looked at.
    pub topic: Topic,
    /// How well it is.
    pub state: State,
    /// What was found.
    pub said: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Takes what is found, as it is found.
pub type Tell = Arc<dyn Fn(Finding) + Send + Sync>;

/// What is looked at, and whom it is told.
pub(crate) struct Examination<'a> {
    options: &'a RunOptions,
    file: &'a TargetFile,
    tell: Tell,
    worst: std::sync::Mutex<State>,
}

impl Examination<'_> {
    fn say(&self, topic: Topic, state: State, said: impl Into<String>, advice: Option<String>) {
        let mut worst = self
            .worst
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *worst = (*worst).max(state);
        drop(worst);
        (self.tell)(Finding {
            implementation: self.file.name.clone(),
            topic,
            state,
            said: said.into(),
            advice,
        });
    }

    fn good(&self, topic: Topic, said: impl Into<String>) {
        self.say(topic, State::Good, said, None);
    }

    fn doubtful(&self, topic: Topic, said: impl Into<String>, advice: &str) {
        self.say(topic, State::Doubtful, said, Some(advice.to_owned()));
    }

    fn bad(&self, topic: Topic, said: impl Into<String>, advice: &str) {
        self.say(topic, State::Bad, said, Some(advice.to_owned()));
    }

    fn worst(&self) -> State {
        *self
            .worst
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Looks at every implementation, one after the other; the worst that was found, and nothing where it was broken off: what it has
/// not come to may be worse.
pub async fn doctor(options: RunOptions, tell: Tell, cancelled: watch::Receiver<bool>) -> Option<State> {
    let mut worst = State::Good;
    for file in &options.targets {
        let examination = Examination {
            options: &options,
            file,
            tell: Arc::clone(&tell),
            worst: std::sync::Mutex::new(State::Good),
        };
        examine(&examination, &cancelled).await;
        worst = worst.max(examination.worst());
        if *cancelled.borrow() {
            return None;
        }
    }
    Some(worst)
}

/// Looks at what can be looked at without the products; the worst that was found.
pub async fn quick_look(options: &RunOptions, tell: Tell) -> State {
    let mut worst = State::Good;
    for file in &options.targets {
        for part in file.members() {
            let examination = Examination {
                options,
                file: part,
                tell: Arc::clone(&tell),
                worst: std::sync::Mutex::new(State::Good),
            };
            surroundings::look(&examination).await;
            worst = worst.max(examination.worst());
        }
    }
    worst
}

async fn examine(examination: &Examination<'_>, cancelled: &watch::Receiver<bool>) {
    surroundings::look(examination).await;
    if examination.worst() == State::Bad {
        return;
    }
    let began = Instant::now();
    let running = match Running::start(examination.options, examination.file, 1, cancelled).await {
        Ok(running) => running,
        Err(error) => return not_started(examination, &error),
    };
    let starts = examination.file.implementation.start.is_some();
    examination.good(
        Topic::Start,
        match starts {
            true => format!("it starts, and is ready after {} ms", began.elapsed().as_millis()),
            false => "it is started by somebody else, and answers".to_owned(),
        },
    );
    tls::look(examination, &running).await;
    contract::look(examination, &running).await;
    running.stop().await;
    drop(running);
    if examination.worst() != State::Bad && !*cancelled.borrow() {
        behaviour::look(examination, cancelled).await;
    }
}

fn not_started(examination: &Examination<'_>, error: &TargetError) {
    let last = match error {
        TargetError::Product { output, .. } => output.lines().rev().take(5).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let last: Vec<&str> = last.into_iter().rev().collect();
    let advice = match last.is_empty() {
        true => "mend that, and look again".to_owned(),
        false => format!("its last words: {}", last.join(" / ")),
    };
    examination.say(
        Topic::Start,
        State::Bad,
        format!("failed to {error}"),
        Some(advice),
    );
}
