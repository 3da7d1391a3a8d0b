//! DMS-1, message by message.

use dmconform_oddity::Oddities;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use oma_dm::uri::NodeUri;
use rstest::rstest;

use super::Delegating;
use crate::config::BootstrapConfig;
use crate::delegation::device_work::{Job, Operation, Outcome, Site};
use crate::delegation::document::{DelegationType, Document, Kind, Scope};
use crate::delegation::ledger::{Desk, Machine, Outgoing, Side};
use crate::deviation::{Deviation, Deviations};

const URL: &str = "https://bootstrap.example/b/1";

fn terms() -> Document {
    Document {
        kind: Kind::InitiationRequest,
        session: "s1".to_owned(),
        delegating: "dms1.example".to_owned(),
        delegated: "dms2.example".to_owned(),
        device: "dev".to_owned(),
        scope: Some(Scope {
            manufacturer: "Maker".to_owned(),
            model: "Model".to_owned(),
            tree_parts: vec!["./Com".to_owned()],
            delegation_type: DelegationType::from_name("full-permanent"),
        }),
    }
}

fn notice(kind: Kind) -> Document {
    Document {
        kind,
        scope: None,
        ..terms()
    }
}

fn machine(deviations: &[Deviation]) -> Delegating {
    let desk = Desk {
        side: Side::Delegating,
        server_id: "dms1.example".to_owned(),
        peers: BTreeSet::from(["dms2.example".to_owned()]),
        deviations: deviations.iter().copied().collect::<Deviations>(),
    };
    let site = Site {
        bootstrap_config: BootstrapConfig::default(),
        account_root: NodeUri::parse("./DMAcc").expect("a URI"),
        session_timeout: Duration::from_secs(60),
        oddities: Oddities::default(),
    };
    Delegating::new(desk, site, false)
}

/// A DMS-1 with the other parties played by hand.
struct Bench {
    machine: Delegating,
    now: Instant,
}

impl Bench {
    fn new(deviations: &[Deviation]) -> Self {
        Self {
            machine: machine(deviations),
            now: Instant::now(),
        }
    }

    /// Up to the answer of step 3.
    fn with_url(deviations: &[Deviation], removes: bool) -> Self {
        let mut bench = Self::new(deviations);
        assert_eq!(
            kinds(&bench.machine.open(terms(), removes)),
            [Kind::InitiationRequest]
        );
        let next = bench.machine.sent("s1", Kind::InitiationRequest, Ok(None));
        assert_eq!(kinds(&next), [Kind::BootstrapServerUrlRequest]);
        bench
            .machine
            .sent("s1", Kind::BootstrapServerUrlRequest, Ok(Some(URL.to_owned())));
        bench
    }

    /// Up to step 7.
    fn bootstrapped(deviations: &[Deviation], removes: bool) -> Self {
        let mut bench = Self::with_url(deviations, removes);
        let jobs = bench.due("1");
        bench.answer("1", &jobs, &[(200, None)]);
        bench
            .hear(Kind::BootstrapComplete)
            .expect("it is time for step 7");
        bench
    }

    fn due(&mut self, dm_session: &str) -> Vec<Job> {
        self.machine.operations("dev", dm_session, self.now)
    }

    /// Answers the jobs, each with a status and a value; the last answer serves for the rest.
    fn answer(&mut self, dm_session: &str, jobs: &[Job], answers: &[(u16, Option<&str>)]) -> Vec<Kind> {
        let outcomes = jobs.iter().enumerate().map(|(index, job)| {
            let (status, value) = answers[index.min(answers.len() - 1)];
            (
                job.clone(),
                Outcome {
                    status: Some(status),
                    value: value.map(str::to_owned),
                },
            )
        });
        kinds(&self.machine.outcomes(dm_session, outcomes.collect(), self.now))
    }

    fn hear(&mut self, kind: Kind) -> Result<Vec<Kind>, u16> {
        self.hear_document(&notice(kind))
    }

    fn hear_document(&mut self, document: &Document) -> Result<Vec<Kind>, u16> {
        let certificate = ["dms2.example".to_owned()];
        let result = self.machine.receive(document, Some(&certificate));
        result
            .map(|(_, consequences)| kinds(&consequences.outgoing))
            .map_err(|refusal| refusal.status)
    }

