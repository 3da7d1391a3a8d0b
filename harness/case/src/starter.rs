//! An implementation file to begin with: what every product has to say, and in comments what it can.

use dmconform_model::Role;

/// A commented implementation file for a product that plays these roles. It is in order as it is; what a product of one's
/// own has to say otherwise is marked `CHANGE`.
pub fn implementation(roles: &[Role]) -> String {
    let plays = |role: Role| roles.contains(&role);
    let is_server = plays(Role::Dms1) || plays(Role::Dms2);
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let mut text = String::new();
    let mut add = |part: &str| text.push_str(part);
    add(
        "# What dmconform has to know of a product to test it: what it claims (ICS), and how it is reached, started and\n\
         # made to do something (IXIT). Lines marked CHANGE are yours to fill in; what is commented out is optional.\n\
         # `dmconform check FILE` reads it, `dmconform doctor --implementation FILE` tries it.\n\
         #\n\
         # Texts may use variables: ${port.NAME}, ${work}, ${directory}, ${mock.ROLE.KIND} (where the harness listens for a\n\
         # role that it plays), ${public.ROLE.KIND} (where others reach the product), ${server-id.ROLE}, ${tls.roots},\n\
         # ${tls.ROLE.certificate}, ${tls.ROLE.key}, ${credentials.ROLE.PART}, and in triggers ${device}, ${session}, …\n\n\
         implementation: {vendor: Acme, product: Device Cloud, version: \"1.0\"}  # CHANGE\n",
    );
    add(&format!("plays: [{}]\n", names.join(", ")));
    if is_server {
        add(
            "# How it writes the messages between the servers: a profile that is built in (`dmconform profile list`), or a file\n\
             # of your own beside this one.\n\
             # profile: json-rest\n",
        );
    }
    add(&claims(roles));
    if is_server {
        add(
            "# Its server identifiers (DMAcc ServerID), which are also the names in its certificates.\nidentity:\n",
        );
        for role in [Role::Dms1, Role::Dms2].into_iter().filter(|role| plays(*role)) {
            add(&format!(
                "  {role}: {{server-id: {}.acme.example}}  # CHANGE\n",
                name_of(role)
            ));
        }
    }
    add(&surroundings(roles));
    add(&how_it_runs(roles));
    add(&triggers(roles));
    add(
        "# How long it may take. A window that is shorter than its reaction proves nothing; a product with a job queue that\n\
         # ticks every few seconds needs more than one that reacts at once.\n\
         limits: {reacts-within: 2s, window: 3s, step-deadline: 15s}  # CHANGE\n\
         # Test credentials between a device and the servers. What is secret comes from the environment or a file, and shows\n\
         # in nothing that is written.\n\
         # credentials:\n\
         #   dms-1: {client-name: \"${device}\", client-secret: {environment: ACME_CLIENT_SECRET}, server-secret: {file: server.secret}, nonce: bm9uY2U=}\n\
         #   dms-2: {client-name: \"${device}\", client-secret: one, server-secret: other}\n",
    );
    text
}

fn name_of(role: Role) -> &'static str {
    match role {
        Role::DmClient => "device",
        Role::Dms1 => "dms1",
        Role::Dms2 => "dms2",
        Role::BootstrapServer => "bootstrap",
    }
}

fn claims(roles: &[Role]) -> String {
    let plays = |role: Role| roles.contains(&role);
    let is_server = plays(Role::Dms1) || plays(Role::Dms2);
    let mut text = "# What it claims to support; cases about what is not claimed do not apply. `dmconform explain ID` says more.\nsupports:\n".to_owned();
    let mut add = |part: &str| text.push_str(part);
    if is_server {
        add("  opens: either                 # who opens delegations: dms-1, dms-2 or either\n");
        add("  delegation-types: [full-permanent, full-temporary, partial-permanent, partial-temporary]\n");
        add("  # concurrent-delegations: 16  # how many at once; as many as there are devices if left out\n");
    }
    if plays(Role::Dms1) {
        add("  removes-own-account: on-request  # step 8b: always, never or on-request\n");
    }
    if is_server || plays(Role::DmClient) {
        add(
            "  encodings: [xml]              # of DM sessions: xml, wbxml; a client says how it writes itself\n",
        );
        add("  authentication: [md5]         # in DM sessions: basic, md5, mac\n");
    }
    if plays(Role::DmClient) {
        add("  bootstraps: [dm-wbxml]        # dm-wbxml, dm-xml, cp-wbxml, cp-xml\n");
    }
    let further: &[&str] = match (is_server, plays(Role::DmClient)) {
        (true, true) => &[
            "server-certificate-identity",
            "revocation",
            "large-objects",
            "notification",
            "response-uri",
        ],
        (true, false) => &["server-certificate-identity", "revocation", "large-objects"],
        (false, true) => &["notification", "large-objects", "response-uri"],
        (false, false) => &[],
    };
    add("  claims: []");
    if !further.is_empty() {
        add(&format!("                    # {}", further.join(", ")));
    }
    add("\n");
    text
}

