//! What a certification is locked to, and what its outcome follows from.

use std::fs;
use std::path::Path;

use dmconform_bundle::{Locked, Outcome, catalogue};
use dmconform_case::suite::PROFILE;
use dmconform_model::{CaseOf, Class, RequirementId, RunRecord, Verdict};
use rstest::rstest;

#[expect(
    clippy::disallowed_methods,
    reason = "the crate is pure; its tests read what is checked in"
)]
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("the file is there")
}

/// A run in which everything passed.
fn passed() -> RunRecord {
    serde_json::from_str(&read("reports/samples/reference/results.json")).expect("they are results")
}

fn locked(implementation: &str, name: &str) -> Result<Locked, String> {
    let catalogue = catalogue();
    let locked = Locked::new(&catalogue, implementation.as_bytes(), &catalogue[PROFILE], name);
    locked.map_err(|refusal| refusal.code().to_owned())
}

#[rstest]
#[case(Verdict::Pass, Outcome::Certified, 0)]
#[case(Verdict::Warn, Outcome::Certified, 0)]
#[case(Verdict::Inconclusive, Outcome::Inconclusive, 3)]
#[case(Verdict::Fail, Outcome::Failed, 1)]
#[case(Verdict::Error, Outcome::Error, 5)]
fn one_verdict_decides(#[case] verdict: Verdict, #[case] outcome: Outcome, #[case] exit_code: u8) {
    let mut record = passed();
    let mut weighing = record.cases.iter_mut().filter(|case| case.weighs());
    weighing.next().expect("there are cases").verdict = verdict;
    assert_eq!(Outcome::of(&record), outcome);
    assert_eq!(outcome.exit_code(), exit_code);
}

#[test]
fn what_a_product_withstands_stands_in_no_ones_way() {
    let mut record = passed();
    let apart = record.cases.first_mut().expect("there are cases");
    apart.class = Class::Robustness;
    apart.covers = vec![RequirementId("ROB-0-1".to_owned())];
    apart.verdict = Verdict::Fail;
    assert_eq!(Outcome::of(&record), Outcome::Certified);
}

#[test]
fn a_run_that_was_broken_off_certifies_nothing() {
    let mut record = passed();
    record.run.cancelled = true;
    assert_eq!(Outcome::of(&record), Outcome::BrokenOff);
    let left = record.cases.pop().expect("there are cases");
    record.not_run = vec![CaseOf::result(&left)];
    assert_eq!(Outcome::of(&record), Outcome::BrokenOff);
    assert_eq!(Outcome::BrokenOff.exit_code(), 5);
}

#[test]
fn a_run_without_a_case_that_weighs_certifies_nothing() {
    let mut record = passed();
    record.cases.retain(|case| !case.weighs());
    assert_eq!(Outcome::of(&record), Outcome::NothingJudged);
}

#[test]
fn a_case_that_a_claim_excludes_is_listed_with_the_claim() {
    let product = read("fixtures/implementations/reference-dms-2.yaml");
    let whole = locked(&product, "acme").expect("it can be certified");
    let narrow = product.replace("opens: either", "opens: dms-1");
    let narrow = locked(&narrow, "acme").expect("it can be certified");
    assert!(whole.selection.not_applicable.is_empty());
    assert!(narrow.selection.cases.len() < whole.selection.cases.len());
    let excluded = &narrow.selection.not_applicable;
    assert_eq!(
        narrow.selection.cases.len() + excluded.len(),
        whole.selection.cases.len()
    );
    let reason = Some("it does not claim delegations that dms-2 opens".to_owned());
    assert!(excluded.iter().any(|case| case.reason == reason), "{excluded:?}");
}

#[rstest]
#[case("..")]
#[case("a/b")]
#[case("a\\b")]
fn a_name_of_a_product_that_leads_elsewhere_is_refused(#[case] name: &str) {
    let product = read("fixtures/implementations/reference-dms-2.yaml");
    assert_eq!(locked(&product, name).err().as_deref(), Some("bad-name"));
}

#[test]
fn a_name_of_a_product_has_a_length() {
    let product = read("fixtures/implementations/reference-dms-2.yaml");
    let refused = |length: usize| locked(&product, &"n".repeat(length)).err();
    assert_eq!(refused(100), None);
    assert_eq!(refused(101).as_deref(), Some("bad-name"));
}

#[test]
fn a_changed_catalogue_is_none_to_certify_against() {
    let mut catalogue = catalogue();
    let profile = catalogue[PROFILE].clone();
    let (name, _) = catalogue.pop_first().expect("there are cases");
    let product = read("fixtures/implementations/reference-dms-2.yaml");
    let refusal = Locked::new(&catalogue, product.as_bytes(), &profile, "acme").err();
    let refusal = refusal.unwrap_or_else(|| panic!("it is taken without {name}"));
    assert_eq!(refusal.code(), "unknown-catalogue");
}
