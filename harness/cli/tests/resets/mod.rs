//! Delegations of which a connection is cut, at the boundaries of messages and in the middle of them, in both directions: each
//! ends in time with a verdict that its transcript bears out.

mod wire;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dmconform_case::Suite;
use dmconform_case::read::{self, Source};
use dmconform_judge::Judge;
use dmconform_model::{Blame, CaseResult, RunEvent, Verdict};
use dmconform_runner::{Captured, Gating, Kept, Operator, Pace, RunOptions, TargetFile, run};
use tokio::sync::watch;

use self::wire::{Cut, How, Place, Relay, Wire};

/// How many of each product run beside each other, each behind relays of its own.
const LANES: usize = 4;
/// How many of a lane are not: the last of them shows what passes, when nothing starts any more beside it.
const LEFT_ALONE: usize = 2;
/// The longest that any case may take, in milliseconds; the limit for a message is one second and a half.
const LONGEST_MS: u64 = 8000;

/// How many delegations of a lane are cut. Forty or more reach every boundary: `DMCONFORM_CUTS=40 cargo test --test cli resets`.
fn cuts() -> usize {
    from_environment("DMCONFORM_CUTS", 5)
}

/// What fixes where connections are cut.
fn seed() -> usize {
    from_environment("DMCONFORM_SEED", 0x5eed)
}

fn from_environment(name: &str, usual: usize) -> usize {
    let told = std::env::var(name).ok();
    told.map_or(usual, |told| told.parse().expect("it is a number"))
}

/// A product of which some connections lead through relays.
struct Relayed {
    file: &'static str,
    case: &'static str,
    /// Its own endpoints: the variable of the port, and the line of the file that says how others reach it.
    endpoints: &'static [(&'static str, &'static str)],
    /// The mock server that it calls.
    peer: &'static str,
}

const PRODUCTS: [Relayed; 2] = [
    Relayed {
        file: "reference-dms-1",
        case: "DEL-DMS1-0-010",
        endpoints: &[("dm", "  dms-1: {"), ("delegation", "  dms-1: {")],
        peer: "dms-2",
    },
    Relayed {
        file: "reference-dms-2-bootstrap-server",
        case: "DEL-DMS2-0-010",
        endpoints: &[
            ("dm", "  dms-2: {"),
            ("delegation", "  dms-2: {"),
            ("bootstrap", "  bootstrap-server: {"),
        ],
        peer: "dms-1",
    },
];

/// One product behind its relays, and what is cut there.
struct Lane {
    target: TargetFile,
    wire: Arc<Wire>,
    /// What leads to it and from it, until it is ready: nobody may listen at its addresses before.
    relays: Mutex<Vec<Relay>>,
    /// The turns of the delegation that nothing was cut of.
    turns: Mutex<Vec<Place>>,
    /// The delegations that have begun.
    begun: Mutex<Vec<Begun>>,
    /// The number of its first cut among those of its product.
    first: usize,
    /// The relay that leads from the product to the harness.
    to_harness: usize,
}

/// A delegation that has begun.
#[derive(Clone, Debug)]
struct Begun {
    case: String,
    /// The relay that leads from the product to the harness.
    to_harness: usize,
    /// What is cut in it.
    cut: Option<Cut>,
    /// Whether it came to that.
    is_cut: bool,
}