fn surroundings(roles: &[Role]) -> String {
    let mut text = "# The devices that the product knows; each running case has one to itself. Or one by one:\n\
         # devices: {list: [{id: \"urn:acme:1\", credentials: {dms-1: {client-secret: one}}}]}\n\
         devices: {pattern: \"urn:acme:device:{}\", count: 20, manufacturer: Acme, model: Model 1}  # CHANGE\n\
         # Ports that the harness chooses: ${port.NAME}. Leave it out for a product whose ports are fixed.\n"
        .to_owned();
    let mut ports = vec!["management"];
    let mut endpoints = String::new();
    for role in roles {
        let line = match role {
            Role::DmClient => continue,
            Role::Dms1 | Role::Dms2 => {
                let (dm, delegation) = if *role == Role::Dms1 {
                    ("dm-1", "delegation-1")
                } else {
                    ("dm-2", "delegation-2")
                };
                ports.extend([dm, delegation]);
                format!(
                    "  {role}: {{dm: \"https://127.0.0.1:${{port.{dm}}}/dm\", delegation: \"https://127.0.0.1:${{port.{delegation}}}/delegation\"}}\n"
                )
            }
            Role::BootstrapServer => {
                ports.push("bootstrap");
                format!(
                    "  {role}: {{bootstrap: \"https://127.0.0.1:${{port.bootstrap}}/bootstrap/${{device}}\"}}\n"
                )
            }
        };
        endpoints.push_str(&line);
    }
    text.push_str("ports: [");
    text.push_str(&ports.join(", "));
    text.push_str("]\n");
    if !endpoints.is_empty() {
        text.push_str("# Where it listens; only the hosts that are named here, and those of loopback, are ever dialled.  CHANGE\nendpoints:\n");
        text.push_str(&endpoints);
        text.push_str("# hosts: {dms2.acme.example: 127.0.0.1}  # where names lead, in place of the system's resolution\n");
    }
    let mocked = [Role::Dms1, Role::Dms2]
        .into_iter()
        .find(|role| !roles.contains(role));
    if let Some(role) = mocked {
        let peers = format!(
            "# What its configuration says of the roles that the harness plays, where that is fixed:\n\
             # peers: {{{role}: {{server-id: partner.acme.example, listen: {{dm: \"127.0.0.1:8101\", delegation: \"127.0.0.1:8102\"}}}}}}\n"
        );
        text.push_str(&peers);
    }
    text.push_str(
        "# Certificates are made for each run, and written to ${work}/certificates. A product that trusts an authority of your\n\
         # own already, or shows a chain of its own:\n\
         # certificates: {authority: {roots: roots.pem, certificate: issuing.pem, key: issuing.key}, trust: [acme-roots.pem]}\n",
    );
    text
}

