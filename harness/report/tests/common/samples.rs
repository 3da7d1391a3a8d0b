//! Samples of every report: made of stored transcripts of the reference implementation, so that they are the same each time.

use std::collections::BTreeMap;

use dmconform_case::Suite;
use dmconform_case::ledger::ledger;
use dmconform_case::stated::stated;
use dmconform_case::test_case::Opener;
use dmconform_judge::{Judge, Transcript};
use dmconform_model::result::{RunInfo, summarise, summarise_robustness};
use dmconform_model::{MessageId, Role, RunRecord, Step, Target};
use dmconform_report::github::{self, Files};
use dmconform_report::matrix::{self, Matrix};
use dmconform_report::terminal::{self, Style};
use dmconform_report::{Ladders, html, json, junit, markdown};

use super::transcript;

/// A sample: the folder that it is in, the transcripts that it is made of, and the defects that they are of.
struct Sample {
    folder: &'static str,
    transcripts: &'static [&'static str],
    deviations: &'static [&'static str],
}

const SAMPLES: [Sample; 3] = [
    Sample {
        folder: "reference",
        transcripts: &[
            "good-dm-client",
            "good-dms-1",
            "good-dms-2",
            "good-bootstrap-server",
        ],
        deviations: &[],
    },
    Sample {
        folder: "acl-before-bootstrap-complete",
        transcripts: &["acl-before-bootstrap-complete"],
        deviations: &["acl-before-bootstrap-complete"],
    },
    Sample {
        folder: "never-sends-client-prepared",
        transcripts: &["points-to-the-owner", "never-sends-client-prepared"],
        deviations: &["never-sends-client-prepared"],
    },
];

/// Every file below `reports/samples`, with what is in it.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for sample in &SAMPLES {
        let (record, ladders) = run(sample);
        let style = Style {
            colour: false,
            width: 100,
        };
        let texts = [
            ("report.html", html::write(&record, &ladders).into_bytes()),
            ("summary.md", markdown::write(&record, &ladders).into_bytes()),
            ("junit.xml", junit::write(&record).expect("it can be written")),
            ("results.json", json::write(&record).into_bytes()),
            ("terminal.txt", terminal::summary(&record, style).into_bytes()),
            (
                "annotations.txt",
                github::annotations(&record, &Files::default()).into_bytes(),
            ),
        ];
        for (name, text) in texts {
            files.insert(format!("{}/{name}", sample.folder), text);
        }
    }
    let matrix = matrix();
    files.insert(
        "matrix/matrix.html".to_owned(),
        matrix::html(&matrix).into_bytes(),
    );
    files.insert(
        "matrix/matrix.md".to_owned(),
        matrix::markdown(&matrix).into_bytes(),
    );
    files.insert("matrix/matrix.json".to_owned(), matrix.json().into_bytes());
    files
}

/// Two products that open delegations against one that takes them: what the runs of `observe` would have been.
fn matrix() -> Matrix {
    let runs = [
        observed(&["good-dms-1"], "sound-dms-1"),
        observed(&["acl-before-bootstrap-complete"], "hasty-dms-1"),
    ];
    let procedure = &transcript("good-dms-1").header.procedure;
    let between = Step::ALL.into_iter().filter_map(|step| {
        let request = MessageId::request(step);
        let sender = procedure.sender(request, Opener::Dms1)?;
        Some((step, [sender, procedure.receiver(request, Opener::Dms1)?]))
    });
    Matrix::of(&runs, &between.collect()).expect("the products talk to each other")
}

/// The run in which a product, as DMS-1, was observed with the other one.
fn observed(transcripts: &'static [&'static str], dms_1: &str) -> RunRecord {
    let (mut record, _) = run(&Sample {
        folder: transcripts[0],
        transcripts,
        deviations: &[],
    });
    let target = &mut record.run.targets[0];
    let products = [
        (Role::Dms1, dms_1),
        (Role::Dms2, "other-dms-2"),
        (Role::BootstrapServer, "other-dms-2"),
    ];
    target.products = products.map(|(role, name)| (role, name.to_owned())).into();
    let full = products.map(|(_, name)| (name.to_owned(), format!("Example {name} 1.0")));
    target.full_names = full.into();
    let findings = record.cases.iter_mut().flat_map(|case| &mut case.findings);
    for finding in findings {
        finding.product = Some(dms_1.to_owned());
    }
    record
}

/// The run that the transcripts of a sample would be of.
fn run(sample: &Sample) -> (RunRecord, Ladders) {
    let transcripts: Vec<Transcript> = sample.transcripts.iter().map(|name| transcript(name)).collect();
    let mut targets: Vec<Target> = Vec::new();
    let mut ladders = Ladders::new();
    let mut cases = Vec::new();
    for transcript in &transcripts {
        let header = &transcript.header;
        let result = Judge::transcript(transcript.clone());
        if !result.findings.is_empty() {
            let key = (result.implementation.clone(), result.id.clone());
            ladders.insert(key, dmconform_judge::ladder(transcript));
        }
        if !targets.iter().any(|target| target.name == header.target.name) {
            targets.push(Target {
                claims: stated(&header.claims, &header.limits),
                ..(*header.target).clone()
            });
        }
        cases.push(result);
    }
    let first = &transcripts[0].header;
    let record = RunRecord {
        schema_version: RunRecord::SCHEMA_VERSION,
        run: RunInfo {
            id: format!("sample-{}", sample.folder),
            started: "2026-11-24T05:04:24Z".to_owned(),
            duration_ms: cases.iter().map(|case| case.duration_ms).sum(),
            harness: first.judge.clone(),
            seed: 0,
            jobs: 1,
            strict: first.strict,
            deviations: sample.deviations.iter().map(|&name| name.to_owned()).collect(),
            oddities: Vec::new(),
            peer_oddities: Vec::new(),
            targets,
            own_readings: first.profile.own_readings.clone(),
            cancelled: false,
            selection: Vec::new(),
            shard: None,
            stopped_by: None,
            allow_flaky: false,
        },
        summary: summarise(&cases),
        robustness: summarise_robustness(&cases),
        ledger: ledger(&Suite::embedded(), &cases),
        cases,
        strays: Vec::new(),
        problems: Vec::new(),
        not_run: Vec::new(),
        gate: None,
    };
    (record, ladders)
}
