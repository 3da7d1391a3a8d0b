//! What one case needs before it begins: what it is judged with, its parties, its tree, its variables.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dmconform_case::Suite;
use dmconform_case::implementation::{AccountCredentials, Accounts, Removal};
use dmconform_case::test_case::{BootstrapPlace, Opener, TestCase};
use dmconform_judge::{Header, JUDGE_VERSION, Owner, Parties, TRANSCRIPT_FORMAT};
use dmconform_model::{Event, Role, quoted};
use dmconform_roles::{CaseContext, Hidden, KeptLines, Offers, Recorder, Taps, client::MockClient};
use oma_dm::devinfo::DeviceInfo;
use oma_dm::tree::Tree;
use tokio::sync::watch;

use crate::run::Shared;
use crate::target::Running;
use crate::tree;
use crate::variables::{self, Variables};

/// Everything that a case needs: what it is judged with, its parties, its tree.
pub(crate) fn context(
    shared: &Shared,
    running: &Running,
    case: TestCase,
    number: u32,
    attempt: u32,
) -> (Arc<CaseContext>, Variables) {
    let again = match attempt {
        1 => String::new(),
        attempt => format!(".attempt-{attempt}"),
    };
    let product = &running.file.implementation;
    let device = product.devices.id(number);
    let token = format!("{}-{}", shared.new_token(), case.id.0.to_lowercase());
    let mut variables = Variables::new();
    variables.insert("device".to_owned(), device.clone());
    let parties = Parties {
        dms_1: running.stage.party(Role::Dms1).server_id.clone(),
        dms_2: running.stage.party(Role::Dms2).server_id.clone(),
        third: running.stage.third().server_id.clone(),
        device,
        manufacturer: product.devices.manufacturer.clone(),
        model: product.devices.model.clone(),
    };
    let mut endpoints: BTreeMap<_, _> = running.endpoints.iter().cloned().collect();
    let oddities = shared.options.of_peers();
    let of_device = product.devices.listed(number);
    let given = of_device.and_then(|device| device.bootstrap.clone());
    let url = given.unwrap_or_else(|| bootstrap_url(running, &case, &variables, &token));
    let bootstrap_url = oddities.bootstrap_url(url);
    variables.insert("bootstrap-url".to_owned(), bootstrap_url.clone());
    endpoints.entry(Role::BootstrapServer).or_default().bootstrap = Some(bootstrap_url.clone());
    let accounts = running.accounts.of(number);
    let credentials = Accounts {
        dms_1: variables::credentials(&accounts.dms_1, &variables),
        dms_2: variables::credentials(&accounts.dms_2, &variables),
    };
    // A device of its own credentials: its triggers get those.
    variables.extend(variables::of_credentials(accounts));
    let session = format!("session-{token}");
    set_delegation(
        &mut variables,
        &case,
        running,
        &session,
        product.supports.removes_own_account,
    );
    let suite = &running.file.suite;
    let header = Header {
        format: TRANSCRIPT_FORMAT,
        judge: JUDGE_VERSION.to_owned(),
        run: shared.options.id.clone(),
        procedure: Arc::clone(&suite.procedure),
        profile: Arc::clone(&suite.profile),
        requirements: Arc::clone(&suite.requirements),
        owners: Arc::clone(&shared.owners),
        target: Arc::clone(&running.target),
        claims: Arc::clone(&running.claims),
        limits: product.limits,
        parties,
        endpoints,
        dms_2_credentials: masked(&credentials.dms_2, &running.hidden),
        strict: shared.options.strict,
        rerun: rerun(shared, running, &case),
        transcript: format!("transcripts/{}/{}{again}.jsonl", running.file.name, case.id),
        case,
    };
    let dms_1 = header
        .endpoints
        .get(&Role::Dms1)
        .and_then(|endpoints| endpoints.dm.clone())
        .unwrap_or_default();
    let grown = tree::tree(&header, &credentials.dms_1, &dms_1, &product.nodes);
    let header = Arc::new(header);
    let recorder = Recorder::new(
        Arc::clone(&header),
        Arc::clone(&running.hidden),
        shared.spool.clone(),
        Arc::clone(&running.stage.readings),
    );
    let (tree, device_info) = grown.unwrap_or_else(|reason| {
        recorder.record(Event::Aborted {
            reason: format!("set up the client's tree: {reason}"),
        });
        let parties = &header.parties;
        let info = DeviceInfo {
            device_id: parties.device.clone(),
            manufacturer: parties.manufacturer.clone(),
            model: parties.model.clone(),
            dm_version: String::new(),
            language: String::new(),
        };
        (Tree::new(), info)
    });
    let first = running.first_tree.get_or_init(|| tree.clone());
    let tree = tree.sharing(first);
    let offers = [Role::Dms1, Role::Dms2]
        .map(|role| (role, Box::<Offers>::default()))
        .into_iter()
        .collect();
    let context = CaseContext {
        recorder,
        credentials,
        session_id: Mutex::new(session),
        token,
        bootstrap_url,
        client: tokio::sync::Mutex::new(MockClient::new(tree, device_info, shared.last_session())),
        offers,
        oddities,
        lines: KeptLines::default(),
        taps: Taps::default(),
        poll: shared.options.pace.poll,
        sessions: shared.open_sessions.clone(),
        over: watch::Sender::new(false),
        header,
    };
    (Arc::new(context), variables)
}

