//! Every deviation, each in a whole delegation of its own: what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{DMS_1, DMS_2, World, node, servers};
use dmconform_reference::{Deviation, RoleName};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const DEVICE: &str = "urn:example:device:1";

/// Plays a delegation with the removal of the account, and says how far it came and what the device looks like then.
async fn play(role: Option<RoleName>, deviation: Option<Deviation>) -> String {
    let mut world = World::new();
    world.edit("dm-client.toml", "# [dm-client.early", "[dm-client.early");
    for key in [
        "server-id = \"dms2",
        "address = \"https://localhost:",
        "client-password = \"client-secret-2",
        "server-password = \"server-secret-2",
    ] {
        world.edit("dm-client.toml", &format!("# {key}"), key);
    }
    world.start_all(false, role.zip(deviation)).await;
    let order = json!({
        "device": DEVICE, "manufacturer": "Example Devices", "model": "Model 1", "tree": ["./Com"],
        "remove-account": true,
    });
    let session = world.open(DMS_1, order).await;
    settle(&world, &session, "entry-due").await;
    let mut polls = Vec::new();
    for wanted in ["bootstrapped", "complete", "complete"] {
        let polled = tokio::time::timeout(Duration::from_secs(20), world.poll(DEVICE)).await;
        polls.push(polled.map_or(0, |(status, _)| status).to_string());
        settle(&world, &session, wanted).await;
    }
    let device = world.device(DEVICE).await;
    let (_, dms1) = world
        .ask(DMS_1, "GET", &format!("/delegations/{session}"), None)
        .await;
    let (_, dms2) = world
        .ask(DMS_2, "GET", &format!("/delegations/{session}"), None)
        .await;
    let acl = node(&device, "./Com")
        .and_then(|node| node["acl"].as_str())
        .unwrap_or("-")
        .to_owned();
    let lines = [
        format!("polls: {}", polls.join(" ")),
        format!("dms-1: {}", told(&dms1)),
        format!("dms-2: {}", told(&dms2)),
        format!("accounts: {}", servers(&device).join(" ")),
        format!("acl of ./Com: {acl}"),
    ];
    let masked = lines.join("\n  ").replace(&session, "SESSION");
    world.stop().await;
    masked
}

/// Waits until DMS-1 is where it should be, or nothing has changed for a while.
async fn settle(world: &World, session: &str, wanted: &str) {
    let mut last = Value::Null;
    let mut unchanged = 0;
    while unchanged < 40 {
        let states = json!([
            world.state(DMS_1, session).await,
            world.state(DMS_2, session).await
        ]);
        if states[0] == wanted && (wanted != "complete" || states[1] == wanted) {
            return;
        }
        unchanged = if states == last { unchanged + 1 } else { 0 };
        last = states;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

fn told(shown: &Value) -> String {
    let state = shown["state"].as_str().unwrap_or("unknown");
    match shown["reason"].as_str() {
        Some(reason) => format!("{state}: {reason}"),
        None => state.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_becomes_of_a_delegation_with_each_deviation() {
    let places = Arc::new(Semaphore::new(24));
    let mut plays = JoinSet::new();
    for (index, deviation) in Deviation::ALL.iter().enumerate() {
        for &role in deviation.roles() {
            let places = Arc::clone(&places);
            plays.spawn(async move {
                let _place = places.acquire().await;
                let played = play(Some(role), Some(*deviation)).await;
                ((index, role), format!("{deviation} of {role}\n  {played}"))
            });
        }
    }
    let without = play(None, None).await;
    let mut played = plays.join_all().await;
    played.sort();
    let mut text = format!("no deviation\n  {without}\n");
    for (_, played) in played {
        text.push_str(&played.replace(&without, "as without"));
        text.push('\n');
    }
    let filters = vec![(r":\d{5}\b", ":PORT"), (r"[0-9a-f]{32}", "TOKEN")];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(text) });
}