impl Lane {
    fn new(product: &Relayed, number: usize, ports: &mut impl Iterator<Item = u16>) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/implementations");
        let path = folder.join(format!("{}.yaml", product.file));
        let mut text = fs::read_to_string(path).expect("the file is there");
        let mut relays = Vec::new();
        for (name, line) in product.endpoints {
            let port = ports.next().expect("there are enough");
            let own = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let relay = Relay::to(own);
            let public = relay.address();
            relays.push(relay);
            let variable = format!("${{port.{name}}}");
            let lines = text.lines().map(|text| match text.starts_with(line) {
                true => text.replace(&variable, &public.port().to_string()),
                false => text.replace(&variable, &own.port().to_string()),
            });
            text = lines.map(|line| format!("{line}\n")).collect();
        }
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.next().expect("there are enough")));
        let relay = Relay::to(listen);
        let public = relay.address();
        relays.push(relay);
        let peer = product.peer;
        let kept = text.lines().filter(|line| {
            let replaced = ["  instances:", "ports:", "limits:"];
            !replaced.iter().any(|begin| line.starts_with(begin))
        });
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        let text = format!(
            "{}ports: [management]\n\
             peers: {{{peer}: {{listen: {{delegation: \"{listen}\"}}, endpoints: {{delegation: \"https://{public}/delegation\"}}}}}}\n\
             limits: {{reacts-within: 100ms, window: 150ms, step-deadline: 1500ms}}\n",
            kept.replace("supports:\n", "supports:\n  concurrent-delegations: 1\n")
        );
        let name = format!("{}-{number}", product.file);
        let source = Source {
            name: &name,
            text: &text,
        };
        let implementation =
            read::implementation(source).unwrap_or_else(|wrong| panic!("{wrong:#?}\n{text}"));
        let mut suite = Suite::embedded();
        let whole = suite.case(product.case).expect("the suite has it").clone();
        suite.cases = (0..LEFT_ALONE + cuts())
            .map(|cut| {
                let mut case = whole.clone();
                case.id.0 = format!("{}.{cut}", product.case);
                case
            })
            .collect();
        Self {
            target: TargetFile {
                name,
                path: None,
                implementation,
                suite: Arc::new(suite),
                parts: Vec::new(),
            },
            relays: Mutex::new(relays),
            wire: Arc::default(),
            turns: Mutex::default(),
            begun: Mutex::default(),
            first: number * cuts(),
            to_harness: product.endpoints.len(),
        }
    }

    /// Follows the run: before each case is said what is cut in it.
    fn follow(&self, event: &RunEvent) {
        match event {
            RunEvent::TargetReady { .. } => {
                for (number, relay) in lock(&self.relays).drain(..).enumerate() {
                    relay.open(number, &self.wire);
                }
            }
            RunEvent::CaseStarted { case, .. } => {
                let number = self.settle();
                // The first to begin are left alone, whichever they are.
                let cut = number.checked_sub(LEFT_ALONE).map(|number| self.choose(number));
                lock(&self.begun).push(Begun {
                    case: case.0.clone(),
                    to_harness: self.to_harness,
                    cut,
                    is_cut: false,
                });
                self.wire.begin(cut);
            }
            _ => {}
        }
    }

    /// Notes what came of the last delegation; how many have begun.
    fn settle(&self) -> usize {
        let mut begun = lock(&self.begun);
        if let Some(last) = begun.last_mut() {
            last.is_cut = self.wire.is_cut();
        }
        if begun.len() <= LEFT_ALONE {
            *lock(&self.turns) = self.wire.turns();
        }
        begun.len()
    }

    /// Every second time at the beginning of a turn, which is where the one before has ended; otherwise within one.
    fn choose(&self, number: usize) -> Cut {
        let turns = lock(&self.turns);
        let all = LANES * cuts();
        let number = self.first + number;
        let how = if number % 4 < 2 { How::Reset } else { How::Fin };
        let turn = turns[number * turns.len() / all];
        let octets = match number % 2 {
            0 => 0,
            _ => 1 + random(number) % turn.octets.max(2).saturating_sub(1),
        };
        Cut {
            place: Place { octets, ..turn },
            how,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it")
}

/// A number that follows from the seed and another one, by the finaliser of SplitMix64.
fn random(number: usize) -> usize {
    let mut mixed = (seed() as u64).wrapping_add((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or(0)
}

/// Ports below those that are given to outgoing connections and those that the harness chooses from, free just now.
fn free_ports() -> impl Iterator<Item = u16> {
    let first = 9_000 + u16::try_from(std::process::id() % 5_000).unwrap_or(0);
    (first..15_000)
        .chain(9_000..first)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delegation_that_is_cut_anywhere_ends_in_time_with_a_verdict_that_holds() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |what| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(what);
    }));
    let mut ports = free_ports();
    let mut lanes = Vec::new();
    for product in &PRODUCTS {
        for number in 0..LANES {
            lanes.push(Lane::new(product, number, &mut ports));
        }
    }
    let lanes = Arc::new(lanes);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let followed = Arc::clone(&lanes);
    let emit = Arc::new(move |event: RunEvent| {
        let (RunEvent::TargetReady {
            implementation: of, ..
        }
        | RunEvent::CaseStarted {
            implementation: of, ..
        }) = &event
        else {
            return;
        };
        let mut lanes = followed.iter();
        let lane = lanes.find(|lane| lane.target.name == *of);
        lane.expect("it is one of them").follow(&event);
    });
    let (_cancel, cancelled) = watch::channel(false);
    let record = run(options(&lanes, folder.path()), emit, cancelled).await;

    assert_eq!(record.problems, Vec::new());
    assert_eq!(record.cases.len(), PRODUCTS.len() * LANES * (LEFT_ALONE + cuts()));
    let mut cut = 0;
    for lane in lanes.iter() {
        lane.settle();
        for begun in lock(&lane.begun).iter() {
            cut += usize::from(begun.is_cut);
            let is_it =
                |case: &&CaseResult| case.implementation == lane.target.name && case.id.0 == begun.case;
            let case = record.cases.iter().find(is_it).expect("what begins is judged");
            let told = format!(
                "DMCONFORM_SEED={}, {} {begun:?}:\n{case:#?}",
                seed(),
                lane.target.name
            );
            assert_holds(case, begun, folder.path(), &told);
        }
    }
    // A few places are never reached: how often a client polls is a matter of time.
    let all = PRODUCTS.len() * LANES * cuts();
    assert!(cut * 10 > all * 7, "{cut} of {all} delegations were cut");
    assert_eq!(
        PANICS.load(Ordering::Relaxed),
        0,
        "something panicked; DMCONFORM_SEED={}",
        seed()
    );
}

