//! Turns run records into every output format.
