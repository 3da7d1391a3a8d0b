//! A supply of nonces that nobody can foresee, from a seed.

use crate::auth;

/// A supply of nonces, from a seed that nobody else knows.
#[derive(Clone)]
pub(super) struct Nonces {
    seed: Vec<u8>,
    count: u64,
}

impl Nonces {
    pub(super) fn new(seed: &[u8]) -> Self {
        Self {
            seed: seed.to_vec(),
            count: 0,
        }
    }

    /// Printable, since there are clients that keep nonces as text.
    pub(super) fn fresh(&mut self) -> Vec<u8> {
        self.count += 1;
        let count = self.count.to_be_bytes();
        auth::to_base64(&auth::digest(&[self.seed.as_slice(), &count].concat())[..12]).into_bytes()
    }
}
