//! Client provisioning: the application `w7`, from and to accounts.

use proptest::prelude::*;
use rstest::rstest;

use super::super::*;
use super::{device, uri};
use crate::account::{AddressType, Level, OBJECT_ID};
use crate::acl::Right;
use crate::tree::Format;

/// The document of the domain facts (6.1), as a server of another making might send it.
const W7: &str = r#"<?xml version="1.0"?>
<!DOCTYPE wap-provisioningdoc PUBLIC "-//WAPFORUM//DTD PROV 1.0//EN" "http://www.wapforum.org/DTD/prov.dtd">
<wap-provisioningdoc version="1.1">
  <characteristic type="APPLICATION">
    <parm name="APPID" value="w7"/>
    <parm name="PROVIDER-ID" value="dms2.example"/>
    <parm name="NAME" value="DMS-2"/>
    <characteristic type="APPADDR">
      <parm name="ADDR" value="https://dms2.example/dm"/>
      <parm name="ADDRTYPE" value="URI"/>
      <characteristic type="PORT"><parm name="PORTNBR" value="443"/></characteristic>
    </characteristic>
    <characteristic type="APPAUTH">
      <parm name="AAUTHLEVEL" value="APPSRV"/> <parm name="AAUTHTYPE" value="DIGEST"/>
      <parm name="AAUTHNAME" value="dev-0001"/> <parm name="AAUTHSECRET" value="s3cret-dev"/>
      <parm name="AAUTHDATA" value="bm9uY2UtQQ=="/>
    </characteristic>
    <characteristic type="APPAUTH">
      <parm name="AAUTHLEVEL" value="CLIENT"/> <parm name="AAUTHTYPE" value="DIGEST"/>
      <parm name="AAUTHNAME" value="dms2.example"/> <parm name="AAUTHSECRET" value="srv-pw-2"/>
      <parm name="AAUTHDATA" value="bm9uY2UtQg=="/>
    </characteristic>
  </characteristic>
</wap-provisioningdoc>"#;

fn read_xml(xml: &str) -> Result<Bootstrap, BootstrapError> {
    read(xml.as_bytes(), Form::PROVISIONING_XML.media_type())
}

/// A document with this in its only application.
fn application(contents: &str) -> String {
    format!(
        r#"<wap-provisioningdoc><characteristic type="APPLICATION"><parm name="APPID" value="w7"/>
        <parm name="PROVIDER-ID" value="s"/>{contents}</characteristic></wap-provisioningdoc>"#
    )
}

fn objects(bootstrap: &Bootstrap) -> Vec<AccountObject> {
    let objects = bootstrap
        .entries
        .iter()
        .map(|entry| AccountObject::from_node(&entry.object));
    objects.collect::<Result<_, _>>().unwrap()
}

fn noted(bootstrap: &Bootstrap) -> Vec<String> {
    bootstrap
        .observations
        .iter()
        .map(|noted| format!("{}: {}", noted.path, noted.departure))
        .collect()
}

