//! The DM Client: many devices, each of which opens sessions when told to, and follows what servers write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use dmconform_oddity::{Oddities, Oddity};
use oma_dm::account::{Account, AuthenticationType};
use oma_dm::bootstrap::{self, Entry, Profile};

use crate::accounts;
use crate::config;
use crate::deviation::{Deviation, Deviations};
use crate::dm_client::device::Device;
use crate::dm_client::session::Opening;
use crate::http::client::{HttpClient, Question};
use crate::url::Url;

mod device;
mod management;
mod parts;
mod session;

pub(crate) use management::ClientManagement;

/// All devices of a process.
pub(crate) struct Client {
    config: config::DmClient,
    devices: BTreeMap<String, Arc<Device>>,
    http: HttpClient,
    deviations: Deviations,
    oddities: Oddities,
    sessions: AtomicU16,
}

impl Client {
    pub(crate) fn new(
        section: &config::DmClient,
        http: HttpClient,
        deviations: Deviations,
        oddities: Oddities,
    ) -> Result<Self, String> {
        if deviations.has(Deviation::SessionBeforeBootstrap) && section.early_account.is_none() {
            return Err(format!(
                "the deviation `{}` needs to know of DMS-2: write `[dm-client.early-account]`",
                Deviation::SessionBeforeBootstrap
            ));
        }
        let mut devices = BTreeMap::new();
        for id in section.devices.all() {
            let device = Device::new(id.clone(), section)?;
            devices.insert(id, Arc::new(device));
        }
        match devices.is_empty() {
            true => Err("`devices` names none: write a pattern and a count, or ids".to_owned()),
            false => Ok(Self {
                config: section.clone(),
                devices,
                http,
                deviations,
                oddities,
                sessions: AtomicU16::new(0),
            }),
        }
    }

    /// Up to four hexadecimal digits, not soon the same again.
    fn next_session_id(&self) -> String {
        format!(
            "{:X}",
            self.sessions.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
        )
    }

    /// Whether another session follows that nobody needs: an oddity.
    fn comes_again(&self, device: &Device, server_id: &str) -> bool {
        let oddity = match server_id == self.config.account.server_id {
            true => Oddity::PollsOften,
            false => Oddity::ComesBack,
        };
        self.oddities.has(oddity) && Account::find(&device.tree(), server_id).is_some()
    }

    fn has(&self, deviation: Deviation) -> bool {
        self.deviations.has(deviation)
    }

    /// Holds a session with a server, and does all that follows from it: fetches new bootstraps, and holds sessions with
    /// the servers in them. Says what went wrong first.
    async fn run(&self, device: &Device, server_id: &str, opening: Opening) -> Result<(), String> {
        /// The longest chain of delegations that is followed.
        const MAX_CHAIN: usize = 16;
        let generation = device.generation();
        let mut servers = vec![(server_id.to_owned(), None, opening)];
        let mut first_problem = None;
        for _ in 0..MAX_CHAIN {
            let Some((server_id, machine, opening)) = servers.pop() else {
                break;
            };
            let mut result = self
                .hold_session(device, generation, &server_id, machine.as_ref(), opening)
                .await;
            if result.is_ok() && self.comes_again(device, &server_id) {
                result = self
                    .hold_session(device, generation, &server_id, machine.as_ref(), Opening::Own)
                    .await;
            }
            note(
                device,
                &mut first_problem,
                &format!("session with {server_id}"),
                result,
            );
            if device.generation() != generation {
                break;
            }
            for url in device.new_urls(&self.config.bootstrap_config) {
                match self.follow(device, generation, &url).await {
                    Ok(found) => {
                        note(
                            device,
                            &mut first_problem,
                            &format!("bootstrap from {url}"),
                            Ok(()),
                        );
                        let own = |(server_id, machine)| (server_id, machine, Opening::Own);
                        servers.extend(found.into_iter().map(own));
                    }
                    Err(problem) => {
                        note(
                            device,
                            &mut first_problem,
                            &format!("bootstrap from {url}"),
                            Err(problem),
                        );
                    }
                }
            }
        }
        first_problem.map_or(Ok(()), Err)
    }

