//! The procedure: steps, roles, the partial order and the equalities, as `cases/procedure/*.yaml` states them.

use std::collections::BTreeSet;

use dmconform_model::{MessageId, Part, RequirementId, Role, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::field::FieldRef;
use crate::schema::names;
use crate::test_case::Opener;

/// The procedure that every case is a variation of (Figure 2 of the change request).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Procedure {
    /// Its short name.
    pub procedure: String,
    /// Its title.
    pub title: String,
    /// The figure and text it is taken from.
    pub source: String,
    /// The steps, in the order of the figure.
    pub steps: Vec<ProcedureStep>,
    /// What must precede what.
    pub order: Vec<OrderRule>,
    /// What must be equal.
    pub equal: Vec<Equality>,
}

/// One step of the procedure: an exchange of a request and an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProcedureStep {
    /// Its number.
    #[schemars(with = "names::Step")]
    pub step: Step,
    /// What the step is called.
    pub name: String,
    /// Who sends its request.
    pub from: Party,
    /// Who answers it.
    pub to: Party,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// The requirement that is broken when the request does not come.
    #[schemars(with = "Option<names::RequirementId>")]
    pub presence: Option<RequirementId>,
    /// The messages after which its sender goes on to it, when nothing is changed.
    #[serde(default)]
    #[schemars(with = "Vec<names::Message>")]
    pub after: Vec<MessageId>,
    /// What the request carries.
    #[serde(default)]
    pub carries: Vec<String>,
    /// The answer.
    pub answer: Answer,
}

/// The answer of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// What it is called.
    pub name: String,
    /// The requirement that is broken when it does not come, or is a refusal.
    #[serde(default)]
    #[schemars(with = "Option<names::RequirementId>")]
    pub presence: Option<RequirementId>,
    /// What it carries.
    #[serde(default)]
    pub carries: Vec<String>,
}

/// Who takes part in a step: a role, or whoever opens the delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The server that opens the delegation.
    Opener,
    /// The other server.
    Answerer,
    /// The DM Client.
    DmClient,
    /// The delegating server.
    #[serde(rename = "dms-1")]
    Dms1,
    /// The delegated server.
    #[serde(rename = "dms-2")]
    Dms2,
    /// The Bootstrap Server.
    BootstrapServer,
}

impl Party {
    /// The role meant, given who opens.
    pub const fn role(self, opener: Opener) -> Role {
        match (self, opener) {
            (Self::Opener, Opener::Dms1) | (Self::Answerer, Opener::Dms2) | (Self::Dms1, _) => Role::Dms1,
            (Self::Opener, Opener::Dms2) | (Self::Answerer, Opener::Dms1) | (Self::Dms2, _) => Role::Dms2,
            (Self::DmClient, _) => Role::DmClient,
            (Self::BootstrapServer, _) => Role::BootstrapServer,
        }
    }
}

/// One message must not be sent before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OrderRule {
    /// What comes first.
    #[schemars(with = "names::Message")]
    pub first: MessageId,
    /// What must not precede it; its sender is to blame.
    #[schemars(with = "names::Message")]
    pub then: MessageId,
    /// The requirement that says so.
    #[schemars(with = "names::RequirementId")]
    pub requirement: RequirementId,
    /// The rule holds only where this optional step takes place.
    #[serde(default)]
    #[schemars(with = "Option<names::Step>")]
    pub where_done: Option<Step>,
}

/// Values that must be the same wherever they are carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Equality {
    /// A short name, such as `E1`.
    pub name: String,
    /// The value that the others are compared with.
    #[schemars(with = "names::Field")]
    pub reference: FieldRef,
    /// What must equal it; the sender of the message is to blame. A message that does not carry the field
    /// is not compared.
    pub fields: Vec<EqualField>,
}

