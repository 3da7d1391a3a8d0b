//! What is told while a run goes on: to people on a terminal and elsewhere, and to programs.

use std::time::Duration;

use dmconform_model::result::Problem;
use dmconform_model::run_event::Planned;
use dmconform_model::{Role, RunEvent};
use dmconform_report::json;
use dmconform_report::progress::{Progress, Screen};
use dmconform_report::terminal::Style;
use rstest::rstest;

use crate::common::{judged, run, target};

const SCREEN: Screen = Screen {
    style: Style {
        colour: false,
        width: 60,
    },
    height: None,
    quiet: false,
};

/// Every kind of event, in the order in which they come.
fn events() -> Vec<RunEvent> {
    let cases = vec![
        judged("good-dms-1", "acme"),
        judged("acl-before-bootstrap-complete", "acme"),
        judged("points-to-the-owner", "acme"),
    ];
    let record = run(cases.clone(), vec![target("acme", &[Role::Dms1])]);
    let planned = |implementation: &str, role: Role, cases| Planned {
        implementation: implementation.to_owned(),
        iut: vec![role],
        cases,
    };
    let mut events = vec![
        RunEvent::RunStarted {
            run: Box::new(record.run.clone()),
            cases: 12,
            planned: vec![
                planned("acme", Role::Dms1, 3),
                planned(
                    "a-product-with-a-name-of-many-letters-\u{1b}[2J-and-signs",
                    Role::DmClient,
                    9,
                ),
            ],
        },
        RunEvent::TargetStarting {
            implementation: "acme".to_owned(),
        },
        RunEvent::TargetReady {
            implementation: "acme".to_owned(),
            after_ms: 20,
        },
    ];
    events.extend(cases.iter().map(|case| RunEvent::CaseStarted {
        implementation: case.implementation.clone(),
        case: case.id.clone(),
        iut: case.iut.clone(),
    }));
    events.extend(
        cases
            .into_iter()
            .map(|case| RunEvent::CaseFinished(Box::new(case))),
    );
    events.push(RunEvent::TargetFailed(Problem {
        implementation: "broken".to_owned(),
        message: "get `product` ready:\u{1b}[31m it ended".to_owned(),
        output: String::new(),
    }));
    events.push(RunEvent::RunFinished(Box::new(record)));
    events
}

fn shown(screen: Screen) -> Vec<String> {
    let is_known = |case: &dmconform_model::CaseResult| case.id.0 == "DEL-DMS1-8-030";
    let mut progress = Progress::new(screen, Box::new(is_known));
    events()
        .iter()
        .map(|event| progress.event(event, Duration::from_secs(2)))
        .collect()
}

#[rstest]
#[case::plain("plain", SCREEN)]
#[case::quiet("quiet", Screen { quiet: true, ..SCREEN })]
#[case::quiet_on_a_terminal("quiet", Screen { quiet: true, height: Some(24), ..SCREEN })]
#[case::terminal("terminal", Screen { height: Some(24), ..SCREEN })]
#[case::coloured("coloured", Screen { style: Style { colour: true, width: 60 }, ..SCREEN })]
fn progress_is_shown_as_where_it_is_shown_can_take_it(#[case] name: &str, #[case] screen: Screen) {
    let text = shown(screen)
        .concat()
        .replace('\u{1b}', "ESC")
        .replace('\r', "CR");
    insta::assert_snapshot!(format!("progress_{name}"), text);
}

/// Follows the lines and the cursor as a terminal does.
#[rstest]
#[case(60, 24)]
#[case(20, 4)]
#[case(10, 2)]
fn what_is_drawn_again_never_wraps_and_leaves_nothing_behind(#[case] width: u16, #[case] height: u16) {
    let screen = Screen {
        style: Style { colour: false, width },
        height: Some(height),
        quiet: false,
    };
    let mut lines: Vec<String> = vec![String::new()];
    for text in shown(screen) {
        let after = text
            .strip_prefix('\r')
            .expect("it begins at the beginning of a line");
        let (up, rest) = match after.strip_prefix("\u{1b}[J") {
            Some(rest) => (0, rest),
            None => {
                let after = after.strip_prefix("\u{1b}[").expect("the cursor goes up");
                let (up, rest) = after.split_once("A\u{1b}[J").expect("and the rest is cleared");
                let up: usize = up.parse().expect("by a number of lines");
                assert!(up < usize::from(height), "{up} lines up of {height}");
                (up, rest)
            }
        };
        lines.truncate(lines.len() - up);
        *lines.last_mut().expect("there is one") = String::new();
        assert!(!rest.contains('\u{1b}'), "{rest:?}");
        let mut parts = rest.split('\n');
        lines
            .last_mut()
            .expect("there is one")
            .push_str(parts.next().unwrap_or_default());
        lines.extend(parts.map(str::to_owned));
        let drawn = lines
            .iter()
            .rev()
            .take(usize::from(height).saturating_sub(2).max(1));
        let block: Vec<&String> = drawn.take_while(|line| !line.contains('[')).collect();
        assert!(
            block.iter().all(|line| line.chars().count() < usize::from(width)),
            "{block:?}"
        );
    }
    let left: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(left.last(), Some(&""));
    assert_eq!(left.len(), 4, "two cases, a problem, and the cursor: {left:?}");
}

#[test]
fn every_event_is_an_object_with_one_key_in_one_line_and_as_the_schema_says() {
    let schemas = json::schemas();
    let schema = schemas.iter().find(|(name, _)| *name == "run-events.schema.json");
    let (_, schema) = schema.expect("it is published");
    let schema: serde_json::Value = serde_json::from_str(schema).expect("a schema is JSON");
    let kinds = schema["oneOf"].as_array().expect("there are several kinds");
    let mut seen = Vec::new();
    for event in events() {
        let text = json::event(&event);
        assert_eq!(text.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let (name, fields) = value
            .as_object()
            .and_then(|object| object.iter().next())
            .expect("it has a key");
        let kind = kinds
            .iter()
            .find(|kind| kind["required"][0] == **name)
            .expect("the schema has it");
        if let Some(required) = kind["properties"][name]["required"].as_array() {
            for key in required.iter().filter_map(|key| key.as_str()) {
                assert!(fields.get(key).is_some(), "{name} has no {key}");
            }
        }
        seen.push(name.clone());
        assert_eq!(
            serde_json::from_str::<RunEvent>(&text).expect("it is read again"),
            event
        );
    }
    seen.dedup();
    assert_eq!(seen.len(), kinds.len(), "{seen:?}");
    insta::assert_snapshot!(seen.join("\n"));
}
