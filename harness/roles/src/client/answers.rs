//! What the mock client says of commands where a case has it say something else than its tree would.

use dmconform_case::test_case::FieldChange;
use dmconform_judge::from_root;
use dmconform_model::{Event, MessageId, Part, Role, Step};
use oma_dm::session::Device;
use oma_dm::syncml::{self, Command, StatusCode};
use oma_dm::tree::{self, Tree};

use crate::context::CaseContext;

/// The steps of DMS-1 that an exchange carried.
pub(super) fn carried(context: &CaseContext, exchange: u64) -> Vec<Step> {
    context.recorder.with(|observed| {
        let in_exchange = observed
            .occurrences
            .iter()
            .rev()
            .filter(|seen| seen.exchange == exchange);
        in_exchange
            .filter(|seen| seen.message.part == Part::Request && seen.from == Role::Dms1)
            .map(|seen| seen.message.step)
            .collect()
    })
}

/// The statuses that the case wants instead of what the tree would give.
pub(super) fn statuses(context: &CaseContext, exchange: u64) -> Vec<(Step, u16)> {
    let steps = carried(context, exchange).into_iter();
    steps
        .filter_map(|step| {
            let answer = MessageId::answer(step);
            let status = context.changes(answer).answer?;
            let change = format!("its status is {status}");
            context.recorder.record(Event::Changed {
                at: answer,
                exchange: Some(exchange),
                change,
            });
            Some((step, status))
        })
        .collect()
}

/// What becomes of the digest of the message with the Status for a step, and what that is called.
pub(super) fn changed_seal(
    context: &CaseContext,
    exchange: u64,
) -> (Option<FieldChange>, Option<(MessageId, String)>) {
    let steps = carried(context, exchange).into_iter();
    let changed = steps.map(MessageId::answer).find_map(|answer| {
        let changes = context.changes(answer);
        let mac = changes.fields.get("mac").cloned()?;
        Some((mac, (answer, changes.in_words().unwrap_or_default())))
    });
    changed.unzip()
}

/// Holds back the Status for a step where the case asks for it; false if it is not to be sent at all.
pub(super) async fn may_answer(context: &CaseContext, exchange: u64) -> bool {
    for step in carried(context, exchange) {
        let answer = MessageId::answer(step);
        let changes = context.changes(answer);
        if changes.delay {
            context.hold(answer).await;
        }
        if changes.omit {
            let change = "it is not sent".to_owned();
            context.recorder.record(Event::Changed {
                at: answer,
                exchange: Some(exchange),
                change,
            });
            context.hold(answer).await;
            return false;
        }
    }
    true
}

/// A tree of which the case overrides some answers.
pub(super) struct Overridden<'a> {
    pub(super) tree: &'a mut Tree,
    pub(super) context: &'a CaseContext,
    pub(super) statuses: Vec<(Step, u16)>,
}

impl Device for Overridden<'_> {
    fn execute(&mut self, server_id: &str, command: &Command) -> Vec<tree::Outcome> {
        let Some(&(_, status)) = self
            .statuses
            .iter()
            .find(|(step, _)| concerns(self.context, *step, command))
        else {
            return self.tree.execute(server_id, command);
        };
        let mut refused = Vec::new();
        refuse(command, StatusCode(status), &mut refused);
        refused
    }
}

/// Whether a command, or one inside of it, carries a step.
fn concerns(context: &CaseContext, step: Step, command: &Command) -> bool {
    let root = &context.profile().bootstrap_config.root;
    let at = |items: &[syncml::Item], test: &dyn Fn(&str) -> bool| {
        items.iter().any(|item| {
            item.target
                .as_deref()
                .is_some_and(|target| test(&from_root(target)))
        })
    };
    match (step, command) {
        (_, Command::Sequence(group) | Command::Atomic(group)) => {
            group.commands.iter().any(|inner| concerns(context, step, inner))
        }
        (Step::BootstrapEntry, Command::Add(edit) | Command::Replace(edit)) => {
            at(&edit.items, &|target| target.starts_with(root.as_str()))
        }
        (Step::AclUpdate, Command::Replace(edit)) => at(&edit.items, &|target| target.ends_with("?prop=ACL")),
        (Step::AccountRemoval, Command::Delete(_)) => true,
        _ => false,
    }
}

fn refuse(command: &Command, status: StatusCode, refused: &mut Vec<tree::Outcome>) {
    let outcome = |item: Option<usize>, target: Option<String>| tree::Outcome {
        command_id: command.id().to_owned(),
        command: command.name(),
        item,
        target,
        source: None,
        status,
        results: Vec::new(),
        items: Vec::new(),
    };
    match command {
        Command::Sequence(group) | Command::Atomic(group) => {
            refused.push(outcome(None, None));
            for inner in &group.commands {
                refuse(inner, status, refused);
            }
        }
        Command::Add(edit) | Command::Replace(edit) | Command::Delete(edit) => {
            refused.extend(
                edit.items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| outcome(Some(index), item.target.clone())),
            );
        }
        _ => refused.push(outcome(None, None)),
    }
}