    /// Fetches and applies a bootstrap (step 5); names the servers to open sessions with, and where, if not where it says.
    async fn follow(
        &self,
        device: &Device,
        generation: u64,
        text: &str,
    ) -> Result<Vec<(String, Option<Url>)>, String> {
        if self.has(Deviation::NeverFetchesBootstrap) {
            return Ok(Vec::new());
        }
        let is_early = self.has(Deviation::SessionBeforeBootstrap);
        let early = self.config.early_account.as_ref().filter(|_| is_early);
        if let Some(early) = early {
            let credentials = early.credentials.of(&device.id);
            let account = accounts::to_wire(&config::Account {
                credentials,
                ..early.clone()
            });
            let turn = device.session.lock().await;
            // What comes of it changes nothing.
            drop(
                self.session_by(device, generation, account, None, Opening::Own)
                    .await,
            );
            drop(turn);
        }
        let servers = self
            .fetch_and_apply(device, generation, text)
            .await
            .inspect_err(|_| {
                if self.has(Deviation::AppliesUnreadableBootstrap) {
                    device.change(generation, drop_accounts);
                }
            })?;
        let machine = match self.has(Deviation::AssumesOneMachine) {
            true => text.parse::<Url>().ok(),
            false => None,
        };
        let is_with_bootstrap_server = |server_id: &String| {
            let account = Account::find(&device.tree(), server_id);
            let address = account.and_then(|(_, account)| account.address.parse::<Url>().ok());
            address
                .zip(text.parse::<Url>().ok())
                .is_some_and(|(dm, url)| dm.authority() == url.authority())
        };
        Ok(match () {
            () if self.has(Deviation::AssumesTwoMachines) => servers
                .into_iter()
                .filter(|server_id| !is_with_bootstrap_server(server_id))
                .map(|server_id| (server_id, None))
                .collect(),
            // The early one was its session.
            () if self.has(Deviation::NeverOpensSession) || early.is_some() => Vec::new(),
            () if self.has(Deviation::SessionToWrongServer) => {
                vec![(self.config.account.server_id.clone(), None)]
            }
            () => servers
                .into_iter()
                .map(|server_id| (server_id, machine.clone()))
                .collect(),
        })
    }

    async fn fetch_and_apply(
        &self,
        device: &Device,
        generation: u64,
        text: &str,
    ) -> Result<Vec<String>, String> {
        let text = match () {
            () if self.has(Deviation::FetchesWrongUrl) => format!("{text}-other"),
            () if self.has(Deviation::FetchesWithoutQuery) => {
                text.split_once('?').map_or(text, |(start, _)| start).to_owned()
            }
            () => text.to_owned(),
        };
        let url: Url = text.parse().map_err(|error| format!("failed to {error}"))?;
        let question = || Question {
            method: "GET",
            body: None,
            accept: Some(BOOTSTRAP_TYPES),
            hmac: None,
        };
        let answer = self
            .http
            .ask(&url, question())
            .await
            .map_err(|error| format!("failed to {error}"))?;
        if self.has(Deviation::FetchesBootstrapTwice) {
            // The first answer is as good as the second.
            drop(self.http.ask(&url, question()).await);
        }
        if answer.status != 200 {
            return Err(format!("the Bootstrap Server answered {}", answer.status));
        }
        let media_type = answer.media_type.unwrap_or_default();
        let mut bootstrap = bootstrap::read(&answer.body, &media_type)
            .map_err(|error| format!("failed to use it: {error}"))?;
        if bootstrap.form.profile == Profile::ClientProvisioning {
            if self.has(Deviation::RefusesProvisioningProfile) {
                return Err("it is of the client provisioning profile".to_owned());
            }
            if self.has(Deviation::SwapsProvisionedCredentials) {
                bootstrap.entries.iter_mut().for_each(swap_credentials);
            }
        }
        let applied = device.change(generation, |tree| bootstrap::apply(&bootstrap, tree));
        applied
            .ok_or_else(|| "the device was reset".to_owned())?
            .map_err(|error| format!("failed to apply it: {error}"))?;
        Ok(bootstrap
            .accounts()
            .map(|account| account.server_id.clone())
            .collect())
    }

    /// Opens a session with a server of which there is an account.
    async fn hold_session(
        &self,
        device: &Device,
        generation: u64,
        server_id: &str,
        machine: Option<&Url>,
        opening: Opening,
    ) -> Result<(), String> {
        let _turn = device.session.lock().await;
        if !device.dequeue(generation, server_id) {
            return Err("the device was reset".to_owned());
        }
        let found = Account::find(&device.tree(), server_id);
        let (place, mut account) = found.ok_or_else(|| format!("there is no account of `{server_id}`"))?;
        if let Some(machine) = machine
            && let Ok(address) = account.address.parse::<Url>()
        {
            account.address = address.moved_to(machine).to_string();
        }
        if let Some(credentials) = &mut account.client_credentials
            && server_id != self.config.account.server_id
            && self.has(Deviation::SessionWithOtherCredentials)
        {
            credentials.secret = oma_dm::auth::Secret::new("not the password");
        }
        let is_second = server_id != self.config.account.server_id;
        if is_second && self.has(Deviation::SessionWithoutCredentials) {
            account.client_credentials = None;
        }
        if let Some(credentials) = &account.server_credentials
            && credentials.authentication_type == AuthenticationType::Hmac
            && self.has(Deviation::AcceptsAnyMac)
        {
            account.server_credentials = None;
        }
        if is_second && self.has(Deviation::SessionToWrongAddress) {
            account.address = format!("{}/other", account.address);
        }
        self.session_by(device, generation, account, Some(&place), opening)
            .await
    }
}

