//! The commands, one per file.

mod attempts;
pub(crate) mod bundle;
mod carrying_out;
mod certification;
pub(crate) mod certs;
pub(crate) mod check;
pub(crate) mod decode;
pub(crate) mod diagram;
pub(crate) mod doctor;
mod evidence;
pub(crate) mod explain;
mod gating;
pub(crate) mod init;
pub(crate) mod judge;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod mock;
pub(crate) mod observe;
mod operator;
pub(crate) mod profile;
pub(crate) mod reference;
pub(crate) mod report;
mod resuming;
pub(crate) mod run;
pub(crate) mod selftest;
mod stored;
mod work;
