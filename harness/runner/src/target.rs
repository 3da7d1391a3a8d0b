//! One implementation under test: its stage, its files, its process.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dmconform_case::implementation::{Command, Endpoints, Ready, Start};
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Role, Target};
use dmconform_roles::{Hidden, Stage, StageError};
use dmconform_tls::{AuthorityError, LoadError, StoreError, write_store};
use tokio::sync::watch;

use crate::operator::Operator;
use crate::options::{RunOptions, TargetFile};
use crate::ports;
use crate::process::{Launch, Process, ProcessError};
use crate::secrets::{Pool, SecretError, Secrets, TriggerHeaders};
use crate::setting::setting;
use crate::variables::{self, Variables, filled};

/// Why an implementation could not be tested.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The stage could not be set up.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A secret cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Certificates that are to be trusted cannot be used.
    #[error("trust the certificates in `{}`: {reason}; name a PEM file beside the implementation file", path.display())]
    Trust {
        /// Which file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Certificates could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The authority that was given cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Certificates could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written.
    #[error("write `{}`: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No free port was found.
    #[error("find a free port: {0}")]
    Port(std::io::Error),
    /// The product did not start.
    #[error("{message}")]
    Product {
        /// What happened and what to do.
        message: String,
        /// Its last output.
        output: String,
    },
}

/// An implementation that is being tested.
pub(crate) struct Running {
    pub(crate) file: TargetFile,
    pub(crate) target: Target,
    pub(crate) stage: Arc<Stage>,
    pub(crate) variables: Variables,
    /// Where every server role listens.
    pub(crate) endpoints: Vec<(Role, Endpoints)>,
    /// The credentials of its devices.
    pub(crate) accounts: Pool,
    /// What must not show in anything that is written.
    pub(crate) hidden: Arc<Hidden>,
    /// The header fields of its HTTP triggers.
    pub(crate) trigger_headers: TriggerHeaders,
    /// Whom its prompts go to.
    pub(crate) operator: Operator,
    /// Its working directory.
    pub(crate) work: PathBuf,
    /// The product's process, where the harness started it. Another takes its place where something has harmed it.
    process: Mutex<Option<Process>>,
}