    fn state(&self) -> &'static str {
        self.machine.view("s1").expect("it was opened").state
    }
}

fn kinds(outgoing: &[Outgoing]) -> Vec<Kind> {
    outgoing.iter().map(|message| message.document.kind).collect()
}

fn operations(jobs: &[Job]) -> Vec<String> {
    let describe = |job: &Job| match &job.operation {
        Operation::AddEntry { entry, leaf, url } => format!("add {entry}/{leaf} {url}"),
        Operation::ReadAcl { node } => format!("read the ACL of {node}"),
        Operation::WriteAcl { node, acl } => format!("write the ACL of {node}: {acl}"),
        Operation::WriteAclsAndDelete { acls, account } => {
            let nodes: Vec<String> = acls.iter().map(|(node, _)| node.to_string()).collect();
            format!("write the ACLs of {}, and delete {account}", nodes.join(", "))
        }
        Operation::Read { node } => format!("read {node}"),
        Operation::Delete { node } => format!("delete {node}"),
    };
    jobs.iter().map(describe).collect()
}

#[test]
fn the_whole_delegation_with_the_removal_of_its_account_goes_in_order() {
    let mut bench = Bench::with_url(&[], true);
    let jobs = bench.due("1");
    assert_eq!(operations(&jobs), [format!("add ./BootstrapConfig/s1/URL {URL}")]);
    assert_eq!(bench.answer("1", &jobs, &[(200, None)]), []);
    assert_eq!(bench.due("1"), []);
    assert_eq!(bench.due("2"), []);
    assert_eq!(bench.hear(Kind::BootstrapComplete), Ok(vec![]));
    let jobs = bench.due("3");
    assert_eq!(operations(&jobs), ["read the ACL of ./Com", "read the ACL of ."]);
    assert_eq!(
        bench.answer(
            "3",
            &jobs,
            &[(200, Some("Get=*&Replace=dms1.example+dms9.example"))]
        ),
        []
    );
    let jobs = bench.due("3");
    let expected = "write the ACL of ./Com: Add=dms2.example&Delete=dms2.example&Exec=dms2.example&Get=*\
                    &Replace=dms1.example+dms2.example+dms9.example";
    assert_eq!(operations(&jobs), [expected]);
    assert_eq!(bench.answer("3", &jobs, &[(200, None)]), []);
    let jobs = bench.due("3");
    assert_eq!(operations(&jobs), ["read ./DMAcc"]);
    assert_eq!(bench.answer("3", &jobs, &[(200, Some("a/b"))]), []);
    let jobs = bench.due("3");
    assert_eq!(
        operations(&jobs),
        ["read ./DMAcc/a/ServerID", "read ./DMAcc/b/ServerID"]
    );
    assert_eq!(
        bench.answer("3", &jobs, &[(425, None), (200, Some("dms1.example"))]),
        []
    );
    let jobs = bench.due("3");
    assert_eq!(operations(&jobs), ["delete ./DMAcc/b"]);
    assert_eq!(bench.answer("3", &jobs, &[(200, None)]), [Kind::ClientPrepared]);
    assert_eq!(bench.due("3"), []);
    bench.machine.sent("s1", Kind::ClientPrepared, Ok(None));
    assert_eq!(bench.hear(Kind::DelegationComplete), Ok(vec![]));
    assert_eq!(bench.state(), "complete");
}

#[test]
fn an_acl_that_inherits_is_made_from_the_one_in_force() {
    let mut bench = Bench::bootstrapped(&[], false);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, Some("")), (200, Some("Add=*&Get=*"))]);
    let jobs = bench.due("2");
    let expected =
        "write the ACL of ./Com: Add=*&Delete=dms2.example&Exec=dms2.example&Get=*&Replace=dms2.example";
    assert_eq!(operations(&jobs), [expected]);
    assert_eq!(bench.answer("2", &jobs, &[(200, None)]), [Kind::ClientPrepared]);
}

#[test]
fn the_peer_may_open() {
    let mut bench = Bench::new(&[]);
    assert_eq!(
        bench.hear_document(&terms()),
        Ok(vec![Kind::BootstrapServerUrlRequest])
    );
    bench
        .machine
        .sent("s1", Kind::BootstrapServerUrlRequest, Ok(Some(URL.to_owned())));
    assert_eq!(bench.due("1").len(), 1);
}

