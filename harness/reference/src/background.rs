//! Work that goes on after a request has been answered.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes work to be done; all of it ends with the process's roles.
#[derive(Clone, Debug)]
pub(crate) struct Background(mpsc::UnboundedSender<Work>);

impl Background {
    /// The place to give work to, and what does it for as long as it is polled.
    pub(crate) fn new() -> (Self, impl Future<Output = ()>) {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Work>();
        let worker = async move {
            let mut tasks = JoinSet::new();
            while let Some(work) = receiver.recv().await {
                tasks.spawn(work);
                while tasks.try_join_next().is_some() {}
            }
        };
        (Self(sender), worker)
    }

    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // After the end nothing is done any more.
        drop(self.0.send(Box::pin(work)));
    }
}

/// Locks; what a panic left behind is used as it is.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
