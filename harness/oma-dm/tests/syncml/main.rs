//! The reader of SyncML against another judge of content models, and against its promise to drop nothing unsaid.

mod content_models;
mod lossless;
mod mutate;
