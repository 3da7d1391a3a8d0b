//! Objects that do not fit in one message (OMA-TS-DM_Protocol 7).

mod receive;
mod send;

use crate::syncml::StatusCode;

pub(super) use receive::{Inbound, Part, Taken};
pub(super) use send::Outbound;

/// Most octets of an object that is taken in parts, whatever `MaxObjSize` was named.
pub const MAX_OBJECT: u64 = 4 * 1024 * 1024;

/// There is no `Size` with the first part.
const SIZE_REQUIRED: StatusCode = StatusCode(411);
