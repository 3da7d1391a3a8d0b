//! What is written is what is read, and what is usual is short.

use dmconform_case::Suite;
use dmconform_case::field::{Condition, FieldRef, Given};
use dmconform_case::read::{self, Source};
use dmconform_case::test_case::{FieldChange, How, Look, Opener, TestCase, What};
use dmconform_model::{Diagnostic, MessageId, Role, Step};
use rstest::rstest;

fn read(text: &str) -> Result<Vec<TestCase>, Vec<Diagnostic>> {
    let suite = Suite::embedded();
    read::cases(
        Source {
            name: "case.yaml",
            text,
        },
        suite.known(),
    )
}

fn case(text: &str) -> TestCase {
    let mut cases = read(text).unwrap_or_else(|problems| panic!("{}", problems[0].rendered));
    assert_eq!(cases.len(), 1, "the file has one case");
    cases.remove(0)
}

const HEAD: &str = "id: DEL-DMS1-8-900\ntitle: A case\npurpose: To be read.\ncovers: [DEL-8-2]\n";

#[rstest]
#[case("iut: dms-1", &[Role::Dms1])]
#[case("iut: [dms-1]", &[Role::Dms1])]
#[case("iut: [dms-1, dms-2]", &[Role::Dms1, Role::Dms2])]
fn one_judged_role_needs_no_list(#[case] iut: &str, #[case] roles: &[Role]) {
    let case = case(&format!("{HEAD}{iut}\nexpect: [{{step: 8}}]\n"));
    assert_eq!(case.iut, roles);
}

#[rstest]
#[case("present")]
#[case("[present]")]
fn one_condition_needs_no_list(#[case] condition: &str) {
    let case = case(&format!(
        "{HEAD}iut: dms-1\nexpect: [{{step: 8, where: {{servers: {condition}}}}}]\n"
    ));
    let What::Step { fields, .. } = &case.expect[0].what else {
        panic!("{:?}", case.expect)
    };
    assert_eq!(fields["servers"], [Condition::Present]);
}

#[test]
fn conditions_refer_to_messages_and_facts() {
    let text = "iut: dms-1\nexpect: [{step: 8, where: {servers: [{same-as: given/dms-2-server-id}, {lacks: 2/delegating-server}]}}]\n";
    let case = case(&format!("{HEAD}{text}"));
    let What::Step { message, fields } = &case.expect[0].what else {
        panic!("{:?}", case.expect)
    };
    assert_eq!(*message, MessageId::request(Step::AclUpdate));
    let delegating = FieldRef::Message(
        MessageId::request(Step::Initiation),
        "delegating-server".to_owned(),
    );
    assert_eq!(
        fields["servers"],
        [
            Condition::SameAs(FieldRef::Given(Given::Dms2ServerId)),
            Condition::Lacks(delegating)
        ]
    );
}

#[rstest]
#[case("nobody", FieldChange::To("nobody".to_owned()))]
#[case("{to: removed}", FieldChange::To("removed".to_owned()))]
#[case("removed", FieldChange::Removed)]
#[case("0123", FieldChange::To("0123".to_owned()))]
#[case("no", FieldChange::To("no".to_owned()))]
#[case("1.10", FieldChange::To("1.10".to_owned()))]
#[case("2026-01-01", FieldChange::To("2026-01-01".to_owned()))]
#[case("\"a \\\"b\\\"\"", FieldChange::To("a \"b\"".to_owned()))]
fn the_new_value_of_a_field_is_the_text_that_was_written(
    #[case] written: &str,
    #[case] expected: FieldChange,
) {
    let text = format!(
        "{HEAD}iut: dms-1\nchange: [{{at: 7, set-field: {{device: {written}}}}}]\nexpect: [{{refuse: 7}}]\n"
    );
    let case = case(&text);
    let How::SetField(fields) = &case.changes[0].how else {
        panic!("{:?}", case.changes)
    };
    assert_eq!(fields["device"], expected);
}

#[rstest]
#[case("{after: 8, unchanged: true}", Look::Unchanged)]
#[case("{after: 8, account: {server: dms-2, present: true}}", Look::Account { server: Role::Dms2, present: true })]
#[case(
    "{after: 8, acl: {node: ./Net, lacks: \"Get=${dms-2}\"}}",
    Look::Acl { node: "./Net".to_owned(), grants: None, lacks: Some("Get=${dms-2}".to_owned()) }
)]
fn a_look_at_the_tree_names_its_kind(#[case] state: &str, #[case] expected: Look) {
    let case = case(&format!("{HEAD}iut: dms-1\nexpect: [{{state: {state}}}]\n"));
    let What::State(state) = &case.expect[0].what else {
        panic!("{:?}", case.expect)
    };
    assert_eq!(state.look, expected);
}

