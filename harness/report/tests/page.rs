//! The page of a run: what is in it, what is kept out of it, and how large it gets.

use std::collections::BTreeSet;

use dmconform_model::{CaseId, CaseOf, Class, RequirementId, Verdict};
use dmconform_report::{Ladders, html, markdown};

use crate::common::{DEVIANT, eventful, judged, run, target, transcript};
use dmconform_model::{CaseResult, Role};

#[test]
fn everything_of_a_run_is_on_its_page() {
    let (record, ladders) = eventful();
    let page = html::write(&record, &ladders);
    for part in [
        "Example acme 1.0",
        "Something could not be tested",
        "encodings",
        "xml, wbxml",
        "DMS-1 does not touch the ACLs before",
        "this project&#39;s own",
        "a connection to mock DMS-1 that said nothing",
        "no licence",
        "the product does not claim it",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for case in &record.cases {
        assert!(page.contains(&case.id.0), "{}", case.id);
        for finding in &case.findings {
            assert!(page.contains(&finding.code), "{}", finding.code);
        }
    }
}

/// Every link leads to something on the page, and every address is there once.
#[test]
fn every_link_leads_somewhere() {
    let (record, ladders) = eventful();
    let page = html::write(&record, &ladders);
    let ids: Vec<&str> = values(&page, " id=\"");
    let known: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "an address is there twice");
    let links = values(&page, "href=\"");
    assert!(links.len() > 100, "{} links", links.len());
    for link in links {
        let address = link.strip_prefix('#').expect("nothing leads out of the page");
        assert!(known.contains(address), "{address}");
    }
}

fn values<'a>(page: &'a str, before: &str) -> Vec<&'a str> {
    page.split(before)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap_or_default())
        .collect()
}

#[test]
fn the_page_needs_nothing_beside_it_and_runs_nothing() {
    let (record, ladders) = eventful();
    let page = html::write(&record, &ladders).to_lowercase();
    for forbidden in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "@import",
        "url(",
        "javascript:",
        " onload",
        " onclick",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'"));
}

/// What a product sends is text on the page, wherever it gets there.
#[test]
fn what_a_product_says_is_no_markup() {
    let hostile = "\u{1b}[2J</pre></svg>]]>\0\u{202e}<script>alert(1)</script><img src=x onerror=alert(1)> \" ' onload='x'";
    let (mut record, mut ladders) = eventful();
    for case in &mut record.cases {
        hostile.clone_into(&mut case.title);
        hostile.clone_into(&mut case.purpose);
        case.reason = Some(hostile.to_owned());
        for finding in &mut case.findings {
            hostile.clone_into(&mut finding.observed);
            hostile.clone_into(&mut finding.rerun);
        }
        for check in &mut case.checks {
            hostile.clone_into(&mut check.what);
        }
    }
    hostile.clone_into(&mut record.problems[0].output);
    hostile.clone_into(&mut record.problems[0].message);
    record.strays = vec![hostile.to_owned()];
    record.run.targets[0].product = hostile.to_owned();
    record.run.targets[0].claims[0].value = hostile.to_owned();
    for ladder in ladders.values_mut() {
        for row in &mut ladder.rows {
            match row {
                dmconform_model::ladder::Row::Message(row) => {
                    if let Some(seen) = &mut row.observed {
                        hostile.clone_into(&mut seen.note);
                    }
                }
                dmconform_model::ladder::Row::Happening(happening) => hostile.clone_into(&mut happening.text),
            }
        }
        for exhibit in &mut ladder.exhibits {
            hostile.clone_into(&mut exhibit.title);
            exhibit.facts = vec![(hostile.to_owned(), hostile.to_owned())];
            if let Some(body) = &mut exhibit.body {
                hostile.clone_into(&mut body.text);
                hostile.clone_into(&mut body.kind);
            }
        }
        for connection in &mut ladder.connections {
            connection.facts = vec![(hostile.to_owned(), hostile.to_owned())];
        }
    }
    let page = html::write(&record, &ladders);
    assert!(page.matches("alert(1)").count() > 100, "it is shown");
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(!page.contains('\u{1b}') && !page.contains('\0') && !page.contains('\u{202e}'));
    assert!(!page.contains("' onload='"));
}

#[test]
fn no_secret_of_the_run_is_on_the_page() {
    let (record, ladders) = eventful();
    let page = html::write(&record, &ladders);
    for name in DEVIANT {
        let credentials = transcript(name).header.dms_2_credentials;
        for secret in [credentials.client_secret, credentials.server_secret] {
            assert!(!page.contains(&secret), "{name}");
        }
    }
}

