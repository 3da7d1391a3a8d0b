//! The kinds of bodies of OMA DM, each in a few words and in all of its own.

use std::collections::BTreeMap;

use oma_dm::bootstrap::{self, Bootstrap, Form, Integrity, Profile};
use oma_dm::notification::Notification;
use oma_dm::readable::{readable, readable_departure};
use oma_dm::syncml::{self, AlertCode, Command, Encoding, Message, Observation};
use oma_dm::tnds::{self, ManagementTree, TreeNode};

use super::{Body, Decoded, Noted};

/// A SyncML message.
pub(super) fn message(body: &Body<'_>, encoding: Encoding) -> Result<Decoded, String> {
    body.root(encoding)?;
    let reading = syncml::read(body.octets, encoding)
        .map_err(|error| format!("failed to {error}; look whether the media type is right"))?;
    let Message { header, is_final, .. } = &reading.message;
    let contents = contents(&reading.message);
    let summary = format!(
        "session {}, message {}, from {} to {}: {}",
        header.session_id,
        header.message_id,
        header.source.uri,
        header.target.uri,
        contents.join(", ")
    );
    let of_media_type = body
        .media_type
        .map(|media_type| media_type.departures(&reading))
        .unwrap_or_default();
    let mut noted = body.noted(&of_media_type);
    noted.extend(reading.observations.iter().map(|observation| {
        let departure = &observation.departure;
        Noted {
            section: Some(departure.section()),
            is_unusual: !departure.is_breach(),
            ..body.note(observation)
        }
    }));
    let names = reading
        .message
        .commands
        .iter()
        .map(|command| command.name().to_owned());
    Ok(Decoded {
        kind: "message",
        title: "SyncML message".to_owned(),
        encoding: name_of(encoding),
        octets: body.octets.len(),
        summary,
        details: vec![
            ("session", vec![header.session_id.clone()]),
            ("message", vec![header.message_id.clone()]),
            ("source", vec![header.source.uri.clone()]),
            ("target", vec![header.target.uri.clone()]),
            ("commands", names.collect()),
            ("final", vec![is_final.to_string()]),
        ],
        document: readable(&reading.element, body.secrets).to_pretty_xml(),
        noted,
        rules: "the specification".to_owned(),
    })
}

/// What a message says: how many commands of each kind, in the order in which they begin, and whether its package ends.
fn contents(message: &Message) -> Vec<String> {
    let mut order = Vec::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for command in &message.commands {
        let name = match command {
            Command::Alert(alert) => format!("Alert {}", alert.code),
            other => other.name().to_owned(),
        };
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            order.push(name);
        }
    }
    let mut contents: Vec<_> = order
        .into_iter()
        .map(|name| match counts.get(&name) {
            Some(count) if *count > 1 => format!("{count} × {name}"),
            _ => name,
        })
        .collect();
    let opens = |command: &Command| {
        matches!(command, Command::Alert(alert)
            if [AlertCode::CLIENT_INITIATED, AlertCode::SERVER_INITIATED].contains(&alert.code))
    };
    if message.commands.iter().any(opens) {
        contents.insert(0, "package 1".to_owned());
    }
    contents.push(if message.is_final { "final" } else { "more follows" }.to_owned());
    contents
}

/// A bootstrap, of either profile. One that no device could use is shown all the same.
pub(super) fn bootstrap(body: &Body<'_>, form: Form) -> Result<Decoded, String> {
    let root = body.root(form.encoding)?;
    let media_type = match body.media_type {
        Some(media_type) => media_type.to_string(),
        None => form.media_type().to_owned(),
    };
    let (summary, details, noted) = match bootstrap::read(body.octets, &media_type) {
        Ok(read) => (
            of_bootstrap(&read),
            details_of(&read),
            body.noted(&read.observations),
        ),
        Err(error) => {
            let noted = vec![unusable(&error)];
            (
                "it brings no account that could be used".to_owned(),
                Vec::new(),
                noted,
            )
        }
    };
    let profile = match form.profile {
        Profile::Dm => "DM",
        Profile::ClientProvisioning => "client provisioning",
    };
    Ok(Decoded {
        kind: match form.profile {
            Profile::Dm => "bootstrap-dm",
            Profile::ClientProvisioning => "bootstrap-client-provisioning",
        },
        title: format!("bootstrap of the {profile} profile"),
        encoding: name_of(form.encoding),
        octets: body.octets.len(),
        summary,
        details,
        document: readable(&root, body.secrets).to_pretty_xml(),
        noted,
        rules: "the specification".to_owned(),
    })
}

fn of_bootstrap(bootstrap: &Bootstrap) -> String {
    let accounts = bootstrap
        .accounts()
        .map(|account| format!("account of {} at {}", account.server_id, account.address));
    let accounts: Vec<_> = accounts.collect();
    let integrity = integrity_of(bootstrap);
    let skipped = match bootstrap.skipped.as_slice() {
        [] => String::new(),
        skipped => format!("; passed over: {}", skipped.join(", ")),
    };
    format!("{}; {integrity}{skipped}", accounts.join(", "))
}

