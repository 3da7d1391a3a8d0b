//! Which cases of a suite a product is judged by: a matter of its file and of the suite alone.

use dmconform_case::Suite;
use dmconform_case::implementation::Implementation;
use dmconform_case::test_case::TestCase;
use dmconform_model::{CaseResult, Spent, Verdict};

use crate::applies::why_not;

/// How a case stands to a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is withdrawn, or judges a role that the product does not play: no news.
    Elsewhere,
    /// The product could have been judged by it, and is not, for this reason.
    NotApplicable(String),
    /// It applies.
    Applies,
}

/// How a case stands to a product.
pub(crate) fn standing(suite: &Suite, case: &TestCase, product: &Implementation) -> Standing {
    let judged = case.iut.iter().all(|role| product.plays.contains(role));
    if case.withdrawn.is_some() || !judged {
        return Standing::Elsewhere;
    }
    why_not(suite, case, product).map_or(Standing::Applies, Standing::NotApplicable)
}

/// What a whole run against a product consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The cases that apply, at the product's own nodes, in the order of the suite.
    pub cases: Vec<TestCase>,
    /// The results of the cases of its roles that do not apply, each with the reason.
    pub not_applicable: Vec<CaseResult>,
}

/// Selects every case that a product's claims ask for; `name` is what results call the product.
pub fn selection(suite: &Suite, product: &Implementation, name: &str) -> Selection {
    let mut selection = Selection::default();
    for case in &suite.cases {
        match standing(suite, case, product) {
            Standing::Elsewhere => {}
            Standing::NotApplicable(reason) => selection.not_applicable.push(excluded(name, case, reason)),
            Standing::Applies => selection.cases.push(case.clone().at_nodes(&product.nodes)),
        }
    }
    selection
}

/// The result of a case that does not apply to the implementation of this name.
pub(crate) fn excluded(implementation: &str, case: &TestCase, reason: String) -> CaseResult {
    CaseResult {
        id: case.id.clone(),
        title: case.title.clone(),
        purpose: case.purpose.clone(),
        implementation: implementation.to_owned(),
        iut: case.iut.clone(),
        class: case.class,
        verdict: Verdict::NotApplicable,
        reason: Some(reason),
        covers: case.covers.clone(),
        checks: Vec::new(),
        findings: Vec::new(),
        observed: Vec::new(),
        file: case.file.clone(),
        duration_ms: 0,
        spent: Spent::default(),
        attempts: Vec::new(),
    }
}
