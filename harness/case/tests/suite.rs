//! The embedded suite can be read, and holds together.

use std::collections::{BTreeMap, BTreeSet};

use dmconform_case::suite::{PROCEDURE, PROFILE, REQUIREMENTS, embedded_files};
use dmconform_case::test_case::{Opener, What};
use dmconform_case::{Suite, ledger};
use dmconform_model::ledger::CheckKind;
use dmconform_model::{MessageId, RequirementId, Role, Step, Weight};

fn files() -> BTreeMap<&'static str, &'static str> {
    embedded_files().collect()
}

fn problems(files: &BTreeMap<&str, &str>) -> String {
    let problems =
        Suite::load(files.iter().map(|(name, text)| (*name, *text))).expect_err("the suite is broken");
    let texts: Vec<_> = problems.iter().map(|problem| problem.rendered.as_str()).collect();
    texts.join("\n\n")
}

#[test]
fn the_embedded_suite_is_readable() {
    if let Err(problems) = Suite::load(embedded_files()) {
        let texts: Vec<_> = problems.iter().map(|problem| problem.rendered.as_str()).collect();
        panic!("{}", texts.join("\n\n"));
    }
}

#[test]
fn two_cases_with_one_identifier_are_refused() {
    let mut files = files();
    let first = files["cases/step-08/acl-waits-for-bootstrap-complete.yaml"];
    files.insert("cases/step-08/zz-again.yaml", first);
    insta::assert_snapshot!(problems(&files), @r"
    error: cannot give two cases the identifier DEL-DMS1-8-030
     --> cases/step-08/zz-again.yaml:1:5
      |
    1 | id: DEL-DMS1-8-030
      |     ^^^^^^^^^^^^^^
      |
      = help: cases/step-08/acl-waits-for-bootstrap-complete.yaml has it already; choose another number
    ");
}

#[test]
fn a_suite_without_its_own_files_says_which() {
    let mut files = files();
    files.remove(REQUIREMENTS);
    files.insert(PROFILE, "profile: [");
    let shown = problems(&files);
    assert!(shown.contains(REQUIREMENTS), "{shown}");
    assert!(shown.contains(PROFILE), "{shown}");
    let mut files = self::files();
    files.remove(PROCEDURE);
    assert!(problems(&files).contains(PROCEDURE));
}

#[test]
fn cases_are_in_the_order_of_roles_and_steps() {
    let suite = Suite::embedded();
    let position = |case: &dmconform_case::test_case::TestCase| {
        let role = ["CLIENT", "DMS1", "DMS2", "BS"]
            .iter()
            .position(|role| case.id.0.split('-').nth(1) == Some(role));
        let step = case.id.0.split('-').nth(2).map(|step| {
            let steps = Step::ALL.map(Step::as_str);
            steps.iter().position(|known| *known == step)
        });
        (role, step)
    };
    assert!(suite.cases.is_sorted_by_key(position));
}

#[test]
fn the_owner_of_a_requirement_is_made_for_it() {
    let suite = Suite::embedded();
    let requirement = RequirementId("DEL-8-3".to_owned());
    let owners = suite.owners();
    let owner = owners[&(&requirement, Role::Dms1)];
    assert_eq!(owner.0, "DEL-DMS1-8-030");
    assert!(!owners.contains_key(&(&requirement, Role::DmClient)));
}

#[test]
fn no_owner_is_a_whole_procedure() {
    let suite = Suite::embedded();
    let owners = suite.owners();
    assert!(!owners.is_empty());
    for ((requirement, role), owner) in owners {
        let case = suite.case(&owner.0).expect("an owner is a case");
        assert!(case.iut.contains(&role), "{owner} owns {requirement} for {role}");
        let whole = case
            .expect
            .iter()
            .any(|expectation| expectation.what == What::Procedure);
        assert!(!whole, "{owner} owns {requirement} for {role}");
    }
}

#[test]
fn every_requirement_of_the_specification_is_stated() {
    let suite = Suite::embedded();
    let per_step = [
        ("1", 6),
        ("2", 3),
        ("3", 4),
        ("4", 5),
        ("5", 6),
        ("6", 4),
        ("7", 3),
        ("8", 5),
        ("8b", 2),
        ("9", 2),
        ("10", 2),
        ("0", 5),
    ];
    for (step, count) in per_step {
        let prefix = format!("DEL-{step}-");
        let stated = suite
            .requirements
            .keys()
            .filter(|id| id.0.starts_with(&prefix))
            .count();
        assert_eq!(stated, count, "step {step}");
    }
    let others = suite
        .requirements
        .keys()
        .filter(|id| id.0.starts_with("DM-") || id.is_of_robustness())
        .count();
    let counted = per_step.iter().map(|(_, count)| count).sum::<usize>();
    assert_eq!(suite.requirements.len(), counted + others);
}

#[test]
fn what_oma_dm_leaves_to_products_binds_those_that_claim_it_and_the_rest_whoever_speaks_or_commands() {
    let speak = [Role::DmClient, Role::Dms1, Role::Dms2];
    // That DMS-2 gives commands to its own clients only is part of DEL-6-4.
    let commands = [Role::Dms1];
    for requirement in Suite::embedded().requirements.values() {
        let of_oma_dm = requirement.id.0.starts_with("DM-");
        let is_claimed = requirement.weight == Weight::FailIfClaimed;
        assert!(
            !of_oma_dm || is_claimed || requirement.binds == speak || requirement.binds == commands,
            "{}",
            requirement.id
        );
    }
}

#[test]
fn only_what_is_claimed_has_a_claim() {
    for requirement in Suite::embedded().requirements.values() {
        let claimed = requirement.weight == Weight::FailIfClaimed;
        assert_eq!(claimed, !requirement.claims.is_empty(), "{}", requirement.id);
    }
}

#[test]
fn the_figure_has_ten_steps_and_an_optional_one() {
    let procedure = Suite::embedded().procedure;
    let steps: Vec<&str> = procedure.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["2", "3", "4", "5", "6", "7", "8", "8b", "9", "10"]);
    let optional: Vec<&str> = procedure
        .steps
        .iter()
        .filter(|step| step.optional)
        .map(|step| step.step.as_str())
        .collect();
    assert_eq!(optional, ["8b"]);
}

