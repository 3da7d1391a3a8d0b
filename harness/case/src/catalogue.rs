//! The catalogue: every requirement, case, deviation and kind of finding on one page of Markdown.

use std::collections::BTreeSet;

use dmconform_model::ledger::CheckKind;
use dmconform_model::{Basis, CaseId, Class, FindingCode, Requirement, RequirementId, Role, Weight};

use crate::ledger;
use crate::suite::Suite;
use crate::test_case::{BootstrapPlace, Circumstances, Opener, TestCase};
use crate::words;

/// The whole catalogue.
pub fn catalogue(suite: &Suite) -> String {
    let mut page = Page(String::new());
    page.line("# Catalogue");
    page.line("");
    page.line(
        "Generated from `cases/` by `cargo run -p dmconform-case --example write-catalogue`; a test holds it current. \
         `dmconform explain NAME` says the same of one thing at a time.",
    );
    let families = |is_active: bool| {
        let cases = suite.cases.iter();
        let wanted = cases.filter(|case| case.withdrawn.is_none() == is_active);
        wanted.map(TestCase::family).collect::<BTreeSet<_>>().len()
    };
    let active = families(true);
    let judged = suite.cases.iter().filter(|case| case.withdrawn.is_none()).count();
    page.line("");
    page.line(&format!(
        "{} requirements, {active} cases (and {} withdrawn), with their variants {judged}, {} deviations, {} oddities.",
        suite.requirements.len(),
        families(false),
        suite.deviations.len(),
        suite.oddities.len()
    ));
    page.requirements(suite);
    page.cases(suite);
    page.deviations(suite);
    page.oddities(suite);
    page.codes();
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(text);
        self.line("");
    }

    fn requirements(&mut self, suite: &Suite) {
        self.heading("## Requirements");
        self.line(
            "Positive checks are made where every peer keeps to the procedure, negative ones where a peer departs from it.",
        );
        for requirement in ledger::in_order(suite) {
            self.heading(&format!("### {}", requirement.id));
            self.line(&escaped(&requirement.words));
            self.line("");
            self.line(&format!(
                "{}. Text: {}.",
                weighed(requirement),
                escaped(&requirement.text)
            ));
            self.line("");
            for role in &requirement.binds {
                let kinds = CheckKind::ALL.map(|kind| checked(suite, requirement, *role, kind));
                self.line(&format!("- {role}: {}", kinds.join("; ")));
            }
        }
        self.heading("### What is not tested because no requirement states it");
        for open in &suite.open_questions {
            self.line(&format!(
                "- {} ({}): {}.",
                escaped(&open.words),
                open.reason,
                escaped(&open.why)
            ));
        }
    }

    fn cases(&mut self, suite: &Suite) {
        for role in Role::ALL {
            self.heading(&format!("## Cases that judge the {}", role.title()));
            for case in suite.cases.iter().filter(|case| case.iut.first() == Some(&role)) {
                self.case(suite, case);
            }
        }
    }

    fn case(&mut self, suite: &Suite, case: &TestCase) {
        self.heading(&format!("### {} {}", case.id, escaped(&case.title)));
        self.line(&escaped(&case.purpose));
        self.line("");
        if let Some(reason) = &case.withdrawn {
            self.line(&format!("**Withdrawn**: {}", escaped(reason)));
            self.line("");
        }
        let covers: Vec<&str> = case.covers.iter().map(|id| id.0.as_str()).collect();
        if case.class == Class::Robustness {
            let weighs = covers.iter().any(|id| !id.starts_with(RequirementId::ROBUSTNESS));
            let weight = if weighs {
                "weighs on conformance"
            } else {
                "reported apart"
            };
            self.line(&format!("- class: {} ({weight})", case.class));
        }
        self.line(&format!("- covers: {}", covers.join(", ")));
        let preconditions = preconditions(case);
        if !preconditions.is_empty() {
            self.line(&format!(
                "- preconditions: {}",
                escaped(&preconditions.join("; "))
            ));
        }
        for change in &case.changes {
            self.line(&format!(
                "- change: {}",
                escaped(&words::change(&suite.procedure, change))
            ));
        }
        for expectation in &case.expect {
            let expected = words::expected(&suite.procedure, &expectation.what);
            self.line(&format!(
                "- expects: {} ({})",
                escaped(&expected),
                expectation.requirement
            ));
        }
        if !case.catches.is_empty() {
            self.line(&format!("- catches: {}", case.catches.join(", ")));
        }
        self.line(&format!("- file: `{}`", case.file));
    }

    fn deviations(&mut self, suite: &Suite) {
        self.heading("## Deviations of the reference implementation");
        self.line("| deviation | of | breaks | what it does | caught by |");
        self.line("|---|---|---|---|---|");
        for deviation in &suite.deviations {
            let of: Vec<&str> = deviation.of.iter().map(|role| role.as_str()).collect();
            let naming = suite
                .cases
                .iter()
                .filter(|case| case.catches.contains(&deviation.name));
            let mut naming: Vec<&str> = naming.map(|case| case.family().0.as_str()).collect();
            naming.dedup();
            self.line(&format!(
                "| {} | {} | {} | {} | {} |",
                deviation.name,
                of.join(", "),
                deviation.breaks,
                escaped(&deviation.words),
                naming.join(", ")
            ));
        }
    }

    fn oddities(&mut self, suite: &Suite) {
        self.heading("## Legal oddities");
        self.line("No case may fail a product for one of these, or for one of its peers'.");
        self.line("");
        self.line("| oddity | of | what it is |");
        self.line("|---|---|---|");
        for oddity in &suite.oddities {
            let of: Vec<&str> = oddity.of.iter().map(|role| role.as_str()).collect();
            self.line(&format!(
                "| {} | {} | {} |",
                oddity.name,
                of.join(", "),
                escaped(&oddity.words)
            ));
        }
    }

    fn codes(&mut self) {
        self.heading("## Kinds of finding");
        self.line("| code | means |");
        self.line("|---|---|");
        for code in FindingCode::ALL {
            self.line(&format!("| {} | {} |", code.as_str(), escaped(code.meaning())));
        }
    }
}

