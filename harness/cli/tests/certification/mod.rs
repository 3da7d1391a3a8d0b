//! Certification: what it refuses, what it leaves behind, and that nobody can change it unnoticed.
//!
//! One product is certified once for all of these tests; what is done to its bundle is done in memory.

mod forged;
mod forger;
mod lab;
mod openssl;
mod running;
mod tampering;

pub(crate) use lab::LAB;
