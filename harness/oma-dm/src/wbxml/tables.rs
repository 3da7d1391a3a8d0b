//! The code pages: tokens and names of SyncML, MetInf and DM DDF (domain tables of the OMA documents).

use super::{DocumentType, provisioning};

/// Lowest token that stands for a name; the ones below are structure.
const FIRST_TOKEN: u8 = 0x05;

/// A family of documents that share their code pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeSpace {
    /// SyncML, MetInf and DM DDF; carries the namespace of page 0.
    SyncMl(&'static str),
    Provisioning,
}

pub(super) const SYNCML_1_1: &str = "SYNCML:SYNCML1.1";
pub(super) const SYNCML_1_2: &str = "SYNCML:SYNCML1.2";
pub(super) const METINF: &str = "syncml:metinf";
pub(super) const DMDDF: &str = "syncml:dmddf1.2";

impl CodeSpace {
    /// The pages of a document type; those of SyncML 1.2 where the type is not known.
    pub(super) fn of(document_type: &DocumentType) -> Self {
        match document_type {
            DocumentType::SyncMl11 => Self::SyncMl(SYNCML_1_1),
            DocumentType::Provisioning10 => Self::Provisioning,
            _ => Self::SyncMl(SYNCML_1_2),
        }
    }

    /// Namespace and name of an element's token (without its content and attribute bits).
    pub(super) fn element(self, page: u8, token: u8) -> Option<(Option<&'static str>, &'static str)> {
        let (namespace, names) = match (self, page) {
            (Self::SyncMl(namespace), 0) => (Some(namespace), SYNCML.as_slice()),
            (Self::SyncMl(_), 1) => (Some(METINF), METINF_NAMES.as_slice()),
            (Self::SyncMl(_), 2) => (Some(DMDDF), DMDDF_NAMES.as_slice()),
            (Self::Provisioning, 0) => (None, provisioning::ELEMENTS.as_slice()),
            // Page 1 of provisioning has the same elements, less the outermost one.
            (Self::Provisioning, 1) if token > FIRST_TOKEN => (None, provisioning::ELEMENTS.as_slice()),
            _ => return None,
        };
        let index = usize::from(token.checked_sub(FIRST_TOKEN)?);
        names
            .get(index)
            .filter(|name| !name.is_empty())
            .map(|name| (namespace, *name))
    }

    /// Name of an attribute's token, and the start of its value that the token stands for too.
    pub(super) fn attribute(self, page: u8, token: u8) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Provisioning => provisioning::attribute(page, token),
            Self::SyncMl(_) => None,
        }
    }

    /// What an attribute value's token stands for.
    pub(super) fn attribute_value(self, page: u8, token: u8) -> Option<&'static str> {
        match self {
            Self::Provisioning => provisioning::value(page, token),
            Self::SyncMl(_) => None,
        }
    }

    /// Page and token of an element.
    pub(super) fn element_token(self, namespace: Option<&str>, local: &str) -> Option<(u8, u8)> {
        match (self, namespace) {
            (Self::Provisioning, None) => Some((0, token(&provisioning::ELEMENTS, local)?)),
            (Self::Provisioning, Some(_)) => None,
            (Self::SyncMl(_), _) => element_token(namespace, local),
        }
    }

    /// Page and token of an attribute, and what of its value the token does not stand for yet.
    pub(super) fn attribute_token<'v>(self, name: &str, value: &'v str) -> Option<(u8, u8, &'v str)> {
        match self {
            Self::Provisioning => provisioning::attribute_token(name, value),
            Self::SyncMl(_) => None,
        }
    }

    /// Page and token of an attribute value.
    pub(super) fn value_token(self, value: &str) -> Option<(u8, u8)> {
        match self {
            Self::Provisioning => provisioning::value_token(value),
            Self::SyncMl(_) => None,
        }
    }
}

/// Page and token of an element of the SyncML family.
fn element_token(namespace: Option<&str>, local: &str) -> Option<(u8, u8)> {
    let (page, names) = match namespace? {
        SYNCML_1_1 | SYNCML_1_2 => (0, SYNCML.as_slice()),
        METINF => (1, METINF_NAMES.as_slice()),
        DMDDF => (2, DMDDF_NAMES.as_slice()),
        _ => return None,
    };
    Some((page, token(names, local)?))
}

fn token(names: &[&str], local: &str) -> Option<u8> {
    let index = names.iter().position(|name| !name.is_empty() && *name == local)?;
    u8::try_from(index).ok()?.checked_add(FIRST_TOKEN)
}

