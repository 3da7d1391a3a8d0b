//! The tests of reading, over every file that the project ships and many broken ones.

mod broken;
mod catalogue;
mod ci_files;
mod diagram;
mod document;
mod expectations;
mod hostile;
mod reading;
mod schema;
mod suite;
