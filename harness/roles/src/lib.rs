//! The four mock roles.