fn integrity_of(bootstrap: &Bootstrap) -> String {
    match bootstrap.integrity {
        Integrity::Unprotected => "without a MAC".to_owned(),
        Integrity::Unchecked(method) | Integrity::Verified(method) => {
            let method = method.name(bootstrap.form.profile).unwrap_or_default();
            format!("with a MAC by {method}, not checked")
        }
    }
}

fn details_of(bootstrap: &Bootstrap) -> Vec<(&'static str, Vec<String>)> {
    let ids = bootstrap.accounts().map(|account| account.server_id.clone());
    let addresses = bootstrap.accounts().map(|account| account.address.clone());
    vec![
        ("server-ids", ids.collect()),
        ("addresses", addresses.collect()),
        ("protection", vec![integrity_of(bootstrap)]),
        ("passed-over", bootstrap.skipped.clone()),
    ]
}

/// A TNDS object.
pub(super) fn object(body: &Body<'_>, encoding: Encoding) -> Result<Decoded, String> {
    let root = body.root(encoding)?;
    let mut noted = body.noted(&tnds::departures(&root));
    let (summary, details) = match ManagementTree::from_element(&root) {
        Ok(object) => {
            let outermost: Vec<_> = object.nodes.iter().map(name_of_node).collect();
            let count = object.nodes.iter().map(count).sum::<usize>();
            let summary = format!("{}; {count} nodes", outermost.join(", "));
            let details = vec![("outermost-nodes", outermost), ("nodes", vec![count.to_string()])];
            (summary, details)
        }
        Err(error) => {
            noted.push(unusable(&error));
            ("no tree could be made of it".to_owned(), Vec::new())
        }
    };
    Ok(Decoded {
        kind: "object",
        title: "TNDS object".to_owned(),
        encoding: name_of(encoding),
        octets: body.octets.len(),
        summary,
        details,
        document: readable(&root, body.secrets).to_pretty_xml(),
        noted,
        rules: "the specification".to_owned(),
    })
}

fn name_of_node(node: &TreeNode) -> String {
    let name = match node.name.as_str() {
        "" => "(no name)",
        name => name,
    };
    match node
        .type_name
        .as_deref()
        .filter(|of| node.is_interior() && !of.is_empty())
    {
        Some(identifier) => format!("{name} ({identifier})"),
        None => name.to_owned(),
    }
}

fn count(node: &TreeNode) -> usize {
    1 + node.children.iter().map(count).sum::<usize>()
}

/// A notification.
pub(super) fn notification(body: &Body<'_>) -> Result<Decoded, String> {
    let signed = Notification::read(body.octets).map_err(|error| error.to_string())?;
    let Notification {
        version,
        ui_mode,
        initiator,
        future_use,
        session_id,
        server_id,
        vendor_specific,
    } = &signed.notification;
    let hex = |octets: &[u8]| {
        octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect::<String>()
    };
    let fields = vec![
        ("digest", hex(&signed.digest)),
        ("version", version.to_string()),
        ("ui-mode", ui_mode.to_string()),
        ("initiator", initiator.to_string()),
        ("future-use", format!("0x{future_use:X}")),
        ("sessionid", format!("0x{session_id:04X}")),
        ("server-identifier", server_id.clone()),
        ("vendor-specific", hex(vendor_specific)),
    ];
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name:18} {value}").trim_end().to_owned() + "\n");
    Ok(Decoded {
        kind: "notification",
        title: "notification".to_owned(),
        encoding: "octets",
        octets: body.octets.len(),
        summary: format!(
            "{server_id} asks for session {}; its digest takes the server's secret to check",
            signed.notification.session_id_text()
        ),
        document: lines.collect(),
        details: fields
            .into_iter()
            .map(|(name, value)| (name, vec![value]))
            .collect(),
        noted: body.noted(&signed.observations),
        rules: "the specification".to_owned(),
    })
}

impl Body<'_> {
    /// Departures with their places.
    pub(super) fn noted(&self, observations: &[Observation]) -> Vec<Noted> {
        observations
            .iter()
            .map(|observation| self.note(observation))
            .collect()
    }

    fn note(&self, observation: &Observation) -> Noted {
        // What is not in the body has no place in it.
        let octet = Some(observation.at.start).filter(|_| !observation.at.is_empty());
        Noted {
            path: observation.path.clone(),
            text: readable_departure(observation, self.secrets),
            section: None,
            is_unusual: false,
            octet,
            place: None,
        }
    }
}

/// Why no device could use a body.
fn unusable(error: &dyn std::error::Error) -> Noted {
    Noted {
        path: String::new(),
        text: format!("it cannot be used: {error}"),
        section: None,
        is_unusual: false,
        octet: None,
        place: None,
    }
}

fn name_of(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Xml => "XML",
        Encoding::Wbxml => "WBXML",
    }
}
