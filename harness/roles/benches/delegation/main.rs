//! What a handshake and a whole delegation with all roles in the harness cost, beside the same connections and exchanges done with
//! bare tokio-rustls and hyper.
//!
//! Both sides run in one process on one thread, in turns, so that a busy machine slows both down. What counts is the time on the
//! processor; the client of a delegation also waits until it polls.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dmconform_judge::{Judge, Readings, read};
use dmconform_model::Verdict;

mod bare;
mod scene;

use bare::Bare;
use scene::Scene;

/// As in the program, for both sides.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often each side has its turn; a number on the command line is another.
const TURNS: u32 = 100;

fn main() {
    let named = std::env::args().find_map(|text| text.parse().ok());
    let turns: u32 = named.unwrap_or(TURNS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime is made").block_on(compare(turns));
}

async fn compare(turns: u32) {
    let scene = Scene::new().await;
    let first = scene.delegation().await;
    let transcript =
        read(&first.recorder.stored().expect("it is in memory")).expect("what was recorded is readable");
    let bare = Bare::like(&transcript, &scene).await;
    println!("{}", bare.in_words());

    let mut ours = Spent::default();
    let mut theirs = Spent::default();
    let mut our_handshakes = Spent::default();
    let mut their_handshakes = Spent::default();
    let mut judging = Spent::default();
    let mut judging_alone = Spent::default();
    let mut writing = Spent::default();
    let readings = Arc::new(Readings::of_many_cases());
    for _ in 0..turns {
        let delegation = ours.on(scene.delegation()).await;
        theirs.on(bare.replay()).await;
        our_handshakes.on(scene.handshake()).await;
        their_handshakes.on(bare.handshake()).await;
        writing
            .on(async { black_box(first.recorder.stored().expect("it is in memory")) })
            .await;
        let transcript = read(&delegation.recorder.stored().expect("it is in memory"))
            .expect("what was recorded is readable");
        let header = Arc::new(transcript.header.clone());
        // The roles have read what they act upon, and alone it is to be read first.
        for (spent, readings) in [
            (&mut judging, scene.readings()),
            (&mut judging_alone, Arc::clone(&readings)),
        ] {
            let header = Arc::clone(&header);
            spent
                .on(async {
                    let mut judge = Judge::reading(header, readings);
                    transcript.records.iter().for_each(|record| judge.feed(record));
                    assert_ne!(judge.result().verdict, Verdict::Fail, "nobody breaks anything");
                })
                .await;
        }
    }
    println!(
        "{:42} {:>12} {:>12}",
        "each, of so many turns", "processor ms", "ms in all"
    );
    for (name, spent) in [
        ("mutual handshake, recorded", &our_handshakes),
        ("mutual handshake, bare", &their_handshakes),
        ("delegation, all roles in the harness", &ours),
        ("the same exchanges, bare", &theirs),
        ("judging it, beside those who act in it", &judging),
        ("judging it alone, among others like it", &judging_alone),
        ("writing its transcript, where it is kept", &writing),
    ] {
        let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(turns);
        println!(
            "{name:42} {:12.3} {:12.3}",
            each(spent.processor),
            each(spent.wall)
        );
    }
    let ratio = |one: &Spent, other: &Spent| one.processor.as_secs_f64() / other.processor.as_secs_f64();
    println!(
        "handshake:  {:.2} times bare",
        ratio(&our_handshakes, &their_handshakes)
    );
    println!("delegation: {:.2} times bare", ratio(&ours, &theirs));
    println!(
        "judging:    {:.1} % of a delegation; alone {:.1} %",
        100.0 * ratio(&judging, &ours),
        100.0 * ratio(&judging_alone, &ours)
    );
}

/// Time spent on something.
#[derive(Default)]
struct Spent {
    processor: Duration,
    wall: Duration,
}

impl Spent {
    async fn on<T>(&mut self, work: impl Future<Output = T>) -> T {
        let (began, processor) = (Instant::now(), on_processor());
        let done = work.await;
        self.wall += began.elapsed();
        self.processor += on_processor().saturating_sub(processor);
        done
    }
}

/// How long this thread has been on a processor.
fn on_processor() -> Duration {
    let told = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    told.try_into()
        .expect("a thread has not run for less than no time")
}
