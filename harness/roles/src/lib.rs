//! The four mock roles.

pub mod http;
