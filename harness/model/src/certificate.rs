//! The kinds of certificate a party can present.

use serde::{Deserialize, Serialize};

/// A kind of certificate: good, or bad in exactly one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// What the party should present.
    #[default]
    Good,
    /// No certificate at all.
    None,
    /// Issued by an authority that nobody trusts.
    UnknownAuthority,
    /// Its validity is over.
    Expired,
    /// Its validity has not begun.
    NotYetValid,
    /// It names another host.
    WrongName,
    /// Its extended key usage allows the other side's use only.
    WrongUse,
    /// Signed with its own key.
    SelfSigned,
    /// Good, but the intermediate certificate is not sent with it.
    MissingIntermediate,
    /// Good, but of another server than the one it speaks for.
    OtherServer,
    /// Good: of the same party, with another key.
    Renewed,
    /// Good, but on the revocation list of its authority.
    Revoked,
}