/// Credentials as a transcript may have them.
fn masked(credentials: &AccountCredentials, hidden: &Hidden) -> AccountCredentials {
    AccountCredentials {
        client_secret: hidden.text(&credentials.client_secret),
        server_secret: hidden.text(&credentials.server_secret),
        ..credentials.clone()
    }
}

/// The variables of a delegation, for triggers.
fn set_delegation(
    variables: &mut Variables,
    case: &TestCase,
    running: &Running,
    session: &str,
    removal: Removal,
) {
    let id = |role: Role| &running.stage.party(role).server_id;
    let opens = case.given.opens == Opener::Dms1;
    let peer = id(if opens { Role::Dms2 } else { Role::Dms1 });
    let tree: Vec<String> = case.given.tree.iter().map(|part| format!("\"{part}\"")).collect();
    let removes = case.given.removes_account && removal != Removal::Never;
    let set = [
        ("peer", peer.clone()),
        ("server", id(Role::Dms1).clone()),
        ("session", session.to_owned()),
        ("type", case.given.delegation_type.as_str().to_owned()),
        ("tree", format!("[{}]", tree.join(", "))),
        ("remove-account", removes.to_string()),
    ];
    variables.extend(set.map(|(name, value)| (name.to_owned(), value)));
}

fn bootstrap_url(running: &Running, case: &TestCase, variables: &Variables, token: &str) -> String {
    let of = |role: Role| {
        running
            .endpoints
            .iter()
            .find(|(known, _)| *known == role)
            .map(|(_, endpoints)| endpoints)
    };
    let real = running.target.plays.contains(&Role::BootstrapServer);
    let own = of(Role::BootstrapServer)
        .and_then(|endpoints| endpoints.bootstrap.clone())
        .unwrap_or_default();
    if real {
        return variables::filled(&own, variables);
    }
    let co_located = case.given.bootstrap_server == BootstrapPlace::CoLocated;
    let with_dms_2 = of(Role::Dms2)
        .and_then(|endpoints| endpoints.dm.as_ref())
        .filter(|_| co_located);
    let url = match with_dms_2 {
        Some(dm) => format!("{}/bootstrap/{token}", dm.trim_end_matches("/dm")),
        None => format!("{own}{token}"),
    };
    // Where messages are short, there is something that does not fit one.
    match case.given.max_message_size {
        Some(octets) => format!("{url}?long={}", "x".repeat(octets.try_into().unwrap_or(0))),
        None => url,
    }
}

/// Which case owns each requirement.
pub fn owners(suite: &Suite) -> Vec<Owner> {
    let owners = suite.owners().into_iter();
    let owners = owners.map(|((requirement, role), case)| Owner {
        requirement: requirement.clone(),
        role,
        case: case.clone(),
    });
    owners.collect()
}

/// The command that runs just this case again.
fn rerun(shared: &Shared, running: &Running, case: &TestCase) -> String {
    let mut command = format!("dmconform run --case {}", case.id);
    match (&shared.options.rerun, &running.file.path) {
        (Some(beginning), _) => command = format!("{beginning} --case {}", case.id),
        (None, Some(path)) => {
            let file = quoted(&path.display().to_string());
            command = format!("{command} --implementation {file}");
        }
        (None, None) => {
            for role in &case.iut {
                command = format!("{command} --role {role}");
            }
        }
    }
    for option in &shared.options.suite_options {
        command = format!("{command} {option}");
    }
    command + &shared.options.what_turns_verdicts()
}
