//! Products against products: what runs in which several were observed say of each pair of them, step by step.

mod html;
mod markdown;

use std::collections::{BTreeMap, BTreeSet};

use dmconform_model::{CaseId, CaseResult, Finding, RequirementId, Role, RunRecord, Step, Target, Verdict};
use serde::Serialize;

pub use self::html::write as html;
pub use self::markdown::write as markdown;

/// Between which roles each step of the procedure passes.
pub type Between = BTreeMap<Step, [Role; 2]>;

/// What is known of products that talked to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// The version of this form: [`Matrix::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The products, in the order of the rows and columns.
    pub products: Vec<Product>,
    /// The pairs that talked to each other.
    pub pairs: Vec<Pair>,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Product {
    /// The roles that it played in any of the runs.
    pub plays: BTreeSet<Role>,
    /// A name that no other has here.
    pub name: String,
    /// Vendor, product and version.
    pub product: String,
}

/// Two products in their roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// One of them: the one that plays DMS-1, where one does.
    pub row: Played,
    /// The other.
    pub column: Played,
    /// What it comes to: the worst of what was found, and no pass for a step that was not seen.
    pub verdict: Verdict,
    /// The steps that pass between them, or between one of them and a role that the harness played.
    pub steps: Vec<AtStep>,
    /// How many delegations were judged.
    pub delegations: u32,
    /// The runs that this rests on.
    pub runs: BTreeSet<String>,
    /// What was found between them, each kind once.
    pub findings: Vec<Said>,
}

/// A product in its roles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Played {
    /// The roles.
    pub roles: BTreeSet<Role>,
    /// The product, by its name in [`Matrix::products`].
    pub name: String,
}

/// What was seen of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtStep {
    /// The step.
    pub step: Step,
    /// What it comes to; absent where it was not seen.
    pub verdict: Option<Verdict>,
}

/// Something that was found between two products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What it comes to.
    pub verdict: Verdict,
    /// At which step.
    pub step: Option<Step>,
    /// The kind of finding.
    pub code: String,
    /// The requirement.
    pub requirement: Option<RequirementId>,
    /// In words.
    pub statement: String,
    /// The product that is at fault; absent where nobody is blamed, or neither of them.
    pub blames: Option<String>,
    /// The case and the run in which it was seen first.
    pub case: CaseId,
    /// See [`Said::case`].
    pub run: String,
}

/// Why there is no matrix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    /// A run is of products on their own.
    #[error(
        "make a matrix of the run `{run}`: {target} was tested on its own; a matrix is made of runs of `dmconform observe`"
    )]
    NotObserved {
        /// The run.
        run: String,
        /// What was tested.
        target: String,
    },
    /// No two products talk to each other.
    #[error("make a matrix: in none of the runs do two products talk to each other")]
    NoPair,
}

impl Matrix {
    /// The version of the form that this program writes.
    pub const SCHEMA_VERSION: u32 = 1;

    /// What the runs say of their products.
    ///
    /// # Errors
    /// A run is of no products that were observed, or no two of them have a step between them.
    pub fn of(records: &[RunRecord], between: &Between) -> Result<Self, MatrixError> {
        let names = Names::of(records)?;
        let mut pairs: BTreeMap<(Played, Played), Gathered> = BTreeMap::new();
        for record in records {
            for target in &record.run.targets {
                for (row, column) in talking(target, between) {
                    let steps = steps(target, &row, &column, between);
                    let key = (names.played(target, row), names.played(target, column));
                    let gathered = pairs.entry(key).or_insert_with(|| Gathered::new(&steps));
                    gathered.runs.insert(record.run.id.clone());
                    gathered.add(record, target, &names);
                }
            }
        }
        if pairs.is_empty() {
            return Err(MatrixError::NoPair);
        }
        let pairs = pairs
            .into_iter()
            .map(|((row, column), gathered)| gathered.pair(row, column));
        Ok(Self {
            schema_version: Self::SCHEMA_VERSION,
            products: names.products(),
            pairs: pairs.collect(),
        })
    }

