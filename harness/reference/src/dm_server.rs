//! Stub.
use crate::config::Credentials;
use crate::http::server::{Handler, HttpRequest, Reply};
use crate::known_devices::KnownDevices;
use crate::office::Office;
use crate::url::Url;
use std::sync::Arc;

pub(crate) struct ServerAccount {
    pub(crate) server_id: String,
    pub(crate) credentials: Credentials,
}
pub(crate) struct DmServer<M> {
    office: Arc<Office<M>>,
}
impl<M> DmServer<M> {
    pub(crate) fn new(_: ServerAccount, _: &Url, _: Arc<KnownDevices>, office: Arc<Office<M>>) -> Self {
        Self { office }
    }
}
impl<M: Send + Sync + 'static> Handler for DmServer<M> {
    async fn handle(self: Arc<Self>, _request: HttpRequest) -> Reply {
        Reply::empty(501)
    }
}
