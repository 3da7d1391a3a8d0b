//! A message in the making that knows how much more the other end takes (`MaxMsgSize`, OMA-TS-DM_Protocol 6).

use std::sync::LazyLock;

use super::body::alert;
use crate::syncml::{self, AlertCode, Command, Encoding, Header, Message};

/// How messages are measured: the encoding they will have, and the most octets that the other end takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) encoding: Encoding,
    pub(super) limit: Option<u64>,
}

/// A message in the making.
pub(super) struct Packer {
    message: Message,
    encoding: Encoding,
    /// Nothing where anything fits.
    limit: Option<usize>,
    /// Octets so far, with room for the Alert that asks on and for Final.
    used: usize,
    /// Octets of a message without commands, to measure commands with.
    empty: usize,
    numbered: u32,
}

impl Packer {
    pub(super) fn new(header: Header, measure: Measure) -> Self {
        let Measure { encoding, limit } = measure;
        let message = Message {
            header,
            commands: Vec::new(),
            is_final: true,
        };
        let mut packer = Self {
            message,
            encoding,
            limit: limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            used: 0,
            empty: 0,
            numbered: 0,
        };
        if packer.limit.is_some() {
            let always = Always::of(encoding);
            packer.empty = always.empty;
            packer.used = size(&packer.message, encoding) + always.ask;
        }
        packer
    }

    /// Octets that the other end would take besides what is in the message already.
    pub(super) fn room(&self) -> usize {
        self.limit
            .map_or(usize::MAX, |limit| limit.saturating_sub(self.used))
    }

    /// Whether there is room for all of these.
    pub(super) fn fits(&self, commands: &[Command]) -> bool {
        self.limit.is_none() || self.cost(commands) <= self.room()
    }

    /// Adds a command, with identifiers for it and its members, whether it fits or not.
    pub(super) fn push(&mut self, mut command: Command) -> &Command {
        number(&mut self.numbered, &mut command);
        if self.limit.is_some() {
            self.used += self.cost_as_is(std::slice::from_ref(&command));
        }
        self.message.commands.push(command);
        self.message.commands.last().expect("one was just added")
    }

    /// Adds all of these if there is room for them; gives them back if not.
    pub(super) fn try_push(&mut self, mut commands: Vec<Command>) -> Result<(), Vec<Command>> {
        let mut numbered = self.numbered;
        commands
            .iter_mut()
            .for_each(|command| number(&mut numbered, command));
        if self.limit.is_some() {
            let measured = closed(commands);
            let cost = size(&measured, self.encoding).saturating_sub(self.empty);
            commands = measured.commands;
            if cost > self.room() {
                return Err(commands);
            }
            self.used += cost;
        }
        self.numbered = numbered;
        self.message.commands.append(&mut commands);
        Ok(())
    }

    /// The encoding that the message will have.
    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The commands so far.
    pub(super) fn commands(&self) -> &[Command] {
        &self.message.commands
    }

    pub(super) fn finish(mut self, is_final: bool) -> Message {
        self.message.is_final = is_final;
        self.message
    }

    fn cost(&self, commands: &[Command]) -> usize {
        let mut numbered = self.numbered;
        let mut commands = commands.to_vec();
        commands
            .iter_mut()
            .for_each(|command| number(&mut numbered, command));
        self.cost_as_is(&commands)
    }

    fn cost_as_is(&self, commands: &[Command]) -> usize {
        size(&closed(commands.to_vec()), self.encoding).saturating_sub(self.empty)
    }
}

/// What is as long in every message of an encoding, in octets.
#[derive(Clone, Copy)]
struct Always {
    /// A message without commands.
    empty: usize,
    /// The Alert that asks on.
    ask: usize,
}

impl Always {
    fn of(encoding: Encoding) -> Self {
        static XML: LazyLock<Always> = LazyLock::new(|| Always::measured(Encoding::Xml));
        static WBXML: LazyLock<Always> = LazyLock::new(|| Always::measured(Encoding::Wbxml));
        match encoding {
            Encoding::Xml => *XML,
            Encoding::Wbxml => *WBXML,
        }
    }

    fn measured(encoding: Encoding) -> Self {
        let ask = alert(AlertCode::NEXT_MESSAGE, Vec::new()).with_id(u32::MAX.to_string());
        let empty = size(&closed(Vec::new()), encoding);
        Self {
            empty,
            ask: size(&closed(vec![ask]), encoding).saturating_sub(empty),
        }
    }
}

fn closed(commands: Vec<Command>) -> Message {
    Message {
        commands,
        is_final: true,
        ..Message::default()
    }
}

fn number(numbered: &mut u32, command: &mut Command) {
    *numbered += 1;
    command.set_id(numbered.to_string());
    if let Command::Atomic(group) | Command::Sequence(group) = command {
        group
            .commands
            .iter_mut()
            .for_each(|member| number(numbered, member));
    }
}

fn size(message: &Message, encoding: Encoding) -> usize {
    syncml::write(message, encoding).len()
}