/// One value that must equal the reference of its equality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EqualField {
    /// The value.
    #[schemars(with = "names::Field")]
    pub field: FieldRef,
    /// The requirement that says so.
    #[schemars(with = "names::RequirementId")]
    pub requirement: RequirementId,
    /// How it has to agree with the reference.
    #[serde(default, skip_serializing_if = "Relation::is_same")]
    pub relation: Relation,
}

/// How the values of a field have to agree with those of its reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// They are the same. Nodes of the device's tree are the same as the parts of it that they are in: none is outside, and something
    /// of each part is there.
    #[default]
    Same,
    /// Those of the reference are there, and others may be.
    Includes,
    /// They are nodes within those of the reference, whether all of these are reached or not.
    Within,
}

impl Relation {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_same(&self) -> bool {
        *self == Self::Same
    }
}

impl Procedure {
    /// A step, if the procedure has it.
    pub fn step(&self, step: Step) -> Option<&ProcedureStep> {
        self.steps.iter().find(|candidate| candidate.step == step)
    }

    /// Who sends a message.
    pub fn sender(&self, message: MessageId, opener: Opener) -> Option<Role> {
        let step = self.step(message.step)?;
        Some(match message.part {
            Part::Request => step.from.role(opener),
            Part::Answer => step.to.role(opener),
        })
    }

    /// Who receives a message.
    pub fn receiver(&self, message: MessageId, opener: Opener) -> Option<Role> {
        let step = self.step(message.step)?;
        Some(match message.part {
            Part::Request => step.to.role(opener),
            Part::Answer => step.from.role(opener),
        })
    }

    /// The name of a message.
    pub fn name(&self, message: MessageId) -> &str {
        let Some(step) = self.step(message.step) else {
            return "message";
        };
        match message.part {
            Part::Request => &step.name,
            Part::Answer => &step.answer.name,
        }
    }

    /// The requirement that is broken when a message does not come.
    pub fn presence(&self, message: MessageId) -> Option<&RequirementId> {
        let step = self.step(message.step)?;
        match message.part {
            Part::Request => step.presence.as_ref(),
            Part::Answer => step.answer.presence.as_ref(),
        }
    }

    /// The messages after which the sender of a message goes on to it.
    ///
    /// `with_removal` says whether step 8b takes place; where it does not, whatever waits for it waits for what
    /// it would have waited for.
    pub fn predecessors(&self, message: MessageId, with_removal: bool) -> BTreeSet<MessageId> {
        let mut found = BTreeSet::new();
        self.is_after_all(message, with_removal, &mut |before| {
            found.insert(before);
            true
        });
        found
    }

    /// Whether something holds for all of [`Self::predecessors`].
    pub fn is_after_all(
        &self,
        message: MessageId,
        with_removal: bool,
        holds: &mut dyn FnMut(MessageId) -> bool,
    ) -> bool {
        self.is_after_all_of(message, with_removal, &mut BTreeSet::new(), holds)
    }

    /// Goes back over each optional step once: a procedure that a transcript brings along may go round in circles.
    fn is_after_all_of(
        &self,
        message: MessageId,
        with_removal: bool,
        passed: &mut BTreeSet<Step>,
        holds: &mut dyn FnMut(MessageId) -> bool,
    ) -> bool {
        if message.part == Part::Answer {
            return holds(MessageId::request(message.step));
        }
        let after = self.step(message.step).map_or(&[][..], |step| &step.after);
        after.iter().all(|&after| {
            let skipped = !with_removal && self.step(after.step).is_some_and(|step| step.optional);
            match skipped {
                true if !passed.insert(after.step) => true,
                true => self.is_after_all_of(MessageId::request(after.step), with_removal, passed, holds),
                false => holds(after),
            }
        })
    }

    /// Every message in the order of the figure, leaving out optional steps that do not take place.
    pub fn messages(&self, with_removal: bool) -> impl Iterator<Item = MessageId> {
        self.steps
            .iter()
            .filter(move |step| with_removal || !step.optional)
            .flat_map(|step| [MessageId::request(step.step), MessageId::answer(step.step)])
    }
}
