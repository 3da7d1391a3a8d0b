//! Runs for the tests of reports: stored transcripts, judged, with everything that can be around them.

// The tests use it, the samples and the benchmarks a part of it.
#![allow(dead_code, clippy::allow_attributes, reason = "shared by several programs")]

pub(crate) mod samples;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use dmconform_judge::{Judge, Transcript, read};
use dmconform_model::ledger::{Coverage, State};
use dmconform_model::result::{Claim, Problem, RunInfo, summarise, summarise_robustness};
use dmconform_model::{
    Basis, CaseId, CaseResult, LedgerEntry, RequirementId, Role, RunRecord, Target, Verdict, Weight,
};
use dmconform_report::Ladders;

/// A stored transcript.
pub(crate) fn transcript(name: &str) -> Transcript {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/transcripts")
        .join(format!("{name}.jsonl"));
    let text = std::fs::read_to_string(path).expect("the transcript is checked in");
    read(&text).expect("the transcript is whole")
}

/// The result of a stored transcript, with the name under which it was run here.
pub(crate) fn judged(name: &str, implementation: &str) -> CaseResult {
    CaseResult {
        implementation: implementation.to_owned(),
        duration_ms: 250,
        ..Judge::transcript(transcript(name))
    }
}

pub(crate) fn target(name: &str, plays: &[Role]) -> Target {
    let claim = |name: &str, value: &str| Claim {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    Target {
        name: name.to_owned(),
        product: format!("Example {name} 1.0"),
        plays: plays.to_vec(),
        products: std::collections::BTreeMap::new(),
        full_names: std::collections::BTreeMap::new(),
        claims: vec![claim("encodings", "xml, wbxml"), claim("window", "300ms")],
    }
}

/// A run of these cases, nothing else.
pub(crate) fn run(cases: Vec<CaseResult>, targets: Vec<Target>) -> RunRecord {
    RunRecord {
        schema_version: RunRecord::SCHEMA_VERSION,
        run: RunInfo {
            id: "20260102T030405-6".to_owned(),
            started: "2026-01-02T03:04:05Z".to_owned(),
            duration_ms: 1250,
            harness: "0.1.0".to_owned(),
            seed: 7,
            jobs: 16,
            strict: false,
            deviations: vec!["acl-before-bootstrap-complete".to_owned()],
            oddities: vec!["chunked-bodies".to_owned()],
            peer_oddities: Vec::new(),
            targets,
            own_readings: vec!["The XML of the delegation documents is this project's own.".to_owned()],
            cancelled: true,
            selection: Vec::new(),
            shard: None,
            stopped_by: None,
            allow_flaky: false,
        },
        summary: summarise(&cases),
        robustness: summarise_robustness(&cases),
        cases,
        ledger: Vec::new(),
        strays: vec!["a connection to mock DMS-1 that said nothing".to_owned()],
        problems: Vec::new(),
        not_run: Vec::new(),
        gate: None,
    }
}

/// The transcripts of cases that did not pass.
pub(crate) const DEVIANT: [&str; 8] = [
    "acl-before-bootstrap-complete",
    "points-to-the-owner",
    "repeats-as-second-step",
    "never-sends-client-prepared",
    "sends-plaintext",
    "ignores-acl",
    "accepts-any-client-certificate",
    "wrong-session-id",
];

/// A run with every verdict in it, everything that can go wrong around the cases, and the ladders of what did not pass.
pub(crate) fn eventful() -> (RunRecord, Ladders) {
    let not_applicable = CaseResult {
        id: CaseId("DEL-DMS1-9-900".to_owned()),
        verdict: Verdict::NotApplicable,
        reason: Some("the product does not claim it".to_owned()),
        findings: Vec::new(),
        checks: Vec::new(),
        observed: Vec::new(),
        ..judged("good-dms-1", "acme")
    };
    let good = [
        "good-dms-1",
        "good-dms-2",
        "good-dm-client",
        "good-bootstrap-server",
    ];
    let mut cases: Vec<CaseResult> = good.iter().map(|name| judged(name, "acme")).collect();
    cases.push(not_applicable);
    let mut ladders = Ladders::new();
    for name in DEVIANT {
        let result = judged(name, "acme");
        let key = ("acme".to_owned(), result.id.clone());
        ladders.insert(key, dmconform_judge::ladder(&transcript(name)));
        cases.push(result);
    }
    let mut record = run(
        cases,
        vec![target("acme", &Role::ALL), target("broken", &[Role::DmClient])],
    );
    record.problems.push(Problem {
        implementation: "broken".to_owned(),
        message: "get `product` ready: it ended with exit status: 3 before it listened at 127.0.0.1:7"
            .to_owned(),
        output: "reading configuration\n\u{1b}[31mno licence\u{1b}[0m".to_owned(),
    });
    record.ledger = ledger();
    (record, ladders)
}

fn ledger() -> Vec<LedgerEntry> {
    let coverage = |state, cases: &[&str], why: Option<&str>| Coverage {
        state,
        cases: cases.iter().map(|case| CaseId((*case).to_owned())).collect(),
        why: why.map(str::to_owned),
    };
    let entry = |id: &str, role, verdict, positive, negative| LedgerEntry {
        requirement: RequirementId(id.to_owned()),
        words: "DMS-1 does not touch the ACLs before DMS-2's notification of step 7.".to_owned(),
        weight: Some(Weight::Fail),
        basis: Some(Basis::ChangeRequest),
        role,
        verdict,
        positive,
        negative,
    };
    vec![
        entry(
            "DEL-8-3",
            Role::Dms1,
            Verdict::Fail,
            coverage(State::Held, &["DEL-DMS1-0-010"], None),
            coverage(State::Broken, &["DEL-DMS1-8-030"], None),
        ),
        entry(
            "DEL-9-1",
            Role::Dms2,
            Verdict::NotApplicable,
            coverage(State::NotRun, &[], None),
            coverage(State::NotTested, &[], Some("nothing would show it")),
        ),
    ]
}

/// Whether XML is valid, and what is said about it; nothing where there is no tool.
pub(crate) fn xmllint(schema: &str, xml: &[u8]) -> Option<(bool, String)> {
    let started = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", schema, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        let skipped = "skipped: xmllint not installed";
        assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
        // Written past the test framework, which would keep it to itself.
        let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
        return None;
    };
    let mut input = child.stdin.take().expect("standard input is a pipe");
    input.write_all(xml).expect("the program reads its input");
    drop(input);
    let output = child.wait_with_output().expect("its output is readable");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some((output.status.success(), said))
}
