//! Where the secrets of an implementation file come from, and the credentials that are made of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dmconform_case::implementation::{
    AccountCredentials, AccountEntry, Accounts, Credentials, HttpTrigger, Implementation, Secret, Trigger,
};
use dmconform_roles::{Hidden, SHORTEST};

use crate::variables::{Variables, filled};

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A variable of the environment is not there.
    #[error("read the secret in the environment variable `{name}`: it is not set; set it before the run")]
    Environment {
        /// Its name.
        name: String,
    },
    /// A file cannot be read.
    #[error("read the secret in `{}`: {source}; the path is looked for beside the implementation file", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is too short to be hidden.
    #[error(
        "hide the secret from {from}: it has fewer than {SHORTEST} octets, and would be found in ordinary words; use a longer one"
    )]
    TooShort {
        /// Where it comes from.
        from: String,
    },
}

/// The secrets of implementation files, read once.
#[derive(Default)]
pub(crate) struct Secrets {
    /// Where the present file is.
    directory: PathBuf,
    /// Those that must not show.
    hidden: Vec<String>,
}

impl Secrets {
    /// Reads those of a file in this directory from now on.
    pub(crate) fn look_beside(&mut self, directory: &Path) {
        directory.clone_into(&mut self.directory);
    }

    fn read(&mut self, secret: &Secret) -> Result<String, SecretError> {
        let (value, from) = match secret {
            Secret::Inline(value) => return Ok(value.clone()),
            Secret::Environment(name) => {
                let value =
                    std::env::var(name).map_err(|_| SecretError::Environment { name: name.clone() })?;
                (value, format!("the environment variable `{name}`"))
            }
            Secret::File(path) => {
                let path = self.directory.join(path);
                let text = dmconform_tls::read_text(&path).map_err(|source| SecretError::File {
                    path: path.clone(),
                    source,
                })?;
                let value = text.trim_end_matches(['\r', '\n']).to_owned();
                (value, format!("`{}`", path.display()))
            }
        };
        if value.len() < SHORTEST {
            return Err(SecretError::TooShort { from });
        }
        if !self.hidden.contains(&value) {
            self.hidden.push(value.clone());
        }
        Ok(value)
    }

    /// The credentials of all devices.
    pub(crate) fn accounts(&mut self, product: &Implementation) -> Result<Pool, SecretError> {
        let usual = Accounts::usual();
        let shared = self.of(&product.credentials, &usual)?;
        let mut of_device = BTreeMap::new();
        for number in 1..=product.devices.count() {
            let Some(device) = product.devices.listed(number) else {
                break;
            };
            of_device.insert(number, self.of(&device.credentials, &shared)?);
        }
        Ok(Pool { shared, of_device })
    }

    fn of(&mut self, stated: &Credentials, otherwise: &Accounts) -> Result<Accounts, SecretError> {
        Ok(Accounts {
            dms_1: self.account(&stated.dms_1, &otherwise.dms_1)?,
            dms_2: self.account(&stated.dms_2, &otherwise.dms_2)?,
        })
    }

    fn account(
        &mut self,
        stated: &AccountEntry,
        otherwise: &AccountCredentials,
    ) -> Result<AccountCredentials, SecretError> {
        let text = |stated: &Option<String>, otherwise: &String| stated.as_ref().unwrap_or(otherwise).clone();
        let mut secret = |stated: &Option<Secret>, otherwise: &String| match stated {
            Some(secret) => self.read(secret),
            None => Ok(otherwise.clone()),
        };
        Ok(AccountCredentials {
            client_name: text(&stated.client_name, &otherwise.client_name),
            client_secret: secret(&stated.client_secret, &otherwise.client_secret)?,
            server_secret: secret(&stated.server_secret, &otherwise.server_secret)?,
            nonce: text(&stated.nonce, &otherwise.nonce),
            node: text(&stated.node, &otherwise.node),
        })
    }

    /// The header fields of every HTTP trigger, by the name of the trigger.
    pub(crate) fn headers(&mut self, product: &Implementation) -> Result<TriggerHeaders, SecretError> {
        let triggers = &product.triggers;
        let of_http = triggers.all().filter_map(|(name, trigger)| match trigger {
            Trigger::Http(http) => Some((name, http)),
            Trigger::Command(_) | Trigger::Prompt(_) => None,
        });
        let notify = triggers.notify_device.iter().map(|http| (NOTIFY, http));
        let mut found = TriggerHeaders::new();
        for (name, http) in of_http.chain(notify) {
            found.insert(name, self.fields(http)?);
        }
        Ok(found)
    }

