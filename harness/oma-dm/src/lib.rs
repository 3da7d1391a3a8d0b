//! The OMA Device Management wire: SyncML, management tree, accounts, bootstrap.

pub mod acl;
pub mod uri;
pub mod wbxml;
pub mod xml;
