//! Octets to numbers and texts, and what stands before the body of a document.

use super::{DocumentType, Problem, WbxmlError};

/// The public identifier as it stands before the string table that it may refer to.
pub(super) enum PublicId {
    Number(u32),
    InTable { offset: u32, at: usize },
}

impl PublicId {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WbxmlError> {
        match reader.number()? {
            0 => {
                let at = reader.at;
                Ok(Self::InTable {
                    offset: reader.number()?,
                    at,
                })
            }
            number => Ok(Self::Number(number)),
        }
    }

    pub(super) fn resolve(self, strings: &mut Strings<'_>) -> Result<DocumentType, WbxmlError> {
        match self {
            Self::Number(number) => Ok(DocumentType::from_number(number)),
            Self::InTable { offset, at } => Ok(DocumentType::from_text(&strings.at(offset, at)?)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum CharacterSet {
    Utf8,
    Latin1,
}

impl CharacterSet {
    /// IANA's MIBenum numbers; 0 means that the transport told, and it tells UTF-8 unless it says otherwise.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WbxmlError> {
        let at = reader.at;
        match reader.number()? {
            0 | 3 | 106 => Ok(Self::Utf8),
            4 => Ok(Self::Latin1),
            other => Err(problem(at, Problem::CharacterSet(other))),
        }
    }

    pub(super) fn text(self, octets: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(octets).ok().map(str::to_owned),
            Self::Latin1 => Some(octets.iter().copied().map(char::from).collect()),
        }
    }
}

/// The string table.
pub(super) struct Strings<'a> {
    table: &'a [u8],
    pub(super) character_set: CharacterSet,
    expansion_left: usize,
}

impl<'a> Strings<'a> {
    /// Reads the table. Each reference costs two octets, and may stand for as much text as the table is long.
    pub(super) fn read(reader: &mut Reader<'a>, character_set: CharacterSet) -> Result<Self, WbxmlError> {
        Ok(Self {
            table: reader.counted()?,
            character_set,
            expansion_left: 64 * 1024 + 8 * reader.octets.len(),
        })
    }

    /// Whether the last string lacks its terminator.
    pub(super) fn is_cut(&self) -> bool {
        self.table.last().is_some_and(|octet| *octet != 0)
    }

    /// The string that begins at `offset`; `at` is where it is referred to.
    pub(super) fn at(&mut self, offset: u32, at: usize) -> Result<String, WbxmlError> {
        let outside = || {
            problem(
                at,
                Problem::StringTable {
                    offset,
                    length: self.table.len(),
                },
            )
        };
        let start = usize::try_from(offset).map_err(|_| outside())?;
        let from = self
            .table
            .get(start..)
            .filter(|from| !from.is_empty())
            .ok_or_else(outside)?;
        // The last string of a table may lack its terminator.
        let octets = from.split(|octet| *octet == 0).next().unwrap_or_default();
        let text = self
            .character_set
            .text(octets)
            .ok_or_else(|| problem(at, Problem::Text))?;
        self.expansion_left = self
            .expansion_left
            .checked_sub(octets.len())
            .ok_or_else(|| problem(at, Problem::Expansion))?;
        Ok(text)
    }
}

pub(super) struct Reader<'a> {
    pub(super) octets: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn octet(&mut self) -> Result<u8, WbxmlError> {
        let octet = self.octets.get(self.at).copied().ok_or_else(|| self.end())?;
        self.at += 1;
        Ok(octet)
    }

    /// `mb_u_int32`: seven bits in an octet, the highest bit says that more follow.
    pub(super) fn number(&mut self) -> Result<u32, WbxmlError> {
        let at = self.at;
        let mut number: u32 = 0;
        for _ in 0..5 {
            let octet = self.octet()?;
            if number >> 25 != 0 {
                return Err(problem(at, Problem::Number));
            }
            number = (number << 7) | u32::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(problem(at, Problem::Number))
    }

    /// A length and that many octets, which must be there.
    pub(super) fn counted(&mut self) -> Result<&'a [u8], WbxmlError> {
        let length = usize::try_from(self.number()?).map_err(|_| self.end())?;
        let end = self.at.checked_add(length).ok_or_else(|| self.end())?;
        let octets = self.octets.get(self.at..end).ok_or_else(|| self.end())?;
        self.at = end;
        Ok(octets)
    }

    /// Octets up to a zero, which is taken too.
    pub(super) fn terminated(&mut self) -> Result<&'a [u8], WbxmlError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|octet| *octet == 0)
            .ok_or_else(|| self.end())?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn end(&self) -> WbxmlError {
        problem(self.octets.len(), Problem::End)
    }
}

pub(super) fn problem(at: usize, problem: Problem) -> WbxmlError {
    WbxmlError { at, problem }
}