fn weighed(requirement: &Requirement) -> String {
    let basis = match requirement.basis {
        Basis::ChangeRequest => "Change request",
        Basis::Public => "Another public source",
        Basis::Inferred => "Our inference",
    };
    let weight = match requirement.weight {
        Weight::Fail => "a breach fails".to_owned(),
        Weight::Warn => "a breach warns".to_owned(),
        Weight::Robustness => "a breach is reported apart, and weighs on no conformance".to_owned(),
        Weight::FailIfClaimed => format!("a breach fails who claims {}", requirement.claims_in_words()),
    };
    format!("{basis}; {weight}")
}

fn checked(suite: &Suite, requirement: &Requirement, role: Role, kind: CheckKind) -> String {
    let cases: Vec<&CaseId> = ledger::cases(suite, &requirement.id, role, kind)
        .map(|case| &case.id)
        .collect();
    match (cases.is_empty(), requirement.untested(role, kind)) {
        (true, Some(untested)) => format!("no {kind} check, {}: {}", untested.reason, escaped(&untested.why)),
        (true, None) => format!("no {kind} check"),
        (false, _) => {
            let ids: Vec<&str> = cases.iter().map(|id| id.0.as_str()).collect();
            format!("{kind} {}", ids.join(", "))
        }
    }
}

/// What a product must claim, and in which circumstances the case takes place, where they are not the usual ones.
fn preconditions(case: &TestCase) -> Vec<String> {
    let usual = Circumstances::default();
    let given = &case.given;
    let mut found: Vec<String> = case
        .requires
        .iter()
        .map(|claim| format!("claims `{claim}`"))
        .collect();
    if given.opens == Opener::Dms2 {
        found.push("DMS-2 opens".to_owned());
    }
    if given.removes_account {
        found.push("DMS-1 removes its own account".to_owned());
    }
    if given.bootstrap_server == BootstrapPlace::CoLocated {
        found.push("Bootstrap Server and DMS-2 on one machine".to_owned());
    }
    if given.tree != usual.tree {
        found.push(format!("delegated: {}", given.tree.join(", ")));
    }
    if given.delegation_type != usual.delegation_type {
        found.push(format!("type {}", given.delegation_type.as_str()));
    }
    for (node, acl) in &given.acls {
        found.push(format!("the ACL of {node} is `{acl}`"));
    }
    if given.beside {
        found.push("another delegation begins meanwhile".to_owned());
    }
    found
}

/// Markdown leaves this text as it is.
fn escaped(text: &str) -> String {
    let mut code = false;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '`' {
            code = !code;
        }
        match character {
            '|' => escaped.push_str("\\|"),
            '*' | '_' | '<' | '>' if !code => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}
