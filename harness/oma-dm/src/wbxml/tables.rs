//! The code pages: tokens and names of SyncML, MetInf, DM DDF and client provisioning (domain tables of the OMA documents).

use super::{DocumentType, UNKNOWN_NAMESPACE, provisioning};

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

    /// Page and token of an element, where it has one.
    pub(super) fn element_token(self, namespace: Option<&str>, local: &str) -> Option<(u8, u8)> {
        let (page, names) = match (self, namespace) {
            (_, Some(UNKNOWN_NAMESPACE)) => return unknown_token(local),
            (Self::SyncMl(_), Some(SYNCML_1_1 | SYNCML_1_2)) => (0, SYNCML.as_slice()),
            (Self::SyncMl(_), Some(METINF)) => (1, METINF_NAMES.as_slice()),
            (Self::SyncMl(_), Some(DMDDF)) => (2, DMDDF_NAMES.as_slice()),
            (Self::Provisioning, None) => (0, provisioning::ELEMENTS.as_slice()),
            _ => return None,
        };
        let index = names.iter().position(|name| !name.is_empty() && *name == local)?;
        let token = u8::try_from(index).ok()?.checked_add(FIRST_TOKEN)?;
        Some((page, token))
    }

    /// What an attribute's token stands for: its name, and its value where the token stands for that too.
    pub(super) fn attribute(self, page: u8, token: u8) -> Option<(&'static str, Option<&'static str>)> {
        let row = self
            .attributes()
            .find(|(of_page, of, _, _)| (*of_page, *of) == (page, token));
        row.map(|(_, _, name, value)| (name, value))
    }

    /// Page and token of an attribute, and whether the token stands for its value too. Of several pages the first is taken, as
    /// other writers do it.
    pub(super) fn attribute_token(self, name: &str, value: &str) -> Option<(u8, u8, bool)> {
        self.attributes()
            .filter(|(_, _, of, _)| *of == name)
            .filter(|(_, _, _, of)| of.is_none_or(|of| of == value))
            .min_by_key(|(page, _, _, of)| (of.is_none(), *page))
            .map(|(page, token, _, of)| (page, token, of.is_some()))
    }

    /// What an attribute value's token stands for.
    pub(super) fn attribute_value(self, page: u8, token: u8) -> Option<&'static str> {
        let row = self
            .attribute_values()
            .find(|(of_page, of, _)| (*of_page, *of) == (page, token));
        row.map(|(_, _, value)| value)
    }

    /// Page and token of an attribute's value.
    pub(super) fn attribute_value_token(self, value: &str) -> Option<(u8, u8)> {
        let row = self.attribute_values().find(|(_, _, of)| *of == value);
        row.map(|(page, token, _)| (page, token))
    }

    fn attributes(self) -> impl Iterator<Item = provisioning::AttributeRow> {
        (self == Self::Provisioning)
            .then(provisioning::attributes)
            .into_iter()
            .flatten()
    }

    fn attribute_values(self) -> impl Iterator<Item = (u8, u8, &'static str)> {
        (self == Self::Provisioning)
            .then(provisioning::values)
            .into_iter()
            .flatten()
    }

    /// Whether its documents have attributes.
    pub(super) fn has_attributes(self) -> bool {
        self == Self::Provisioning
    }
}

/// The name of a token that has none: `token-<page>-<token>`.
pub(super) fn unknown_name(page: u8, token: u8) -> String {
    format!("token-{page}-{token:02X}")
}