#[test]
fn an_application_w7_becomes_the_nodes_of_an_account() {
    let bootstrap = read_xml(W7).unwrap();
    assert_eq!(bootstrap.form, Form::PROVISIONING_XML);
    assert_eq!(noted(&bootstrap), [""; 0]);
    let mut tree = Tree::new();
    assert_eq!(apply(&bootstrap, &mut tree), Ok(vec![uri("./DMAcc/1")]));
    let nodes: Vec<_> = tree
        .subtree(&uri("./DMAcc/1"))
        .filter_map(|(at, node)| Some(format!("{at} {}", node.value()?.escape_ascii())))
        .collect();
    insta::assert_snapshot!(nodes.join("\n"), @r#"
    ./DMAcc/1/AppAddr/1/Addr https://dms2.example/dm
    ./DMAcc/1/AppAddr/1/AddrType URI
    ./DMAcc/1/AppAddr/1/Port/1/PortNbr 443
    ./DMAcc/1/AppAuth/1/AAuthData nonce-A
    ./DMAcc/1/AppAuth/1/AAuthLevel CLCRED
    ./DMAcc/1/AppAuth/1/AAuthName dev-0001
    ./DMAcc/1/AppAuth/1/AAuthSecret s3cret-dev
    ./DMAcc/1/AppAuth/1/AAuthType DIGEST
    ./DMAcc/1/AppAuth/2/AAuthData nonce-B
    ./DMAcc/1/AppAuth/2/AAuthLevel SRVCRED
    ./DMAcc/1/AppAuth/2/AAuthName dms2.example
    ./DMAcc/1/AppAuth/2/AAuthSecret srv-pw-2
    ./DMAcc/1/AppAuth/2/AAuthType DIGEST
    ./DMAcc/1/AppID w7
    ./DMAcc/1/Name DMS-2
    ./DMAcc/1/ServerID dms2.example
    "#);
    assert_eq!(tree.get(&uri("./DMAcc/1")).unwrap().type_name, OBJECT_ID);
    assert_eq!(
        tree.get(&uri("./DMAcc/1/AppAuth/1/AAuthData")).unwrap().format(),
        Format::Bin
    );
}

#[test]
fn its_server_gets_get_replace_and_delete_on_every_node_and_nobody_gets_anything_else() {
    let mut tree = device();
    let before = tree.clone();
    let [place] = apply(&read_xml(W7).unwrap(), &mut tree)
        .unwrap()
        .try_into()
        .unwrap();
    for (at, _) in tree.subtree(&place) {
        for right in Right::ALL {
            let granted = matches!(right, Right::Get | Right::Replace | Right::Delete);
            assert_eq!(
                tree.permits("dms2.example", right, at),
                granted,
                "{right} on {at}"
            );
            assert!(!tree.permits("dms1.example", right, at), "{right} on {at}");
        }
    }
    for (at, node) in before.nodes() {
        assert_eq!(tree.get(at), Some(node));
    }
}

#[test]
fn without_an_application_w7_nobody_gets_rights() {
    let other = W7.replace("w7", "w4");
    let error = read_xml(&other).unwrap_err();
    assert_eq!(error, BootstrapError::NoAccount);
}

#[test]
fn the_same_device_is_made_by_either_profile() {
    let by_provisioning = read_xml(W7).unwrap();
    let object = &objects(&by_provisioning)[0];
    let written = write(std::slice::from_ref(object), Form::DM_WBXML).unwrap();
    let by_dm = read(&written, Form::DM_WBXML.media_type()).unwrap();
    assert!(by_provisioning.accounts().eq(by_dm.accounts()));
    let [mut one, mut other] = [Tree::new(), Tree::new()];
    apply(&by_provisioning, &mut one).unwrap();
    apply(&by_dm, &mut other).unwrap();
    assert_eq!(one, other);
}

#[test]
fn everything_that_can_be_there_more_than_once_is_read() {
    let second = application(
        r#"<parm name="TO-PROXY" value="P"/><parm name="TO-NAPID" value="N"/><parm name="INIT"/>
        <parm name="ADDR" value="https://plain/"/>
        <characteristic type="APPADDR"><parm name="ADDR" value="::1"/><parm name="ADDRTYPE" value="IPV6"/>
          <characteristic type="PORT"><parm name="PORTNBR" value="1"/><parm name="SERVICE" value="x"/></characteristic>
          <characteristic type="PORT"><parm name="PORTNBR" value="2"/></characteristic></characteristic>
        <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="OBEX"/><parm name="AAUTHTYPE" value="HMAC"/></characteristic>
        <characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="HTTP"/><parm name="AAUTHTYPE" value="HTTP-BASIC"/></characteristic>"#,
    );
    let start = second.find("<characteristic").unwrap();
    let end = second.rfind("</wap").unwrap();
    let napdef = r#"<characteristic type="NAPDEF"><parm name="NAPID" value="N"/></characteristic>
        <characteristic type="APPLICATION"><parm name="APPID" value="w2"/></characteristic>"#;
    let both = W7.replace("</wap", &format!("{napdef}{}</wap", &second[start..end]));
    let bootstrap = read_xml(&both).unwrap();
    assert_eq!(noted(&bootstrap), [""; 0]);
    assert_eq!(bootstrap.skipped, ["NAPDEF", "APPLICATION w2"]);
    let [first, second] = objects(&bootstrap).try_into().unwrap();
    assert_eq!(first.server_id, "dms2.example");
    assert_eq!(second.server_id, "s");
    assert_eq!(second.preferred_connection, None);
    assert_eq!(second.connections, ["P", "N"]);
    let addresses: Vec<_> = second
        .addresses
        .iter()
        .map(|of| (of.address.as_str(), of.address_type, of.ports.as_slice()))
        .collect();
    assert_eq!(
        addresses,
        [
            ("https://plain/", AddressType::Uri, [].as_slice()),
            ("::1", AddressType::Ipv6, &[1, 2])
        ]
    );
    let levels: Vec<_> = second.authentications.iter().map(|of| of.level).collect();
    assert_eq!(levels, [Level::Obex, Level::Http]);
    let mut tree = Tree::new();
    assert_eq!(
        apply(&bootstrap, &mut tree),
        Ok(vec![uri("./DMAcc/1"), uri("./DMAcc/2")])
    );
}

#[test]
fn one_connection_is_the_preferred_one() {
    let xml = application(r#"<parm name="TO-NAPID" value="N"/><parm name="ADDR" value="https://s/"/>"#);
    let [object] = objects(&read_xml(&xml).unwrap()).try_into().unwrap();
    assert_eq!(object.preferred_connection.as_deref(), Some("N"));
    assert_eq!(object.connections, [""; 0]);
}

#[rstest]
#[case::unknown_parm(
    r#"<parm name="COLOUR" value="red"/>"#,
    "APPLICATION: `parm COLOUR` is not known here"
)]
#[case::repeated_parm(
    r#"<parm name="PROVIDER-ID" value="t"/>"#,
    "APPLICATION: `parm PROVIDER-ID` is there more than once"
)]
#[case::nameless_parm(r#"<parm value="t"/>"#, "APPLICATION: `name` is missing")]
#[case::unknown_characteristic(
    r#"<characteristic type="RESOURCE"/>"#,
    "APPLICATION: `characteristic RESOURCE` is not known here"
)]
#[case::characteristic_without_type("<characteristic/>", "APPLICATION: `type` is missing")]
#[case::unknown_element("<b/>", "APPLICATION: `b` is not known here")]
#[case::address_type(
    r#"<characteristic type="APPADDR"><parm name="ADDR" value="1"/><parm name="ADDRTYPE" value="E164"/></characteristic>"#,
    "APPLICATION/APPADDR: `ADDRTYPE` is `E164`, where URI, IPV4 or IPV6 belongs"
)]
#[case::no_address(
    r#"<characteristic type="APPADDR"/>"#,
    "APPLICATION/APPADDR: `parm ADDR` is missing"
)]
#[case::port(
    r#"<characteristic type="APPADDR"><parm name="ADDR" value="a"/><characteristic type="PORT"><parm name="PORTNBR" value="70000"/></characteristic></characteristic>"#,
    "APPLICATION/APPADDR/PORT: `PORTNBR` is `70000`, where a number up to 65535 belongs"
)]
#[case::no_port(
    r#"<characteristic type="APPADDR"><parm name="ADDR" value="a"/><characteristic type="PORT"/></characteristic>"#,
    "APPLICATION/APPADDR/PORT: `parm PORTNBR` is missing"
)]
#[case::level(
    r#"<characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="CLCRED"/></characteristic>"#,
    "APPLICATION/APPAUTH: `AAUTHLEVEL` is `CLCRED`, where APPSRV, CLIENT, OBEX or HTTP belongs"
)]
#[case::no_level(
    r#"<characteristic type="APPAUTH"/>"#,
    "APPLICATION/APPAUTH: `parm AAUTHLEVEL` is missing"
)]
#[case::nonce(
    r#"<characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="DIGEST"/><parm name="AAUTHDATA" value="?"/></characteristic>"#,
    "APPLICATION/APPAUTH: `AAUTHDATA` is `(something else)`, where base64 belongs"
)]
fn what_departs_but_leaves_an_account_is_noted(#[case] contents: &str, #[case] expected: &str) {
    let xml = application(&format!(r#"<parm name="ADDR" value="https://s/"/>{contents}"#));
    let bootstrap = read_xml(&xml).unwrap();
    assert_eq!(noted(&bootstrap), [expected]);
    let at = bootstrap.observations[0].at.clone();
    assert!(xml[at].starts_with('<'), "it is located");
    let [account] = bootstrap.accounts().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(
        (account.server_id.as_str(), account.address.as_str()),
        ("s", "https://s/")
    );
}

#[rstest]
#[case::other_root(
    "<provisioning/>",
    "`provisioning` where a provisioning document begins with `wap-provisioningdoc`"
)]
#[case::no_provider(
    &application(r#"<parm name="ADDR" value="https://s/"/>"#).replace("PROVIDER-ID", "PROVIDER"),
    "the application w7 without `PROVIDER-ID` (octet 21); name the server in it"
)]
#[case::no_address(&application(""), "`` is no value for `Addr` of an account")]
#[case::server_id(
    &application(r#"<parm name="ADDR" value="https://s/"/>"#).replace(r#""s""#, r#""*""#),
    "`*` is no value for `ServerID` of an account"
)]
#[case::authentication(
    &application(r#"<parm name="ADDR" value="https://s/"/><characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/></characteristic>"#),
    "`` is no value for `AAuthType` of an account"
)]
#[case::empty(
    "<wap-provisioningdoc/>",
    "the bootstrap brings no account; add a DMAcc object to ./Inbox, or an application w7"
)]
fn what_brings_no_usable_account_is_refused_with_the_reason(#[case] xml: &str, #[case] expected: &str) {
    assert_eq!(read_xml(xml).unwrap_err().to_string(), expected);
}

