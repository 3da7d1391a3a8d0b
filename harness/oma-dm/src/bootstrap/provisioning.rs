//! The client provisioning profile: documents of `wap-provisioningdoc`, and the application `w7` in them
//! (OMA-TS-DM_Bootstrap 5.3, OMA-TS-DM_StdObj appendix).

use std::borrow::Cow;
use std::collections::BTreeSet;

use thiserror::Error;

use super::{BootstrapError, Entry};
use crate::account::{
    AccountError, AccountObject, AddressType, Authentication, AuthenticationType, Credentials, Level,
    ServerAddress,
};
use crate::auth::{self, Secret};
use crate::syncml::{Departure, Encoding, Observation, ReadError};
use crate::xml::{Attribute, Element, Name};
use crate::{account, wbxml};

/// The root of the documents.
pub(crate) const ROOT: &str = "wap-provisioningdoc";

/// What a provisioning document brings.
pub(super) struct Provisioning {
    pub(super) entries: Vec<Entry>,
    pub(super) observations: Vec<Observation>,
    /// The characteristics that were passed over.
    pub(super) skipped: Vec<String>,
}

/// Reads a document.
pub(super) fn read(octets: &[u8], encoding: Encoding) -> Result<Provisioning, BootstrapError> {
    let mut reader = Reader::default();
    let root = match encoding {
        Encoding::Xml => Element::parse(octets).map_err(ReadError::from)?,
        Encoding::Wbxml => {
            let document = wbxml::decode(octets).map_err(ReadError::from)?;
            reader.observations = document.departures(ROOT);
            document.root
        }
    };
    if root.name.local != ROOT {
        let root = root.name.local.into_owned();
        return Err(ProvisioningError::Root { root }.into());
    }
    reader.check_version(&root);
    let mut provisioning = Provisioning {
        entries: Vec::new(),
        observations: Vec::new(),
        skipped: Vec::new(),
    };
    for element in root.elements() {
        let Some(kind) = reader.kind_of(element) else {
            continue;
        };
        let application = parm_value(element, "APPID");
        match (kind, application) {
            ("APPLICATION", Some(account::APPLICATION_ID)) => {
                let object = reader.application(element)?;
                provisioning.entries.push(Entry::of_object(&object)?);
            }
            (kind, Some(application)) => provisioning.skipped.push(format!("{kind} {application}")),
            (kind, None) => provisioning.skipped.push(kind.to_owned()),
        }
    }
    provisioning.observations = reader.observations;
    Ok(provisioning)
}

/// Writes a document with an application `w7` for each account. `AAuthPref` and `Ext` have no counterpart there.
pub(super) fn write(accounts: &[AccountObject], encoding: Encoding) -> Result<Vec<u8>, AccountError> {
    let mut document = with_attribute(Element::new("", ROOT), "version", "1.1");
    for account in accounts {
        // What cannot be read back as an account is not written.
        account.to_node("account", None)?;
        document = document.with_child(application(account));
    }
    Ok(match encoding {
        Encoding::Xml => document.to_xml(),
        Encoding::Wbxml => wbxml::encode(&document),
    })
}

fn application(account: &AccountObject) -> Element<'_> {
    let mut application = characteristic("APPLICATION")
        .with_child(parm("APPID", account::APPLICATION_ID))
        .with_child(parm("PROVIDER-ID", &account.server_id));
    if let Some(name) = &account.name {
        application = application.with_child(parm("NAME", name));
    }
    for connection in account.preferred_connection.iter().chain(&account.connections) {
        application = application.with_child(parm("TO-NAPID", connection));
    }
    for ServerAddress {
        address,
        address_type,
        ports,
    } in &account.addresses
    {
        let mut place = characteristic("APPADDR")
            .with_child(parm("ADDR", address))
            .with_child(parm("ADDRTYPE", address_type.name().to_ascii_uppercase()));
        for port in ports {
            let port = characteristic("PORT").with_child(parm("PORTNBR", port.to_string()));
            place = place.with_child(port);
        }
        application = application.with_child(place);
    }
    for Authentication { level, credentials } in &account.authentications {
        let kind = credentials.authentication_type.name();
        let mut place = characteristic("APPAUTH")
            .with_child(parm("AAUTHLEVEL", level_name(*level)))
            .with_child(parm("AAUTHTYPE", kind))
            .with_child(parm("AAUTHNAME", &credentials.name))
            .with_child(parm("AAUTHSECRET", credentials.secret.expose()));
        if !credentials.nonce.is_empty() {
            place = place.with_child(parm("AAUTHDATA", auth::to_base64(&credentials.nonce)));
        }
        application = application.with_child(place);
    }
    application
}