    /// The pair of a row and a column.
    pub fn pairs_of<'a>(&'a self, row: &'a str, column: &'a str) -> impl Iterator<Item = &'a Pair> {
        self.pairs
            .iter()
            .filter(move |pair| pair.row.name == row && pair.column.name == column)
    }

    /// The products that are the first of a pair, and those that are the second of one.
    pub fn axes(&self) -> (Vec<&Product>, Vec<&Product>) {
        let has = |of: fn(&Pair) -> &Played, product: &Product| {
            self.pairs.iter().any(|pair| of(pair).name == product.name)
        };
        let products = |of: fn(&Pair) -> &Played| {
            let products = self.products.iter();
            products.filter(|product| has(of, product)).collect()
        };
        (products(|pair| &pair.row), products(|pair| &pair.column))
    }

    /// The exit code: that of a run with these verdicts.
    pub fn exit_code(&self) -> u8 {
        let worst = self
            .pairs
            .iter()
            .map(|pair| pair.verdict)
            .max_by_key(|verdict| rank(*verdict));
        match worst {
            Some(Verdict::Error) => 5,
            Some(Verdict::Fail) => 1,
            Some(Verdict::Inconclusive) => 3,
            _ => 0,
        }
    }

    /// The matrix as JSON.
    pub fn json(&self) -> String {
        // Maps with texts as keys, lists and texts can always be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// How bad a verdict is.
const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NotApplicable => 0,
        Verdict::Pass => 1,
        Verdict::Warn => 2,
        Verdict::Inconclusive => 3,
        Verdict::Fail => 4,
        Verdict::Error => 5,
    }
}

fn worse(one: Option<Verdict>, other: Option<Verdict>) -> Option<Verdict> {
    one.into_iter().chain(other).max_by_key(|verdict| rank(*verdict))
}

/// The roles of a product of a target.
type Roles = BTreeSet<Role>;

/// The pairs of products of a target with a step between them; the one with the earlier role first.
fn talking(target: &Target, between: &Between) -> Vec<(Roles, Roles)> {
    let mut products: BTreeMap<&String, Roles> = BTreeMap::new();
    for (role, product) in &target.products {
        products.entry(product).or_default().insert(*role);
    }
    let mut products: Vec<Roles> = products.into_values().collect();
    products.sort_by_key(|roles| roles.iter().map(|role| place(*role)).min());
    let mut pairs = Vec::new();
    for (index, row) in products.iter().enumerate() {
        for column in &products[index + 1..] {
            if between.values().any(|roles| talk(row, column, roles)) {
                pairs.push((row.clone(), column.clone()));
            }
        }
    }
    pairs
}

/// Servers stand before clients, and the delegating one before the other.
const fn place(role: Role) -> u8 {
    match role {
        Role::Dms1 => 0,
        Role::Dms2 => 1,
        Role::BootstrapServer => 2,
        Role::DmClient => 3,
    }
}

/// Whether a step passes between two products.
fn talk(row: &Roles, column: &Roles, [one, other]: &[Role; 2]) -> bool {
    (row.contains(one) && column.contains(other)) || (row.contains(other) && column.contains(one))
}

/// The steps of a pair: those between the two, and those between one of them and a role that the harness plays. What passes
/// between one of them and a third product is the affair of another pair.
fn steps(target: &Target, row: &Roles, column: &Roles, between: &Between) -> Vec<Step> {
    let is_of_pair = |role: &Role| row.contains(role) || column.contains(role);
    let is_theirs = |roles: &[Role; 2]| {
        let is_mock = |role: &Role| !target.products.contains_key(role);
        roles.iter().any(is_of_pair) && roles.iter().all(|role| is_of_pair(role) || is_mock(role))
    };
    let theirs = between.iter().filter(|(_, roles)| is_theirs(roles));
    theirs.map(|(step, _)| *step).collect()
}

/// What products are called: files of two vendors may have the same name.
struct Names(BTreeMap<(String, String), Product>);

impl Names {
    fn of(records: &[RunRecord]) -> Result<Self, MatrixError> {
        let mut products: BTreeMap<(String, String), Product> = BTreeMap::new();
        for record in records {
            for target in &record.run.targets {
                if target.products.is_empty() {
                    return Err(MatrixError::NotObserved {
                        run: record.run.id.clone(),
                        target: target.name.clone(),
                    });
                }
                for (role, name) in &target.products {
                    let full = full_name(target, name);
                    let product = products
                        .entry((name.clone(), full.clone()))
                        .or_insert_with(|| Product {
                            plays: BTreeSet::new(),
                            name: name.clone(),
                            product: full,
                        });
                    product.plays.insert(*role);
                }
            }
        }
        let twice: BTreeSet<String> = products
            .keys()
            .zip(products.keys().skip(1))
            .filter(|((one, _), (other, _))| one == other)
            .map(|((name, _), _)| name.clone())
            .collect();
        for product in products
            .values_mut()
            .filter(|product| twice.contains(&product.name))
        {
            product.name = format!("{} ({})", product.name, product.product);
        }
        Ok(Self(products))
    }

    fn name(&self, target: &Target, name: &str) -> String {
        let key = (name.to_owned(), full_name(target, name));
        self.0
            .get(&key)
            .map_or_else(|| name.to_owned(), |product| product.name.clone())
    }