/// What has to be true of the verdict on any delegation, cut or not.
fn assert_holds(case: &CaseResult, begun: &Begun, folder: &Path, told: &str) {
    if !begun.is_cut {
        assert_eq!(case.verdict, Verdict::Pass, "{told}");
    }
    assert!(case.duration_ms < LONGEST_MS, "it took too long; {told}");
    assert!(
        matches!(
            case.verdict,
            Verdict::Pass | Verdict::Fail | Verdict::Inconclusive
        ),
        "{told}"
    );
    let place = folder.join(format!("transcripts/{}/{}.jsonl", case.implementation, case.id));
    let text = fs::read_to_string(place).expect("the transcript is there");
    let transcript = dmconform_judge::read(&text).expect("the transcript is whole");
    if case.verdict == Verdict::Pass {
        let mut messages = transcript.header.procedure.messages(false);
        let is_seen = |message| case.observed.iter().any(|arrow| arrow.message == message);
        assert!(messages.all(is_seen), "it was not carried out; {told}");
    }
    // What the harness has said last did not arrive, which it can tell: nobody is to blame for what did not follow.
    let is_lost = begun.cut.is_some_and(|Cut { place, how }| {
        let (to_harness, answer) = (begun.to_harness, 3);
        begun.is_cut && how == How::Reset && place.relay == to_harness && place.turn == answer
    });
    assert!(!is_lost || case.verdict != Verdict::Fail, "{told}");
    let of_product = |blame: Option<Blame>| {
        let role = blame.and_then(Blame::role);
        role.is_none_or(|role| transcript.header.is_real(role))
    };
    for finding in &case.findings {
        assert!(of_product(finding.blame), "a mock role is blamed; {told}");
    }
    assert_eq!(Judge::transcript(transcript), *case, "judged again, {told}");
}

fn options(lanes: &[Lane], directory: &Path) -> RunOptions {
    RunOptions {
        id: "resets".to_owned(),
        started: dmconform_runner::timestamp(),
        suite: Arc::new(Suite::embedded()),
        targets: lanes.iter().map(|lane| lane.target.clone()).collect(),
        roles: Vec::new(),
        cases: None,
        jobs: 64,
        seed: 0,
        strict: false,
        deviations: Vec::new(),
        oddities: Vec::new(),
        peer_oddities: Vec::new(),
        certificates: None,
        suite_options: Vec::new(),
        rerun: None,
        kept: Kept::All,
        captured: Captured::Nothing,
        pace: Pace::default(),
        gating: Gating::default(),
        keep_work: false,
        directory: directory.to_owned(),
        operator: Operator::nobody(),
        program: env!("CARGO_BIN_EXE_dmconform").into(),
    }
}
