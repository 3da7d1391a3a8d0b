//! What an authority has revoked.

use rcgen::{CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber};
use time::Duration;

use crate::authority::{Authority, AuthorityError, VALID_DAYS, failed};
use crate::facts;

/// The serial number of every revoked certificate.
pub(crate) const REVOKED: u64 = 0x0072_6576_6f6b_6564;

impl Authority {
    /// The revocation lists of the authority as PEM: the certificate of kind `revoked` is on the first, that of the intermediate certificate.
    /// The root's own, which is empty, follows where its key is known. Nothing for an authority whose certificate lets it sign none.
    ///
    /// # Errors
    /// When the cryptographic library does not sign them.
    pub fn revocation_list_pem(&self) -> Result<Option<String>, AuthorityError> {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: self.now - Duration::days(1),
            reason_code: None,
            invalidity_date: None,
        };
        let listed = self.revocation_list(&self.intermediate, &self.intermediate_pem, vec![revoked])?;
        let of_root = match &self.root {
            Some(root) => self.revocation_list(root, &self.root_pem, Vec::new())?,
            None => None,
        };
        Ok(listed.map(|listed| listed + &of_root.unwrap_or_default()))
    }

    /// What an issuer has revoked; nothing if its certificate does not let it say so (RFC 5280, section 4.2.1.3).
    fn revocation_list(
        &self,
        issuer: &Issuer<'_, KeyPair>,
        issuer_pem: &str,
        revoked_certs: Vec<RevokedCertParams>,
    ) -> Result<Option<String>, AuthorityError> {
        let what = "the revocation list";
        // The list names the key of its issuer as the issuer's own certificate does (RFC 5280, section 5.2.1).
        let key_identifier_method =
            facts::key_identifier(issuer_pem).map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified);
        let params = CertificateRevocationListParams {
            // As old as the certificates: the clock of a product may be late.
            this_update: self.now - Duration::days(1),
            next_update: self.now + Duration::days(VALID_DAYS),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method,
        };
        match params.signed_by(issuer) {
            Ok(list) => list.pem().map(Some).map_err(failed(what)),
            Err(rcgen::Error::IssuerNotCrlSigner) => Ok(None),
            Err(error) => Err(failed(what)(error)),
        }
    }
}
