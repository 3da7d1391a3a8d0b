//! One implementation under test: its stage and its products.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use dmconform_case::implementation::{Endpoints, Supports};
use dmconform_model::transcript::{Endpoint, EndpointKind};
use dmconform_model::{Role, Target};
use dmconform_roles::{Hidden, Stage, StageError};
use dmconform_tls::{AuthorityError, LoadError, StoreError};
use oma_dm::tree::Tree;
use tokio::sync::watch;

use crate::member::Member;
use crate::operator::Operator;
use crate::options::{Pace, RunOptions, TargetFile};
use crate::secrets::{Pool, SecretError, Secrets};
use crate::setting::setting;

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
    /// A product looks at revocation lists, and the user's own authority must not sign any.
    #[error(
        "sign a revocation list, which `revocation` in `supports.claims` needs: the certificate under `certificates.authority` is not \
         for that; issue it with the key usage cRLSign, or leave the claim out"
    )]
    RevocationList,
    /// Certificates could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written.
    #[error("write `{}`: {source}; {}", path.display(), dmconform_model::remedy(source))]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No free port was found.
    #[error("find a free port: {source}; {}", dmconform_model::remedy(source))]
    Port {
        /// Why not.
        source: std::io::Error,
    },
    /// The product did not start.
    #[error("{message}")]
    Product {
        /// What happened and what to do.
        message: String,
        /// Its last output.
        output: String,
    },
}

/// An implementation that is being tested: one product, or several that are observed.
pub(crate) struct Running {
    pub(crate) file: TargetFile,
    pub(crate) target: Arc<Target>,
    /// What the product claims.
    pub(crate) claims: Arc<Supports>,
    pub(crate) stage: Arc<Stage>,
    /// Where every server role is reached.
    pub(crate) endpoints: Vec<(Role, Endpoints)>,
    /// The credentials of the devices.
    pub(crate) accounts: Pool,
    /// The tree of the first device; the others share with it what is the same.
    pub(crate) first_tree: OnceLock<Tree>,
    /// What must not show in anything that is written.
    pub(crate) hidden: Arc<Hidden>,
    /// Whom prompts go to.
    pub(crate) operator: Operator,
    /// How closely cases are followed.
    pub(crate) pace: Pace,
    /// The products.
    pub(crate) members: Vec<Member>,
}