#[test]
fn an_unknown_version_is_noted() {
    let bootstrap = read_xml(&W7.replace("1.1\"", "9\"")).unwrap();
    assert_eq!(
        noted(&bootstrap),
        ["wap-provisioningdoc: `version` is `9`, where 1.0 or 1.1 belongs"]
    );
}

#[rstest]
#[case(Form::PROVISIONING_XML)]
#[case(Form::PROVISIONING_WBXML)]
fn an_account_with_everything_comes_back_but_for_what_has_no_counterpart(#[case] form: Form) {
    let full = crate::account::tests::full_account();
    let written = write(&[full.clone(), full.clone()], form).unwrap();
    let bootstrap = read(&written, form.media_type()).unwrap();
    assert_eq!(noted(&bootstrap), [""; 0]);
    // Several connections are of one kind, and OMA-TS-DM_StdObj keeps them all as ToConRef.
    let connections = full.preferred_connection.iter().chain(&full.connections);
    let expected = AccountObject {
        connections: connections.cloned().collect(),
        preferred_connection: None,
        preferred_authentication: None,
        extension: None,
        ..full.clone()
    };
    assert_eq!(objects(&bootstrap), [expected.clone(), expected]);
}

#[test]
fn a_wbxml_document_is_written_with_tokens() {
    let object = &objects(&read_xml(W7).unwrap())[0];
    let written = write(std::slice::from_ref(object), Form::PROVISIONING_WBXML).unwrap();
    assert_eq!(written[..5], [0x02, 0x0B, 0x6A, 0x00, 0xC5]);
    let text = String::from_utf8_lossy(&written);
    for name in ["PROVIDER-ID", "APPADDR", "AAUTHNAME", "APPSRV"] {
        assert!(!text.contains(name), "{name} has a token");
    }
}

#[test]
fn what_departs_in_wbxml_is_noted() {
    let form = Form::PROVISIONING_WBXML;
    let mut written = write(&[crate::account::tests::full_account()], form).unwrap();
    written.extend(b"xy");
    let bootstrap = read(&written, form.media_type()).unwrap();
    assert_eq!(
        noted(&bootstrap),
        ["wap-provisioningdoc: 2 octets follow the outermost element"]
    );
    assert_eq!(bootstrap.observations[0].at.start, written.len() - 2);
}

proptest! {
    #[test]
    fn a_damaged_document_is_read_or_refused(at in any::<proptest::sample::Index>(), octet in any::<u8>()) {
        let form = Form::PROVISIONING_WBXML;
        let mut octets = write(&[crate::account::tests::full_account()], form).unwrap();
        let at = at.index(octets.len());
        octets[at] = octet;
        if let Ok(bootstrap) = read(&octets, form.media_type()) {
            let mut tree = device();
            let _done_or_refused = apply(&bootstrap, &mut tree);
            prop_assert!(tree.is_sound());
        }
    }
}
