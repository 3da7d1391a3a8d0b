//! Puts the roles of a process together: listeners, and what is behind them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmconform_oddity::Oddities;
use tokio::task::JoinSet;

use crate::Error;
use crate::background::{Background, lock};
use crate::bootstrap_server::{BootstrapManagement, BootstrapServer, Provider, Store};
use crate::config;
use crate::config::{Account, Config, ConfigError, DelegatedServer, DelegatingServer, Peer, TlsFiles, Token};
use crate::delegation::delegated::Delegated;
use crate::delegation::delegating::Delegating;
use crate::delegation::device_work::Site;
use crate::delegation::ledger::{Desk, Side};
use crate::deviation::{Deviation, Deviations};
use crate::dm_client::{Client, ClientManagement};
use crate::dm_server::{DmServer, ServerAccount};
use crate::frailty::Frailty;
use crate::http::client::HttpClient;
use crate::http::server::{self, Handler, Security};
use crate::known_devices::KnownDevices;
use crate::management::{Management, Opening};
use crate::office::Office;
use crate::role::RoleName;
use crate::tls::{self, Peers};
use crate::url::Url;

type Service = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything that is served, bound and ready to go.
pub(crate) struct Services {
    waiting: Vec<Service>,
}

/// What the roles of a process have in common.
struct Assembly<'a> {
    deviations: &'a Deviations,
    oddities: &'a Oddities,
    background: &'a Background,
    store: Arc<Store>,
    /// Whether this process is the Bootstrap Server too.
    has_store: bool,
    services: Vec<Service>,
}

impl Services {
    /// Binds every listener of the roles.
    pub(crate) fn bind(
        config: &Config,
        roles: &[RoleName],
        deviations: &Deviations,
        oddities: &Oddities,
        background: &Background,
    ) -> Result<Self, Error> {
        let mut assembly = Assembly {
            deviations,
            oddities,
            background,
            store: Arc::default(),
            has_store: roles.contains(&RoleName::BootstrapServer),
            services: Vec::new(),
        };
        let plays = |role| roles.contains(&role);
        if let Some(section) = config.dms_1.as_ref().filter(|_| plays(RoleName::Dms1)) {
            assembly.delegating_server(section)?;
        }
        if let Some(section) = config.dms_2.as_ref().filter(|_| plays(RoleName::Dms2)) {
            assembly.delegated_server(section)?;
        }
        if let Some(section) = config
            .bootstrap_server
            .as_ref()
            .filter(|_| plays(RoleName::BootstrapServer))
        {
            assembly.bootstrap_server(section)?;
        }
        if let Some(section) = config.dm_client.as_ref().filter(|_| plays(RoleName::DmClient)) {
            assembly.dm_client(section)?;
        }
        Ok(Self {
            waiting: assembly.services,
        })
    }

    /// Begins to serve.
    pub(crate) fn start(self, tasks: &mut JoinSet<()>) {
        for service in self.waiting {
            tasks.spawn(service);
        }
    }
}