#[test]
fn alternatives_speak_for_what_they_name() {
    let text = "id: DEL-DMS1-8-900\ntitle: A case\npurpose: To be read.\ncovers: [DEL-8-1, DEL-8-2]\niut: dms-1\nexpect:\n  - one-of:\n      - {step: 8, requirement: DEL-8-2}\n      - {step: 8b, requirement: DEL-8-1}\n";
    let case = case(text);
    assert_eq!(case.expect[0].requirement.0, "DEL-8-2");
}

#[test]
fn places_are_those_of_the_file() {
    let text = format!(
        "{HEAD}iut: dms-1\nchange:\n  - at: 7\n    delay: window\nexpect:\n  - never: 8\n    until: 7\n"
    );
    let case = case(&text);
    let change = &case.changes[0].place;
    let expectation = &case.expect[0].place;
    assert_eq!((change.line, change.column), (7, 5));
    assert_eq!((expectation.line, expectation.column), (10, 5));
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_no_matter() {
    let text = format!("\u{feff}{HEAD}iut: dms-1\nexpect:\n  - step: 8\n").replace('\n', "\r\n");
    let case = case(&text);
    assert_eq!(case.title, "A case");
    assert_eq!(case.expect[0].place.line, 7);
}

#[test]
fn an_alias_stands_for_what_it_names() {
    let text = format!(
        "{HEAD}iut: &who dms-1\nexpect:\n  - state: {{after: 8, account: {{server: *who, present: true}}}}\n"
    );
    let case = case(&text);
    let What::State(state) = &case.expect[0].what else {
        panic!("{:?}", case.expect)
    };
    assert_eq!(
        state.look,
        Look::Account {
            server: Role::Dms1,
            present: true
        }
    );
}

#[test]
fn what_is_not_given_is_as_usual() {
    let case = case(&format!("{HEAD}iut: dms-1\nexpect: [{{step: 8}}]\n"));
    assert_eq!(case.given.opens, Opener::Dms1);
    assert_eq!(case.given.tree, ["./Com"]);
}

#[test]
fn who_opens_decides_whose_message_can_be_changed() {
    let text = |opens: &str| {
        format!(
            "id: DEL-DMS1-2-900\ntitle: A case\npurpose: To be read.\ncovers: [DEL-2-3]\niut: dms-1\ngiven: {{opens: {opens}}}\nchange: [{{at: 2, corrupt: garbage}}]\nexpect: [{{refuse: 2}}]\n"
        )
    };
    assert!(read(&text("dms-2")).is_ok());
    let problems = read(&text("dms-1")).expect_err("DMS-1 sends step 2 itself");
    assert!(
        problems[0].message.starts_with("change 2: dms-1 sends it"),
        "{}",
        problems[0].message
    );
}

#[test]
fn variables_in_comments_are_no_variables() {
    let text = include_str!("../../../fixtures/implementations/reference-dms-1.yaml");
    let text = format!("# ${{nothing}} is no variable\n{text}");
    assert!(
        read::implementation(Source {
            name: "a.yaml",
            text: &text
        })
        .is_ok()
    );
}

#[test]
fn a_version_is_the_text_that_was_written() {
    let text = include_str!("../../../fixtures/implementations/reference-dms-1.yaml");
    let text = text.replace("version: \"0.1\"", "version: 1.10");
    let product = read::implementation(Source {
        name: "a.yaml",
        text: &text,
    })
    .expect("the file is good");
    assert_eq!(product.implementation.version, "1.10");
}

#[rstest]
fn the_shipped_implementation_files_are_in_order(
    #[files("../../fixtures/implementations/*.yaml")]
    #[mode = str]
    text: &str,
) {
    if let Err(problems) = read::implementation(Source {
        name: "shipped",
        text,
    }) {
        panic!("{}", problems[0].rendered);
    }
}

#[test]
fn variants_are_cases_of_their_own_with_what_they_have_in_common() {
    let text = "iut: dms-1\nchange: [{at: 2.answer, delay: window}]\nvariants:\n  refused: [{at: 10, answer: 400}]\n  \
                cut-off: [{at: 10, close-at: middle}]\nexpect: [{step: 8}]\n";
    let text = text.replace("{at: 10, answer: 400}", "{at: 2.answer, answer: 400}");
    let cases = read(&format!("{HEAD}{text}")).unwrap_or_else(|problems| panic!("{}", problems[0].rendered));
    let names: Vec<(&str, &str, &str)> = cases
        .iter()
        .map(|case| (case.id.0.as_str(), case.family().0.as_str(), case.title.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            ("DEL-DMS1-8-900.refused", "DEL-DMS1-8-900", "A case: refused"),
            ("DEL-DMS1-8-900.cut-off", "DEL-DMS1-8-900", "A case: cut off"),
        ]
    );
    for case in &cases {
        assert_eq!(case.changes.len(), 2);
        assert_eq!(case.changes[0].how, How::Delay);
        assert_eq!(case.expect, cases[0].expect);
    }
    assert_ne!(cases[0].changes[1], cases[1].changes[1]);
}
