//! `dmconform profile`: the profiles that are built in, and what a profile makes of captured messages.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use dmconform_case::document::{self, Answer, Answered, Fields, Mismatch, Request};
use dmconform_case::profile::{Content, Document, Profile};
use dmconform_case::read::nearest;
use dmconform_model::{MessageId, Part};
use serde_json::json;

use crate::arguments::{Format, Profile as Arguments, ProfileCommand};
use crate::bundled::PROFILES;
use crate::output::{Failure, one_line, print};
use crate::suite;

/// The largest captured message that is read, in octets.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// How many header fields a captured message may have.
const MAX_HEADERS: usize = 128;

/// Does what is asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    match &arguments.what {
        ProfileCommand::List => {
            for (name, file, text) in PROFILES {
                let source = dmconform_case::read::Source { name: file, text };
                let title = dmconform_case::read::profile(source).map(|profile| profile.title);
                print(&format!("{name:<12} {}\n", title.unwrap_or_default()));
            }
            Ok(0)
        }
        ProfileCommand::Show { name } => {
            let known = PROFILES.iter().find(|(known, _, _)| known == name);
            let (_, _, text) = known.ok_or_else(|| {
                let near = nearest(name, PROFILES.iter().map(|(name, _, _)| *name));
                let help = near.map_or_else(
                    || "`dmconform profile list` names what there is".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                Failure::usage(format!("find the profile `{name}`; {help}"))
            })?;
            print(text);
            Ok(0)
        }
        ProfileCommand::Test {
            profile,
            files,
            format,
        } => test(profile, files, *format),
    }
}

/// What a profile makes of captured messages; 1 if one of them is none that it knows.
fn test(profile: &Path, files: &[std::path::PathBuf], format: Format) -> Result<u8, Failure> {
    let profile = suite::profile(Some(profile))?;
    let mut all = Vec::new();
    for file in files {
        let octets = octets(file)?;
        let captured = captured(&octets)
            .map_err(|why| Failure::usage(format!("read the head of `{}`: {why}", file.display())))?;
        all.push((
            file.display().to_string(),
            readings(&profile, &captured),
            captured.line(),
        ));
    }
    print(&match format {
        Format::Text => text(&profile, &all),
        Format::Json => as_json(&all),
    });
    let is_known = |(_, readings, _): &(String, Vec<Reading>, String)| {
        readings.iter().any(|reading| reading.found.is_ok())
    };
    Ok(u8::from(!all.iter().all(is_known)))
}

/// A captured message.
enum Captured {
    Request {
        method: String,
        target: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// A body alone: what it went in is not known.
    Body(Vec<u8>),
}

impl Captured {
    /// What it is, in a line.
    fn line(&self) -> String {
        match self {
            Self::Request { method, target, .. } => format!("{method} {target}"),
            Self::Answer { status, .. } => format!("an answer with the status {status}"),
            Self::Body(_) => "a body alone: method, target and header fields are not looked at".to_owned(),
        }
    }
}

/// What a message of the profile has to do with a captured one.
struct Reading {
    message: MessageId,
    found: Result<Answered, Mismatch>,
    /// The fields that the message can have, and this one has not.
    lacks: Vec<String>,
}

fn octets(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| {
        Failure::usage(format!(
            "read the message `{}`: {error}; look whether the path is right",
            file.display()
        ))
    };
    let mut octets = Vec::new();
    let reading: Box<dyn std::io::Read> = match file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(file).map_err(failed)?),
    };
    reading
        .take(MAX_MESSAGE as u64 + 1)
        .read_to_end(&mut octets)
        .map_err(failed)?;
    if octets.len() > MAX_MESSAGE {
        let why = format!("read the message `{}`: it is larger than 16 MiB", file.display());
        return Err(Failure::usage(why));
    }
    Ok(octets)
}

/// The message; what begins like neither a request nor an answer is a body.
fn captured(octets: &[u8]) -> Result<Captured, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let incomplete = || "it has no end; let an empty line follow the header fields".to_owned();
    let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.starts_with(b"HTTP/1.") {
        let mut answer = httparse::Response::new(&mut headers);
        let read = answer.parse(octets).map_err(|error| error.to_string())?;
        let httparse::Status::Complete(length) = read else {
            return Err(incomplete());
        };
        return Ok(Captured::Answer {
            status: answer.code.unwrap_or_default(),
            headers: owned(answer.headers),
            body: body(answer.headers, &octets[length..]),
        });
    }
    if line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0") {
        let mut request = httparse::Request::new(&mut headers);
        let read = request.parse(octets).map_err(|error| error.to_string())?;
        let httparse::Status::Complete(length) = read else {
            return Err(incomplete());
        };
        return Ok(Captured::Request {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            headers: owned(request.headers),
            body: body(request.headers, &octets[length..]),
        });
    }
    Ok(Captured::Body(octets.to_vec()))
}

