//! A reference implementation of the four roles of OMA DM server delegation, with named deviations.
//!
//! It is a product like any other: started as a process of its own, configured by a file, driven through its management ports. It
//! knows nothing of the test cases it is put to; `examples/` has a configuration file for each set of roles.

use std::path::Path;

use dmconform_oddity::Oddities;
use thiserror::Error;
use tokio::task::JoinSet;

mod accounts;
mod background;
mod bootstrap_server;
mod config;
mod delegation;
mod deviation;
mod dm_client;
mod dm_server;
mod entropy;
mod frailty;
mod http;
mod irregular;
mod known_devices;
mod management;
mod office;
mod outdated_tls;
mod role;
mod servers;
mod tls;
mod url;
mod verifiers;

pub use config::ConfigError;
pub use deviation::{Deviation, UnknownDeviation};
pub use role::{RoleName, UnknownRole};
pub use tls::TlsError;

use crate::background::Background;
use crate::config::Config;
use crate::deviation::Deviations;
use crate::servers::Services;

/// Plays roles until `shutdown` resolves. When this returns, nothing of them is left: no listener, no connection, no task.
///
/// All listeners are bound before the first is served, so that a role is either ready or not there.
///
/// # Errors
/// When the configuration cannot be used, a certificate cannot be read, or an address cannot be bound.
pub async fn serve(
    roles: &[RoleName],
    config_path: &Path,
    manners: Manners,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    if roles.is_empty() {
        return Err(Error::NoRole);
    }
    let config = Config::load(config_path, roles)?;
    let deviations: Deviations = manners.deviations.into_iter().collect();
    let (background, worker) = Background::new();
    let services = Services::bind(&config, roles, &deviations, &manners.oddities, &background)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(worker);
    services.start(&mut tasks);
    shutdown.await;
    tasks.shutdown().await;
    Ok(())
}

/// How a process departs from what is usual: wrongly, and rightly.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// Its defects.
    pub deviations: Vec<Deviation>,
    /// What is unusual about it, and legal.
    pub oddities: Oddities,
}

/// Why no role is played.
#[derive(Debug, Error)]
pub enum Error {
    /// Nothing to do.
    #[error("find a role to play: name at least one of dm-client, dms-1, dms-2 and bootstrap-server")]
    NoRole,
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No TLS can be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port is taken, most likely.
    #[error("listen for `{role}` at `{key} = \"{address}\"`: {source}; choose another address")]
    Listen {
        /// The role.
        role: RoleName,
        /// The key in the configuration.
        key: &'static str,
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}
