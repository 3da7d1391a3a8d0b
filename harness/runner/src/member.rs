//! One product of a run: its variables, its files, its process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dmconform_case::implementation::{Command, Endpoints, Ready, Start};
use dmconform_model::Role;
use dmconform_model::certificate::Certificate;
use dmconform_roles::{Hidden, Stage};
use dmconform_tls::{private_keys, write_store};
use tokio::sync::watch;

use crate::options::{RunOptions, TargetFile};
use crate::ports;
use crate::private;
use crate::process::{Launch, Process, ProcessError};
use crate::secrets::{Pool, Secrets, TriggerHeaders};
use crate::setting::revocation_list;
use crate::target::TargetError;
use crate::url::authority;
use crate::variables::{self, Variables, filled};

/// One product of a run.
pub(crate) struct Member {
    pub(crate) file: TargetFile,
    /// Its own endpoints, whatever stands before them.
    pub(crate) endpoints: Vec<(Role, Endpoints)>,
    pub(crate) variables: Variables,
    /// The credentials of its devices.
    pub(crate) accounts: Pool,
    /// The header fields of its HTTP triggers.
    pub(crate) trigger_headers: TriggerHeaders,
    /// Its working directory.
    pub(crate) work: PathBuf,
    /// Its process, where the harness started it. Another takes its place where something has harmed it.
    process: Mutex<Option<Process>>,
    /// The files that the harness wrote with secrets in them. They go when the product does.
    secret_files: Vec<PathBuf>,
    /// Whether they stay, as the user asked for.
    keeps_secrets: bool,
}