/// A body as it was meant, by the head before it: without its chunks, and without what follows it.
fn body(headers: &[httparse::Header<'_>], rest: &[u8]) -> Vec<u8> {
    let value = |name: &str| {
        let mut all = headers.iter();
        let header = all.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let coding = value("transfer-encoding").and_then(|codings| codings.rsplit(',').next());
    if coding.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked")) {
        // Some tools write the body without its chunks, and leave the header field.
        return without_chunks(rest).unwrap_or_else(|| rest.to_vec());
    }
    let length = value("content-length").and_then(|length| length.trim().parse::<usize>().ok());
    let length = length.unwrap_or(rest.len()).min(rest.len());
    rest[..length].to_vec()
}

/// What is in chunks (RFC 9112, section 7.1); nothing if these are none, or do not end.
fn without_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) else {
            return None;
        };
        if size == 0 {
            return Some(body);
        }
        let (chunk, after) = rest.get(start..)?.split_at_checked(usize::try_from(size).ok()?)?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
}

fn owned(headers: &[httparse::Header<'_>]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_owned(), value)
        })
        .collect()
}

/// What every message that it could be has to do with a captured one.
fn readings(profile: &Profile, captured: &Captured) -> Vec<Reading> {
    let is_possible = |message: &MessageId, document: &Document| match captured {
        Captured::Request { .. } => message.part == Part::Request,
        Captured::Answer { .. } => message.part == Part::Answer,
        // What has no body is not to be found in one.
        Captured::Body(_) => document.forms().any(|form| !form.is_bodiless()),
    };
    let messages = profile
        .messages
        .iter()
        .filter(|(message, document)| is_possible(message, document));
    messages
        .map(|(message, document)| {
            let found = match captured {
                Captured::Request {
                    method,
                    target,
                    headers,
                    body,
                } => {
                    let request = Request {
                        method,
                        target,
                        headers,
                        body,
                    };
                    let content =
                        document::content(profile.delegation.syntax, body).unwrap_or(Content::Empty);
                    carried(profile.request_message(document, &request, &content))
                }
                Captured::Answer {
                    status,
                    headers,
                    body,
                } => profile.answered(*message, document, *status, &Answer { headers, body }),
                Captured::Body(body) => {
                    let content = document::content(profile.delegation.syntax, body);
                    let content = content.map_err(|_| Mismatch::NoDocument);
                    carried(content.and_then(|content| profile.in_body(document, &content)))
                }
            };
            let has = |name: &&str| {
                found
                    .as_ref()
                    .is_ok_and(|found: &Answered| found.fields.contains_key(*name))
            };
            let names = document.field_names().into_iter();
            let lacks = names.filter(|name| !has(name)).map(str::to_owned).collect();
            Reading {
                message: *message,
                found,
                lacks,
            }
        })
        .collect()
}

/// What is no answer refuses nothing.
fn carried(found: Result<Fields, Mismatch>) -> Result<Answered, Mismatch> {
    found.map(|fields| Answered {
        fields,
        refused: None,
    })
}

/// For people. What peers have sent is in it.
fn text(profile: &Profile, all: &[(String, Vec<Reading>, String)]) -> String {
    let mut text = String::new();
    for (file, readings, line) in all {
        let _ = writeln!(text, "{}: {}", one_line(file), one_line(line));
        if readings.iter().all(|reading| reading.found.is_err()) {
            let _ = writeln!(text, "  no message of the profile `{}`", profile.profile);
        }
        for reading in readings {
            let Ok(Answered { fields, refused }) = &reading.found else {
                continue;
            };
            let refused = refused.as_ref().map(|why| format!(" (refused: {why})"));
            let _ = writeln!(
                text,
                "  is message {}{}",
                reading.message,
                refused.unwrap_or_default()
            );
            for (field, values) in fields {
                let _ = writeln!(text, "    {field:<18} {}", one_line(&values.join(", ")));
            }
            if !reading.lacks.is_empty() {
                let _ = writeln!(text, "    not there: {}", reading.lacks.join(", "));
            }
        }
        for reading in readings {
            if let Err(mismatch) = &reading.found {
                let why = one_line(&mismatch.to_string());
                let _ = writeln!(text, "  is not {}: {why}", reading.message);
            }
        }
    }
    text
}

fn as_json(all: &[(String, Vec<Reading>, String)]) -> String {
    let messages: Vec<_> = all
        .iter()
        .map(|(file, readings, _)| {
            let is = readings.iter().filter_map(|reading| {
                let Answered { fields, refused } = reading.found.as_ref().ok()?;
                let message = reading.message.to_string();
                Some(
                    json!({"message": message, "fields": fields, "lacks": reading.lacks, "refused": refused}),
                )
            });
            let is_not = readings.iter().filter_map(|reading| {
                let mismatch = reading.found.as_ref().err()?;
                Some(json!({"message": reading.message.to_string(), "reason": mismatch.to_string()}))
            });
            json!({"file": file, "is": is.collect::<Vec<_>>(), "is-not": is_not.collect::<Vec<_>>()})
        })
        .collect();
    format!(
        "{}\n",
        serde_json::to_string_pretty(&messages).unwrap_or_default()
    )
}
