//! XML to elements, in one pass. What would cost more than it is long is refused on the way.

use std::borrow::Cow;

use self::cursor::{Cursor, Qualified, syntax};
use self::namespaces::Namespaces;
use super::{Element, MAX_DOCUMENT, MAX_NODES, Node, XmlError, is_white_space};

mod cursor;
mod namespaces;
mod tags;

impl<'d> Element<'d> {
    /// Reads an XML document. A document type declaration that declares entities is refused, a plain one passed over.
    ///
    /// # Errors
    /// When the octets are not well-formed XML in UTF-8 within the limits of this module.
    pub fn parse(octets: &'d [u8]) -> Result<Self, XmlError> {
        if octets.len() > MAX_DOCUMENT {
            return Err(XmlError::Size { octets: octets.len() });
        }
        let text = std::str::from_utf8(octets).map_err(|error| XmlError::Encoding {
            at: error.valid_up_to(),
        })?;
        Reader::new(text).document()
    }
}

/// A document as far as it was read.
struct Reader<'d> {
    cursor: Cursor<'d>,
    namespaces: Namespaces<'d>,
    /// The elements around.
    open: Vec<Open<'d>>,
    /// What is in them so far, each behind what is in the one around it.
    children: Vec<Node<'d>>,
    /// Text of which more may follow.
    text: Option<Cow<'d, str>>,
    nodes: u32,
    attributes: usize,
}

/// An element whose end was not read yet.
struct Open<'d> {
    /// Its name as it is written.
    written: Qualified<'d>,
    element: Element<'d>,
    /// How many namespaces are declared outside of it.
    outside: usize,
    /// Where its children begin.
    from: usize,
    has_elements: bool,
}

impl<'d> Reader<'d> {
    fn new(text: &'d str) -> Self {
        Self {
            cursor: Cursor::new(text),
            namespaces: Namespaces::default(),
            open: Vec::new(),
            children: Vec::new(),
            text: None,
            // The document is one itself.
            nodes: 1,
            attributes: 0,
        }
    }

