//! The OMA Device Management wire: SyncML, management tree, accounts, bootstrap.
//!
//! Everything here is sans I/O: octets and messages in, octets and messages out.

pub mod account;
pub mod acl;
pub mod auth;
pub mod bootstrap;
pub mod bootstrap_config;
pub mod conversation;
pub mod devdetail;
pub mod devinfo;
pub mod inbox;
pub mod media_type;
pub mod notification;
pub mod readable;
pub mod session;
pub mod sniff;
pub mod syncml;
pub mod tnds;
pub mod tree;
pub mod uri;
pub mod wbxml;
pub mod xml;