/// The levels are named from the other side: the client proves itself to the application server.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::Client => "APPSRV",
        Level::Server => "CLIENT",
        Level::Obex | Level::Http => level.name(),
    }
}

fn level_of(name: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level_name(*level) == name)
}

fn characteristic<'a>(kind: &'static str) -> Element<'a> {
    with_attribute(Element::new("", "characteristic"), "type", kind)
}

fn parm<'a>(name: &'static str, value: impl Into<Cow<'a, str>>) -> Element<'a> {
    with_attribute(
        with_attribute(Element::new("", "parm"), "name", name),
        "value",
        value,
    )
}

fn with_attribute<'a>(
    mut element: Element<'a>,
    local: &'static str,
    value: impl Into<Cow<'a, str>>,
) -> Element<'a> {
    let name = Name {
        namespace: None,
        local: local.into(),
    };
    let value = value.into();
    element.attributes.push(Attribute { name, value });
    element
}

/// The value of the first `parm` of that name directly in a characteristic.
fn parm_value<'e>(characteristic: &'e Element<'e>, name: &str) -> Option<&'e str> {
    characteristic
        .children_named("parm")
        .find(|parm| parm.attribute("name") == Some(name))
        .map(|parm| parm.attribute("value").unwrap_or_default())
}

/// Reads applications; what is not as it should be, but leaves a meaning, is noted.
#[derive(Default)]
struct Reader {
    path: Vec<String>,
    observations: Vec<Observation>,
}

/// The parms of a characteristic, in their order.
struct Parms<'e>(Vec<(&'e str, &'e str)>);

impl<'e> Parms<'e> {
    fn first(&self, name: &str) -> Option<&'e str> {
        self.all(&[name]).next()
    }

    fn all(&self, names: &[&str]) -> impl Iterator<Item = &'e str> {
        self.0
            .iter()
            .filter(move |(name, _)| names.contains(name))
            .map(|(_, value)| *value)
    }
}

impl Reader {
    fn note(&mut self, element: &Element, departure: Departure) {
        self.observations.push(Observation {
            departure,
            path: self.path.join("/"),
            at: element.at.clone(),
        });
    }

    fn bad_value(&mut self, element: &Element, name: &str, expected: &'static str, found: &str) {
        let departure = Departure::BadValue {
            element: name.to_owned(),
            expected,
            found: found.to_owned(),
        };
        self.note(element, departure);
    }

    fn check_version(&mut self, root: &Element) {
        self.path.push(ROOT.to_owned());
        if let Some(version) = root
            .attribute("version")
            .filter(|version| !["1.0", "1.1"].contains(version))
        {
            self.bad_value(root, "version", "1.0 or 1.1", version);
        }
        self.path.clear();
    }

    /// The type of a characteristic; anything else is noted.
    fn kind_of<'e>(&mut self, element: &'e Element<'e>) -> Option<&'e str> {
        if element.name.local != "characteristic" {
            let departure = Departure::UnknownElement(element.name.local.to_string());
            self.note(element, departure);
            return None;
        }
        let kind = element.attribute("type");
        if kind.is_none() {
            self.note(element, Departure::Missing("type".to_owned()));
        }
        kind
    }