impl Drop for Member {
    fn drop(&mut self) {
        if self.keeps_secrets {
            return;
        }
        for path in &self.secret_files {
            // One that the product has removed itself is gone, too.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Member {
    /// A product whose ports are chosen and whose secrets are read; its files are not written yet.
    pub(crate) fn new(
        options: &RunOptions,
        file: &TargetFile,
        work: &Path,
        secrets: &mut Secrets,
    ) -> Result<Self, TargetError> {
        private::directory(work).map_err(at(work))?;
        let work = std::path::absolute(work).map_err(at(work))?;
        let directory = directory_of(file)?;
        let product = &file.implementation;
        secrets.look_beside(&directory);
        let mut member = Self {
            file: file.clone(),
            endpoints: Vec::new(),
            variables: Variables::new(),
            accounts: secrets.accounts(product)?,
            trigger_headers: secrets.headers(product)?,
            work,
            process: Mutex::default(),
            secret_files: Vec::new(),
            keeps_secrets: options.keep_work,
        };
        member.set_own_variables(options, &directory)?;
        for role in &product.plays {
            member
                .endpoints
                .push((*role, variables::endpoints(product, *role, &member.variables)));
        }
        Ok(member)
    }

    fn set_own_variables(&mut self, options: &RunOptions, directory: &Path) -> Result<(), TargetError> {
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
        let devices = &product.devices;
        set("devices.first", devices.id(1));
        set("devices.count", devices.count().to_string());
        if devices.pattern().is_empty() {
            let ids: Vec<String> = (1..=devices.count()).map(|number| devices.id(number)).collect();
            set("devices.list", ids.join(","));
        } else {
            set("devices.pattern", devices.pattern().to_owned());
        }
        set("manufacturer", devices.manufacturer.clone());
        set("model", devices.model.clone());
        let path = |name: String| work.join("certificates").join(name).display().to_string();
        set("tls.roots", path("roots.pem".to_owned()));
        set("tls.revocation-list", path("revocation-list.pem".to_owned()));
        for role in Role::ALL {
            set(&format!("tls.{role}.certificate"), path(format!("{role}.pem")));
            set(&format!("tls.{role}.key"), path(format!("{role}.key")));
        }
        let free = ports::free(product.ports.len()).map_err(|source| TargetError::Port { source })?;
        for (name, port) in product.ports.iter().zip(free) {
            set(&format!("port.{name}"), port.to_string());
        }
        let credentials = variables::of_credentials(self.accounts.shared());
        self.variables.extend(credentials);
        Ok(())
    }

    /// Learns the parties' names, and where every role is reached.
    pub(crate) fn learn(&mut self, stage: &Stage, public: &[(Role, Endpoints)]) {
        for role in [Role::Dms1, Role::Dms2] {
            let id = stage.party(role).server_id.clone();
            self.variables.insert(format!("server-id.{role}"), id);
        }
        for (role, endpoints) in public {
            let whose = match self.file.implementation.plays.contains(role) {
                true => "public",
                false => "mock",
            };
            for (kind, url) in endpoints.parts() {
                let base = url.replace("${device}", "");
                let base = base.trim_end_matches('/').to_owned();
                self.variables
                    .insert(format!("{whose}.{role}.{kind}"), url.clone());
                self.variables.insert(format!("{whose}.{role}.{kind}-base"), base);
            }
        }
    }

    /// Writes its certificates and its files, and remembers in which of them there are secrets.
    pub(crate) fn write(&mut self, stage: &Stage, hidden: &Hidden) -> Result<(), TargetError> {
        let mut identities = Vec::new();
        for role in Role::ALL {
            identities.push((
                role.as_str(),
                stage.identity(stage.party(role), Certificate::Good)?,
            ));
        }
        let identities: Vec<_> = identities
            .iter()
            .filter_map(|(name, identity)| Some((*name, identity.as_ref()?)))
            .collect();
        let certificates = self.work.join("certificates");
        self.secret_files = private_keys(&certificates, &identities);
        let revocation_list = revocation_list(stage.authority(), &self.file.implementation)?;
        write_store(
            &certificates,
            stage.authority(),
            stage.roots(),
            revocation_list.as_deref(),
            &identities,
        )?;
        for (name, text) in &self.file.implementation.files {
            let (path, text) = (self.work.join(name), filled(text, &self.variables));
            if hidden.text(&text) != text {
                self.secret_files.push(path.clone());
            }
            private::write(&path, &text).map_err(at(&path))?;
        }
        Ok(())
    }

    /// Starts it, if the harness is to, and waits until it is ready.
    pub(crate) async fn start(
        &self,
        stage: &Arc<Stage>,
        hidden: &Hidden,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<(), TargetError> {
        let Some(launch) = self.launch() else {
            return Ok(());
        };
        let process = Process::start(launch, stage, cancelled).await;
        *self.lock() = Some(process.map_err(|error| failed(hidden, &error))?);
        Ok(())
    }

    /// How its process ended; nothing while it runs, or where the harness did not start it.
    pub(crate) fn exited(&self) -> Option<String> {
        self.lock().as_ref().and_then(Process::exited)
    }

    /// Its last output, as it is.
    pub(crate) fn output(&self) -> String {
        self.lock().as_ref().map(Process::output).unwrap_or_default()
    }

    /// Ends it, if the harness started it. What its own command had to complain about is noted.
    pub(crate) async fn stop(&self, stage: &Stage, hidden: &Hidden) {
        let process = self.lock().take();
        if let Some(mut process) = process
            && let Some(complaint) = process.stop().await
        {
            stage.note(hidden.text(&complaint));
        }
    }

    /// Whether it is the harness that starts it.
    pub(crate) const fn is_started_here(&self) -> bool {
        self.file.implementation.start.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is started, where the harness starts it.
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
                instances: start.instances,
                ready,
            },
            stop: product.stop.as_ref().map(fill_command),
            reset: product.reset.as_ref().map(fill_command),
            addresses: self.addresses(),
            directory: self.work.clone(),
        })
    }

    /// Where it is going to listen, as far as that is on this machine.
    fn addresses(&self) -> Vec<String> {
        let urls = self.endpoints.iter().flat_map(|(_, at)| at.parts());
        let mut addresses: Vec<String> = urls.filter_map(|(_, url)| local_address(url)).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }
}

/// Why a product did not start, without secrets.
fn failed(hidden: &Hidden, error: &ProcessError) -> TargetError {
    TargetError::Product {
        message: hidden.text(&error.to_string()),
        output: hidden.text(error.output()),
    }
}

/// The address of a URL that is one of this machine.
fn local_address(url: &str) -> Option<String> {
    let authority = authority(url).filter(|_| url.starts_with("https://"))?;
    let is_local = ["127.0.0.1:", "localhost:", "[::1]:"];
    is_local
        .iter()
        .any(|host| authority.starts_with(host))
        .then(|| authority.to_owned())
}

/// Where the implementation file is; a bundled one is nowhere, and this is where the harness was started then.
pub(crate) fn directory_of(file: &TargetFile) -> Result<PathBuf, TargetError> {
    let folder = file
        .path
        .as_deref()
        .and_then(Path::parent)
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    std::path::absolute(folder).map_err(at(folder))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> TargetError {
    let path = path.to_owned();
    move |source| TargetError::Write { path, source }
}
