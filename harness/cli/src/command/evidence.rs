//! `dmconform report evidence`: what proves verdicts, as files for other tools.

use std::path::{Path, PathBuf};

use dmconform_model::capture::Capture;
use dmconform_model::transcript::DeviceState;
use dmconform_model::{CaseResult, Event, Record, Verdict};
use dmconform_report::{device_tree, pcapng};

use super::{stored, work};
use crate::arguments::EvidenceOf;
use crate::below;
use crate::output::{Failure, print, tell};

/// Writes the evidence of the cases that are asked for.
pub(crate) fn run(arguments: &EvidenceOf) -> Result<u8, Failure> {
    let record = stored::record(&arguments.run)?;
    let asked = dmconform_case::pattern::globs(&arguments.case).map_err(Failure::usage)?;
    let is_asked = |case: &&CaseResult| asked.as_ref().is_none_or(|globs| globs.is_match(&case.id.0));
    let was_run = |case: &&CaseResult| case.verdict != Verdict::NotApplicable;
    let cases: Vec<&CaseResult> = record.cases.iter().filter(is_asked).filter(was_run).collect();
    if cases.is_empty() {
        return Err(Failure::usage(format!(
            "find a case in the run `{}` that was run and matches {}; its `results.json` names them",
            arguments.run.display(),
            arguments.case.join(", ")
        )));
    }
    if arguments.key_log {
        tell(
            "warning: with the secrets, whoever has the packets reads everything that passed, credentials included\n",
        );
    }
    for case in &cases {
        let place = stored::transcript_of(case)
            .map_err(|why| Failure::usage(format!("write the evidence of {}: {why}", case.id)))?;
        let directory = arguments.out.join(&case.implementation).join(&case.id.0);
        let files = files(&arguments.run, &place, case, arguments.key_log)?;
        work::make_directory(&directory)?;
        work::write_private(&directory, &files)?;
    }
    let count = cases.len();
    let noun = if count == 1 { "case" } else { "cases" };
    print(&format!(
        "evidence of {count} {noun} in {}\n",
        arguments.out.display()
    ));
    if arguments.key_log {
        // Analysers go by ports where a product does not say by ALPN that it speaks HTTP.
        print("to read HTTP on every connection: wireshark -o http.tls.port:1-65535 packets.pcapng\n");
    }
    Ok(0)
}

/// The files of one case.
fn files(
    run: &Path,
    place: &Path,
    case: &CaseResult,
    key_log: bool,
) -> Result<Vec<(&'static str, Vec<u8>)>, Failure> {
    let states = stored::picked(run, place, state_of_device)
        .map_err(|why| Failure::usage(format!("write the evidence of {}: {why}", case.id)))?;
    let capture = capture(run, place, case)?;
    let mut files = vec![("packets.pcapng", pcapng::write(&capture, key_log))];
    if key_log {
        let log = pcapng::key_log(&capture);
        if log.is_empty() {
            return Err(Failure::usage(format!(
                "write the secrets of {}: the run kept none; run it with --capture --key-log",
                case.id
            )));
        }
        files.push(("key-log.txt", log.into_bytes()));
    }
    if let (Some(first), Some(last)) = (states.first(), states.last()) {
        files.push(("device-before.txt", device_tree::write(first).into_bytes()));
        files.push(("device-after.txt", device_tree::write(last).into_bytes()));
    }
    Ok(files)
}

/// The state of the device, where the whole tree of it was kept; none where the client is real.
fn state_of_device(record: Record) -> Option<DeviceState> {
    match record.event {
        Event::DeviceState(state) if !state.nodes.is_empty() => Some(state),
        _ => None,
    }
}

fn capture(run: &Path, place: &Path, case: &CaseResult) -> Result<Capture, Failure> {
    let beside = PathBuf::from(Capture::beside(&place.display().to_string()));
    let path = run.join(&beside);
    let octets = below::octets(run, &beside);
    let octets = octets.map_err(|error| {
        Failure::usage(format!(
            "read what passed in {}, `{}`: {error}; packets are kept with `dmconform run --capture`",
            case.id,
            path.display()
        ))
    })?;
    read_capture(&octets).map_err(|why| Failure::usage(format!("read `{}`: {why}", path.display())))
}

fn read_capture(octets: &[u8]) -> Result<Capture, String> {
    let read = serde_json::from_slice(octets);
    read.map_err(|error| format!("{error}; was it written by another version, or edited?"))
}

#[cfg(test)]
mod tests {
    use super::read_capture;

    #[test]
    fn a_capture_with_what_is_not_known_is_refused() {
        assert!(read_capture(br#"{"began_us": 1, "flows": []}"#).is_ok());
        let refused =
            read_capture(br#"{"began_us": 1, "flows": [], "something-new": 1}"#).expect_err("it is newer");
        assert!(refused.starts_with("unknown field `something-new`"), "{refused}");
        assert!(
            refused.ends_with("was it written by another version, or edited?"),
            "{refused}"
        );
    }
}
