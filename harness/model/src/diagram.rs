//! Sequence diagrams as data: what is drawn, whatever draws it.

use crate::Role;

/// A sequence diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// Its title.
    pub title: String,
    /// The lifelines, from left to right.
    pub lifelines: Vec<Lifeline>,
    /// What passes, from top to bottom.
    pub lines: Vec<Line>,
}

/// A role in a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifeline {
    /// The role.
    pub role: Role,
    /// Whether it is judged; absent where the diagram is of no case.
    pub judged: Option<bool>,
}

/// One line of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A message.
    Arrow {
        /// Who sends it.
        from: Role,
        /// Who receives it.
        to: Role,
        /// Its number and name.
        label: String,
        /// Whether it is an answer.
        answer: bool,
        /// Whether it is kept from coming.
        omitted: bool,
    },
    /// A remark over some lifelines.
    Note {
        /// The outermost lifelines it is about.
        over: (Role, Role),
        /// What it says.
        text: String,
    },
    /// An optional step begins.
    OptionBegins(String),
    /// An optional step ends.
    OptionEnds,
}
