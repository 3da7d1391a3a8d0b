//! What became of a command.

use crate::syncml::{Command, Item, StatusCode};

/// What became of a command, or of one of its items.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `CmdID` of the command: the one executed, or one inside of it.
    pub command_id: String,
    /// Its name, as for `Cmd` of the Status.
    pub command: &'static str,
    /// Which item, from 0; nothing when the command as a whole is meant.
    pub item: Option<usize>,
    /// Target of the item, as for `TargetRef`.
    pub target: Option<String>,
    /// Source of the item, as for `SourceRef`.
    pub source: Option<String>,
    /// What to answer.
    pub status: StatusCode,
    /// What a Get found.
    pub results: Vec<Item>,
    /// What a user entered or chose, as the items of the Status.
    pub items: Vec<Item>,
}

/// What came of a question to the user (OMA-TS-DM_RepPro 7).
#[derive(Clone, Debug, PartialEq)]
pub struct UserAnswer {
    /// 200 for yes, or that it was shown; 304 for no; 214 when the user cancelled; 408 when he did not answer; 416 when it cannot
    /// be shown.
    pub code: StatusCode,
    /// What the user entered or chose, each as data.
    pub items: Vec<Item>,
}

impl UserAnswer {
    /// There is no user interface (406).
    pub const NO_USER_INTERFACE: Self = Self::of(StatusCode::OPTIONAL_FEATURE_NOT_SUPPORTED);

    /// An answer of a code only.
    pub const fn of(code: StatusCode) -> Self {
        Self {
            code,
            items: Vec::new(),
        }
    }
}

fn members(command: &Command) -> &[Command] {
    match command {
        Command::Atomic(group) | Command::Sequence(group) => &group.commands,
        _ => &[],
    }
}

/// The outcome of a command as a whole.
pub(super) fn whole(command: &Command, status: StatusCode) -> Outcome {
    Outcome {
        command_id: command.id().to_owned(),
        command: command.name(),
        item: None,
        target: None,
        source: None,
        status,
        results: Vec::new(),
        items: Vec::new(),
    }
}

/// The same outcome for a command and all it holds. Without recursion, since it is for what is nested too deep, too.
pub(super) fn all_as(command: &Command, status: StatusCode) -> Vec<Outcome> {
    all_as_with_members(command, status, status)
}

/// One outcome for a command, another for all it holds.
pub(super) fn all_as_with_members(
    command: &Command,
    status: StatusCode,
    of_members: StatusCode,
) -> Vec<Outcome> {
    let mut outcomes = vec![whole(command, status)];
    let mut waiting: Vec<_> = members(command).iter().rev().collect();
    while let Some(member) = waiting.pop() {
        outcomes.push(whole(member, of_members));
        waiting.extend(members(member).iter().rev());
    }
    outcomes
}
