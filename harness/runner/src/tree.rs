//! The management tree of a mock client at the start of a case.

use std::collections::BTreeMap;

use dmconform_case::implementation::AccountCredentials;
use dmconform_judge::Header;
use dmconform_roles::wire_scheme;
use oma_dm::account::Account;
use oma_dm::acl::{Acl, Right};
use oma_dm::devdetail::DeviceDetails;
use oma_dm::devinfo::DeviceInfo;
use oma_dm::tree::{Format, Tree};
use oma_dm::uri::{NodeUri, UriLimits};

/// A tree with an account of DMS-1, DevInfo, the Bootstrap Config object and some nodes to delegate.
pub(crate) fn tree(
    header: &Header,
    credentials: &AccountCredentials,
    dms_1: &str,
    nodes: &BTreeMap<String, String>,
) -> Result<(Tree, DeviceInfo), String> {
    let parties = &header.parties;
    let mut tree = Tree::new();
    let device_info = DeviceInfo {
        device_id: parties.device.clone(),
        manufacturer: parties.manufacturer.clone(),
        model: parties.model.clone(),
        dm_version: "1.2".to_owned(),
        language: "en".to_owned(),
    };
    device_info
        .write_to(&mut tree)
        .map_err(|error| error.to_string())?;
    // What it takes is told there (OMA-TS-DM_StdObj 5.3.3, LrgObj).
    let details = DeviceDetails {
        uri_limits: UriLimits::default(),
        device_type: "device".to_owned(),
        oem: parties.manufacturer.clone(),
        firmware_version: "1".to_owned(),
        software_version: "1".to_owned(),
        hardware_version: "1".to_owned(),
        supports_large_objects: true,
    };
    details.write_to(&mut tree).map_err(|error| error.to_string())?;
    let mut account = Account::new(&parties.dms_1, dms_1);
    let authentication_type = wire_scheme(header.case.given.authentication);
    let (client, server) = dmconform_roles::credentials(credentials, &parties.dms_1, authentication_type);
    account.preferred_authentication = Some(authentication_type);
    account.client_credentials = Some(client);
    account.server_credentials = Some(server);
    let root = uri(&credentials.node)?;
    account
        .write_to(&mut tree, &root)
        .map_err(|error| error.to_string())?;
    own(&mut tree, &credentials.node, &parties.dms_1)?;
    interior(&mut tree, &header.profile.bootstrap_config.root)?;
    own(&mut tree, &header.profile.bootstrap_config.root, &parties.dms_1)?;
    interior(&mut tree, "./Inbox")?;
    for part in ["./Com", "./Net"] {
        let part = nodes.get(part).map_or(part, String::as_str);
        interior(&mut tree, part)?;
        leaf(&mut tree, &format!("{part}/Name"), "as delivered")?;
    }
    for part in &header.case.given.tree {
        interior(&mut tree, part)?;
        let all = all_rights(&parties.dms_1)?;
        let acl = all
            .with(&[Right::Get], &parties.third)
            .map_err(|error| error.to_string())?;
        tree.set_acl(&uri(part)?, acl)
            .map_err(|error| error.to_string())?;
    }
    for (node, text) in &header.case.given.acls {
        let acl = Acl::parse(&header.fill(text)).map_err(|error| format!("the ACL of {node}: {error}"))?;
        interior(&mut tree, node)?;
        tree.set_acl(&uri(node)?, acl)
            .map_err(|error| error.to_string())?;
    }
    Ok((tree, device_info))
}

fn all_rights(server: &str) -> Result<Acl, String> {
    let rights = [Right::Add, Right::Delete, Right::Exec, Right::Get, Right::Replace];
    Acl::empty()
        .with(&rights, server)
        .map_err(|error| error.to_string())
}

fn own(tree: &mut Tree, node: &str, server: &str) -> Result<(), String> {
    tree.set_acl(&uri(node)?, all_rights(server)?)
        .map_err(|error| error.to_string())
}

fn interior(tree: &mut Tree, node: &str) -> Result<(), String> {
    let uri = uri(node)?;
    if tree.get(&uri).is_some() {
        return Ok(());
    }
    tree.insert_interior(&uri, "").map_err(|error| error.to_string())
}

fn leaf(tree: &mut Tree, node: &str, text: &str) -> Result<(), String> {
    tree.insert_leaf(&uri(node)?, Format::Chr, "text/plain", text)
        .map_err(|error| error.to_string())
}

fn uri(node: &str) -> Result<NodeUri, String> {
    NodeUri::parse(node).map_err(|error| error.to_string())
}