    fn document(mut self) -> Result<Element<'d>, XmlError> {
        self.declaration()?;
        self.beside_root()?;
        if self.cursor.is_at("<!DOCTYPE") {
            self.document_type()?;
            self.beside_root()?;
        }
        if self.cursor.is_at("<!DOCTYPE") {
            return Err(document_type_detected());
        }
        if self.cursor.octet() == Some(b'<') {
            self.start_tag()?;
            while !self.open.is_empty() && !self.cursor.is_at_end() {
                self.content()?;
            }
        }
        self.beside_root()?;
        if !self.cursor.is_at_end() {
            return Err(self.cursor.wrong(self.cursor.at, "unknown token"));
        }
        if !self.open.is_empty() {
            return Err(syntax("the root node was opened but never closed"));
        }
        match self.children.pop() {
            Some(Node::Element(root)) => Ok(root),
            _ => Err(syntax("the document does not have a root node")),
        }
    }

    /// The declaration of XML itself, if there is one (XML 1.0, 2.8).
    fn declaration(&mut self) -> Result<(), XmlError> {
        if self.cursor.is_at("\u{feff}") {
            self.cursor.at += "\u{feff}".len();
        }
        if !self.cursor.is_at("<?xml ") {
            return Ok(());
        }
        self.cursor.at += "<?xml".len();
        self.cursor.skip_spaces();
        if !self.cursor.is_at("version") {
            return self.cursor.expect_text("version");
        }
        self.declared()?;
        self.space_in_declaration()?;
        if self.cursor.is_at("encoding") {
            self.declared()?;
            self.space_in_declaration()?;
        }
        if self.cursor.is_at("standalone") {
            self.declared()?;
        }
        self.cursor.skip_spaces();
        self.cursor.expect_text("?>")
    }

    fn declared(&mut self) -> Result<(), XmlError> {
        self.cursor.qualified_name()?;
        self.equals()?;
        self.cursor.quoted()?;
        Ok(())
    }

    fn space_in_declaration(&mut self) -> Result<(), XmlError> {
        let is_over = self.cursor.is_at("?>") || self.cursor.is_at_end();
        if !self.cursor.is_at_space() && !is_over {
            return Err(self.cursor.instead("a whitespace", self.cursor.octet()));
        }
        self.cursor.skip_spaces();
        Ok(())
    }

    fn equals(&mut self) -> Result<(), XmlError> {
        self.cursor.skip_spaces();
        self.cursor.expect(b'=')?;
        self.cursor.skip_spaces();
        Ok(())
    }

    /// What may stand before and behind the root.
    fn beside_root(&mut self) -> Result<(), XmlError> {
        loop {
            self.cursor.skip_spaces();
            match self.cursor.octets() {
                [b'<', b'!', b'-', b'-', ..] => self.comment()?,
                [b'<', b'?', ..] => self.instruction()?,
                _ => return Ok(()),
            }
        }
    }

    /// Passes over a document type as SyncML itself has it. One that could declare entities is refused.
    fn document_type(&mut self) -> Result<(), XmlError> {
        let mut quote = None;
        let end = self.cursor.rest().bytes().position(|octet| match (quote, octet) {
            (None, b'"' | b'\'') => {
                quote = Some(octet);
                false
            }
            (Some(open), _) => {
                if octet == open {
                    quote = None;
                }
                false
            }
            (None, b'[' | b'>') => true,
            (None, _) => false,
        });
        let end = end.map(|length| self.cursor.at + length);
        match end.filter(|end| self.cursor.between(*end, end + 1) == ">") {
            Some(end) => {
                self.cursor.at = end + 1;
                Ok(())
            }
            None => Err(document_type_detected()),
        }
    }

    fn comment(&mut self) -> Result<(), XmlError> {
        let start = self.cursor.at;
        self.cursor.at += "<!--".len();
        let text = self.cursor.until("-->")?;
        if text.contains("--") || text.ends_with('-') {
            let place = self.cursor.place(start);
            return Err(syntax(format!("comment at {place} contains '--'")));
        }
        self.end_text();
        self.count()
    }

    fn instruction(&mut self) -> Result<(), XmlError> {
        if self.cursor.is_at("<?xml ") {
            return Err(self.cursor.wrong(self.cursor.at, "unexpected XML declaration"));
        }
        self.cursor.at += "<?".len();
        self.cursor.name()?;
        self.cursor.skip_spaces();
        self.cursor.until("?>")?;
        self.end_text();
        self.count()
    }

    /// One thing inside of an element.
    fn content(&mut self) -> Result<(), XmlError> {
        match self.cursor.octets() {
            [b'<', b'/', ..] => self.end_tag(),
            [b'<', b'?', ..] => self.instruction(),
            [b'<', b'!', b'-', b'-', ..] => self.comment(),
            [b'<', b'!', ..] if self.cursor.is_at("<![CDATA[") => self.unescaped_data(),
            [b'<', b'!', ..] | [b'<'] => Err(self.cursor.wrong(self.cursor.at, "unknown token")),
            [b'<', ..] => self.start_tag(),
            _ => {
                let text = self.cursor.character_data()?;
                self.push_text(text)
            }
        }
    }

    fn unescaped_data(&mut self) -> Result<(), XmlError> {
        self.cursor.at += "<![CDATA[".len();
        let text = self.cursor.until("]]>")?;
        let text = match text.contains('\r') {
            true => text.replace("\r\n", "\n").replace('\r', "\n").into(),
            false => text.into(),
        };
        self.push_text(text)
    }

    /// An element begins in the one that is open: what is only white space before it is layout.
    fn begin_element(&mut self) {
        if let Some(around) = self.open.last_mut()
            && !std::mem::replace(&mut around.has_elements, true)
        {
            let from = around.from;
            join_texts(&mut self.children, from, true);
        }
    }

    fn close(&mut self, mut open: Open<'d>) {
        if !open.has_elements {
            join_texts(&mut self.children, open.from, false);
        }
        self.namespaces.leave(open.outside);
        open.element.at.end = self.cursor.at;
        open.element.children = self.children.drain(open.from..).collect();
        self.children.push(Node::Element(open.element));
    }

    /// Text and what is written as `CDATA` are one text where nothing is between them.
    fn push_text(&mut self, more: Cow<'d, str>) -> Result<(), XmlError> {
        match &mut self.text {
            Some(text) => {
                text.to_mut().push_str(&more);
                Ok(())
            }
            None => {
                self.text = Some(more);
                self.count()
            }
        }
    }

    /// What comes next is no text.
    fn end_text(&mut self) {
        let Some(text) = self.text.take() else { return };
        let Some(around) = self.open.last() else { return };
        if !around.has_elements {
            self.children.push(Node::Text(text));
        } else if !is_white_space(&text) {
            push_joined(&mut self.children, around.from, text);
        }
    }

    fn count(&mut self) -> Result<(), XmlError> {
        if self.nodes >= MAX_NODES {
            return Err(syntax("nodes limit reached"));
        }
        self.nodes += 1;
        Ok(())
    }
}

/// Joins the texts before the first element, or of an element without any: comments may stand between them.
fn join_texts(children: &mut Vec<Node<'_>>, from: usize, drops_layout: bool) {
    if children.len() == from || (children.len() == from + 1 && !drops_layout) {
        return;
    }
    for node in children.split_off(from) {
        match node {
            Node::Text(text) if drops_layout && is_white_space(&text) => {}
            Node::Text(text) => push_joined(children, from, text),
            other => children.push(other),
        }
    }
}

/// Adds a text to the children from a place on, of which the last may be text already.
fn push_joined<'d>(children: &mut Vec<Node<'d>>, from: usize, text: Cow<'d, str>) {
    match children[from..].last_mut() {
        Some(Node::Text(before)) => before.to_mut().push_str(&text),
        _ => children.push(Node::Text(text)),
    }
}

fn document_type_detected() -> XmlError {
    syntax("XML with DTD detected")
}
