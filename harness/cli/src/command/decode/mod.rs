//! `dmconform decode`: a captured body, as people read it.

use std::io::Read as _;
use std::path::Path;

use oma_dm::media_type::MediaType;
use oma_dm::readable::Secrets;
use oma_dm::sniff::{self, Kind, SniffError};
use oma_dm::syncml::{Encoding, Place, place};
use oma_dm::wbxml::{self, Problem, WbxmlError};
use oma_dm::xml::Element;

use crate::arguments::{Decode, Format};
use crate::output::{Failure, print};
use crate::suite;

mod delegation;
mod kinds;
mod show;

/// The largest body that is read, in octets.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Decodes one body.
pub(crate) fn run(arguments: &Decode) -> Result<u8, Failure> {
    let name = match arguments.file.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => format!("`{}`", arguments.file.display()),
    };
    let profile = suite::profile(arguments.profile.as_deref())?;
    let media_type = arguments.media_type.as_deref().map(media_type).transpose()?;
    let octets = body(&arguments.file, &name)?;
    let body = Body {
        octets: &octets,
        media_type: media_type.as_ref(),
        secrets: if arguments.show_secrets {
            Secrets::Shown
        } else {
            Secrets::Hidden
        },
    };
    let decoded = decode(&body, &profile).map_err(|why| Failure::usage(format!("decode {name}: {why}")))?;
    print(&match arguments.format {
        Format::Text => show::text(&decoded),
        Format::Json => show::json(&decoded),
    });
    Ok(0)
}

/// A body, and what is known of it.
struct Body<'a> {
    octets: &'a [u8],
    media_type: Option<&'a MediaType>,
    secrets: Secrets,
}

/// What a body is.
struct Decoded {
    /// For programs.
    kind: &'static str,
    /// For people.
    title: String,
    /// `XML`, `WBXML`, or `octets`.
    encoding: &'static str,
    octets: usize,
    /// What it says, in a few words.
    summary: String,
    /// What it says, for programs: name and values.
    details: Vec<(&'static str, Vec<String>)>,
    /// All of it.
    document: String,
    noted: Vec<Noted>,
    /// What its departures are departures from.
    rules: String,
}

/// A departure, ready to print.
struct Noted {
    path: String,
    text: String,
    /// Where the rule is written.
    section: Option<&'static str>,
    /// Whether no rule is broken, but a custom.
    is_unusual: bool,
    /// Where it is in the body.
    octet: Option<usize>,
    /// The same as people count, in XML.
    place: Option<Place>,
}

/// Decodes a body by its media type, or else by what is in it.
fn decode(body: &Body<'_>, profile: &dmconform_case::profile::Profile) -> Result<Decoded, String> {
    let kind = match body.media_type {
        None => match sniff::sniff(body.octets) {
            Ok(kind) => kind,
            Err(SniffError::Unknown { .. }) if delegation::is_json(body.octets) => Kind::OtherXml,
            Err(error) => return Err(body.nothing_known(&error)),
        },
        Some(media_type) if delegation::is_media_type(profile, media_type) => Kind::OtherXml,
        Some(media_type) => sniff::of_media_type(body.octets, media_type).ok_or_else(|| {
            format!(
                "`{}` is no media type of OMA DM or of a delegation; leave --media-type out to have the body recognised",
                media_type.essence()
            )
        })?,
    };
    let mut decoded = match kind {
        Kind::Message(encoding) => kinds::message(body, encoding),
        Kind::Bootstrap(form) => kinds::bootstrap(body, form),
        Kind::Object(encoding) => kinds::object(body, encoding),
        Kind::Notification => kinds::notification(body),
        Kind::OtherXml => delegation::decode(body, profile),
    }?;
    if decoded.encoding == "XML" {
        locate(&mut decoded.noted, body.octets);
    }
    Ok(decoded)
}

/// Tells the lines and columns of all departures in one pass: there may be as many as there are elements.
fn locate(noted: &mut [Noted], octets: &[u8]) {
    let mut waiting: Vec<_> = noted.iter_mut().filter(|noted| noted.octet.is_some()).collect();
    waiting.sort_by_key(|noted| noted.octet);
    let mut waiting = waiting.into_iter().peekable();
    let text = String::from_utf8_lossy(octets);
    let (mut line, mut column) = (1, 1);
    for (at, character) in text.char_indices() {
        while let Some(noted) = waiting.next_if(|noted| noted.octet.is_some_and(|octet| octet <= at)) {
            noted.place = Some(Place { line, column });
        }
        (line, column) = match character {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        };
    }
    waiting.for_each(|noted| noted.place = Some(Place { line, column }));
}

impl Body<'_> {
    /// The outermost element, and what departs in its encoding.
    fn root(&self, encoding: Encoding) -> Result<Element<'_>, String> {
        match encoding {
            Encoding::Xml => Element::parse(self.octets).map_err(|error| error.to_string()),
            Encoding::Wbxml => wbxml::decode(self.octets)
                .map(|document| document.root)
                .map_err(|error| format!("read the document as WBXML: {error}")),
        }
        .map_err(|error| {
            format!("failed to {error}; look whether the media type is right and the body complete")
        })
    }

    /// Why a body is none of the kinds, where, and what to do.
    fn nothing_known(&self, error: &SniffError) -> String {
        let octet = error.at().filter(|_| !error.to_string().contains("octet"));
        let octet = octet.map(|at| format!("octet {at}"));
        let place = error.at().and_then(|at| self.line_of(at));
        let place: Vec<_> = [octet, place.map(|place| place.to_string())]
            .into_iter()
            .flatten()
            .collect();
        let place = match place.as_slice() {
            [] => String::new(),
            place => format!(" ({})", place.join(", ")),
        };
        let help = match error {
            SniffError::Wbxml(WbxmlError {
                problem: Problem::End,
                ..
            })
            | SniffError::Empty => "",
            SniffError::Xml { .. } | SniffError::Wbxml(_) => "; look whether it was captured whole",
            SniffError::WbxmlRoot { .. } | SniffError::Unknown { .. } => {
                "; say with --media-type what it was sent as"
            }
        };
        format!("{error}{place}{help}")
    }

    /// Where an octet is, as people count; there are no lines in WBXML.
    fn line_of(&self, at: usize) -> Option<Place> {
        let is_text = std::str::from_utf8(self.octets).is_ok();
        let is_xml = is_text && self.octets.trim_ascii_start().starts_with(b"<");
        is_xml.then(|| place(self.octets, at))
    }
}

fn media_type(text: &str) -> Result<MediaType, Failure> {
    MediaType::parse(text).map_err(|error| {
        Failure::usage(format!(
            "{error} of `{text}`; write it as it stood in Content-Type, such as `application/vnd.syncml.dm+wbxml`"
        ))
    })
}

/// Reads a file, or standard input, up to the limit.
fn body(path: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::usage(format!("read {name}: {error}; look whether the path is right"));
    let source: Box<dyn std::io::Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin().lock()),
        _ => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    let mut octets = Vec::new();
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut octets)
        .map_err(failed)?;
    match octets.len() > MAX_BODY {
        true => Err(Failure::usage(format!(
            "read {name}: it has more than {MAX_BODY} octets; cut the one body out that is meant"
        ))),
        false => Ok(octets),
    }
}
