//! What is measured: the worked session, and documents that grow to a given length.

use std::fmt::{Display, Write as _};

use oma_dm::wbxml;
use oma_dm::xml::Element;

/// The messages of a whole session in XML, in their order.
pub(crate) const SESSION: [&str; 4] = [
    include_str!("../../tests/worked-session/1-client-package1.xml"),
    include_str!("../../tests/worked-session/2-server-package2.xml"),
    include_str!("../../tests/worked-session/3-client-package3.xml"),
    include_str!("../../tests/worked-session/4-server-package4.xml"),
];

/// An XML document in WBXML.
pub(crate) fn in_wbxml(xml: &str) -> Vec<u8> {
    wbxml::encode(&Element::parse(xml.as_bytes()).expect("what is measured is XML"))
}

/// A message that replaces one node after the other.
pub(crate) fn message(octets: usize) -> String {
    let head = "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>\
                <SessionID>A7</SessionID><MsgID>1</MsgID><Target><LocURI>IMEI:004999010640000</LocURI></Target>\
                <Source><LocURI>https://dms2.example/dm</LocURI></Source></SyncHdr><SyncBody>";
    grow(head, octets, "<Final/></SyncBody></SyncML>", |text, number| {
        put(
            text,
            format_args!(
                "<Replace><CmdID>{number}</CmdID><Item><Target><LocURI>./Vendor/Setting{number}</LocURI></Target><Meta>\
                 <Format xmlns=\"syncml:metinf\">chr</Format><Type xmlns=\"syncml:metinf\">text/plain</Type></Meta>\
                 <Data>one &amp; another {number}</Data></Item></Replace>"
            ),
        );
    })
}

/// A message in which nearly everything departs from the specification.
pub(crate) fn departures(octets: usize) -> String {
    let head = "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr/><SyncBody>";
    grow(head, octets, "</SyncBody></SyncML>", |text, _| {
        text.push_str(
            "<Add><Item/><CmdID>0</CmdID><CmdID>1</CmdID><Cred/><Vendor a=\"b\"/>stray<Meta><Size>x</Size></Meta></Add><Put/>\
             <Status xmlns=\"\"><Data>none</Data></Status>",
        );
    })
}

/// A provisioning document of applications for one server each.
pub(crate) fn provisioning(octets: usize) -> String {
    let head = "<wap-provisioningdoc version=\"1.1\">";
    grow(head, octets, "</wap-provisioningdoc>", |text, number| {
        put(
            text,
            format_args!(
                "<characteristic type=\"APPLICATION\"><parm name=\"APPID\" value=\"w7\"/>\
                 <parm name=\"PROVIDER-ID\" value=\"dms{number}.example\"/>\
                 <parm name=\"ADDR\" value=\"https://dms{number}.example/dm\"/><characteristic type=\"APPAUTH\">\
                 <parm name=\"AAUTHLEVEL\" value=\"APPSRV\"/><parm name=\"AAUTHTYPE\" value=\"DIGEST\"/>\
                 <parm name=\"AAUTHNAME\" value=\"dev-0001\"/><parm name=\"AAUTHSECRET\" value=\"s3cret\"/>\
                 </characteristic></characteristic>"
            ),
        );
    })
}

/// A message with one value of this length, of which every tenth octet is escaped.
pub(crate) fn value(octets: usize) -> String {
    let head = "<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr/><SyncBody><Add><CmdID>1</CmdID><Item><Data>";
    let tail = "</Data></Item></Add></SyncBody></SyncML>";
    grow(head, octets, tail, |text, _| text.push_str("0123456789&lt;"))
}

/// An object of interior nodes with ten leaves each.
pub(crate) fn object(octets: usize) -> String {
    let head = "<MgmtTree xmlns=\"syncml:dmddf1.2\"><VerDTD>1.2</VerDTD>";
    grow(head, octets, "</MgmtTree>", |text, number| {
        put(
            text,
            format_args!(
                "<Node><NodeName>Node{number}</NodeName><RTProperties><ACL>Get=dms1.example+dms2.example&amp;\
                 Replace=dms2.example</ACL><Format><node/></Format><Type><DDFName>urn:example:mo:1.0</DDFName></Type>\
                 </RTProperties>"
            ),
        );
        for leaf in 0..10 {
            put(
                text,
                format_args!(
                    "<Node><NodeName>Leaf{leaf}</NodeName><RTProperties><Format><chr/></Format><Type><MIME>text/plain\
                     </MIME></Type></RTProperties><Value>value {number}</Value></Node>"
                ),
            );
        }
        text.push_str("</Node>");
    })
}

/// A document of the cheapest elements.
pub(crate) fn empty_elements(octets: usize) -> String {
    grow("<Item>", octets, "</Item>", |text, _| {
        text.push_str("<Meta/><a></a>");
    })
}

/// A document whose elements all declare namespaces, as different as the reader bears.
pub(crate) fn namespaces(octets: usize) -> String {
    let prefixes: String = (0..15)
        .map(|number| format!(" xmlns:p{number}=\"urn:p\""))
        .collect();
    grow(&format!("<Item{prefixes}>"), octets, "</Item>", |text, number| {
        put(text, format_args!("<a xmlns=\"u{}\"/>", number % 900));
    })
}

/// A document of attributes.
pub(crate) fn attributes(octets: usize) -> String {
    grow("<Item>", octets, "</Item>", |text, _| {
        text.push_str("<a");
        (0..20).for_each(|number| put(text, format_args!(" attribute{number}=\"{number}&gt;\"")));
        text.push_str("/>");
    })
}

/// A document in which text is cut into as many pieces as there can be.
pub(crate) fn pieces(octets: usize) -> String {
    grow("<Data>", octets, "</Data>", |text, _| {
        text.push_str("<![CDATA[x]]>&#x20;<!---->y");
    })
}

/// An ACL about as long as one may be.
pub(crate) fn access_control() -> String {
    let servers: Vec<String> = (0..70).map(|number| format!("server{number}.example")).collect();
    ["Add=", "&Delete=", "&Get="]
        .map(|right| format!("{right}{}", servers.join("+")))
        .concat()
}

/// WBXML whose text is put together from a string table and entities.
pub(crate) fn references(octets: usize) -> Vec<u8> {
    let head: [&[u8]; 2] = [&[0x02, 0xA4, 0x01, 0x6A, 0x05], b"text\0"];
    let mut document = [head.concat(), vec![0x4F]].concat();
    while document.len() < octets {
        // Two references into the table, and a no-break space.
        document.extend([0x83, 0x00, 0x83, 0x02, 0x02, 0x81, 0x20]);
    }
    document.push(0x01);
    document
}

/// WBXML with literal names and switches of the code page before every tag.
pub(crate) fn literals(octets: usize) -> Vec<u8> {
    let mut document = vec![0x02, 0xA4, 0x01, 0x6A, 0x02, b'n', 0x00, 0x6D];
    while document.len() < octets {
        document.extend([0x00, 0x01, 0x07, 0x00, 0x00, 0x44, 0x00, 0x01]);
    }
    document.push(0x01);
    document
}

fn grow(head: &str, octets: usize, tail: &str, mut more: impl FnMut(&mut String, usize)) -> String {
    let mut text = head.to_owned();
    for number in 1.. {
        if text.len() >= octets {
            break;
        }
        more(&mut text, number);
    }
    text + tail
}

fn put(text: &mut String, what: impl Display) {
    write!(text, "{what}").expect("a String takes what it is given");
}