/// Page and token that such a name stands for.
fn unknown_token(name: &str) -> Option<(u8, u8)> {
    let (page, token) = name.strip_prefix("token-")?.split_once('-')?;
    let page = page.parse().ok()?;
    let token = u8::from_str_radix(token, 16).ok()?;
    let is_tag = (FIRST_TOKEN..0x40).contains(&token);
    (is_tag && unknown_name(page, token) == name).then_some((page, token))
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
    use std::collections::BTreeSet;

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
        assert_eq!(space.element_token(Some(namespace), name), Some((page, token)));
    }

    #[rstest]
    #[case(SYNCML_1_2_SPACE, 129)]
    #[case(CodeSpace::Provisioning, 3)]
    fn every_name_goes_to_its_token_and_back(#[case] space: CodeSpace, #[case] expected: usize) {
        let mut names = 0;
        for page in 0..=u8::MAX {
            for token in 0..0x40 {
                let Some((namespace, name)) = space.element(page, token) else {
                    assert_eq!(
                        unknown_token(&unknown_name(page, token)).is_some(),
                        token >= FIRST_TOKEN
                    );
                    continue;
                };
                if (space, page) == (CodeSpace::Provisioning, 1) {
                    assert_eq!(space.element(0, token), Some((namespace, name)));
                    continue;
                }
                assert_eq!(space.element_token(namespace, name), Some((page, token)));
                names += 1;
            }
        }
        assert_eq!(names, expected);
    }

    const SYNCML_1_2_SPACE: CodeSpace = CodeSpace::SyncMl(SYNCML_1_2);

    #[test]
    fn reserved_tokens_stand_for_nothing() {
        assert_eq!(SYNCML_1_2_SPACE.element(0, 0x30), None);
        assert_eq!(SYNCML_1_2_SPACE.element(0, 0x04), None);
        assert_eq!(SYNCML_1_2_SPACE.element(1, 0x17), None);
        assert_eq!(CodeSpace::Provisioning.element(1, 0x05), None);
        assert_eq!(CodeSpace::Provisioning.attribute(0, 0x4D), None);
    }

    #[rstest]
    #[case(0, 0x05, "name", None)]
    #[case(0, 0x06, "value", None)]
    #[case(0, 0x07, "name", Some("NAME"))]
    #[case(0, 0x22, "name", Some("TO-NAPID"))]
    #[case(0, 0x23, "name", Some("PORTNBR"))]
    #[case(0, 0x3F, "name", Some("PPGAUTH-TYPE"))]
    #[case(0, 0x45, "version", None)]
    #[case(0, 0x46, "version", Some("1.0"))]
    #[case(0, 0x4F, "name", Some("SPI"))]
    #[case(0, 0x50, "type", None)]
    #[case(0, 0x53, "type", Some("PORT"))]
    #[case(0, 0x5B, "type", Some("ACCESS"))]
    #[case(1, 0x05, "name", None)]
    #[case(1, 0x06, "value", None)]
    #[case(1, 0x07, "name", Some("NAME"))]
    #[case(1, 0x22, "name", Some("TO-NAPID"))]
    #[case(1, 0x23, "name", Some("PORTNBR"))]
    #[case(1, 0x24, "name", Some("SERVICE"))]
    #[case(1, 0x2E, "name", Some("AACCEPT"))]
    #[case(1, 0x30, "name", Some("AAUTHLEVEL"))]
    #[case(1, 0x32, "name", Some("AAUTHSECRET"))]
    #[case(1, 0x33, "name", Some("AAUTHTYPE"))]
    #[case(1, 0x36, "name", Some("APPID"))]
    #[case(1, 0x38, "name", Some("PROVIDER-ID"))]
    #[case(1, 0x3A, "name", Some("URI"))]
    #[case(1, 0x3B, "name", Some("RULE"))]
    #[case(1, 0x50, "type", None)]
    #[case(1, 0x53, "type", Some("PORT"))]
    #[case(1, 0x55, "type", Some("APPLICATION"))]
    #[case(1, 0x56, "type", Some("APPADDR"))]
    #[case(1, 0x57, "type", Some("APPAUTH"))]
    #[case(1, 0x59, "type", Some("RESOURCE"))]
    fn attribute_tokens_are_those_of_the_tables(
        #[case] page: u8,
        #[case] token: u8,
        #[case] name: &'static str,
        #[case] value: Option<&'static str>,
    ) {
        let space = CodeSpace::Provisioning;
        assert_eq!(space.attribute(page, token), Some((name, value)));
        let (page, token, is_whole) = space
            .attribute_token(name, value.unwrap_or("other"))
            .expect("the attribute has a token");
        assert_eq!(
            space.attribute(page, token),
            Some((name, value)),
            "on the first page that has it"
        );
        assert_eq!(is_whole, value.is_some());
    }

    #[test]
    fn no_two_tokens_of_provisioning_are_the_same() {
        let attributes: BTreeSet<_> = provisioning::attributes()
            .map(|(page, token, _, _)| (page, token))
            .collect();
        assert_eq!(attributes.len(), provisioning::attributes().count());
        assert!(attributes.iter().all(|(_, token)| *token < 0x80));
        let values: BTreeSet<_> = provisioning::values()
            .map(|(page, token, _)| (page, token))
            .collect();
        assert_eq!(values.len(), provisioning::values().count());
        assert!(values.iter().all(|(_, token)| *token >= 0x85));
    }
}