fn how_it_runs(roles: &[Role]) -> String {
    let role = roles.first().copied().unwrap_or(Role::Dms1);
    let first = match role {
        Role::DmClient => "management",
        Role::Dms1 => "dm-1",
        Role::Dms2 => "dm-2",
        Role::BootstrapServer => "bootstrap",
    };
    let knows = knows(roles);
    format!(
        "# Files written to its working directory before it starts.  CHANGE\n\
         files:\n  \
         acme.toml: |\n    \
         trust = \"${{tls.roots}}\"\n    \
         certificate = \"${{tls.{role}.certificate}}\"\n    \
         key = \"${{tls.{role}.key}}\"\n\
         {knows}\
         # How it is started, without a shell; leave it out for a product that runs already. Ready is when all holds that is\n\
         # named: tcp, http (URLs that answer 2xx), log (a text in its output), command (that ends with status 0).\n\
         start:\n  \
         command: [acme-dms, --config, \"${{work}}/acme.toml\"]  # CHANGE\n  \
         # environment: {{ACME_MODE: test}}\n  \
         # detached: true  # for a command that leaves the product in the background; then `stop` ends it\n  \
         # instances: 4  # how many may run beside each other, where the harness chooses all ports: it saves time\n  \
         ready: {{tcp: [\"127.0.0.1:${{port.{first}}}\"], within: 20s}}\n\
         # stop: {{command: [acme-ctl, stop]}}\n\
         # reset: {{command: [acme-ctl, wipe]}}  # run before each start\n"
    )
}

/// What the configuration of a product has to say of the others, for each of its roles.
fn knows(roles: &[Role]) -> String {
    let plays = |role: Role| roles.contains(&role);
    let mut text = String::new();
    let mut add = |about: &str, settings: &[(&str, &str)]| {
        text = format!("{text}    # {about}\n");
        for (name, value) in settings {
            text = format!("{text}    {name} = \"{value}\"\n");
        }
    };
    if plays(Role::DmClient) && !plays(Role::Dms1) {
        add(
            "The account of DMS-1, which each device has from the beginning.",
            &[
                ("dms-1-server-id", "${server-id.dms-1}"),
                ("dms-1-address", "${mock.dms-1.dm}"),
                ("dms-1-client-name", "${credentials.dms-1.client-name}"),
                ("dms-1-client-secret", "${credentials.dms-1.client-secret}"),
                ("dms-1-server-secret", "${credentials.dms-1.server-secret}"),
                ("dms-1-nonce", "${credentials.dms-1.nonce}"),
            ],
        );
    }
    for (role, other, own, peer) in [
        (Role::Dms1, Role::Dms2, "dms-1", "dms-2"),
        (Role::Dms2, Role::Dms1, "dms-2", "dms-1"),
    ] {
        if !plays(role) {
            continue;
        }
        let of_devices = ["client-name", "client-secret", "server-secret", "nonce"]
            .map(|part| (format!("{own}-{part}"), format!("${{credentials.{own}.{part}}}")));
        let of_devices: Vec<(&str, &str)> = of_devices
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        add("The credentials between a device and it.", &of_devices);
        if !plays(other) {
            add(
                "The other server, where the harness plays it.",
                &[
                    (&format!("{peer}-server-id"), &format!("${{server-id.{peer}}}")),
                    (&format!("{peer}-url"), &format!("${{mock.{peer}.delegation}}")),
                ],
            );
        }
    }
    if plays(Role::Dms2) && !plays(Role::BootstrapServer) {
        add(
            "Where the bootstraps are that it tells devices of.",
            &[("bootstrap-url", "${mock.bootstrap-server.bootstrap-base}")],
        );
    }
    if plays(Role::BootstrapServer) && !plays(Role::Dms2) {
        add(
            "The account that its bootstraps bring.",
            &[
                ("dms-2-server-id", "${server-id.dms-2}"),
                ("dms-2-address", "${mock.dms-2.dm}"),
            ],
        );
    }
    text
}

