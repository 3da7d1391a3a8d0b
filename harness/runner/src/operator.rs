//! The person who runs the harness, for what a product can be made to do only by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// An answer that is waited for.
pub type Answer = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Whom prompts go to.
#[derive(Clone)]
pub struct Operator(Arc<dyn Fn(String) -> Answer + Send + Sync>);

impl Operator {
    /// One that is asked in this way; the answer is that it was done, or why it was not.
    pub fn new(ask: impl Fn(String) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// Nobody.
    pub fn nobody() -> Self {
        Self::new(|_| Box::pin(async { Err("nobody is there to be asked".to_owned()) }))
    }

    /// Asks for something to be done, and waits until it is.
    ///
    /// # Errors
    /// Why it was not done.
    pub(crate) fn ask(&self, text: String) -> impl Future<Output = Result<(), String>> {
        (self.0)(text)
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator")
    }
}
