//! Draws sequence diagrams: as plain text, in the language of Mermaid, as SVG.

pub mod mermaid;
pub mod svg;
pub mod text;
