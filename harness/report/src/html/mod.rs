//! `report.html`: a run as one page that needs nothing beside it, and no script.
//!
//! Links lead to what stands inside of `<details>`, which browsers open then.

mod case;
mod evidence;
mod ledger;
mod style;

pub(crate) use self::style::PAGE;

use dmconform_model::result::Problem;
use dmconform_model::{CaseResult, Role, RunRecord, Step, Target, Verdict};

use crate::Ladders;
use crate::diagram::svg;
use crate::markup::{escape, escape_lines};
use crate::{gate, wording};

/// The whole run.
pub fn write(record: &RunRecord, ladders: &Ladders) -> String {
    let cases = case::Cases::of(record, ladders);
    let title = format!("dmconform: {} – {}", outcome_word(record), products(record));
    let sections = [
        ("summary", "Verdict", summary(record)),
        ("failures", "What did not pass", failures(record, &cases)),
        ("products", "Products and claims", product_sections(record)),
        ("readings", "How messages are read", readings(record)),
        ("requirements", "Requirements", ledger::section(record, &cases)),
        ("cases", "Cases", case_sections(record, &cases)),
        ("around", "Around the cases", around(record)),
    ];
    let sections: Vec<_> = sections
        .into_iter()
        .filter(|(_, _, text)| !text.is_empty())
        .collect();
    let links: String = sections
        .iter()
        .map(|(id, title, _)| format!("<li><a href=\"#{id}\">{title}</a></li>"))
        .collect();
    let bodies: String = sections
        .iter()
        .map(|(id, title, text)| {
            format!("<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n<h2 id=\"{id}-h\">{title}</h2>\n{text}</section>\n")
        })
        .collect();
    let style = format!(
        "{}{}{}",
        svg::STYLE,
        style::PAGE,
        style::filters(record.run.targets.len())
    );
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#failures\">To what did not pass</a>\n\
         <header>\n<h1>Conformance to OMA DM server delegation: {products}</h1>\n\
         <nav aria-label=\"Parts of this report\"><ul>{links}</ul></nav>\n</header>\n\
         <main>\n{bodies}</main>\n{symbols}<footer><p>Run {run}, written by dmconform {harness}. Secrets are left out of this page; \
         the transcripts beside it have everything.</p></footer>\n</body>\n</html>\n",
        title = escape(&title),
        products = escape(&products(record)),
        symbols = cases.symbols(),
        run = escape(&record.run.id),
        harness = escape(&record.run.harness),
    )
}

fn products(record: &RunRecord) -> String {
    let mut products: Vec<&str> = Vec::new();
    for target in &record.run.targets {
        if !products.contains(&target.product.as_str()) {
            products.push(&target.product);
        }
    }
    match products.as_slice() {
        [] => "no product".to_owned(),
        [.., _] if products.len() <= 3 => products.join(", "),
        several => format!("{} products", several.len()),
    }
}

/// The verdict that the exit code stands for.
fn outcome(record: &RunRecord) -> Verdict {
    match record.exit_code() {
        0 => Verdict::Pass,
        1 => Verdict::Fail,
        3 => Verdict::Inconclusive,
        4 => Verdict::NotApplicable,
        _ => Verdict::Error,
    }
}

fn outcome_word(record: &RunRecord) -> &'static str {
    match outcome(record) {
        Verdict::Pass | Verdict::Warn => "Passed",
        Verdict::Fail => "Failed",
        Verdict::Inconclusive => "Inconclusive",
        Verdict::NotApplicable => "Nothing judged",
        Verdict::Error => "Error",
    }
}

fn chip(verdict: Verdict) -> String {
    format!("<span class=\"chip {verdict}\">{verdict}</span>")
}

/// The verdict, and what it rests on.
fn summary(record: &RunRecord) -> String {
    let run = &record.run;
    let judged = record
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::NotApplicable)
        .count();
    let checks: usize = record.cases.iter().map(|case| case.checks.len()).sum();
    let apart = || {
        record
            .cases
            .iter()
            .filter(|case| !case.weighs() && case.verdict != Verdict::Error)
    };
    let robustness = if apart().next().is_none() {
        ""
    } else if run.strict {
        "; cases of robustness count, since the run is strict"
    } else if apart().any(|case| record.counts(case)) {
        "; cases of robustness count, since nothing else was judged"
    } else {
        "; cases of robustness are reported and do not count"
    };
    let warnings = if run.strict {
        "fail the run"
    } else {
        "do not fail the run"
    };
    let cancelled = if run.cancelled {
        " The run was broken off: what is missing was not tried."
    } else {
        ""
    };
    let facts = [
        ("counts", wording::all_counts(record)),
        (
            "rests on",
            format!(
                "{} judged, {} that held{robustness}; warnings {warnings}",
                wording::count(judged, "case"),
                wording::count(checks, "check")
            ),
        ),
        (
            "readings",
            format!(
                "{} of our own, where public texts are silent",
                run.own_readings.len()
            ),
        ),
        (
            "run",
            format!(
                "began {}, took {}, seed {}, at most {} at once",
                run.started,
                wording::duration(run.duration_ms),
                run.seed,
                run.jobs
            ),
        ),
        ("defects on purpose", run.deviations.join(", ")),
        ("oddities of the product", run.oddities.join(", ")),
        ("oddities of its peers", run.peer_oddities.join(", ")),
    ];
    format!(
        "<div class=\"verdict {verdict}\"><p class=\"said\">{word}</p><p>{outcome}.{cancelled}</p></div>\n{facts}",
        verdict = outcome(record),
        word = outcome_word(record),
        outcome = wording::capitalised(wording::outcome(record)),
        facts = list(
            facts
                .iter()
                .chain(&gate::extent(record))
                .map(|(name, value)| (*name, value.as_str()))
        ),
    )
}