impl Assembly<'_> {
    fn delegating_server(&mut self, section: &DelegatingServer) -> Result<(), Error> {
        let role = RoleName::Dms1;
        let deviations = self.deviations.of(role);
        let frailty = Frailty::new(&deviations);
        let site = Site {
            bootstrap_config: section.bootstrap_config.clone(),
            account_root: section.account_root.clone(),
            session_timeout: section.timeouts.session(),
            oddities: self.oddities.clone(),
        };
        let desk = Self::desk(Side::Delegating, &deviations, &section.server_id, &section.peers);
        let office = Arc::new(Office {
            machine: Mutex::new(Delegating::new(desk, site, section.remove_account)),
            client: self.delegation_client(
                role,
                &deviations,
                &section.tls,
                section.timeouts.request(),
                &frailty,
            )?,
            peers: peers(&section.peers),
            provider: Provider::Nowhere,
            background: self.background.clone(),
            deviations: deviations.clone(),
            oddities: self.oddities.clone(),
            path: section.delegation_path.clone(),
            side: Side::Delegating,
        });
        let devices = Arc::new(KnownDevices::default());
        let dm = DmServer::new(
            ServerAccount {
                server_id: section.server_id.clone(),
                credentials: section.credentials.clone(),
            },
            &section.dm_url,
            Arc::clone(&devices),
            Arc::clone(&office),
        );
        let devices_only = tls::acceptor(role, &section.tls, Peers::Devices, &deviations)?;
        self.listen(
            role,
            "dm-listen",
            section.dm_listen,
            Security::Tls(devices_only),
            Arc::new(dm),
            frailty.clone(),
        )?;
        let security = Self::delegation_security(role, &deviations, &section.tls)?;
        self.listen(
            role,
            "delegation-listen",
            section.delegation_listen,
            security,
            Arc::clone(&office),
            frailty,
        )?;
        self.management(role, section.management_listen, office, devices)
    }

    fn delegated_server(&mut self, section: &DelegatedServer) -> Result<(), Error> {
        let role = RoleName::Dms2;
        let deviations = self.deviations.of(role);
        let frailty = Frailty::new(&deviations);
        let account = Account {
            server_id: section.server_id.clone(),
            name: None,
            address: section.dm_url.clone(),
            credentials: section.credentials.clone(),
        };
        let (provider, usual_token) = match &section.bootstrap.provision {
            _ if self.has_store => (
                Provider::Shared {
                    store: Arc::clone(&self.store),
                    account,
                },
                Token::Random,
            ),
            Some(url) => {
                let client = HttpClient::plain(section.timeouts.request());
                (
                    Provider::Remote {
                        client,
                        url: url.clone(),
                        account,
                    },
                    Token::Random,
                )
            }
            None => (Provider::Nowhere, Token::Device),
        };
        let token = section.bootstrap.token.unwrap_or(usual_token);
        if token == Token::Random && matches!(provider, Provider::Nowhere) {
            let problem =
                "`bootstrap.token = \"random\"` needs the role bootstrap-server in the same process, or \
                           `bootstrap.provision`"
                    .to_owned();
            return Err(ConfigError::Unusable { role, problem }.into());
        }
        let desk = Self::desk(Side::Delegated, &deviations, &section.server_id, &section.peers);
        let machine = Delegated::new(desk, section.bootstrap.clone(), token, self.has_store);
        let office = Arc::new(Office {
            machine: Mutex::new(machine),
            client: self.delegation_client(
                role,
                &deviations,
                &section.tls,
                section.timeouts.request(),
                &frailty,
            )?,
            peers: peers(&section.peers),
            provider,
            background: self.background.clone(),
            deviations: deviations.clone(),
            oddities: self.oddities.clone(),
            path: section.delegation_path.clone(),
            side: Side::Delegated,
        });
        let devices = Arc::new(KnownDevices::default());
        let dm = DmServer::new(
            ServerAccount {
                server_id: section.server_id.clone(),
                credentials: section.credentials.clone(),
            },
            &section.dm_url,
            Arc::clone(&devices),
            Arc::clone(&office),
        );
        let devices_only = tls::acceptor(role, &section.tls, Peers::Devices, &deviations)?;
        self.listen(
            role,
            "dm-listen",
            section.dm_listen,
            Security::Tls(devices_only),
            Arc::new(dm),
            frailty.clone(),
        )?;
        let security = Self::delegation_security(role, &deviations, &section.tls)?;
        self.listen(
            role,
            "delegation-listen",
            section.delegation_listen,
            security,
            Arc::clone(&office),
            frailty,
        )?;
        if self.has_store {
            let mut fetched = self.store.listen();
            let office = Arc::clone(&office);
            self.services.push(Box::pin(async move {
                while let Some(fetch) = fetched.recv().await {
                    let outgoing = lock(&office.machine).fetched(&fetch.token);
                    // Whoever fetches may be gone by now.
                    fetch.heard.send(()).ok();
                    office.send(outgoing);
                }
            }));
        }
        self.management(role, section.management_listen, office, devices)
    }

    fn bootstrap_server(&mut self, section: &config::BootstrapServer) -> Result<(), Error> {
        let role = RoleName::BootstrapServer;
        let deviations = self.deviations.of(role);
        let frailty = Frailty::new(&deviations);
        let devices = section.devices.as_ref().map(|devices| devices.all().collect());
        let handler = BootstrapServer {
            path: section.path.clone(),
            encoding: section.encoding,
            store: Arc::clone(&self.store),
            fallback: section.account.clone().map(|account| (account, devices)),
            deviations: deviations.clone(),
        };
        let security = Security::Tls(tls::acceptor(role, &section.tls, Peers::Devices, &deviations)?);
        self.listen(
            role,
            "listen",
            section.listen,
            security,
            Arc::new(handler),
            frailty,
        )?;
        if let Some(address) = section.management_listen {
            let handler = Arc::new(BootstrapManagement {
                store: Arc::clone(&self.store),
            });
            self.listen(
                role,
                "management-listen",
                address,
                Security::Plain,
                handler,
                Frailty::default(),
            )?;
        }
        Ok(())
    }

    fn dm_client(&mut self, section: &config::DmClient) -> Result<(), Error> {
        let role = RoleName::DmClient;
        let deviations = self.deviations.of(role);
        let connector = tls::connector(role, &section.tls, Peers::Devices, &deviations)?;
        let http = HttpClient::secure(connector, section.timeouts.request(), Frailty::new(&deviations))
            .with_oddities(self.oddities);
        let client = Client::new(section, http, deviations, self.oddities.clone())
            .map_err(|problem| ConfigError::Unusable { role, problem })?;
        let handler = ClientManagement {
            client: Arc::new(client),
            background: self.background.clone(),
        };
        self.listen(
            role,
            "management-listen",
            section.management_listen,
            Security::Plain,
            Arc::new(handler),
            Frailty::default(),
        )
    }

    fn desk(side: Side, deviations: &Deviations, server_id: &str, peers: &[Peer]) -> Desk {
        Desk {
            side,
            server_id: server_id.to_owned(),
            peers: peers.iter().map(|peer| peer.server_id.clone()).collect(),
            deviations: deviations.clone(),
        }
    }

    fn delegation_client(
        &self,
        role: RoleName,
        deviations: &Deviations,
        files: &TlsFiles,
        limit: Duration,
        frailty: &Frailty,
    ) -> Result<HttpClient, Error> {
        let connector = tls::connector(role, files, Peers::Servers, deviations)?;
        Ok(match deviations.has(Deviation::SendsPlaintext) {
            true => HttpClient::plain(limit),
            false => HttpClient::secure(connector, limit, frailty.clone()).with_oddities(self.oddities),
        })
    }

    fn delegation_security(
        role: RoleName,
        deviations: &Deviations,
        files: &TlsFiles,
    ) -> Result<Security, Error> {
        let acceptor = tls::acceptor(role, files, Peers::Servers, deviations)?;
        Ok(match deviations.has(Deviation::AcceptsPlaintext) {
            true => Security::Either(acceptor),
            false => Security::Tls(acceptor),
        })
    }

    fn management<M: Opening>(
        &mut self,
        role: RoleName,
        address: SocketAddr,
        office: Arc<Office<M>>,
        devices: Arc<KnownDevices>,
    ) -> Result<(), Error> {
        let handler = Arc::new(Management { office, devices });
        self.listen(
            role,
            "management-listen",
            address,
            Security::Plain,
            handler,
            Frailty::default(),
        )
    }

    fn listen<H: Handler>(
        &mut self,
        role: RoleName,
        key: &'static str,
        address: SocketAddr,
        security: Security,
        handler: Arc<H>,
        frailty: Frailty,
    ) -> Result<(), Error> {
        let listener = server::listen(address).map_err(|source| Error::Listen {
            role,
            key,
            address,
            source,
        })?;
        // What is odd is what others see of it, not how it is driven.
        let oddities = match security {
            Security::Plain => Oddities::default(),
            _ => self.oddities.clone(),
        };
        self.services.push(Box::pin(server::serve(
            listener, security, handler, oddities, frailty,
        )));
        Ok(())
    }
}

fn peers(peers: &[Peer]) -> BTreeMap<String, Url> {
    peers
        .iter()
        .map(|peer| (peer.server_id.clone(), peer.delegation_url.clone()))
        .collect()
}
