//! The delegation between two servers: its documents, and what each server keeps of it. Nothing here does I/O.

pub(crate) mod acl_update;
pub(crate) mod delegated;
pub(crate) mod delegating;
pub(crate) mod device_work;
pub(crate) mod document;
pub(crate) mod ledger;