/// Names and values; those without a value are left out.
fn list<'a>(facts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let items: String = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)))
        .collect();
    if items.is_empty() {
        return String::new();
    }
    format!("<dl>{items}</dl>\n")
}

/// Everything that somebody has to look at, each in one row.
fn failures(record: &RunRecord, cases: &case::Cases<'_>) -> String {
    let problems: String = record.problems.iter().map(problem).collect();
    let rows: String = cases
        .all()
        .filter(|(_, case)| !matches!(case.verdict, Verdict::Pass | Verdict::NotApplicable))
        .map(|(anchor, case)| failure(record, &anchor, case))
        .collect();
    let problems = format!("{problems}{}", against_known(record));
    if rows.is_empty() && problems.is_empty() {
        return format!("<p>{}</p>\n", nothing_failed(record));
    }
    let table = if rows.is_empty() {
        String::new()
    } else {
        format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"What did not pass\" tabindex=\"0\"><table>\
             <thead><tr><th scope=\"col\">verdict</th><th scope=\"col\">case</th><th scope=\"col\">requirement</th>\
             <th scope=\"col\">observed</th><th scope=\"col\">blame</th></tr></thead>\n<tbody>{rows}</tbody></table></div>\n"
        )
    };
    format!("{problems}{table}")
}

/// What stands where nothing is to be looked at. That something was judged is not said of nothing.
fn nothing_failed(record: &RunRecord) -> String {
    let is_judged = |case: &CaseResult| case.verdict != Verdict::NotApplicable;
    let left = record.not_run.len();
    match (record.cases.iter().any(is_judged), left) {
        (false, 0) => "Nothing was judged: no case that was selected applies.".to_owned(),
        (false, _) => format!("Nothing was judged: {} not run.", were(left)),
        (true, 0) => "Nothing: every case that applies has passed.".to_owned(),
        (true, _) => format!("Nothing of what was judged, but {} not run.", were(left)),
    }
}

fn were(cases: usize) -> String {
    let verb = if cases == 1 { "was" } else { "were" };
    format!("{} {verb}", wording::count(cases, "case"))
}

/// What is not as the known failures say, each in a box.
fn against_known(record: &RunRecord) -> String {
    let faults = gate::faults(record).into_iter();
    faults
        .map(|(place, fault)| {
            format!(
                "<div class=\"finding fail\"><p>{} {} <span class=\"faint\">({})</span></p></div>\n",
                chip(Verdict::Fail),
                escape(&fault),
                escape(&place)
            )
        })
        .collect()
}

fn failure(record: &RunRecord, anchor: &str, case: &CaseResult) -> String {
    let finding = case
        .findings
        .iter()
        .find(|finding| finding.verdict == case.verdict)
        .or_else(|| case.findings.first());
    let requirement = finding.and_then(|finding| finding.requirement.as_ref());
    let observed = finding.map(|finding| finding.observed.as_str());
    let observed = observed.or(case.reason.as_deref()).unwrap_or_default();
    let blame = finding.and_then(|finding| finding.blame);
    let apart = match (record.known(case), case.is_flaky()) {
        (Some(_), _) => " <span class=\"faint\">(known)</span>",
        (None, true) => " <span class=\"faint\">(flaky)</span>",
        (None, false) if record.counts(case) => "",
        (None, false) => " <span class=\"faint\">(does not count)</span>",
    };
    let product = if record.run.targets.len() > 1 {
        format!(
            "<br><span class=\"faint\">{}</span>",
            escape(&case.implementation)
        )
    } else {
        String::new()
    };
    format!(
        "<tr><td>{chip}{apart}</td><th scope=\"row\" class=\"id\"><a href=\"#{anchor}-in\">{id}</a>{product}</th>\
         <td class=\"id\" data-h=\"requirement\">{requirement}</td><td data-h=\"observed\">{observed}</td>\
         <td class=\"id\" data-h=\"blame\">{blame}</td></tr>\n",
        chip = chip(case.verdict),
        id = escape(&case.id.0),
        requirement = requirement.map(|id| escape(&id.0)).unwrap_or_default(),
        observed = escape(observed),
        blame = blame.map(|blame| escape(&blame.to_string())).unwrap_or_default(),
    )
}

