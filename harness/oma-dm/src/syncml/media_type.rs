//! The media types that messages come with (registrations of `application/vnd.syncml.dm+xml` and `+wbxml`).

use super::{Departure, Encoding, Reading};

impl Encoding {
    /// The media type of a DM message in this encoding.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/vnd.syncml.dm+xml",
            Self::Wbxml => "application/vnd.syncml.dm+wbxml",
        }
    }

    /// The encoding that a media type stands for, parameters aside. The types of data synchronisation are met on
    /// the wire too.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        match essence(media_type).to_ascii_lowercase().as_str() {
            "application/vnd.syncml.dm+xml" | "application/vnd.syncml+xml" => Some(Self::Xml),
            "application/vnd.syncml.dm+wbxml" | "application/vnd.syncml+wbxml" => Some(Self::Wbxml),
            _ => None,
        }
    }
}

impl Reading<'_> {
    /// What departs in the media type that the message came with: one that is not of OMA DM, or parameters that contradict
    /// the message. These are in no octets of the message, so that they are not among its observations.
    pub fn departures_of_media_type(&self, media_type: &str) -> Vec<Departure> {
        let mut found = Vec::new();
        let essence = essence(media_type);
        let is_of_dm = [Encoding::Xml, Encoding::Wbxml]
            .iter()
            .any(|encoding| essence.eq_ignore_ascii_case(encoding.media_type()));
        if !is_of_dm {
            found.push(Departure::MediaType(essence.to_owned()));
        }
        for (parameter, element) in [("verproto", "VerProto"), ("verdtd", "VerDTD")] {
            let header = self.element.child("SyncHdr");
            let said = header.and_then(|header| header.child(element));
            let (Some(value), Some(said)) = (value(media_type, parameter), said) else {
                continue;
            };
            let said = said.text().trim().to_owned();
            if value != said {
                found.push(Departure::MediaTypeVersion {
                    parameter,
                    found: value.to_owned(),
                    message: said,
                });
            }
        }
        found
    }
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or("").trim()
}

/// The value of a parameter, in quotes or not.
fn value<'m>(media_type: &'m str, parameter: &str) -> Option<&'m str> {
    let mut parameters = media_type.split(';').skip(1);
    parameters.find_map(|given| {
        let (name, value) = given.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case(parameter);
        is_it.then(|| value.trim().trim_matches('"'))
    })
}
