//! Cases, requirements, deviations and kinds of finding explained to people.

use dmconform_model::ledger::CheckKind;
use dmconform_model::plain::{length, wrapped};
use dmconform_model::{Basis, Deviation, FindingCode, Oddity, Part, Requirement, Role, Weight};

use crate::ledger;

use crate::suite::Suite;
use crate::test_case::{BootstrapPlace, Opener, TestCase};
use crate::words;

/// How wide an explanation is, in characters.
const WIDTH: usize = 100;

/// Everything that can be explained, by its name.
pub fn names<'a>(suite: &'a Suite) -> Vec<&'a str> {
    let mut names: Vec<&'a str> = suite.cases.iter().map(|case| case.id.0.as_str()).collect();
    names.extend(suite.requirements.keys().map(|id| id.0.as_str()));
    names.extend(suite.deviations.iter().map(|deviation| deviation.name.as_str()));
    names.extend(suite.oddities.iter().map(|oddity| oddity.name.as_str()));
    names.extend(
        FindingCode::ALL
            .into_iter()
            .map(|code| -> &'a str { code.as_str() }),
    );
    names
}

/// Explains what has this name: a case, a requirement, a deviation, an oddity or a kind of finding; nothing if none has.
pub fn named(suite: &Suite, name: &str) -> Option<String> {
    let cases: Vec<String> = suite.family(name).map(|case| explain(suite, case)).collect();
    if !cases.is_empty() {
        return Some(cases.join("\n"));
    }
    let of_name = |requirement: &&Requirement| requirement.id.0 == name;
    if let Some(requirement) = suite.requirements.values().find(of_name) {
        return Some(self::requirement(suite, requirement));
    }
    if let Some(found) = suite.deviation(name) {
        return Some(deviation(suite, found));
    }
    if let Some(found) = suite.oddities.iter().find(|oddity| oddity.name == name) {
        return Some(oddity(found));
    }
    FindingCode::from_name(name).map(code)
}

/// Explains a requirement: where it comes from, what a breach is, and how it is checked for every role.
pub fn requirement(suite: &Suite, requirement: &Requirement) -> String {
    let mut page = Page::default();
    page.requirement(requirement);
    page.heading("Where it stands");
    page.paragraph(2, &requirement.text);
    page.heading("How it is checked");
    for role in &requirement.binds {
        page.paragraph(2, role.title());
        for kind in CheckKind::ALL {
            let cases: Vec<&TestCase> = ledger::cases(suite, &requirement.id, *role, kind).collect();
            let untested = requirement.untested(*role, kind).filter(|_| cases.is_empty());
            match (cases.is_empty(), untested) {
                (true, Some(untested)) => {
                    page.hanging(
                        "    ",
                        &format!("no {kind} check ({}): {}", untested.reason, untested.why),
                    );
                }
                (true, None) => page.paragraph(4, &format!("no {kind} check")),
                (false, _) => page.paragraph(4, &format!("{kind}:")),
            }
            for case in cases {
                page.hanging("      - ", &format!("{} {}", case.id, case.title));
            }
        }
    }
    page.heading("Deviations of the reference implementation that break it");
    let breaking = suite
        .deviations
        .iter()
        .filter(|deviation| deviation.breaks == requirement.id);
    for deviation in breaking {
        page.item(&format!("{}: {}", deviation.name, deviation.words));
    }
    page.0
}

/// Explains a deviation: what it does, what it breaks, and which cases catch it.
pub fn deviation(suite: &Suite, deviation: &Deviation) -> String {
    let mut page = Page::default();
    let of: Vec<&str> = deviation.of.iter().map(|role| role.title()).collect();
    page.paragraph(
        0,
        &format!("{}  a deviation of {}", deviation.name, of.join(", ")),
    );
    page.paragraph(2, &deviation.words);
    page.heading("What it breaks");
    match suite.requirements.get(&deviation.breaks) {
        Some(requirement) => page.requirement(requirement),
        None => page.paragraph(2, &deviation.breaks.0),
    }
    page.heading("Which cases must catch it");
    for case in suite
        .cases
        .iter()
        .filter(|case| case.catches.contains(&deviation.name))
    {
        page.item(&format!("{} {}", case.id, case.title));
    }
    page.heading("How to see it");
    page.paragraph(2, &format!("dmconform run --deviation {}", deviation.name));
    page.paragraph(2, &format!("dmconform selftest --deviation {}", deviation.name));
    page.0
}

fn oddity(oddity: &Oddity) -> String {
    let mut page = Page::default();
    let of: Vec<&str> = oddity.of.iter().map(|role| role.title()).collect();
    page.paragraph(
        0,
        &format!("{}  an oddity of {}, and legal", oddity.name, of.join(", ")),
    );
    page.paragraph(2, &oddity.words);
    page.0
}

/// Explains a kind of finding.
pub fn code(code: FindingCode) -> String {
    let mut page = Page::default();
    page.paragraph(0, &format!("{}  a kind of finding", code.as_str()));
    page.paragraph(2, code.meaning());
    page.0
}

