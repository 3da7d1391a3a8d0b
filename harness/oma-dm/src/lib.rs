#![doc = include_str!("../README.md")]

pub mod account;
pub mod acl;
pub mod auth;
pub mod bootstrap;
pub mod devinfo;
pub mod media_type;
pub mod session;
pub mod syncml;
pub mod tnds;
pub mod tree;
pub mod uri;
pub mod wbxml;
pub mod xml;