    fn played(&self, target: &Target, roles: Roles) -> Played {
        let product = roles.first().and_then(|role| target.products.get(role));
        let name = product.map(|name| self.name(target, name)).unwrap_or_default();
        Played { roles, name }
    }

    fn products(self) -> Vec<Product> {
        let mut products: Vec<Product> = self.0.into_values().collect();
        products.sort_by_key(|product| {
            let first = product.plays.iter().map(|role| place(*role)).min();
            (first, product.name.clone())
        });
        products
    }
}

/// Vendor, product and version of a product of a target.
fn full_name(target: &Target, name: &str) -> String {
    target.full_names.get(name).cloned().unwrap_or_default()
}

/// What has come together about a pair.
struct Gathered {
    steps: BTreeMap<Step, Option<Verdict>>,
    /// What cases came to that nothing at a step explains.
    otherwise: Option<Verdict>,
    delegations: u32,
    runs: BTreeSet<String>,
    findings: Vec<Said>,
}

impl Gathered {
    fn new(steps: &[Step]) -> Self {
        Self {
            steps: steps.iter().map(|step| (*step, None)).collect(),
            otherwise: None,
            delegations: 0,
            runs: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    /// Takes in the cases of a run.
    fn add(&mut self, record: &RunRecord, target: &Target, names: &Names) {
        let judged =
            |case: &&CaseResult| case.implementation == target.name && case.verdict != Verdict::NotApplicable;
        for case in record.cases.iter().filter(judged) {
            self.delegations += 1;
            self.see(case);
            let (theirs, others): (Vec<&Finding>, Vec<&Finding>) =
                case.findings.iter().partition(|finding| self.is_theirs(finding));
            for finding in &theirs {
                if let Some(seen) = finding.step.and_then(|step| self.steps.get_mut(&step)) {
                    *seen = worse(*seen, Some(finding.verdict));
                } else {
                    self.otherwise = worse(self.otherwise, Some(finding.verdict));
                }
                self.say(finding, case, record, target, names);
            }
            if theirs.is_empty() && others.is_empty() {
                self.otherwise = worse(self.otherwise, Some(case.verdict));
            }
        }
        let problem = record
            .problems
            .iter()
            .any(|problem| problem.implementation == target.name);
        if problem {
            self.otherwise = Some(Verdict::Error);
        }
    }

    /// Marks the steps of which a case has seen something.
    fn see(&mut self, case: &CaseResult) {
        let seen: BTreeSet<Step> = case.observed.iter().map(|arrow| arrow.message.step).collect();
        // What passes between the servers passes over the TLS connection of step 1.
        let is_connected = seen.contains(&Step::Initiation) || seen.contains(&Step::UrlRequest);
        for (step, verdict) in &mut self.steps {
            if seen.contains(step) || (*step == Step::TlsConnection && is_connected) {
                *verdict = worse(*verdict, Some(Verdict::Pass));
            }
        }
    }

    /// Whether a finding is about what passes between these two; one without a step may be.
    fn is_theirs(&self, finding: &Finding) -> bool {
        finding.step.is_none_or(|step| self.steps.contains_key(&step))
    }

    fn say(
        &mut self,
        finding: &Finding,
        case: &CaseResult,
        record: &RunRecord,
        target: &Target,
        names: &Names,
    ) {
        let blames = finding.product.as_ref().map(|name| names.name(target, name));
        let is_known = |said: &Said| {
            said.code == finding.code
                && said.step == finding.step
                && said.requirement == finding.requirement
                && said.blames == blames
        };
        if self.findings.iter().any(is_known) {
            return;
        }
        self.findings.push(Said {
            verdict: finding.verdict,
            step: finding.step,
            code: finding.code.clone(),
            requirement: finding.requirement.clone(),
            statement: finding.statement.clone(),
            blames,
            case: case.id.clone(),
            run: record.run.id.clone(),
        });
    }

    fn pair(self, row: Played, column: Played) -> Pair {
        let worst = self
            .steps
            .values()
            .fold(self.otherwise, |worst, seen| worse(worst, *seen));
        // Step 8b is optional; every other one belongs to a whole delegation.
        let is_whole = self
            .steps
            .iter()
            .all(|(step, seen)| seen.is_some() || *step == Step::AccountRemoval);
        let verdict = match is_whole {
            true => worst,
            false => worse(worst, Some(Verdict::Inconclusive)),
        };
        let steps = self
            .steps
            .into_iter()
            .map(|(step, verdict)| AtStep { step, verdict });
        Pair {
            row,
            column,
            verdict: verdict.unwrap_or(Verdict::Inconclusive),
            steps: steps.collect(),
            delegations: self.delegations,
            runs: self.runs,
            findings: self.findings,
        }
    }
}
