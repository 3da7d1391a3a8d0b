//! The test certification authority of a run: root, intermediate, and a leaf per party, good or bad in one way.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dmconform_model::certificate::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SerialNumber,
};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use time::{Duration, OffsetDateTime};

use crate::facts;
use crate::identity::Identity;
use crate::names::names;
use crate::revocation::REVOKED;
use crate::store::{INTERMEDIATE, INTERMEDIATE_KEY, ROOTS, read_text};

/// How long certificates are valid after a run begins.
pub(crate) const VALID_DAYS: i64 = 30;

/// How long it takes until one becomes valid that is not yet. An authority may be kept and used for longer than a day.
const NOT_YET_DAYS: i32 = 20;

/// Someone who gets a certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// The name in the certificate: a server identifier.
    pub server_id: String,
    /// The hosts at which it is reached, besides `localhost`, `127.0.0.1` and `::1`: names and IP addresses.
    pub hosts: Vec<String>,
}

/// The certificates that are trusted.
#[derive(Clone, Debug)]
pub struct Roots {
    pub(crate) store: Arc<RootCertStore>,
    pem: String,
}

impl Roots {
    /// The trusted certificates as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The same, and the certificates of a PEM text too; nothing if there is none in it.
    pub fn and_pem(&self, pem: &str) -> Option<Self> {
        Self::from_pem(pem)?;
        Self::from_pem(&format!("{}\n{pem}", self.pem))
    }

    /// Trusts the certificates of a PEM text; nothing if there is none in it.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            store.add(certificate.ok()?).ok()?;
        }
        (!store.is_empty()).then(|| Self {
            store: Arc::new(store),
            pem: pem.to_owned(),
        })
    }
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("make a certificate for {what}: {reason}")]
pub struct AuthorityError {
    what: String,
    reason: String,
}

/// Why a stored authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file of it cannot be read.
    #[error("read `{}`: {source}; `dmconform certs --out DIR` writes the whole set", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file of it is not what its name says.
    #[error("use `{}`: {reason}; `dmconform certs --out DIR` writes a new set", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An authority without keys.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// The files of an authority, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityFiles {
    /// What everybody trusts.
    pub roots: PathBuf,
    /// The certificate that issues, which is no root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A certification authority: one that exists for a run, or one that a product was configured with before.
pub struct Authority {
    pub(crate) now: OffsetDateTime,
    /// The root with its key, where the authority was made here.
    pub(crate) root: Option<CertifiedIssuer<'static, KeyPair>>,
    pub(crate) root_pem: String,
    pub(crate) intermediate: Issuer<'static, KeyPair>,
    pub(crate) intermediate_pem: String,
    stranger: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// An authority whose certificates are valid from a day before `now`.
    ///
    /// # Errors
    /// When the cryptographic library makes no keys.
    pub fn new(now: OffsetDateTime) -> Result<Self, AuthorityError> {
        let root = self_signed(now, "dmconform test root")?;
        let stranger = self_signed(now, "dmconform unknown root")?;
        let params = authority_params(now, "dmconform test intermediate", Some(0));
        let key = key("the intermediate authority")?;
        let certificate = params
            .signed_by(&key, &root)
            .map_err(failed("the intermediate authority"))?;
        Ok(Self {
            now,
            root_pem: root.pem(),
            root: Some(root),
            intermediate: Issuer::new(params, key),
            intermediate_pem: certificate.pem(),
            stranger,
        })
    }

    /// The authority that [`crate::write_store`] has written to a directory, for leaves that are valid from a day
    /// before `now`.
    ///
    /// # Errors
    /// The first file that is missing or no part of an authority; an authority whose time is over.
    pub fn load(directory: &Path, now: OffsetDateTime) -> Result<Self, LoadError> {
        let files = AuthorityFiles {
            roots: directory.join(ROOTS),
            certificate: directory.join(INTERMEDIATE),
            key: directory.join(INTERMEDIATE_KEY),
        };
        Self::of_files(&files, now)
    }

