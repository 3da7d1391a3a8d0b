//! Which cases are run against an implementation, and how: beside each other, or one at a time.

use dmconform_case::test_case::TestCase;
use dmconform_model::CaseResult;

use crate::applies::exclusive_listener;
use crate::options::{RunOptions, TargetFile};
use crate::robustness::is_harmful;
use crate::selection::{Standing, excluded, standing};

/// What is run against one implementation.
pub(crate) struct Plan {
    /// Beside each other.
    pub(crate) parallel: Vec<TestCase>,
    /// One at a time: those that want a listener to themselves.
    pub(crate) alone: Vec<TestCase>,
    /// Last, or on an instance of their own, for nothing else is to be blamed on what they do: those that may harm the product.
    pub(crate) harmful: Vec<TestCase>,
    /// Not at all: they do not apply, or were judged before.
    pub(crate) excluded: Vec<CaseResult>,
}

impl Plan {
    /// How many cases are run.
    pub(crate) fn len(&self) -> usize {
        self.cases().count()
    }

    /// The cases that are run.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &TestCase> {
        self.parallel.iter().chain(&self.alone).chain(&self.harmful)
    }
}

/// What is run against an implementation.
pub(crate) fn plan(options: &RunOptions, file: &TargetFile) -> Plan {
    let mut plan = Plan {
        parallel: Vec::new(),
        alone: Vec::new(),
        harmful: Vec::new(),
        excluded: Vec::new(),
    };
    let product = &file.implementation;
    let here = |case: &TestCase| case.clone().at_nodes(&product.nodes);
    for case in &file.suite.cases {
        let selected = options
            .cases
            .as_ref()
            .is_none_or(|globs| globs.is_match(&case.id.0) || globs.is_match(&case.family().0));
        let of_role = options.roles.is_empty() || case.iut.iter().any(|role| options.roles.contains(role));
        if !selected || !of_role {
            continue;
        }
        if !options.gating.selects(&file.name, &case.id) {
            continue;
        }
        let standing = standing(&file.suite, case, product);
        if let (Standing::Applies, Some(result)) = (&standing, options.gating.known(&file.name, &case.id)) {
            plan.excluded.push(result.clone());
            continue;
        }
        match standing {
            Standing::Elsewhere => {}
            Standing::NotApplicable(reason) => plan.excluded.push(excluded(&file.name, case, reason)),
            Standing::Applies if is_harmful(case) => plan.harmful.push(here(case)),
            Standing::Applies if exclusive_listener(&file.suite.procedure, case).is_some() => {
                plan.alone.push(here(case));
            }
            Standing::Applies => plan.parallel.push(here(case)),
        }
    }
    shuffle(&mut plan.parallel, options.seed);
    shuffle(&mut plan.alone, options.seed);
    shuffle(&mut plan.harmful, options.seed);
    plan
}

/// A fixed shuffle per seed, by the multiplier of Knuth's MMIX generator. Seed 0 keeps the order of the suite.
fn shuffle(cases: &mut [TestCase], seed: u64) {
    if seed == 0 {
        return;
    }
    let mut state = seed;
    for at in (1..cases.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (at + 1);
        cases.swap(at, other);
    }
}