#[test]
fn what_waits_for_a_removal_that_does_not_take_place_waits_for_what_precedes_it() {
    let procedure = Suite::embedded().procedure;
    let prepared = MessageId::request(Step::ClientPrepared);
    let after = |with_removal| procedure.predecessors(prepared, with_removal);
    assert_eq!(
        after(true),
        BTreeSet::from([MessageId::answer(Step::AccountRemoval)])
    );
    assert_eq!(after(false), BTreeSet::from([MessageId::answer(Step::AclUpdate)]));
}

#[test]
fn a_requirement_of_the_procedure_binds_whoever_sends_the_message() {
    let suite = Suite::embedded();
    let procedure = &suite.procedure;
    for message in procedure.messages(true) {
        let Some(id) = procedure.presence(message) else {
            continue;
        };
        for opener in [Opener::Dms1, Opener::Dms2] {
            let sender = procedure.sender(message, opener).expect("somebody sends it");
            assert!(
                suite.requirements[id].binds.contains(&sender),
                "{id}: {message} of {sender}"
            );
        }
    }
    for rule in &procedure.order {
        for opener in [Opener::Dms1, Opener::Dms2] {
            let sender = procedure.sender(rule.then, opener).expect("somebody sends it");
            let requirement = &suite.requirements[&rule.requirement];
            assert!(
                requirement.binds.contains(&sender),
                "{}: {} of {sender}",
                rule.requirement,
                rule.then
            );
        }
    }
}

#[test]
fn every_kind_of_check_has_a_case_or_a_reason_why_not() {
    let suite = Suite::embedded();
    let mut wrong = Vec::new();
    for requirement in suite.requirements.values() {
        for role in &requirement.binds {
            for kind in CheckKind::ALL {
                let cases = ledger::cases(&suite, &requirement.id, *role, kind).count();
                let untested = requirement.untested(*role, kind).is_some();
                if (cases > 0) == untested {
                    wrong.push(format!("{} of {role}, {kind}: {cases} cases", requirement.id));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn every_requirement_says_where_its_text_is() {
    for requirement in Suite::embedded().requirements.values() {
        assert!(!requirement.text.is_empty(), "{}", requirement.id);
    }
}

#[test]
fn every_case_that_counts_names_a_deviation_that_it_catches() {
    for case in Suite::embedded().cases {
        let withdrawn = case.withdrawn.is_some();
        assert_eq!(case.catches.is_empty(), withdrawn, "{}", case.id);
    }
}

#[test]
fn every_deviation_is_named_by_a_case_narrower_than_a_whole_delegation_for_every_role_that_can_have_it() {
    let suite = Suite::embedded();
    for deviation in &suite.deviations {
        for role in &deviation.of {
            let mut naming = suite.cases.iter().filter(|case| {
                case.withdrawn.is_none() && case.iut.contains(role) && case.catches.contains(&deviation.name)
            });
            let narrow = naming.any(|case| {
                case.expect
                    .iter()
                    .all(|expected| expected.what != What::Procedure)
            });
            assert!(narrow, "{} of {role}", deviation.name);
        }
    }
}

#[test]
fn every_cell_of_the_figure_has_a_requirement() {
    let suite = Suite::embedded();
    let cells = [
        (Role::DmClient, "4 5 6 8 8b"),
        (Role::Dms1, "1 2 3 4 7 8 8b 9 10"),
        (Role::Dms2, "1 2 3 6 7 9 10"),
        (Role::BootstrapServer, "5"),
    ];
    for (role, steps) in cells {
        for step in steps.split(' ') {
            let step: Step = step.parse().expect("it is a step");
            let bound = suite.requirements.values().any(|requirement| {
                requirement.binds.contains(&role)
                    && (requirement.steps.contains(&step) || requirement.steps.is_empty())
            });
            assert!(bound, "step {step} of {role}");
        }
    }
}
