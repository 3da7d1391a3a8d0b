//! SyncML 1.2 messages as Device Management uses them (OMA-TS-DM_RepPro), in XML and WBXML.
//!
//! [`read`] is lenient: it makes of a message what can be made of it, and says of every departure from the
//! specification what it is and where. [`write()`] writes what the specification prints.
//!
//! ```
//! use oma_dm::syncml::{self, Command, Encoding, Header, Message};
//!
//! let message = Message {
//!     header: Header {
//!         session_id: "A7".into(),
//!         message_id: "1".into(),
//!         target: "IMEI:004999010640000".into(),
//!         source: "https://dms2.example/dm".into(),
//!         ..Header::default()
//!     },
//!     commands: vec![Command::get("./DevInfo/Man").with_id("1")],
//!     is_final: true,
//! };
//! for encoding in [Encoding::Xml, Encoding::Wbxml] {
//!     let reading = syncml::read(&syncml::write(&message, encoding), encoding)?;
//!     assert_eq!(reading.message, message);
//!     assert_eq!(reading.observations, []);
//! }
//! # Ok::<(), syncml::ReadError>(())
//! ```

mod code;
mod message;

pub use code::{AlertCode, StatusCode};
pub use message::{
    Address, AlertCommand, Command, Credentials, Data, Group, Header, Item, Message, Meta, Operation,
    ResultsCommand, StatusCommand,
};

/// Namespace of the elements of SyncML 1.2.
pub const NAMESPACE: &str = "SYNCML:SYNCML1.2";

/// Namespace of the elements in `Meta`.
pub const METINF_NAMESPACE: &str = "syncml:metinf";

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// `application/vnd.syncml.dm+xml`
    Xml,
    /// `application/vnd.syncml.dm+wbxml`
    Wbxml,
}

impl Encoding {
    /// The media type of a message so written (OMA-TS-DM_RepPro 5.1).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/vnd.syncml.dm+xml",
            Self::Wbxml => "application/vnd.syncml.dm+wbxml",
        }
    }

    /// The encoding that a `Content-Type` means, parameters aside. The types of data synchronisation
    /// (`application/vnd.syncml+xml`, `…+wbxml`) are taken too: deployed clients send them.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "application/vnd.syncml.dm+xml" | "application/vnd.syncml+xml" => Some(Self::Xml),
            "application/vnd.syncml.dm+wbxml" | "application/vnd.syncml+wbxml" => Some(Self::Wbxml),
            _ => None,
        }
    }
}