/// What a bootstrap may be.
const BOOTSTRAP_TYPES: &str = "application/vnd.syncml.dm+wbxml, application/vnd.syncml.dm+xml, \
     application/vnd.wap.connectivity-wbxml, text/vnd.wap.connectivity-xml";

/// Takes what is meant for the client as the server's, and the other way round.
fn swap_credentials(entry: &mut Entry) {
    let account = &mut entry.account;
    std::mem::swap(&mut account.client_credentials, &mut account.server_credentials);
    let object = account.to_object("account", account.bootstrap_acl().ok());
    if let Some(object) = object.ok().and_then(|object| object.nodes.into_iter().next()) {
        entry.object = object;
    }
}

fn note(device: &Device, first_problem: &mut Option<String>, what: &str, result: Result<(), String>) {
    match result {
        Ok(()) => device.note(format!("{what}: done")),
        Err(problem) => {
            device.note(format!("{what}: {problem}"));
            first_problem.get_or_insert_with(|| format!("{what}: {problem}"));
        }
    }
}

fn drop_accounts(tree: &mut oma_dm::tree::Tree) {
    let root = tree.settings().account_root.clone();
    let accounts: Vec<_> = tree.children(&root).map(|(account, _)| account.clone()).collect();
    for account in accounts {
        // It is there.
        drop(tree.remove(&account));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oma_dm::devinfo::DeviceInfo;
    use oma_dm::session::client::{ClientConfig, ClientSession, Step};
    use oma_dm::session::server::{ServerConfig, ServerSession, Tag};
    use oma_dm::syncml::{AlertCode, Command};

    use super::*;

    fn client(deviations: &[Deviation]) -> Result<Client, String> {
        odd_client(deviations, Oddities::default())
    }

    fn odd_client(deviations: &[Deviation], oddities: Oddities) -> Result<Client, String> {
        let config: config::Config =
            toml::from_str(include_str!("../../examples/dm-client.toml")).expect("it is a configuration");
        let mut section = config.dm_client.expect("it has a client");
        section.encoding = config::Encoding::Xml;
        let http = HttpClient::plain(Duration::from_secs(1));
        let deviations = deviations.iter().copied().collect();
        Client::new(&section, http, deviations, oddities)
    }

    #[test]
    fn a_message_is_laid_out_only_as_long_as_the_server_takes() {
        const LONGEST: usize = 1500;

        let oddities = Oddities::new([Oddity::SyncmlWithLayout], 0);
        let client = odd_client(&[], oddities).expect("it has devices");
        let device = client.devices.values().next().expect("it has devices");
        let (_, account) = Account::find(&device.tree(), "dms1.example").expect("it has an account");
        let mut config = ServerConfig::new(
            "https://localhost/dm",
            account.server_credentials.clone(),
            b"server",
        );
        config.max_message_size = Some(LONGEST as u64);
        let mut server = ServerSession::new(config, account.client_credentials.clone());
        let device_info = DeviceInfo::read(&device.tree()).expect("it says what it is");
        let config = ClientConfig::new(account, device_info, "1", AlertCode::CLIENT_INITIATED, b"client");
        let (mut session, package_1) = ClientSession::start(config);
        server.receive(&package_1);
        let gets = (0..8).map(|number| (Tag(number), Command::get("./DevInfo/Man")));
        let mut answer = server.respond(gets.collect());
        let mut tree = device.tree();
        let mut written = 0;
        while let Step::Send(message) = session.receive(&answer, &mut tree) {
            let (octets, _) = client.written(&session, &message);
            assert!(octets.len() <= LONGEST, "{} octets", octets.len());
            written += 1;
            server.receive(&message);
            answer = server.respond(Vec::new());
        }
        assert!(written > 1, "they do not fit in one message");
    }

    #[test]
    fn a_deviation_that_needs_more_of_the_configuration_says_so() {
        let problem = client(&[Deviation::SessionBeforeBootstrap]).err();
        let expected = "the deviation `session-before-bootstrap` needs to know of DMS-2: write `[dm-client.early-account]`";
        assert_eq!(problem.as_deref(), Some(expected));
    }

    #[tokio::test]
    async fn a_session_that_waited_while_the_device_was_reset_is_not_held() {
        let client = client(&[]).expect("it has devices");
        let device = client.devices.values().next().expect("it has devices");
        let generation = device.generation();
        device.reset();
        let held = client
            .hold_session(device, generation, "dms1.example", None, Opening::Own)
            .await;
        assert_eq!(held, Err("the device was reset".to_owned()));
    }
}