impl Running {
    /// Sets the stage, writes the products' files, starts them and waits until they are ready: the instance of this number.
    pub(crate) async fn start(
        options: &RunOptions,
        file: &TargetFile,
        instance: u32,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Self, TargetError> {
        let running = Self::set(options, file, instance).await?;
        for member in &running.members {
            if let Err(error) = member.start(&running.stage, &running.hidden, cancelled).await {
                running.stop().await;
                return Err(error);
            }
        }
        Ok(running)
    }

    /// Sets the stage and writes the products' files.
    async fn set(options: &RunOptions, file: &TargetFile, instance: u32) -> Result<Self, TargetError> {
        let mut work = options.directory.join("work").join(&file.name);
        if instance > 1 {
            work.set_file_name(format!("{}.{instance}", file.name));
        }
        let mut secrets = Secrets::default();
        let mut members = Vec::new();
        for part in file.members() {
            let work = match file.parts.is_empty() {
                true => work.clone(),
                false => work.join(&part.name),
            };
            members.push(Member::new(options, part, &work, &mut secrets)?);
        }
        let accounts = accounts(&members);
        let hidden = Arc::new(secrets.hidden(&file.implementation, &accounts));
        let stage = Stage::new(setting(options, file)?);
        let mut running = Self {
            file: file.clone(),
            target: Arc::new(file.target()),
            claims: Arc::new(file.implementation.supports.clone()),
            stage,
            endpoints: Vec::new(),
            accounts,
            first_tree: OnceLock::new(),
            hidden,
            operator: options.operator.clone(),
            pace: options.pace,
            members,
        };
        running.listen().await?;
        for member in &mut running.members {
            member.learn(&running.stage, &running.endpoints);
            member.write(&running.stage, &running.hidden)?;
        }
        Ok(running)
    }

    /// Listens for the roles that no product plays, and before the products that others speak to.
    async fn listen(&mut self) -> Result<(), TargetError> {
        for role in [Role::Dms1, Role::Dms2, Role::BootstrapServer] {
            let own = self.own_endpoints(role);
            let endpoints = match own {
                Some(own) => self.relay_to(role, own).await?,
                None => self.mock(role).await?,
            };
            self.endpoints.push((role, endpoints));
        }
        Ok(())
    }

    /// The endpoints of the product that plays a role.
    fn own_endpoints(&self, role: Role) -> Option<Endpoints> {
        let mut all = self.members.iter().flat_map(|member| &member.endpoints);
        all.find(|(known, _)| *known == role).map(|(_, own)| own.clone())
    }

    async fn mock(&self, role: Role) -> Result<Endpoints, TargetError> {
        let peer = self
            .file
            .implementation
            .peers
            .get(&role)
            .cloned()
            .unwrap_or_default();
        let mut endpoints = Endpoints::default();
        if role == Role::BootstrapServer {
            let (at, stated) = (peer.listen.bootstrap.as_ref(), peer.endpoints.bootstrap);
            let url = self.listen_for(role, EndpointKind::Bootstrap, at, stated, "/bootstrap/");
            endpoints.bootstrap = Some(url.await?);
        } else {
            let (at, stated) = (peer.listen.dm.as_ref(), peer.endpoints.dm);
            endpoints.dm = Some(self.listen_for(role, EndpointKind::Dm, at, stated, "/dm").await?);
            let (at, stated) = (peer.listen.delegation.as_ref(), peer.endpoints.delegation);
            let url = self.listen_for(role, EndpointKind::Delegation, at, stated, "/delegation");
            endpoints.delegation = Some(url.await?);
        }
        Ok(endpoints)
    }

    /// The public endpoints of a product: a relay wherever another product speaks to it, and its own otherwise.
    async fn relay_to(&self, role: Role, own: Endpoints) -> Result<Endpoints, TargetError> {
        let other = if role == Role::Dms1 {
            Role::Dms2
        } else {
            Role::Dms1
        };
        Ok(Endpoints {
            dm: self
                .relay_before(role, EndpointKind::Dm, Role::DmClient, own.dm)
                .await?,
            delegation: self
                .relay_before(role, EndpointKind::Delegation, other, own.delegation)
                .await?,
            bootstrap: self
                .relay_before(role, EndpointKind::Bootstrap, Role::DmClient, own.bootstrap)
                .await?,
        })
    }

    /// The public URL of an endpoint.
    async fn relay_before(
        &self,
        role: Role,
        kind: EndpointKind,
        caller: Role,
        own: Option<String>,
    ) -> Result<Option<String>, TargetError> {
        let plays = |member: &Member, role: Role| member.file.implementation.plays.contains(&role);
        let is_called = self
            .members
            .iter()
            .any(|member| plays(member, caller) && !plays(member, role));
        let Some(own) = own.filter(|_| is_called) else {
            return Ok(own_of(&self.members, role, kind));
        };
        let address = self.stage.listen(role, kind, None).await?;
        self.stage.relay(Endpoint { role, kind }, caller, own.clone());
        Ok(Some(moved(&own, &address.to_string())))
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

    /// How a product's process ended; nothing while all run that the harness started.
    pub(crate) fn exited(&self) -> Option<String> {
        self.members.iter().find_map(|member| {
            let how = member.exited()?;
            Some(match self.members.len() {
                1 => how,
                _ => format!("{}: {how}", member.file.name),
            })
        })
    }

    /// The products' last output, without secrets.
    pub(crate) fn output(&self) -> String {
        let outputs = self.members.iter().map(Member::output);
        self.hidden.text(&outputs.collect::<Vec<_>>().join("\n"))
    }

    /// Ends the products that something has harmed and starts them anew; whether the harness can do so.
    ///
    /// # Errors
    /// When one does not start.
    pub(crate) async fn restart(&self, cancelled: &watch::Receiver<bool>) -> Result<bool, TargetError> {
        let mut all = true;
        for member in &self.members {
            // One that did not start the last time has its chance, too.
            member.stop(&self.stage, &self.hidden).await;
            if member.is_started_here() {
                member.start(&self.stage, &self.hidden, cancelled).await?;
            } else {
                all = false;
            }
        }
        Ok(all)
    }

    /// Ends the products and the stage.
    pub(crate) async fn stop(&self) {
        for member in &self.members {
            member.stop(&self.stage, &self.hidden).await;
        }
        self.stage.close();
    }
}

/// The credentials of the devices, as the servers' own products have them: they are the ones that are tested with them.
fn accounts(members: &[Member]) -> Pool {
    let of = |roles: [Role; 2]| {
        let playing = |role: Role| {
            members
                .iter()
                .find(|member| member.file.implementation.plays.contains(&role))
        };
        roles.into_iter().find_map(playing).or_else(|| members.first())
    };
    let with_dms_1 = of([Role::Dms1, Role::DmClient]);
    let with_dms_2 = of([Role::Dms2, Role::BootstrapServer]);
    match (with_dms_1, with_dms_2) {
        (Some(one), Some(other)) => one.accounts.with_dms_2_of(&other.accounts),
        _ => Pool::default(),
    }
}

/// A product's own URL of one kind.
fn own_of(members: &[Member], role: Role, kind: EndpointKind) -> Option<String> {
    let mut all = members.iter().flat_map(|member| &member.endpoints);
    let (_, own) = all.find(|(known, _)| *known == role)?;
    match kind {
        EndpointKind::Dm => own.dm.clone(),
        EndpointKind::Delegation => own.delegation.clone(),
        EndpointKind::Bootstrap => own.bootstrap.clone(),
    }
}

/// The same URL at another address.
fn moved(url: &str, address: &str) -> String {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    format!("https://{address}{path}")
}