fn triggers(roles: &[Role]) -> String {
    let mut text = "# How it is made to do something: an HTTP request, a command, or a question to whoever runs the harness:\n\
         #   {http: {url: …, method: POST, headers: {authorization: {environment: ACME_TOKEN}}, body: …}}\n\
         #   {command: {command: [acme-ctl, …], within: 30s}}\n\
         #   {prompt: \"delete the account of ${device} by hand\"}\n\
         triggers:\n"
        .to_owned();
    let mut add = |part: &str| text.push_str(part);
    if roles.contains(&Role::Dms1) || roles.contains(&Role::Dms2) {
        add(
            "  # Makes a server open a delegation. It may use the session that it is given, or choose its own.  CHANGE\n  \
             start-delegation:\n    \
             http:\n      \
             url: \"http://127.0.0.1:${port.management}/delegations\"\n      \
             body: |\n        \
             {\"device\": \"${device}\", \"peer\": \"${peer}\", \"tree\": ${tree}, \"type\": \"${type}\",\n         \
             \"remove-account\": ${remove-account}, \"session\": \"${session}\"}\n",
        );
    }
    if roles.contains(&Role::DmClient) {
        add(
            "  # Makes the client open a DM session with the server ${server}.  CHANGE\n  \
             contact-server: {http: {url: \"http://127.0.0.1:${port.management}/devices/${device}/contact?server=${server}\"}}\n  \
             # Puts a device back to where it was before its first delegation.  CHANGE\n  \
             reset-device: {http: {url: \"http://127.0.0.1:${port.management}/devices/${device}/reset\"}}\n  \
             # Puts the account of DMS-1 onto it, where its configuration does not have it.\n  \
             # provision-account: {prompt: \"give ${device} the account of ${server-id.dms-1}\"}\n  \
             # Makes it fetch the bootstrap that step 4 told it of, where it does not by itself.\n  \
             # fetch-bootstrap: {prompt: \"let ${device} fetch its bootstrap\"}\n  \
             # Hands it a notification (package 0), for the claim `notification`.\n  \
             # notify-device: {url: \"http://127.0.0.1:${port.management}/devices/${device}/notify\", media-type: application/vnd.syncml.notification}\n",
        );
    }
    if roles.contains(&Role::BootstrapServer) {
        add(
            "  # Prepares the Bootstrap Server to hand out the bootstrap of a device, where it does not know it by itself.\n",
        );
        let only = roles == [Role::BootstrapServer];
        let mark = if only { "" } else { "# " };
        add(&format!(
            "  {mark}provision-bootstrap: {{http: {{url: \"http://127.0.0.1:${{port.management}}/bootstraps/${{device}}\"}}}}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use dmconform_model::Role;

    use super::implementation;
    use crate::read::{self, Source};

    #[test]
    fn the_file_for_any_roles_is_in_order() {
        for choice in 1_u8..16 {
            let roles: Vec<Role> = Role::ALL
                .into_iter()
                .enumerate()
                .filter(|(at, _)| choice & (1 << at) != 0)
                .map(|(_, role)| role)
                .collect();
            let text = implementation(&roles);
            let source = Source {
                name: "product.yaml",
                text: &text,
            };
            let product = read::implementation(source).map_err(|problems| {
                let shown = problems.iter().map(|problem| problem.rendered.as_str());
                format!("{}\n{text}", shown.collect::<Vec<_>>().join("\n"))
            });
            match product {
                Ok(product) => assert_eq!(product.plays, roles),
                Err(shown) => panic!("{shown}"),
            }
        }
    }

    /// What stands in comments has to be right, too: it is what people take them out for.
    #[test]
    fn what_is_commented_out_can_be_taken_in() {
        for roles in [
            vec![Role::DmClient],
            vec![Role::Dms1],
            vec![Role::Dms2, Role::BootstrapServer],
        ] {
            let text = implementation(&roles);
            let taken_in: Vec<String> = text.lines().map(taken_in).collect();
            let text = taken_in.join("\n");
            let source = Source {
                name: "product.yaml",
                text: &text,
            };
            if let Err(problems) = read::implementation(source) {
                let shown = problems.iter().map(|problem| problem.rendered.as_str());
                panic!("{}\n{text}", shown.collect::<Vec<_>>().join("\n"));
            }
        }
    }

    /// A line without its mark, where a key follows it that is not there otherwise.
    fn taken_in(line: &str) -> String {
        let keys = [
            "profile:",
            "concurrent-delegations:",
            "hosts:",
            "peers:",
            "environment:",
            "stop:",
            "reset:",
            "credentials:",
            "  dms-1: {client-name",
            "  dms-2: {client-name",
            "provision-account:",
            "fetch-bootstrap:",
            "notify-device:",
            "provision-bootstrap:",
        ];
        let indent = line.len() - line.trim_start().len();
        let rest = line
            .trim_start()
            .strip_prefix("# ")
            .or_else(|| line.trim_start().strip_prefix('#'));
        match rest {
            Some(rest) if keys.iter().any(|key| rest.starts_with(key)) => {
                format!("{}{rest}", &line[..indent])
            }
            _ => line.to_owned(),
        }
    }
}
