//! Accounts: from the configuration to what goes over the wire.

use oma_dm::account::{Account, Credentials};
use oma_dm::auth::Secret;

use crate::config;

/// An account with md5 digests both ways.
pub(crate) fn to_wire(account: &config::Account) -> Account {
    let credentials = &account.credentials;
    Account {
        name: account.name.clone(),
        client_credentials: Some(Credentials::digest(
            credentials.client_name.clone(),
            Secret::new(&credentials.client_password),
            credentials.client_nonce.clone(),
        )),
        server_credentials: Some(Credentials::digest(
            account.server_id.clone(),
            Secret::new(&credentials.server_password),
            credentials.server_nonce.clone(),
        )),
        ..Account::new(account.server_id.clone(), account.address.as_str())
    }
}
