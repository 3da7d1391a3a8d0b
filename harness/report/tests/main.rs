//! The tests of every output format.

mod chromium;
mod common;
mod diagram;
mod formats;
mod gating;
mod hostile_texts;
mod page;
mod progress;
mod samples;
mod several_runs;
