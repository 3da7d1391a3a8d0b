//! What is not as it should be between the messages of a session.

use std::fmt;

use crate::syncml::{AlertCode, StatusCode};

/// How strictly something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// It is compulsory.
    Must,
    /// It is recommended, or what to think of it is not certain.
    Should,
}

/// What is not as it should be (OMA-TS-DM_Protocol 6 to 9, OMA-TS-DM_RepPro 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Irregularity {
    /// A message where it is the other end's turn: a session begins with the client, and then they alternate.
    OutOfTurn,
    /// A message when the session was over: the server asked for nothing more, or ended it.
    AfterEnd,
    /// The session stops where the sender has to say something.
    BrokenOff,
    /// Another `SessionID` than before.
    SessionChanged {
        /// That of the session.
        expected: String,
        /// The one found.
        found: String,
    },
    /// A `MsgID` that the sender has used already.
    MessageIdReused(String),
    /// `Source` is not who the sender has been so far.
    SourceChanged {
        /// Who it has been.
        expected: String,
        /// The one found.
        found: String,
    },
    /// `Source` of a server is not what the client spoke to.
    OtherSource {
        /// What the client spoke to.
        expected: String,
        /// The one found.
        found: String,
    },
    /// `Target` is not the other end.
    WrongTarget {
        /// The other end, as it calls itself or asks to be called.
        expected: String,
        /// The one found.
        found: String,
    },

    /// A command, or the header, without a Status by the end of the package that answers it.
    MissingStatus {
        /// `MsgID` of its message.
        message: String,
        /// Its `CmdID`; `0` is the header.
        command: String,
        /// Its name.
        name: &'static str,
    },
    /// A second Status for something that has one.
    RepeatedStatus {
        /// `CmdRef`.
        command: String,
    },
    /// A `MsgRef` that is no message of the other end.
    UnknownMessage(String),
    /// A `CmdRef` that is no command of that message.
    UnknownCommand {
        /// `MsgRef`.
        message: String,
        /// `CmdRef`.
        command: String,
    },
    /// A `Cmd` that is not the name of the command.
    WrongName {
        /// Its name.
        expected: &'static str,
        /// `Cmd`.
        found: String,
    },
    /// A Status for a Status.
    StatusForStatus,
    /// A Status for Results that says that all is well.
    StatusForResults,
    /// A header refused for its credentials without a challenge.
    NoChallenge(StatusCode),
    /// More than Status in a message that refuses the other end.
    MoreThanRefusal(&'static str),

    /// Results of something that is no Get of the other end.
    ResultsWithoutGet,
    /// Results before the Status of their Get.
    ResultsBeforeStatus,
    /// Results of a Get that failed.
    ResultsOfFailure,
    /// A result without data, where more than the structure was asked for.
    ResultWithoutData,
    /// A Get that succeeded, without Results by the end of the package.
    MissingResults {
        /// `MsgID` of its message.
        message: String,
        /// Its `CmdID`.
        command: String,
    },

    /// A command that a client may not send, or not then.
    NotForClient(&'static str),
    /// An Alert that only the other end may send.
    WrongWay(AlertCode),
    /// Package 1 without Alert 1200 or 1201.
    MissingSessionAlert,
    /// The first message without some of the device information.
    MissingDeviceInfo(Vec<&'static str>),

    /// A command while the client's package is unfinished, or while commands before it are unanswered.
    TooEarly(&'static str),
    /// An unfinished package that is not asked to go on.
    NotAskedOn,
    /// The end of a package while the one that it answers is unfinished.
    FinalTooEarly,
    /// No `Final` in the last message of a package.
    MissingFinal,
    /// A command after the other end has ended the session.
    AfterAbort(&'static str),

    /// The first part of an object without its whole size.
    MissingSize,
    /// A further part of an object with a size.
    RepeatedSize,
    /// Something else where the next part of an object should be.
    Interrupted,
    /// Part of an object inside a group, which has to be in one message.
    PartInGroup(&'static str),
    /// `Final` beside a part of an object that goes on.
    FinalWithPart,
    /// A part of an object that was taken, but not with 213.
    PartTakenWith(StatusCode),
    /// Parts that do not add up to the size that was announced, in octets.
    WrongSize {
        /// The size announced.
        announced: u64,
        /// The size sent.
        sent: u64,
    },
    /// An object of the wrong size was taken.
    WrongSizeTaken(StatusCode),
}

impl Irregularity {
    /// A name that stays the same, to be quoted in findings: `missing-status`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfTurn => "out-of-turn",
            Self::AfterEnd => "after-end",
            Self::BrokenOff => "broken-off",
            Self::SessionChanged { .. } => "session-changed",
            Self::MessageIdReused(_) => "reused-msg-id",
            Self::SourceChanged { .. } => "source-changed",
            Self::OtherSource { .. } => "other-source",
            Self::WrongTarget { .. } => "wrong-target",
            Self::MissingStatus { .. } => "missing-status",
            Self::RepeatedStatus { .. } => "repeated-status",
            Self::UnknownMessage(_) => "unknown-msg-ref",
            Self::UnknownCommand { .. } => "unknown-cmd-ref",
            Self::WrongName { .. } => "wrong-cmd",
            Self::StatusForStatus => "status-for-status",
            Self::StatusForResults => "status-for-results",
            Self::NoChallenge(_) => "no-challenge",
            Self::MoreThanRefusal(_) => "more-than-refusal",
            Self::ResultsWithoutGet => "results-without-get",
            Self::ResultsBeforeStatus => "results-before-status",
            Self::ResultsOfFailure => "results-of-failure",
            Self::ResultWithoutData => "missing-data",
            Self::MissingResults { .. } => "missing-results",
            Self::NotForClient(_) => "not-for-client",
            Self::WrongWay(_) => "alert-wrong-way",
            Self::MissingSessionAlert => "missing-session-alert",
            Self::MissingDeviceInfo(_) => "missing-device-info",
            Self::TooEarly(_) => "command-too-early",
            Self::NotAskedOn => "not-asked-on",
            Self::FinalTooEarly => "final-too-early",
            Self::MissingFinal => "missing-final",
            Self::AfterAbort(_) => "command-after-abort",
            Self::MissingSize => "part-without-size",
            Self::RepeatedSize => "part-with-size",
            Self::Interrupted => "part-interrupted",
            Self::PartInGroup(_) => "part-in-group",
            Self::FinalWithPart => "final-with-part",
            Self::PartTakenWith(_) => "part-not-213",
            Self::WrongSize { .. } => "wrong-size",
            Self::WrongSizeTaken(_) => "wrong-size-taken",
        }
    }

    /// Where the rule is written.
    pub const fn section(&self) -> &'static str {
        match self {
            Self::OutOfTurn
            | Self::AfterEnd
            | Self::BrokenOff
            | Self::SessionChanged { .. }
            | Self::MessageIdReused(_)
            | Self::SourceChanged { .. }
            | Self::OtherSource { .. }
            | Self::WrongTarget { .. }
            | Self::NotForClient(_) => "OMA-TS-DM_Protocol 8",
            Self::MissingSessionAlert | Self::MissingDeviceInfo(_) => "OMA-TS-DM_Protocol 8.3",
            Self::MissingResults { .. } => "OMA-TS-DM_Protocol 8.5",
            Self::AfterAbort(_) => "OMA-TS-DM_Protocol 8.1.2",
            Self::NoChallenge(_) | Self::MoreThanRefusal(_) => "OMA-TS-DM_Protocol 9.1",
            Self::MissingStatus { .. }
            | Self::RepeatedStatus { .. }
            | Self::UnknownMessage(_)
            | Self::UnknownCommand { .. }
            | Self::WrongName { .. }
            | Self::StatusForStatus => "OMA-TS-DM_RepPro 6.5",
            Self::StatusForResults => "OMA-TS-DM_RepPro 6.5.1",
            Self::ResultWithoutData => "OMA-TS-DM_RepPro 6.3.2",
            Self::ResultsWithoutGet | Self::ResultsBeforeStatus | Self::ResultsOfFailure => {
                "OMA-TS-DM_RepPro 6.6.12"
            }
            Self::WrongWay(_) => "OMA-TS-DM_RepPro 7",
            Self::TooEarly(_)
            | Self::NotAskedOn
            | Self::FinalTooEarly
            | Self::MissingFinal
            | Self::PartInGroup(_) => "OMA-TS-DM_Protocol 6",
            Self::MissingSize
            | Self::RepeatedSize
            | Self::Interrupted
            | Self::FinalWithPart
            | Self::PartTakenWith(_)
            | Self::WrongSize { .. }
            | Self::WrongSizeTaken(_) => "OMA-TS-DM_Protocol 7",
        }
    }

    /// How strictly it is asked for.
    pub const fn strength(&self) -> Strength {
        match self {
            // No specification has a time limit, and none says how alike addresses of a server have to be.
            Self::BrokenOff | Self::OtherSource { .. } | Self::AfterAbort(_) => Strength::Should,
            _ => Strength::Must,
        }
    }
}

impl fmt::Display for Irregularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfTurn => f.write_str("it is the other end's turn"),
            Self::AfterEnd => f.write_str("the session is over"),
            Self::BrokenOff => f.write_str("nothing follows, where an answer is due"),
            Self::SessionChanged { expected, found } => {
                write!(f, "SessionID is `{found}`, in a session `{expected}`")
            }
            Self::MessageIdReused(id) => write!(f, "MsgID `{id}` is used twice"),
            Self::SourceChanged { expected, found } => {
                write!(f, "Source is `{found}`, where it was `{expected}`")
            }
            Self::OtherSource { expected, found } => {
                write!(f, "Source is `{found}`, where `{expected}` was spoken to")
            }
            Self::WrongTarget { expected, found } => {
                write!(f, "Target is `{found}`, where the other end is `{expected}`")
            }
            Self::MissingStatus {
                message,
                command,
                name,
            } => {
                write!(f, "no Status for {name} (CmdID {command}) of message {message}")
            }
            Self::RepeatedStatus { command } => write!(f, "CmdID {command} has a Status already"),
            Self::UnknownMessage(message) => write!(f, "MsgRef `{message}` is no message of the other end"),
            Self::UnknownCommand { message, command } => {
                write!(f, "CmdRef `{command}` is no command of message `{message}`")
            }
            Self::WrongName { expected, found } => {
                write!(f, "Cmd is `{found}`, where the command is {expected}")
            }
            Self::StatusForStatus => f.write_str("a Status is answered with a Status"),
            Self::StatusForResults => f.write_str("Results that are well are answered with a Status"),
            Self::NoChallenge(code) => write!(f, "{code} for the header comes without Chal"),
            Self::MoreThanRefusal(name) => write!(f, "{name} goes with a refusal, which has Status only"),
            Self::ResultsWithoutGet => f.write_str("Results refer to no Get of the other end"),
            Self::ResultsBeforeStatus => f.write_str("Results come before the Status of their Get"),
            Self::ResultsOfFailure => f.write_str("Results are of a Get that failed"),
            Self::ResultWithoutData => f.write_str("an item of `Results` has no `Data`"),
            Self::MissingResults { message, command } => {
                write!(
                    f,
                    "no Results for the Get (CmdID {command}) of message {message}, which succeeded"
                )
            }
            Self::NotForClient(name) => write!(f, "{name} is not for a client to send here"),
            Self::WrongWay(code) => write!(f, "Alert {code} is for the other end to send"),
            Self::MissingSessionAlert => f.write_str("package 1 has neither Alert 1200 nor 1201"),
            Self::MissingDeviceInfo(nodes) => {
                write!(f, "the first message lacks {} of DevInfo", nodes.join(", "))
            }
            Self::TooEarly(name) => write!(f, "{name} comes before what is due first"),
            Self::NotAskedOn => f.write_str("no Alert 1222 asks for the rest of the package"),
            Self::FinalTooEarly => f.write_str("the package ends before the one that it answers"),
            Self::MissingFinal => f.write_str("Final is missing in the last message of a package"),
            Self::AfterAbort(name) => write!(f, "{name} comes although the other end ended the session"),
            Self::MissingSize => f.write_str("the first part of an object lacks its Size"),
            Self::RepeatedSize => f.write_str("a further part of an object has a Size"),
            Self::Interrupted => f.write_str("the next part of the object does not come next"),
            Self::PartInGroup(name) => write!(f, "a part of an object is inside {name}"),
            Self::FinalWithPart => f.write_str("Final stands beside a part of an object that goes on"),
            Self::PartTakenWith(code) => write!(f, "a part of an object is answered {code}, not 213"),
            Self::WrongSize { announced, sent } => {
                write!(f, "an object of {announced} octets comes with {sent}")
            }
            Self::WrongSizeTaken(code) => write!(f, "an object of the wrong size is answered {code}"),
        }
    }
}
