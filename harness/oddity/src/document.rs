//! XML documents that say the same in another way.

use oma_dm::xml::{Element, Node};

use crate::{Oddities, Oddity};

/// The namespace of extensions that nobody knows.
const EXTENSION: &str = "urn:example:extension";

impl Oddities {
    /// A document between the servers; what is no XML stays as it is.
    pub fn document(&self, usual: Vec<u8>) -> Vec<u8> {
        let of_documents = [
            Oddity::DocumentsWithPrefix,
            Oddity::DocumentsWithExtensions,
            Oddity::DocumentsInAnotherOrder,
            Oddity::DocumentsWithLayout,
        ];
        if !of_documents.iter().any(|oddity| self.has(*oddity)) {
            return usual;
        }
        let Ok(mut root) = Element::parse(&usual) else {
            return usual;
        };
        if self.has(Oddity::DocumentsInAnotherOrder) {
            root.children.reverse();
        }
        let writer = Writer {
            prefix: self.has(Oddity::DocumentsWithPrefix).then_some("d"),
            is_extended: self.has(Oddity::DocumentsWithExtensions),
            is_laid_out: self.has(Oddity::DocumentsWithLayout),
        };
        writer.document(&root)
    }

    /// A SyncML message in XML; what is no XML stays as it is, and so does what would become longer than the other end takes
    /// (`MaxMsgSize`, in octets).
    pub fn syncml(&self, usual: Vec<u8>, longest: Option<u64>) -> Vec<u8> {
        if !self.has(Oddity::SyncmlWithLayout) {
            return usual;
        }
        let Ok(root) = Element::parse(&usual) else {
            return usual;
        };
        let writer = Writer {
            prefix: None,
            is_extended: false,
            is_laid_out: true,
        };
        let odd = writer.document(&root);
        match longest.is_some_and(|longest| odd.len() as u64 > longest) {
            true => usual,
            false => odd,
        }
    }
}

struct Writer {
    prefix: Option<&'static str>,
    is_extended: bool,
    is_laid_out: bool,
}

impl Writer {
    fn document(&self, root: &Element) -> Vec<u8> {
        let mut text = String::new();
        if self.is_laid_out {
            text.push_str("<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<!-- laid out -->\n");
        }
        self.element(&mut text, root, None, 0);
        if self.is_laid_out {
            text.push_str("\n<!-- and no more -->\n");
        }
        text.into_bytes()
    }

    fn element(&self, text: &mut String, element: &Element, inherited: Option<&str>, depth: usize) {
        let namespace = element.name.namespace.as_deref();
        let name = match self.prefix {
            Some(prefix) if namespace.is_some() => format!("{prefix}:{}", element.name.local),
            _ => element.name.local.to_string(),
        };
        text.push('<');
        text.push_str(&name);
        if namespace != inherited {
            let colon = if self.prefix.is_some() { ":" } else { "" };
            let prefix = self.prefix.unwrap_or_default();
            let value = escaped(namespace.unwrap_or_default());
            *text = format!("{text} xmlns{colon}{prefix}=\"{value}\"");
        }
        if self.is_extended && depth == 0 {
            *text = format!("{text} xmlns:e=\"{EXTENSION}\" e:mark=\"1\"");
        }
        text.push('>');
        let has_elements = element.elements().next().is_some();
        if self.is_extended && depth == 0 {
            text.push_str("<e:Before>accepted</e:Before>");
        }
        for node in &element.children {
            match node {
                Node::Element(child) => {
                    self.line(text, depth + 1);
                    self.element(text, child, namespace, depth + 1);
                }
                Node::Text(part) if has_elements && part.trim().is_empty() => {}
                Node::Text(part) => self.content(text, part),
                Node::Opaque(octets) => self.content(text, &String::from_utf8_lossy(octets)),
            }
        }
        if self.is_extended && depth == 0 {
            text.push_str("<e:After><e:Deep/></e:After>");
        }
        if has_elements {
            self.line(text, depth);
        }
        *text = format!("{text}</{name}>");
    }

    fn line(&self, text: &mut String, depth: usize) {
        if self.is_laid_out {
            *text = format!("{text}\n{}", "\t".repeat(depth));
        }
    }

    /// The first character as a reference, the rest as CDATA.
    fn content(&self, text: &mut String, part: &str) {
        let mut characters = part.chars();
        match characters.next() {
            Some(first) if self.is_laid_out && !part.contains("]]>") => {
                let rest = characters.as_str();
                *text = format!("{text}&#x{:X};<![CDATA[{rest}]]><!-- - -->", u32::from(first));
            }
            _ => text.push_str(&escaped(part)),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const USUAL: &[u8] =
        b"<Answer xmlns=\"urn:x\"><SessionID>a&amp;b</SessionID><Result>accepted</Result></Answer>";

    #[rstest]
    #[case::prefix(Oddity::DocumentsWithPrefix)]
    #[case::extensions(Oddity::DocumentsWithExtensions)]
    #[case::order(Oddity::DocumentsInAnotherOrder)]
    #[case::layout(Oddity::DocumentsWithLayout)]
    fn a_document_says_the_same_in_another_way(#[case] oddity: Oddity) {
        let odd = Oddities::new([oddity], 1).document(USUAL.to_vec());
        let text = String::from_utf8(odd.clone()).expect("it is UTF-8");
        assert_ne!(odd, USUAL);
        insta::with_settings!({snapshot_suffix => oddity.name()}, { insta::assert_snapshot!(text) });
        let read = Element::parse(&odd).expect("it is well-formed");
        assert_eq!(read.name, Element::parse(USUAL).expect("so is this").name);
        let value = |name| read.child(name).map(|child| child.text().into_owned());
        assert_eq!(value("SessionID").as_deref(), Some("a&b"));
        assert_eq!(value("Result").as_deref(), Some("accepted"));
    }

    #[test]
    fn what_is_no_xml_stays_as_it_is() {
        let all = Oddities::new(Oddity::ALL.iter().copied(), 1);
        assert_eq!(all.document(b"{}".to_vec()), b"{}");
        assert_eq!(
            all.syncml(b"\x02\xa4\x01\x6a".to_vec(), None),
            b"\x02\xa4\x01\x6a"
        );
    }

    #[test]
    fn a_message_in_another_layout_is_the_same_message_without_a_departure() {
        let usual = include_bytes!("../../../fixtures/messages/package-1.xml");
        let odd = Oddities::new([Oddity::SyncmlWithLayout], 1).syncml(usual.to_vec(), None);
        let [read_odd, read_usual] = [&odd, usual.as_slice()].map(|octets| {
            oma_dm::syncml::read(octets, oma_dm::syncml::Encoding::Xml).expect("it is a message")
        });
        assert_eq!(read_odd.message, read_usual.message);
        assert_eq!(read_odd.observations.len(), read_usual.observations.len());
        assert_ne!(odd, usual);
    }

    #[test]
    fn a_message_does_not_become_longer_than_the_other_end_takes() {
        let usual = include_bytes!("../../../fixtures/messages/package-1.xml");
        let longest = Some(usual.len() as u64);
        let odd = Oddities::new([Oddity::SyncmlWithLayout], 1).syncml(usual.to_vec(), longest);
        assert_eq!(odd, usual);
    }
}
