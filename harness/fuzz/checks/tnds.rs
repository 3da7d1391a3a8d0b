//! TNDS objects, in XML if they begin with `<`, else in WBXML: what is written of one reads back the same.

use oma_dm::tnds::ManagementTree;

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    let read = match octets.first() {
        Some(b'<') => ManagementTree::from_xml(octets),
        _ => ManagementTree::from_wbxml(octets),
    };
    let Ok(object) = read else { return };
    let written = object.to_wbxml();
    let again = ManagementTree::from_wbxml(&written).expect("what was written is an object");
    assert_eq!(again.to_wbxml(), written);
    let written = object.to_xml();
    let again = ManagementTree::from_xml(&written).expect("what was written is an object");
    assert_eq!(again.to_xml(), written);
}