/// Explains a case: purpose, requirements, who is judged and who is a mock, changes, expectations.
pub fn explain(suite: &Suite, case: &TestCase) -> String {
    let mut page = Page::default();
    page.paragraph(0, &format!("{}  {}", case.id, case.title));
    page.paragraph(0, &case.file);
    if let Some(reason) = &case.withdrawn {
        page.heading("Withdrawn: listed, and never counted");
        page.paragraph(2, reason);
    }
    page.heading("Purpose");
    page.paragraph(2, &case.purpose);
    page.heading("Requirements");
    for id in &case.covers {
        match suite.requirements.get(id) {
            Some(requirement) => page.requirement(requirement),
            None => page.paragraph(2, &id.0),
        }
    }
    if !case.requires.is_empty() {
        page.heading("Claims without which it does not apply");
        page.paragraph(2, &case.requires.join(", "));
    }
    page.heading("Who takes part");
    page.parties(case);
    page.heading("What passes, changes aside");
    page.messages(suite, case);
    page.heading("What the mock roles do differently");
    for change in &case.changes {
        page.item(&words::change(&suite.procedure, change));
    }
    if case.changes.is_empty() {
        page.paragraph(2, "nothing");
    }
    page.heading("What must be seen");
    for expectation in &case.expect {
        let expected = words::expected(&suite.procedure, &expectation.what);
        let line = expectation.place.line;
        page.item(&format!("{expected} ({}, line {line})", expectation.requirement));
    }
    if !case.catches.is_empty() {
        page.heading("Deviations of the reference implementation that it must catch");
        for name in &case.catches {
            match suite.deviation(name) {
                Some(deviation) => page.item(&format!("{name}: {}", deviation.words)),
                None => page.item(name),
            }
        }
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(text);
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        for line in wrapped(text, WIDTH - indent) {
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn item(&mut self, text: &str) {
        self.hanging("  - ", text);
    }

    /// A text whose first line begins with a mark, and whose other lines begin below its text.
    fn hanging(&mut self, mark: &str, text: &str) {
        let indent = " ".repeat(length(mark));
        for (index, line) in wrapped(text, WIDTH - length(mark)).into_iter().enumerate() {
            let begin = if index == 0 { mark } else { &indent };
            self.line(&format!("{begin}{line}"));
        }
    }

    fn requirement(&mut self, requirement: &Requirement) {
        let mark = format!("  {:<9} ", requirement.id);
        self.hanging(&mark, &requirement.words);
        let basis = match requirement.basis {
            Basis::ChangeRequest => "the change request says so",
            Basis::Public => "another public source says so",
            Basis::Inferred => "no text says so: our reading of what a working implementation has to do",
        };
        let weight = match requirement.weight {
            Weight::Fail => "a breach fails".to_owned(),
            Weight::Warn => "a breach warns, and fails with --strict".to_owned(),
            Weight::Robustness => "a breach is reported apart, and weighs on no conformance".to_owned(),
            Weight::FailIfClaimed => format!(
                "a breach fails a product that claims {}, and does not concern others",
                requirement.claims_in_words()
            ),
        };
        self.paragraph(length(&mark), &format!("({basis}; {weight})"));
    }

    fn parties(&mut self, case: &TestCase) {
        let titles = |judged: bool| {
            let roles = Role::ALL
                .into_iter()
                .filter(|role| case.iut.contains(role) == judged);
            roles.map(Role::title).collect::<Vec<_>>().join(", ")
        };
        self.paragraph(2, &format!("Judged: {}.", titles(true)));
        if case.iut.len() < Role::ALL.len() {
            self.paragraph(
                2,
                &format!("Mock, unless the product plays it too: {}.", titles(false)),
            );
        }
        let given = &case.given;
        let opener = match given.opens {
            Opener::Dms1 => Role::Dms1.title(),
            Opener::Dms2 => Role::Dms2.title(),
        };
        let place = match given.bootstrap_server {
            BootstrapPlace::Apart => "at an address of its own",
            BootstrapPlace::CoLocated => "on the machine of DMS-2",
        };
        let removal = if given.removes_account { "removes" } else { "keeps" };
        self.paragraph(
            2,
            &format!(
                "{opener} opens the delegation ({}) of {}. The Bootstrap Server is {place}. DMS-1 {removal} its own account.",
                given.delegation_type.as_str(),
                given.tree.join(", "),
            ),
        );
        for (node, acl) in &given.acls {
            self.paragraph(2, &format!("At the start the ACL of {node} is `{acl}`."));
        }
        for line in words::sessions(given) {
            self.paragraph(2, &line);
        }
    }

    fn messages(&mut self, suite: &Suite, case: &TestCase) {
        let procedure = &suite.procedure;
        for message in procedure.messages(case.given.removes_account) {
            let parties = procedure
                .sender(message, case.given.opens)
                .zip(procedure.receiver(message, case.given.opens));
            let Some((from, to)) = parties else { continue };
            let played = |role: Role| {
                let judged = if case.iut.contains(&role) { "*" } else { "" };
                format!("{}{judged}", role.title())
            };
            let mark = if case.changes.iter().any(|change| change.at == message) {
                "  ~ "
            } else {
                "    "
            };
            let arrow = match message.part {
                Part::Request => "->",
                Part::Answer => "=>",
            };
            self.line(&format!(
                "{mark}{:<10}{:<18}{arrow} {:<19}{}",
                message.to_string(),
                played(from),
                played(to),
                procedure.name(message)
            ));
        }
        self.line("    * judged   ~ changed   -> request   => answer");
    }
}