    /// The parms of a characteristic as far as they are `known`, of which some may be there `many` times, and the characteristics
    /// in it of the `inner` types.
    fn contents<'e>(
        &mut self,
        element: &'e Element<'e>,
        known: &[&str],
        many: &[&str],
        inner: &[&str],
    ) -> (Parms<'e>, Vec<(&'e str, &'e Element<'e>)>) {
        let mut parms = Vec::new();
        let mut characteristics = Vec::new();
        let mut seen = BTreeSet::new();
        for child in element.elements() {
            if child.name.local != "parm" {
                match self.kind_of(child) {
                    Some(kind) if inner.contains(&kind) => characteristics.push((kind, child)),
                    Some(kind) => {
                        self.note(child, Departure::UnknownElement(format!("characteristic {kind}")));
                    }
                    None => {}
                }
                continue;
            }
            let Some(name) = child.attribute("name") else {
                self.note(child, Departure::Missing("name".to_owned()));
                continue;
            };
            let value = child.attribute("value").unwrap_or_default();
            match (known.contains(&name), many.contains(&name)) {
                (_, true) => parms.push((name, value)),
                (true, _) if seen.insert(name) => parms.push((name, value)),
                (true, _) => self.note(child, Departure::Repeated(format!("parm {name}"))),
                (false, false) => self.note(child, Departure::UnknownElement(format!("parm {name}"))),
            }
        }
        (Parms(parms), characteristics)
    }

    /// An application `w7`.
    fn application(&mut self, element: &Element) -> Result<AccountObject, BootstrapError> {
        self.path.push("APPLICATION".to_owned());
        let known = ["APPID", "PROVIDER-ID", "NAME", "INIT"];
        let many = ["ADDR", "TO-PROXY", "TO-NAPID"];
        let (parms, inner) = self.contents(element, &known, &many, &["APPADDR", "APPAUTH"]);
        let server_id = parms
            .first("PROVIDER-ID")
            .ok_or(ProvisioningError::NoProvider { at: element.at.start })?;
        let mut connections: Vec<_> = parms.all(&["TO-PROXY", "TO-NAPID"]).map(str::to_owned).collect();
        // Outside of APPADDR it is met too.
        let addresses = parms.all(&["ADDR"]).map(|address| ServerAddress {
            address: address.to_owned(),
            address_type: AddressType::Uri,
            ports: Vec::new(),
        });
        let mut account = AccountObject {
            server_id: server_id.to_owned(),
            name: parms.first("NAME").map(str::to_owned),
            preferred_connection: (connections.len() == 1).then(|| connections.remove(0)),
            connections,
            addresses: addresses.collect(),
            ..AccountObject::default()
        };
        for (kind, inner) in inner {
            self.path.push(kind.to_owned());
            match kind {
                "APPADDR" => account.addresses.extend(self.address(inner)),
                _ => account.authentications.extend(self.authentication(inner)?),
            }
            self.path.pop();
        }
        self.path.pop();
        Ok(account)
    }

    fn address(&mut self, element: &Element) -> Option<ServerAddress> {
        let (parms, inner) = self.contents(element, &["ADDR", "ADDRTYPE"], &[], &["PORT"]);
        let Some(address) = parms.first("ADDR") else {
            self.note(element, Departure::Missing("parm ADDR".to_owned()));
            return None;
        };
        let kind = parms.first("ADDRTYPE");
        let address_type = match kind.map(AddressType::from_name) {
            None => AddressType::Uri,
            Some(Some(address_type)) => address_type,
            Some(None) => {
                self.bad_value(element, "ADDRTYPE", "URI, IPV4 or IPV6", kind.unwrap_or_default());
                return None;
            }
        };
        let mut ports = Vec::new();
        for (_, inner) in inner {
            self.path.push("PORT".to_owned());
            let (parms, _) = self.contents(inner, &["PORTNBR", "SERVICE"], &[], &[]);
            match parms.first("PORTNBR").map(|number| (number, number.parse())) {
                Some((_, Ok(port))) => ports.push(port),
                Some((number, Err(_))) => self.bad_value(inner, "PORTNBR", "a number up to 65535", number),
                None => self.note(inner, Departure::Missing("parm PORTNBR".to_owned())),
            }
            self.path.pop();
        }
        Some(ServerAddress {
            address: address.to_owned(),
            address_type,
            ports,
        })
    }

    /// Credentials of a level that is not known are of no use to anybody; a kind that is not known makes the account useless.
    fn authentication(&mut self, element: &Element) -> Result<Option<Authentication>, BootstrapError> {
        let known = ["AAUTHLEVEL", "AAUTHTYPE", "AAUTHNAME", "AAUTHSECRET", "AAUTHDATA"];
        let (parms, _) = self.contents(element, &known, &[], &[]);
        let Some(level) = parms.first("AAUTHLEVEL") else {
            self.note(element, Departure::Missing("parm AAUTHLEVEL".to_owned()));
            return Ok(None);
        };
        let Some(level) = level_of(level) else {
            self.bad_value(element, "AAUTHLEVEL", "APPSRV, CLIENT, OBEX or HTTP", level);
            return Ok(None);
        };
        let kind = parms.first("AAUTHTYPE").unwrap_or_default();
        let authentication_type = AuthenticationType::from_name(kind).ok_or_else(|| AccountError::Value {
            leaf: "AAuthType",
            value: kind.to_owned(),
        })?;
        let data = parms.first("AAUTHDATA").unwrap_or_default();
        let nonce = auth::from_base64(data).unwrap_or_else(|| {
            self.bad_value(element, "AAUTHDATA", "base64", "(something else)");
            data.as_bytes().to_vec()
        });
        let credentials = Credentials {
            authentication_type,
            name: parms.first("AAUTHNAME").unwrap_or_default().to_owned(),
            secret: Secret::new(parms.first("AAUTHSECRET").unwrap_or_default()),
            nonce,
        };
        Ok(Some(Authentication { level, credentials }))
    }
}

/// Why a document of client provisioning brings no account that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProvisioningError {
    /// Another document.
    #[error("`{root}` where a provisioning document begins with `wap-provisioningdoc`")]
    Root {
        /// Its root.
        root: String,
    },
    /// An application without a server.
    #[error("the application w7 without `PROVIDER-ID` (octet {at}); name the server in it")]
    NoProvider {
        /// Offset of the characteristic.
        at: usize,
    },
}
