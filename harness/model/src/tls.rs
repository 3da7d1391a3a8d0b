//! What a TLS handshake showed, as it is written to the transcript.

use serde::{Deserialize, Serialize};

/// What was negotiated and presented in one TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {}