    /// An authority of the user's own, for leaves that are valid from a day before `now`.
    ///
    /// # Errors
    /// The first file that is missing or no part of an authority; an authority whose time is over; one that is trusted
    /// itself, so that nothing stands between it and what it issues.
    pub fn of_files(files: &AuthorityFiles, now: OffsetDateTime) -> Result<Self, LoadError> {
        let wrong = |path: &Path, reason: &str| LoadError::Content {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let root_pem = read(&files.roots)?;
        Roots::from_pem(&root_pem).ok_or_else(|| wrong(&files.roots, "there is no certificate in it"))?;
        let intermediate_pem = read(&files.certificate)?;
        for (path, pem) in [(&files.roots, &root_pem), (&files.certificate, &intermediate_pem)] {
            let end = facts::not_after(pem).ok_or_else(|| wrong(path, "there is no certificate in it"))?;
            if end <= now.unix_timestamp() {
                return Err(wrong(path, "the certificate has expired"));
            }
        }
        if facts::is_self_issued(&intermediate_pem) {
            let reason = "it is a root, and cases need an authority below one; issue an intermediate from it";
            return Err(wrong(&files.certificate, reason));
        }
        let key =
            KeyPair::from_pem(&read(&files.key)?).map_err(|error| wrong(&files.key, &error.to_string()))?;
        if !facts::is_key_of(&intermediate_pem, &key.subject_public_key_info()) {
            let reason = format!("it is not the key of {}", file_name(&files.certificate));
            return Err(wrong(&files.key, &reason));
        }
        let intermediate = Issuer::from_ca_cert_pem(&intermediate_pem, key)
            .map_err(|error| wrong(&files.certificate, &error.to_string()))?;
        let authority = Self {
            now,
            root: None,
            root_pem,
            intermediate,
            intermediate_pem,
            stranger: self_signed(now, "dmconform unknown root")?,
        };
        if !authority.is_named_by_what_it_issues()? {
            let reason = "what it issues would not name it as its issuer, since its subject has an attribute more than once (such as \
                          DC=acme, DC=example); issue one whose subject has each attribute once";
            return Err(wrong(&files.certificate, reason));
        }
        Ok(authority)
    }

    /// Whether the issuer in a certificate is the subject of the authority, octet for octet, as strict products want it (RFC 5280, section
    /// 6.1.3). The library writes a name anew, and each attribute of it once.
    fn is_named_by_what_it_issues(&self) -> Result<bool, AuthorityError> {
        let probe = Party {
            server_id: "probe.dmconform.test".to_owned(),
            hosts: Vec::new(),
        };
        let issued = self.issue(&probe, Certificate::Good)?;
        Ok(issued.is_some_and(|issued| facts::is_issued_by(issued.chain_pem(), &self.intermediate_pem)))
    }

    /// What parties of the run trust.
    ///
    /// # Panics
    /// Never: the root was made here, or looked at when it was loaded.
    pub fn roots(&self) -> Roots {
        Roots::from_pem(&self.root_pem).expect("the root certificate is a certificate")
    }

    /// The intermediate certificate as PEM.
    pub fn intermediate_pem(&self) -> &str {
        &self.intermediate_pem
    }

    /// The key of the intermediate certificate as PEM: with it, the authority can be used again.
    pub fn intermediate_key_pem(&self) -> String {
        self.intermediate.key().serialize_pem()
    }

    /// A certificate for a party, good or bad in exactly one way; nothing for [`Certificate::None`].
    ///
    /// # Errors
    /// When the cryptographic library makes no key, or the name cannot stand in a certificate.
    pub fn issue(&self, party: &Party, flavour: Certificate) -> Result<Option<Identity>, AuthorityError> {
        let what = party.server_id.as_str();
        let mut params = self.leaf_params(party, flavour)?;
        let key = key(what)?;
        let intermediate = self.intermediate_pem.clone();
        let (leaf, chain) = match flavour {
            Certificate::None => return Ok(None),
            Certificate::UnknownAuthority => {
                let leaf = params.signed_by(&key, &self.stranger).map_err(failed(what))?;
                (leaf, self.stranger.pem())
            }
            Certificate::SelfSigned => {
                params.is_ca = IsCa::NoCa;
                (params.self_signed(&key).map_err(failed(what))?, String::new())
            }
            Certificate::MissingIntermediate => (
                params.signed_by(&key, &self.intermediate).map_err(failed(what))?,
                String::new(),
            ),
            _ => (
                params.signed_by(&key, &self.intermediate).map_err(failed(what))?,
                intermediate,
            ),
        };
        let chain_pem = format!("{}{chain}", leaf.pem());
        let identity = Identity::from_pem(chain_pem, key.serialize_pem());
        identity.map(Some).ok_or_else(|| AuthorityError {
            what: what.to_owned(),
            reason: "its key cannot be used".to_owned(),
        })
    }

    fn leaf_params(&self, party: &Party, flavour: Certificate) -> Result<CertificateParams, AuthorityError> {
        let name = match flavour {
            Certificate::OtherServer => "other.dmconform.test",
            _ => party.server_id.as_str(),
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        params.subject_alt_names = names(party, name, flavour)?;
        let day = Duration::days(1);
        let (from, to) = match flavour {
            Certificate::Expired => (self.now - day * 10, self.now - day),
            Certificate::NotYetValid => (self.now + day * NOT_YET_DAYS, self.now + day * VALID_DAYS as i32),
            _ => (self.now - day, self.now + day * VALID_DAYS as i32),
        };
        params.not_before = from;
        params.not_after = to;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match flavour {
            Certificate::WrongUse => vec![ExtendedKeyUsagePurpose::CodeSigning],
            _ => vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
        };
        if flavour == Certificate::Revoked {
            params.serial_number = Some(SerialNumber::from(REVOKED));
        }
        params.use_authority_key_identifier_extension = flavour != Certificate::SelfSigned;
        Ok(params)
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    read_text(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn self_signed(now: OffsetDateTime, name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, AuthorityError> {
    CertifiedIssuer::self_signed(authority_params(now, name, None), key(name)?).map_err(failed(name))
}

fn authority_params(now: OffsetDateTime, name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca =
        IsCa::Ca(path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Whoever is not their own issuer names the key that signed (RFC 5280, 4.2.1.1); strict products insist on it.
    params.use_authority_key_identifier_extension = path_length.is_some();
    // Leaves may be made that expired days ago; their issuers were valid then.
    params.not_before = now - Duration::days(20);
    params.not_after = now + Duration::days(VALID_DAYS);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn key(what: &str) -> Result<KeyPair, AuthorityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed(what))
}

pub(crate) fn failed(what: &str) -> impl FnOnce(rcgen::Error) -> AuthorityError {
    let what = what.to_owned();
    move |error| AuthorityError {
        what,
        reason: error.to_string(),
    }
}
