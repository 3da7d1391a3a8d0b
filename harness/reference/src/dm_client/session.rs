//! Stub.

use oma_dm::account::Account;

use crate::dm_client::Client;
use crate::dm_client::device::{Device, Hands};

impl Client {
    pub(super) async fn session_by(
        &self,
        _device: &Device,
        _generation: u64,
        account: Account,
    ) -> Result<Account, String> {
        Ok(account)
    }
}