/// Two thousand cases, fifty of which failed with all their evidence, still open in a browser at once.
#[test]
fn a_large_run_is_a_page_of_less_than_ten_megabytes() {
    let good = [judged("good-dms-1", "acme"), judged("good-dm-client", "acme")];
    let bad = DEVIANT.map(|name| (judged(name, "acme"), dmconform_judge::ladder(&transcript(name))));
    let mut ladders = Ladders::new();
    let cases: Vec<CaseResult> = (0..2000)
        .map(|number| {
            let id = CaseId(format!("DEL-DMS1-8-{number:04}"));
            if number % 40 == 0 {
                let (result, ladder) = &bad[number / 40 % bad.len()];
                ladders.insert(("acme".to_owned(), id.clone()), ladder.clone());
                CaseResult { id, ..result.clone() }
            } else {
                CaseResult {
                    id,
                    ..good[number % 2].clone()
                }
            }
        })
        .collect();
    let record = run(cases, vec![target("acme", &Role::ALL)]);
    let page = html::write(&record, &ladders);
    assert_eq!(ladders.len(), 50);
    assert!(
        !page.contains("is left out of this page"),
        "all evidence is there"
    );
    assert!(page.len() < 10_000_000, "{} octets", page.len());
    // The passing cases share their drawings.
    assert_eq!(page.matches("<symbol").count(), 2);
    assert_eq!(page.matches("<use").count(), 1950);
}

/// However much failed, a page stays one that can be opened; what is left out is said.
#[test]
fn evidence_that_would_make_the_page_too_large_is_left_out() {
    let name = "wrong-session-id";
    let (result, ladder) = (judged(name, "acme"), dmconform_judge::ladder(&transcript(name)));
    let mut ladders = Ladders::new();
    let cases: Vec<CaseResult> = (0..600)
        .map(|number| {
            let id = CaseId(format!("DEL-DMS1-8-{number:04}"));
            ladders.insert(("acme".to_owned(), id.clone()), ladder.clone());
            CaseResult { id, ..result.clone() }
        })
        .collect();
    let page = html::write(&run(cases, vec![target("acme", &Role::ALL)]), &ladders);
    assert!(page.contains("is left out of this page"));
    assert!(page.len() < 30_000_000, "{} octets", page.len());
}

#[test]
fn a_run_that_was_broken_off_or_judged_nothing_does_not_say_that_everything_passed() {
    let target = || vec![target("acme", &[Role::Dms1])];
    let good = judged("good-dms-1", "acme");
    let mut broken_off = run(vec![good.clone()], target());
    broken_off.not_run = vec![CaseOf::result(&good); 2];
    let page = html::write(&broken_off, &Ladders::new());
    assert!(page.contains("<p>Nothing of what was judged, but 2 cases were not run.</p>"));
    let mut inapplicable = good.clone();
    inapplicable.verdict = Verdict::NotApplicable;
    let page = html::write(&run(vec![inapplicable], target()), &Ladders::new());
    assert!(page.contains("<p>Nothing was judged: no case that was selected applies.</p>"));
    let page = html::write(&run(vec![good], target()), &Ladders::new());
    assert!(page.contains("<p>Nothing: every case that applies has passed.</p>"));
}

#[test]
fn cases_of_robustness_that_cover_conformance_stand_with_those_that_count() {
    let mut weighing = judged("good-dms-1", "acme");
    weighing.class = Class::Robustness;
    let mut apart = weighing.clone();
    apart.covers = vec![RequirementId("ROB-1".to_owned())];
    assert!(weighing.weighs() && !apart.weighs());
    let targets = || vec![target("acme", &[Role::Dms1])];
    let page = html::write(&run(vec![weighing], targets()), &Ladders::new());
    assert!(page.contains("<h3>Whole delegations") && !page.contains("<h3>Robustness"));
    let page = html::write(&run(vec![apart], targets()), &Ladders::new());
    assert!(page.contains("<h3>Robustness") && !page.contains("<h3>Whole delegations"));
    assert!(page.contains("cases of robustness count, since nothing else was judged"));
}

#[test]
fn the_sequence_of_a_product_that_floods_is_cut_in_the_middle() {
    let mut case = judged("acl-before-bootstrap-complete", "acme");
    let arrow = case.observed[0].clone();
    case.observed.extend(vec![arrow; 19_000]);
    let record = run(vec![case], vec![target("acme", &[Role::Dms1])]);
    let summary = markdown::write(&record, &Ladders::new());
    assert!(summary.contains("more … →"), "the sequence is whole");
    assert!(summary.contains("**blame**"), "the finding is left out");
}
