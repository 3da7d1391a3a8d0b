//! Handshakes that came to nothing: who broke them off, and why.

use std::io;

use dmconform_model::tls::NO_COMMON_VERSION;
use rustls::PeerIncompatible;

/// A handshake that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The other end sent an alert: it refused.
    #[error("the peer sent the alert `{alert}`")]
    AlertReceived {
        /// The alert, by its name in RFC 8446.
        alert: String,
    },
    /// This end refused what the other presented or said.
    #[error("refused the peer: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// The other end speaks no version of TLS that this end does.
    #[error("refused the peer: {NO_COMMON_VERSION}")]
    OtherVersion,
    /// The other end closed or reset the connection.
    #[error("the peer closed the connection during the handshake")]
    Closed,
    /// The other end agreed to a version of TLS that nobody should speak any more (RFC 8996).
    #[error("the peer agreed to {version}")]
    Outdated {
        /// The version, such as `TLSv1.1`.
        version: String,
    },
    /// It took too long.
    #[error("the handshake was not finished in time")]
    TimedOut,
    /// This end is set up wrongly.
    #[error("set up TLS: {reason}")]
    Setup {
        /// What is wrong.
        reason: String,
    },
}

impl HandshakeError {
    /// Whether it was the other end that refused.
    pub const fn refused_by_peer(&self) -> bool {
        matches!(self, Self::AlertReceived { .. } | Self::Closed)
    }

    pub(crate) fn from_io(error: &io::Error) -> Self {
        match tls_error(error) {
            Some(rustls::Error::AlertReceived(alert)) => Self::AlertReceived {
                alert: alert_name(*alert),
            },
            Some(rustls::Error::PeerIncompatible(
                PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            )) => Self::OtherVersion,
            Some(other) => Self::Refused {
                reason: other.to_string(),
            },
            None => Self::Closed,
        }
    }
}

/// The alert that an error of a later read or write stands for. Under TLS 1.3 a server refuses a client's
/// certificate only after the client has finished its handshake.
pub fn late_alert(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut at = Some(error);
    while let Some(error) = at {
        let tls = match error.downcast_ref::<io::Error>() {
            Some(error) => tls_error(error),
            None => error.downcast_ref::<rustls::Error>(),
        };
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            return Some(alert_name(*alert));
        }
        at = error.source();
    }
    None
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

/// `CertificateExpired` as `certificate_expired`, the way the RFC writes it.
pub(crate) fn alert_name(alert: rustls::AlertDescription) -> String {
    let mut name = String::new();
    for character in format!("{alert:?}").chars() {
        if character.is_ascii_uppercase() && !name.is_empty() && !name.ends_with('_') && !name.ends_with("_c")
        {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name.replace("unknown_c_a", "unknown_ca")
}

#[cfg(test)]
mod tests {
    use rustls::AlertDescription;

    use super::alert_name;

    #[test]
    fn alerts_have_the_names_of_the_rfc() {
        assert_eq!(
            alert_name(AlertDescription::CertificateExpired),
            "certificate_expired"
        );
        assert_eq!(alert_name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(
            alert_name(AlertDescription::CertificateRequired),
            "certificate_required"
        );
    }
}