#[rstest]
#[case::refused(425, "failed")]
#[case::there_already(418, "failed")]
#[case::not_executed(215, "failed")]
#[case::rolled_back(216, "failed")]
#[case::taken(200, "awaiting-bootstrap")]
fn the_status_of_the_entry_decides(#[case] status: u16, #[case] state: &str) {
    let mut bench = Bench::with_url(&[], false);
    let jobs = bench.due("1");
    bench.answer("1", &jobs, &[(status, None)]);
    assert_eq!(bench.state(), state);
}

#[test]
fn an_entry_without_status_is_not_taken_for_accepted() {
    let mut bench = Bench::with_url(&[], false);
    let jobs = bench.due("1");
    bench
        .machine
        .outcomes("1", vec![(jobs[0].clone(), Outcome::default())], bench.now);
    assert_eq!(bench.state(), "failed");
}

#[test]
fn an_entry_whose_status_got_lost_is_added_again_and_may_be_there() {
    let mut bench = Bench::with_url(&[], false);
    let first = bench.due("1");
    assert_eq!(bench.due("2"), [], "the other session is at it");
    bench.now += Duration::from_secs(61);
    let again = bench.due("2");
    assert_eq!(first, again);
    bench.answer("1", &first, &[(500, None)]);
    assert_eq!(
        bench.state(),
        "entry-due",
        "the session that was given up has no say"
    );
    bench.answer("2", &again, &[(418, None)]);
    assert_eq!(bench.state(), "awaiting-bootstrap");
}

#[test]
fn a_refused_acl_ends_it_without_step_9() {
    let mut bench = Bench::bootstrapped(&[], false);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, Some(""))]);
    let jobs = bench.due("2");
    assert_eq!(bench.answer("2", &jobs, &[(425, None)]), []);
    assert_eq!(bench.state(), "failed");
}

#[test]
fn a_client_that_shows_no_accounts_ends_it() {
    let mut bench = Bench::bootstrapped(&[Deviation::RemovesAccountBeforeAcl], true);
    let jobs = bench.due("2");
    assert_eq!(operations(&jobs), ["read ./DMAcc"]);
    bench.answer("2", &jobs, &[(200, Some(""))]);
    assert_eq!(bench.state(), "failed");
    let view = bench.machine.view("s1").expect("it was opened");
    assert_eq!(
        view.reason.as_deref(),
        Some("the client shows no accounts below `./DMAcc`")
    );
}

#[rstest]
#[case(Kind::BootstrapComplete)]
#[case(Kind::DelegationComplete)]
fn what_comes_too_early_is_out_of_order(#[case] kind: Kind) {
    let mut bench = Bench::with_url(&[], false);
    assert_eq!(bench.hear(kind), Err(409));
    assert_eq!(bench.due("1").len(), 1, "it goes on as before");
}

#[rstest]
#[case(Kind::ClientPrepared)]
#[case(Kind::BootstrapServerUrlRequest)]
fn what_is_for_the_other_server_is_not_understood(#[case] kind: Kind) {
    assert_eq!(Bench::with_url(&[], false).hear(kind), Err(400));
}

#[test]
fn a_repeated_notice_is_answered_the_same_and_does_nothing() {
    let mut bench = Bench::bootstrapped(&[], false);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, Some(""))]);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, None)]);
    assert_eq!(bench.hear(Kind::BootstrapComplete), Ok(vec![]));
    assert_eq!(bench.due("3"), []);
}

#[test]
fn a_request_with_the_same_session_and_other_content_is_refused() {
    let mut bench = Bench::new(&[]);
    bench.hear_document(&terms()).expect("the first is accepted");
    assert_eq!(bench.hear_document(&terms()), Ok(vec![]));
    assert_eq!(
        bench.hear_document(&Document {
            device: "other".to_owned(),
            ..terms()
        }),
        Err(409)
    );
}

