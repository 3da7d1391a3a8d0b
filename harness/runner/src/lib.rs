//! Plans a run, starts the product, drives the cases.