impl Running {
    /// Sets the stage, writes the product's files, starts it and waits until it is ready.
    pub(crate) async fn start(
        options: &RunOptions,
        file: &TargetFile,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Self, TargetError> {
        let running = Self::set(options, file).await?;
        if let Some(launch) = running.launch() {
            let process = Process::start(launch, &running.stage, cancelled)
                .await
                .map_err(|error| running.failed(&error))?;
            *running.lock() = Some(process);
        }
        Ok(running)
    }

    /// Sets the stage and writes the product's files.
    pub(crate) async fn set(options: &RunOptions, file: &TargetFile) -> Result<Self, TargetError> {
        let product = &file.implementation;
        let work = options.directory.join("work").join(&file.name);
        make_private(&work)?;
        let work = std::path::absolute(&work).map_err(at(&work))?;
        let directory = directory_of(file)?;
        let mut secrets = Secrets::beside(&directory);
        let accounts = secrets.accounts(product)?;
        let trigger_headers = secrets.headers(product)?;
        let hidden = Arc::new(secrets.hidden(product, &accounts));
        let stage = Stage::new(setting(options, file, &directory)?);
        let mut running = Self {
            file: file.clone(),
            target: described(file),
            stage,
            variables: Variables::new(),
            endpoints: Vec::new(),
            accounts,
            hidden,
            trigger_headers,
            operator: options.operator.clone(),
            process: Mutex::default(),
            work,
        };
        running.listen().await?;
        running.set_variables(options, &directory)?;
        running.write_certificates()?;
        let product = &running.file.implementation;
        for role in &product.plays {
            running
                .endpoints
                .push((*role, variables::endpoints(product, *role, &running.variables)));
        }
        for (name, text) in &product.files {
            write(&running.work.join(name), &filled(text, &running.variables))?;
        }
        Ok(running)
    }

    async fn listen(&mut self) -> Result<(), TargetError> {
        let product = self.file.implementation.clone();
        for role in [Role::Dms1, Role::Dms2, Role::BootstrapServer] {
            if product.plays.contains(&role) {
                continue;
            }
            let peer = product.peers.get(&role).cloned().unwrap_or_default();
            let mut endpoints = Endpoints::default();
            if role == Role::BootstrapServer {
                let (at, stated) = (peer.listen.bootstrap.as_ref(), peer.endpoints.bootstrap);
                endpoints.bootstrap = Some(
                    self.listen_for(role, EndpointKind::Bootstrap, at, stated, "/bootstrap/")
                        .await?,
                );
            } else {
                let (at, stated) = (peer.listen.dm.as_ref(), peer.endpoints.dm);
                endpoints.dm = Some(self.listen_for(role, EndpointKind::Dm, at, stated, "/dm").await?);
                let (at, stated) = (peer.listen.delegation.as_ref(), peer.endpoints.delegation);
                endpoints.delegation = Some(
                    self.listen_for(role, EndpointKind::Delegation, at, stated, "/delegation")
                        .await?,
                );
            }
            self.endpoints.push((role, endpoints));
        }
        Ok(())
    }

    /// Listens, and says by which URL the product gets there.
    async fn listen_for(
        &self,
        role: Role,
        kind: EndpointKind,
        at: Option<&String>,
        stated: Option<String>,
        path: &str,
    ) -> Result<String, TargetError> {
        // What cannot be read was refused with the file.
        let at = at.and_then(|address| address.parse().ok());
        let mut address = self.stage.listen(role, kind, at).await?;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        Ok(stated.unwrap_or_else(|| format!("https://{address}{path}")))
    }

    fn set_variables(&mut self, options: &RunOptions, directory: &Path) -> Result<(), TargetError> {
        let product = &self.file.implementation;
        let work = &self.work;
        let mut set = |name: &str, value: String| {
            self.variables.insert(name.to_owned(), value);
        };
        set("self", options.program.display().to_string());
        set("directory", directory.display().to_string());
        set("work", work.display().to_string());
        set("deviations", options.deviations.join(","));
        let oddities: Vec<&str> = options.oddities.iter().map(|oddity| oddity.name()).collect();
        set("oddities", oddities.join(","));
        set("seed", options.seed.to_string());
        set("devices.first", product.devices.id(1));
        let devices = &product.devices;
        set("devices.count", devices.count().to_string());
        if devices.pattern().is_empty() {
            let ids: Vec<String> = (1..=devices.count()).map(|number| devices.id(number)).collect();
            set("devices.list", ids.join(","));
        } else {
            set("devices.pattern", devices.pattern().to_owned());
        }
        set("manufacturer", product.devices.manufacturer.clone());
        set("model", product.devices.model.clone());
        for role in [Role::Dms1, Role::Dms2] {
            let id = self.stage.party(role).server_id.clone();
            set(&format!("server-id.{role}"), id);
        }
        set(
            "tls.roots",
            work.join("certificates/roots.pem").display().to_string(),
        );
        set(
            "tls.revocation-list",
            work.join("certificates/revocation-list.pem")
                .display()
                .to_string(),
        );
        for role in Role::ALL {
            let path = |extension: &str| {
                work.join(format!("certificates/{role}.{extension}"))
                    .display()
                    .to_string()
            };
            set(&format!("tls.{role}.certificate"), path("pem"));
            set(&format!("tls.{role}.key"), path("key"));
        }
        for (role, endpoints) in &self.endpoints {
            let parts = [
                ("dm", &endpoints.dm),
                ("delegation", &endpoints.delegation),
                ("bootstrap", &endpoints.bootstrap),
            ];
            for (kind, url) in parts {
                if let Some(url) = url {
                    set(&format!("mock.{role}.{kind}"), url.clone());
                    set(
                        &format!("mock.{role}.{kind}-base"),
                        url.trim_end_matches('/').to_owned(),
                    );
                }
            }
        }
        for (name, port) in product
            .ports
            .iter()
            .zip(ports::free(product.ports.len()).map_err(TargetError::Port)?)
        {
            set(&format!("port.{name}"), port.to_string());
        }
        let credentials = variables::of_credentials(self.accounts.shared());
        self.variables.extend(credentials);
        Ok(())
    }

    fn write_certificates(&self) -> Result<(), TargetError> {
        let mut identities = Vec::new();
        for role in Role::ALL {
            identities.push((
                role.as_str(),
                self.stage.identity(self.stage.party(role), Certificate::Good)?,
            ));
        }
        let identities: Vec<_> = identities
            .iter()
            .filter_map(|(name, identity)| Some((*name, identity.as_ref()?)))
            .collect();
        write_store(
            &self.work.join("certificates"),
            self.stage.authority(),
            self.stage.roots(),
            &self.stage.authority().revocation_list_pem()?,
            &identities,
        )?;
        Ok(())
    }

    /// How the product is started, where the harness starts it.
    fn launch(&self) -> Option<Launch> {
        let product = &self.file.implementation;
        let start = product.start.as_ref()?;
        let fill = |text: &String| filled(text, &self.variables);
        let fill_all = |texts: &[String]| texts.iter().map(fill).collect();
        let fill_values = |texts: &BTreeMap<String, String>| {
            let filled = texts.iter().map(|(name, text)| (name.clone(), fill(text)));
            filled.collect()
        };
        let fill_command = |command: &Command| Command {
            command: fill_all(&command.command),
            environment: fill_values(&command.environment),
            within: command.within,
        };
        let ready = Ready {
            tcp: fill_all(&start.ready.tcp),
            http: fill_all(&start.ready.http),
            log: start.ready.log.as_ref().map(fill),
            command: fill_all(&start.ready.command),
            within: start.ready.within,
        };
        Some(Launch {
            start: Start {
                command: fill_all(&start.command),
                environment: fill_values(&start.environment),
                detached: start.detached,
                ready,
            },
            stop: product.stop.as_ref().map(fill_command),
            reset: product.reset.as_ref().map(fill_command),
            addresses: self.addresses(),
            directory: self.work.clone(),
        })
    }

    /// Where the product is going to listen, as far as that is on this machine.
    fn addresses(&self) -> Vec<String> {
        let of_product = self
            .endpoints
            .iter()
            .filter(|(role, _)| self.target.plays.contains(role));
        let urls = of_product.flat_map(|(_, at)| [&at.dm, &at.delegation, &at.bootstrap]);
        let mut addresses: Vec<String> = urls.flatten().filter_map(|url| local_address(url)).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }

    /// Why the product did not start, without secrets.
    fn failed(&self, error: &ProcessError) -> TargetError {
        TargetError::Product {
            message: self.hidden.text(&error.to_string()),
            output: self.hidden.text(error.output()),
        }
    }

    /// How the product's process ended; nothing while it runs, or where the harness did not start it.
    pub(crate) fn exited(&self) -> Option<String> {
        self.lock().as_ref().and_then(Process::exited)
    }

    /// The product's last output, without secrets.
    pub(crate) fn output(&self) -> String {
        let output = self.lock().as_ref().map(Process::output);
        self.hidden.text(&output.unwrap_or_default())
    }

    /// Ends a product that something has harmed and starts it anew; whether the harness can do so.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn restart(&self, cancelled: &watch::Receiver<bool>) -> Result<bool, TargetError> {
        let harmed = self.lock().take();
        let (Some(mut harmed), Some(launch)) = (harmed, self.launch()) else {
            return Ok(false);
        };
        if let Some(complaint) = harmed.stop().await {
            self.stage.note(self.hidden.text(&complaint));
        }
        let anew = Process::start(launch, &self.stage, cancelled).await;
        *self.lock() = Some(anew.map_err(|error| self.failed(&error))?);
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the product and the stage.
    pub(crate) async fn stop(&self) {
        let process = self.lock().take();
        if let Some(mut process) = process
            && let Some(complaint) = process.stop().await
        {
            self.stage.note(self.hidden.text(&complaint));
        }
        self.stage.close();
    }
}

/// The address of a URL that is one of this machine.
fn local_address(url: &str) -> Option<String> {
    let authority = url.strip_prefix("https://")?.split('/').next()?;
    let is_local = ["127.0.0.1:", "localhost:", "[::1]:"];
    is_local
        .iter()
        .any(|host| authority.starts_with(host))
        .then(|| authority.to_owned())
}

fn described(file: &TargetFile) -> Target {
    let product = &file.implementation.implementation;
    Target {
        name: file.name.clone(),
        product: format!("{} {} {}", product.vendor, product.product, product.version),
        plays: file.implementation.plays.clone(),
    }
}

/// Where the implementation file is; a bundled one is nowhere, and this is where the harness was started then.
fn directory_of(file: &TargetFile) -> Result<PathBuf, TargetError> {
    let folder = file
        .path
        .as_deref()
        .and_then(Path::parent)
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    std::path::absolute(folder).map_err(at(folder))
}

fn make_private(directory: &Path) -> Result<(), TargetError> {
    std::fs::create_dir_all(directory).map_err(at(directory))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(directory, private).map_err(at(directory))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), TargetError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
    }
    std::fs::write(path, text).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> TargetError {
    let path = path.to_owned();
    move |source| TargetError::Write { path, source }
}