    fn fields(&mut self, http: &HttpTrigger) -> Result<Vec<(String, String)>, SecretError> {
        let fields = http.headers.iter();
        fields
            .map(|(name, secret)| Ok((name.clone(), self.read(secret)?)))
            .collect()
    }

    /// What is to be hidden, with the names that stand beside the secrets of these devices.
    pub(crate) fn hidden(&self, product: &Implementation, accounts: &Pool) -> Hidden {
        if self.hidden.is_empty() {
            return Hidden::default();
        }
        let mut names: Vec<String> = (1..=product.devices.count())
            .flat_map(|number| {
                let mut variables = Variables::new();
                variables.insert("device".to_owned(), product.devices.id(number));
                let Accounts { dms_1, dms_2 } = accounts.of(number);
                [
                    filled(&dms_1.client_name, &variables),
                    filled(&dms_2.client_name, &variables),
                ]
            })
            .chain(
                product
                    .identity
                    .values()
                    .map(|identity| identity.server_id.clone()),
            )
            .collect();
        names.sort();
        names.dedup();
        Hidden::new(&self.hidden, &names)
    }
}

/// The name of the trigger that hands over notifications.
pub(crate) const NOTIFY: &str = "notify-device";

/// The header fields of HTTP triggers, by the name of the trigger.
pub(crate) type TriggerHeaders = BTreeMap<&'static str, Vec<(String, String)>>;

/// The credentials of all devices; patterns with `${device}` stay patterns.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Accounts,
    of_device: BTreeMap<u32, Accounts>,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            shared: Accounts::usual(),
            of_device: BTreeMap::new(),
        }
    }
}

impl Pool {
    /// Those that all devices have that have none of their own.
    pub(crate) const fn shared(&self) -> &Accounts {
        &self.shared
    }

    /// The same with DMS-1, and those of another pool with DMS-2.
    pub(crate) fn with_dms_2_of(&self, other: &Self) -> Self {
        let both = |one: &Accounts, other: &Accounts| Accounts {
            dms_1: one.dms_1.clone(),
            dms_2: other.dms_2.clone(),
        };
        let numbers = self.of_device.keys().chain(other.of_device.keys());
        let of_device = numbers.map(|number| (*number, both(self.of(*number), other.of(*number))));
        Self {
            shared: both(&self.shared, &other.shared),
            of_device: of_device.collect(),
        }
    }

    /// Those of the device with a number.
    pub(crate) fn of(&self, number: u32) -> &Accounts {
        self.of_device.get(&number).unwrap_or(&self.shared)
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, SecretError, Secrets};

    fn secrets() -> (tempfile::TempDir, Secrets) {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("password"), "s3cret words\n").expect("a file");
        std::fs::write(directory.path().join("short"), "abc").expect("a file");
        let mut secrets = Secrets::default();
        secrets.look_beside(directory.path());
        (directory, secrets)
    }

    #[test]
    fn a_secret_in_a_file_ends_with_its_line_and_is_hidden() {
        let (_directory, mut secrets) = secrets();
        let value = secrets.read(&Secret::File("password".to_owned()));
        assert_eq!(value.expect("it is there"), "s3cret words");
        assert_eq!(secrets.hidden, ["s3cret words"]);
    }

    #[test]
    fn a_value_in_the_implementation_file_is_no_secret() {
        let (_directory, mut secrets) = secrets();
        let value = secrets.read(&Secret::Inline("known to all".to_owned()));
        assert_eq!(value.expect("it is there"), "known to all");
        assert!(secrets.hidden.is_empty());
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let (_directory, mut secrets) = secrets();
        let error = secrets.read(&Secret::Environment("DMCONFORM_IS_NOT_SET".to_owned()));
        assert!(matches!(error, Err(SecretError::Environment { name }) if name == "DMCONFORM_IS_NOT_SET"));
    }

    #[test]
    fn a_secret_that_is_too_short_to_be_hidden_is_refused() {
        let (_directory, mut secrets) = secrets();
        let error = secrets.read(&Secret::File("short".to_owned()));
        assert!(matches!(error, Err(SecretError::TooShort { .. })));
    }
}
