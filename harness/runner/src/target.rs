//! One implementation under test: its stage, its files, its process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dmconform_case::implementation::{Endpoints, Implementation, Start};
use dmconform_model::certificate::Certificate;
use dmconform_model::transcript::EndpointKind;
use dmconform_model::{Role, Target};
use dmconform_roles::{Names, Stage, StageError};
use dmconform_tls::{Authority, AuthorityError, LoadError, StoreError, now, write_store};
use tokio::sync::watch;

use crate::options::{RunOptions, TargetFile};
use crate::ports;
use crate::process::{Process, ProcessError};
use crate::variables::{self, Variables, filled};

/// Why an implementation could not be tested.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The stage could not be set up.
    #[error(transparent)]
    Stage(#[from] StageError),
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

impl From<ProcessError> for TargetError {
    fn from(error: ProcessError) -> Self {
        Self::Product {
            message: error.to_string(),
            output: error.output().to_owned(),
        }
    }
}

/// An implementation that is being tested.
pub(crate) struct Running {
    pub(crate) file: TargetFile,
    pub(crate) target: Target,
    pub(crate) stage: Arc<Stage>,
    pub(crate) variables: Variables,
    /// Where every server role listens.
    pub(crate) endpoints: Vec<(Role, Endpoints)>,
    pub(crate) names: Names,
    /// The product's process, where the harness started it. Another takes its place where something has harmed it.
    process: Mutex<Option<Process>>,
    work: PathBuf,
}

/// The identifier of a mock DMS-1, of a mock DMS-2, and of a server that has no part.
const DMS_1: &str = "dms1.dmconform.test";
const DMS_2: &str = "dms2.dmconform.test";
const THIRD: &str = "third.dmconform.test";

impl Running {
    /// Sets the stage, writes the product's files, starts it and waits until it is ready.
    pub(crate) async fn start(
        options: &RunOptions,
        file: &TargetFile,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Self, TargetError> {
        let product = &file.implementation;
        let work = options.directory.join("work").join(&file.name);
        make_private(&work)?;
        let work = std::path::absolute(&work).map_err(at(&work))?;
        let names = names(product);
        let patience = product.limits.step_deadline.get();
        let authority = match &options.certificates {
            Some(directory) => Authority::load(directory, now())?,
            None => Authority::new(now())?,
        };
        let stage = Stage::new(
            authority,
            names.clone(),
            Arc::clone(&options.suite.profile),
            patience,
            options.of_peers(),
        );
        let mut running = Self {
            file: file.clone(),
            target: described(file),
            stage,
            variables: Variables::new(),
            endpoints: Vec::new(),
            names,
            process: Mutex::default(),
            work: work.clone(),
        };
        running.listen().await?;
        running.set_variables(options, &work)?;
        running.write_certificates(&work)?;
        let product = &running.file.implementation;
        for role in &product.plays {
            running
                .endpoints
                .push((*role, variables::endpoints(product, *role, &running.variables)));
        }
        for (name, text) in &product.files {
            write(&work.join(name), &filled(text, &running.variables))?;
        }
        if let Some(start) = &product.start {
            let start = filled_start(start, &running.variables);
            running.process = Mutex::new(Some(Process::start(&start, &work, cancelled).await?));
        }
        Ok(running)
    }

    async fn listen(&mut self) -> Result<(), TargetError> {
        let plays = self.file.implementation.plays.clone();
        for role in [Role::Dms1, Role::Dms2, Role::BootstrapServer] {
            if plays.contains(&role) {
                continue;
            }
            let mut endpoints = Endpoints::default();
            if role == Role::BootstrapServer {
                let address = self.stage.listen(role, EndpointKind::Bootstrap).await?;
                endpoints.bootstrap = Some(format!("https://{address}/bootstrap/"));
            } else {
                let dm = self.stage.listen(role, EndpointKind::Dm).await?;
                let delegation = self.stage.listen(role, EndpointKind::Delegation).await?;
                endpoints.dm = Some(format!("https://{dm}/dm"));
                endpoints.delegation = Some(format!("https://{delegation}/delegation"));
            }
            self.endpoints.push((role, endpoints));
        }
        Ok(())
    }

    fn set_variables(&mut self, options: &RunOptions, work: &Path) -> Result<(), TargetError> {
        let product = &self.file.implementation;
        let mut set = |name: &str, value: String| {
            self.variables.insert(name.to_owned(), value);
        };
        set("self", options.program.display().to_string());
        set("directory", directory_of(&self.file)?.display().to_string());
        set("work", work.display().to_string());
        set("deviations", options.deviations.join(","));
        let oddities: Vec<&str> = options.oddities.iter().map(|oddity| oddity.name()).collect();
        set("oddities", oddities.join(","));
        set("seed", options.seed.to_string());
        set("devices.first", product.devices.id(1));
        set("devices.count", product.devices.count.to_string());
        set("devices.pattern", product.devices.pattern.clone());
        set("manufacturer", product.devices.manufacturer.clone());
        set("model", product.devices.model.clone());
        set("server-id.dms-1", self.names.dms_1.clone());
        set("server-id.dms-2", self.names.dms_2.clone());
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
        let credentials = variables::of_credentials(&product.credentials);
        self.variables.extend(credentials);
        Ok(())
    }

    fn write_certificates(&self, work: &Path) -> Result<(), TargetError> {
        let mut identities = Vec::new();
        for role in Role::ALL {
            identities.push((
                role.as_str(),
                self.stage.identity(self.stage.name(role), Certificate::Good)?,
            ));
        }
        let identities: Vec<_> = identities
            .iter()
            .filter_map(|(name, identity)| Some((*name, identity.as_ref()?)))
            .collect();
        write_store(
            &work.join("certificates"),
            self.stage.authority(),
            self.stage.roots(),
            &self.stage.authority().revocation_list_pem()?,
            &identities,
        )?;
        Ok(())
    }

    /// How the product's process ended; nothing while it runs, or where the harness did not start it.
    pub(crate) fn exited(&self) -> Option<String> {
        self.lock().as_ref().and_then(Process::exited)
    }

    /// The product's last output.
    pub(crate) fn output(&self) -> String {
        self.lock().as_ref().map(Process::output).unwrap_or_default()
    }

    /// Ends a product that something has harmed and starts it anew; whether the harness can do so.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn restart(&self, cancelled: &watch::Receiver<bool>) -> Result<bool, TargetError> {
        let harmed = self.lock().take();
        let (Some(mut harmed), Some(start)) = (harmed, &self.file.implementation.start) else {
            return Ok(false);
        };
        harmed.stop().await;
        let start = filled_start(start, &self.variables);
        let anew = Process::start(&start, &self.work, cancelled).await?;
        *self.lock() = Some(anew);
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the product and the stage.
    pub(crate) async fn stop(&self) {
        let process = self.lock().take();
        if let Some(mut process) = process {
            process.stop().await;
        }
        self.stage.close();
    }
}

fn names(product: &Implementation) -> Names {
    let id = |role: Role, mock: &str| {
        product
            .identity
            .get(&role)
            .map_or_else(|| mock.to_owned(), |found| found.server_id.clone())
    };
    Names {
        dms_1: id(Role::Dms1, DMS_1),
        dms_2: id(Role::Dms2, DMS_2),
        bootstrap_server: "bootstrap.dmconform.test".to_owned(),
        third: THIRD.to_owned(),
    }
}

/// A product by its names and its roles; what it claims stands in the header of every transcript anyway.
pub(crate) fn described(file: &TargetFile) -> Target {
    let product = &file.implementation.implementation;
    Target {
        name: file.name.clone(),
        product: format!("{} {} {}", product.vendor, product.product, product.version),
        plays: file.implementation.plays.clone(),
        claims: Vec::new(),
    }
}

/// A product's start with its variables filled in.
fn filled_start(start: &Start, variables: &Variables) -> Start {
    let mut start = start.clone();
    for text in start
        .command
        .iter_mut()
        .chain(start.environment.values_mut())
        .chain(&mut start.ready.tcp)
    {
        *text = filled(text, variables);
    }
    start
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

/// Looks whether an authority that products were configured with before can be used.
///
/// # Errors
/// Why it cannot.
pub fn check_certificates(directory: &Path) -> Result<(), LoadError> {
    Authority::load(directory, now()).map(drop)
}

/// Writes the certificates that a product needs which is configured by hand.
///
/// # Errors
/// When they cannot be made or written.
pub fn certificates(directory: &Path, parties: &[(&str, &str)]) -> Result<(), TargetError> {
    let authority = Authority::new(now())?;
    let roots = authority.roots();
    let mut identities = Vec::new();
    for (name, server_id) in parties {
        let party = dmconform_tls::Party {
            server_id: (*server_id).to_owned(),
        };
        identities.push((*name, authority.issue(&party, Certificate::Good)?));
    }
    let identities: Vec<_> = identities
        .iter()
        .filter_map(|(name, identity)| Some((*name, identity.as_ref()?)))
        .collect();
    let revocation_list = authority.revocation_list_pem()?;
    write_store(directory, &authority, &roots, &revocation_list, &identities)?;
    Ok(())
}