/// Page 0, from 0x05; 0x30 is reserved.
const SYNCML: [&str; 56] = [
    "Add",
    "Alert",
    "Archive",
    "Atomic",
    "Chal",
    "Cmd",
    "CmdID",
    "CmdRef",
    "Copy",
    "Cred",
    "Data",
    "Delete",
    "Exec",
    "Final",
    "Get",
    "Item",
    "Lang",
    "LocName",
    "LocURI",
    "Map",
    "MapItem",
    "Meta",
    "MsgID",
    "MsgRef",
    "NoResp",
    "NoResults",
    "Put",
    "Replace",
    "RespURI",
    "Results",
    "Search",
    "Sequence",
    "SessionID",
    "SftDel",
    "Source",
    "SourceRef",
    "Status",
    "Sync",
    "SyncBody",
    "SyncHdr",
    "SyncML",
    "Target",
    "TargetRef",
    "",
    "VerDTD",
    "VerProto",
    "NumberOfChanges",
    "MoreData",
    "Field",
    "Filter",
    "Record",
    "FilterType",
    "SourceParent",
    "TargetParent",
    "Move",
    "Correlator",
];

/// Page 1, from 0x05.
const METINF_NAMES: [&str; 18] = [
    "Anchor",
    "EMI",
    "Format",
    "FreeID",
    "FreeMem",
    "Last",
    "Mark",
    "MaxMsgSize",
    "Mem",
    "MetInf",
    "Next",
    "NextNonce",
    "SharedMem",
    "Size",
    "Type",
    "Version",
    "MaxObjSize",
    "FieldLevel",
];

/// Page 2, from 0x05.
const DMDDF_NAMES: [&str; 56] = [
    "AccessType",
    "ACL",
    "Add",
    "b64",
    "bin",
    "bool",
    "chr",
    "CaseSense",
    "CIS",
    "Copy",
    "CS",
    "date",
    "DDFName",
    "DefaultValue",
    "Delete",
    "Description",
    "DFFormat",
    "DFProperties",
    "DFTitle",
    "DFType",
    "Dynamic",
    "Exec",
    "float",
    "Format",
    "Get",
    "int",
    "Man",
    "MgmtTree",
    "MIME",
    "Mod",
    "Name",
    "Node",
    "node",
    "NodeName",
    "null",
    "Occurrence",
    "One",
    "OneOrMore",
    "OneOrN",
    "Path",
    "Permanent",
    "Replace",
    "RTProperties",
    "Scope",
    "Size",
    "time",
    "Title",
    "TStamp",
    "Type",
    "Value",
    "VerDTD",
    "VerNo",
    "xml",
    "ZeroOrMore",
    "ZeroOrN",
    "ZeroOrOne",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, 0x05, SYNCML_1_2, "Add")]
    #[case(0, 0x1A, SYNCML_1_2, "Meta")]
    #[case(0, 0x2F, SYNCML_1_2, "TargetRef")]
    #[case(0, 0x31, SYNCML_1_2, "VerDTD")]
    #[case(0, 0x34, SYNCML_1_2, "MoreData")]
    #[case(0, 0x3C, SYNCML_1_2, "Correlator")]
    #[case(1, 0x05, METINF, "Anchor")]
    #[case(1, 0x10, METINF, "NextNonce")]
    #[case(1, 0x16, METINF, "FieldLevel")]
    #[case(2, 0x06, DMDDF, "ACL")]
    #[case(2, 0x1C, DMDDF, "Format")]
    #[case(2, 0x20, DMDDF, "MgmtTree")]
    #[case(2, 0x24, DMDDF, "Node")]
    #[case(2, 0x25, DMDDF, "node")]
    #[case(2, 0x2F, DMDDF, "RTProperties")]
    #[case(2, 0x36, DMDDF, "Value")]
    #[case(2, 0x3C, DMDDF, "ZeroOrOne")]
    fn tokens_are_those_of_the_tables(
        #[case] page: u8,
        #[case] token: u8,
        #[case] namespace: &'static str,
        #[case] name: &'static str,
    ) {
        let space = CodeSpace::of(&DocumentType::SyncMl12);
        assert_eq!(space.element(page, token), Some((Some(namespace), name)));
        assert_eq!(element_token(Some(namespace), name), Some((page, token)));
    }

    #[test]
    fn every_name_goes_to_its_token_and_back() {
        let space = CodeSpace::of(&DocumentType::SyncMl12);
        for page in 0..=u8::MAX {
            for token in 0..0x40 {
                if let Some((namespace, name)) = space.element(page, token) {
                    assert_eq!(element_token(namespace, name), Some((page, token)));
                }
            }
        }
        assert_eq!(space.element(0, 0x30), None, "0x30 is reserved");
        assert_eq!(space.element(0, 0x04), None);
    }
}