#[rstest]
#[case(None)]
#[case(Some("/b/1"))]
#[case(Some("http://bootstrap.example/b/1"))]
#[case(Some("ä"))]
fn a_url_that_no_client_could_use_is_not_forwarded(#[case] url: Option<&str>) {
    let mut bench = Bench::new(&[]);
    bench.machine.open(terms(), false);
    bench.machine.sent("s1", Kind::InitiationRequest, Ok(None));
    bench
        .machine
        .sent("s1", Kind::BootstrapServerUrlRequest, Ok(url.map(str::to_owned)));
    assert_eq!(bench.due("1"), []);
    assert_eq!(bench.state(), "failed");
}

#[test]
fn a_peer_that_refuses_ends_it() {
    let mut bench = Bench::new(&[]);
    bench.machine.open(terms(), false);
    assert!(
        bench
            .machine
            .sent("s1", Kind::InitiationRequest, Err("no".to_owned()))
            .is_empty()
    );
    assert_eq!(bench.state(), "failed");
}

#[test]
fn the_completion_may_arrive_before_the_answer_to_step_9() {
    let mut bench = Bench::bootstrapped(&[], false);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, Some(""))]);
    let jobs = bench.due("2");
    assert_eq!(bench.answer("2", &jobs, &[(200, None)]), [Kind::ClientPrepared]);
    assert_eq!(bench.hear(Kind::DelegationComplete), Ok(vec![]));
}

#[test]
fn two_devices_do_not_mix() {
    let mut bench = Bench::with_url(&[], false);
    let other = Document {
        session: "s2".to_owned(),
        device: "other".to_owned(),
        ..terms()
    };
    bench.machine.open(other, false);
    bench.machine.sent("s2", Kind::InitiationRequest, Ok(None));
    bench
        .machine
        .sent("s2", Kind::BootstrapServerUrlRequest, Ok(Some(format!("{URL}2"))));
    let jobs = bench.machine.operations("other", "x", bench.now);
    assert_eq!(
        operations(&jobs),
        [format!("add ./BootstrapConfig/s2/URL {URL}2")]
    );
    assert_eq!(
        operations(&bench.due("1")),
        [format!("add ./BootstrapConfig/s1/URL {URL}")]
    );
}

#[test]
fn acl_before_bootstrap_complete_does_not_wait_for_step_7() {
    let mut bench = Bench::with_url(&[Deviation::AclBeforeBootstrapComplete], false);
    let jobs = bench.due("1");
    bench.answer("1", &jobs, &[(200, None)]);
    let jobs = bench.due("1");
    bench.answer("1", &jobs, &[(200, Some(""))]);
    let jobs = bench.due("1");
    assert_eq!(
        bench.answer("1", &jobs, &[(200, None)]),
        [],
        "step 9 still waits for step 7"
    );
    assert_eq!(
        bench.hear(Kind::BootstrapComplete),
        Ok(vec![Kind::ClientPrepared])
    );
}

#[test]
fn prepared_before_acl_status_sends_step_9_with_step_8() {
    let mut bench = Bench::bootstrapped(&[Deviation::PreparedBeforeAclStatus], false);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, Some(""))]);
    let jobs = bench.due("2");
    assert_eq!(kinds(&bench.machine.dispatched(&jobs)), [Kind::ClientPrepared]);
    assert_eq!(bench.answer("2", &jobs, &[(200, None)]), []);
}

#[rstest]
#[case(Deviation::AclNamesAnotherServer, "Get=another-dms2.example+dms1.example")]
#[case(Deviation::AclWildcard, "Get=*")]
#[case(Deviation::AclDropsOthers, "Get=dms2.example")]
#[case(Deviation::AclMalformed, "&Copy=dms2.example")]
fn a_deviation_shows_in_the_acl(#[case] deviation: Deviation, #[case] part: &str) {
    let mut bench = Bench::bootstrapped(&[deviation], false);
    let jobs = bench.due("2");
    bench.answer("2", &jobs, &[(200, Some("Get=dms1.example"))]);
    let written = operations(&bench.due("2"));
    assert!(written[0].contains(part), "{written:?}");
}

#[rstest]
#[case(Deviation::RemovesAccountBeforeAcl, "read ./DMAcc")]
#[case(Deviation::RemovesAccountAfterPrepared, "read the ACL of ./Com")]
fn a_deviation_shows_in_when_the_account_goes(#[case] deviation: Deviation, #[case] first: &str) {
    let mut bench = Bench::bootstrapped(&[deviation], true);
    assert_eq!(operations(&bench.due("2"))[0], first);
}