fn problem(problem: &Problem) -> String {
    let output = if problem.output.is_empty() {
        String::new()
    } else {
        format!("<pre class=\"wrap\">{}</pre>", escape_lines(&problem.output))
    };
    format!(
        "<div class=\"finding error\"><p>{} <b>{}</b> could not be tested: failed to {}</p>{output}</div>\n",
        chip(Verdict::Error),
        escape(&problem.implementation),
        escape(&problem.message)
    )
}

fn product_sections(record: &RunRecord) -> String {
    let products: String = record.run.targets.iter().map(product_section).collect();
    format!("<div class=\"products\">\n{products}</div>\n")
}

fn product_section(target: &Target) -> String {
    let roles: Vec<&str> = target.plays.iter().map(|role| role.title()).collect();
    let plays = roles.join(", ");
    let claims = target
        .claims
        .iter()
        .map(|claim| (claim.name.as_str(), claim.value.as_str()));
    let facts = [("product", target.product.as_str()), ("plays", &plays)];
    let facts = list(facts.into_iter().chain(claims));
    format!("<section><h3>{}</h3>\n{facts}</section>\n", escape(&target.name))
}

fn case_sections(record: &RunRecord, cases: &case::Cases<'_>) -> String {
    if record.cases.is_empty() {
        return "<p>No case was run.</p>\n".to_owned();
    }
    let mut parts = vec![filters(record)];
    let groups = Step::ALL.into_iter().map(Some).chain([None]);
    for (is_robustness, step) in [false, true]
        .into_iter()
        .flat_map(|apart| groups.clone().map(move |step| (apart, step)))
    {
        let title = match (is_robustness, step) {
            (false, Some(step)) => format!("Step {step}: {}", step.title()),
            (false, None) => "Whole delegations".to_owned(),
            (true, Some(step)) => format!("Robustness at step {step}: {}", step.title()),
            (true, None) => "Robustness".to_owned(),
        };
        parts.push(cases.group(&title, |case| {
            case::is_robustness(case) == is_robustness && case::step(case) == step
        }));
    }
    parts.concat()
}

/// Choices that hide cases, without a script.
fn filters(record: &RunRecord) -> String {
    let has = |verdict| record.cases.iter().any(|case| case.verdict == verdict);
    let verdicts = Verdict::ALL.into_iter().filter(|verdict| has(*verdict));
    let verdicts = [("open".to_owned(), "to look at".to_owned())]
        .into_iter()
        .chain(verdicts.map(|verdict| (verdict.to_string(), verdict.to_string())));
    let of_role = |role: &Role| record.cases.iter().any(|case| case.iut.contains(role));
    let roles = Role::ALL.into_iter().filter(of_role);
    let roles = roles.map(|role| (role.to_string(), role.title().to_owned()));
    let of_step = |step: Option<Step>| record.cases.iter().any(|case| case::step(case) == step);
    let steps = Step::ALL.into_iter().filter(|step| of_step(Some(*step)));
    let steps = steps.map(|step| (step.to_string(), step.to_string()));
    let whole = of_step(None).then(|| ("whole".to_owned(), "whole".to_owned()));
    let products = record.run.targets.iter().enumerate();
    let products = products.map(|(number, target)| (number.to_string(), target.name.clone()));
    format!(
        "<form class=\"filters\" aria-label=\"Which cases are shown\">\n{}{}{}{}</form>\n",
        choice("verdict", "v", verdicts),
        choice("role", "r", roles),
        choice("step", "s", steps.chain(whole)),
        choice("product", "p", products),
    )
}

fn choice(name: &str, prefix: &str, options: impl Iterator<Item = (String, String)>) -> String {
    let options: Vec<(String, String)> = options.collect();
    if options.len() < 2 {
        return String::new();
    }
    let option = |id: &str, label: &str, checked: &str| {
        format!(
            "<label><input type=\"radio\" name=\"{name}\" id=\"{prefix}-{id}\"{checked}>{}</label>\n",
            escape(label)
        )
    };
    let all = option("all", "all", " checked");
    let options: String = options.iter().map(|(id, label)| option(id, label, "")).collect();
    format!("<fieldset><legend>{name}</legend>{all}{options}</fieldset>\n")
}

fn readings(record: &RunRecord) -> String {
    if record.run.own_readings.is_empty() {
        return String::new();
    }
    let readings: String = record
        .run
        .own_readings
        .iter()
        .map(|reading| format!("<li>{}</li>\n", escape(reading)))
        .collect();
    format!(
        "<p>Where the texts are silent, this run was judged by these readings of the profile:</p>\n<ul>\n{readings}</ul>\n"
    )
}

fn around(record: &RunRecord) -> String {
    if record.strays.is_empty() {
        return String::new();
    }
    let strays: String = record
        .strays
        .iter()
        .map(|stray| format!("<li>{}</li>\n", escape(stray)))
        .collect();
    format!("<p>What mock roles saw that belongs to no case:</p>\n<ul>\n{strays}</ul>\n")
}
