//! The mock Bootstrap Server: hands out DMS-2's bootstrap.

use std::sync::Arc;

use dmconform_case::claims::{Authentication, BootstrapForm};
use dmconform_case::implementation::AccountCredentials;
use dmconform_case::test_case::FieldChange;
use dmconform_model::{Event, MessageId, Role, Step};
use oma_dm::account::{Account, AccountObject, AuthenticationType, Credentials};
use oma_dm::auth::{Secret, from_base64};
use oma_dm::bootstrap::{self, Form};

use crate::change::Changes;
use crate::context::CaseContext;
use crate::delegation::fault;
use crate::documents::fill;
use crate::hostile::spoil;
use crate::http::server::Reply;

/// Answers the client's request for the bootstrap.
pub(crate) async fn answer(context: &Arc<CaseContext>, exchange: u64) -> Reply {
    let message = MessageId::answer(Step::BootstrapFetch);
    let changes = context.changes(message);
    if changes.delay {
        context.hold(message).await;
    }
    let words = changes
        .in_words()
        .or_else(|| changes.omit.then(|| "it is not sent".to_owned()));
    if let Some(change) = words.filter(|_| changes.certificate.is_none()) {
        context.recorder.record(Event::Changed {
            at: message,
            exchange: Some(exchange),
            change,
        });
    }
    if let Some(status) = changes.answer {
        return Reply::new(status, "text/plain", Vec::new());
    }
    let form = match context.case().given.bootstrap {
        BootstrapForm::DmWbxml => Form::DM_WBXML,
        BootstrapForm::DmXml => Form::DM_XML,
        BootstrapForm::CpWbxml => Form::PROVISIONING_WBXML,
        BootstrapForm::CpXml => Form::PROVISIONING_XML,
    };
    let media_type = form.media_type().to_owned();
    match bootstrap::write(&[AccountObject::from(&account(context, &changes))], form) {
        Ok(body) => {
            let (body, media_type) = match changes.corrupt {
                Some(corruption) => spoil(context, corruption, body, media_type),
                None => (body, media_type),
            };
            Reply::new(200, &media_type, body).with_fault(fault(&changes))
        }
        Err(error) => {
            context.recorder.record(Event::Aborted {
                reason: format!("write the bootstrap: {error}"),
            });
            Reply::new(500, "text/plain", Vec::new())
        }
    }
}

/// The account of DMS-2 as the client gets it.
fn account(context: &CaseContext, changes: &Changes) -> Account {
    let value = |field: &str, usual: &str| match changes.fields.get(field) {
        Some(FieldChange::To(text)) => fill(context, text),
        Some(FieldChange::Removed) => String::new(),
        None => usual.to_owned(),
    };
    let parties = &context.header.parties;
    let address = context.endpoints(Role::Dms2).dm.unwrap_or_default();
    let mut account = Account::new(value("server", &parties.dms_2), value("address", &address));
    let mut known = context.credentials.dms_2.clone();
    known.client_name = value("client-name", &known.client_name);
    known.client_secret = value("client-secret", &known.client_secret);
    known.server_secret = value("server-secret", &known.server_secret);
    let scheme = scheme(context, Role::Dms2);
    let (client, server) = credentials(&known, &account.server_id, scheme);
    account.preferred_authentication = Some(scheme);
    account.client_credentials = Some(client);
    account.server_credentials = Some(server);
    account
}

/// In which way the device and a server prove themselves to each other. The account of DMS-1 on a real client was there
/// before the case.
pub(crate) fn scheme(context: &CaseContext, server: Role) -> AuthenticationType {
    if server == Role::Dms1 && context.header.is_real(Role::DmClient) {
        return AuthenticationType::Digest;
    }
    wire_scheme(context.case().given.authentication)
}

/// A way to prove oneself, as accounts name it.
pub const fn wire_scheme(authentication: Authentication) -> AuthenticationType {
    match authentication {
        Authentication::Basic => AuthenticationType::Basic,
        Authentication::Md5 => AuthenticationType::Digest,
        Authentication::Mac => AuthenticationType::Hmac,
    }
}

/// The credentials of an account: the client's, and the server's.
pub fn credentials(
    credentials: &AccountCredentials,
    server_id: &str,
    authentication_type: AuthenticationType,
) -> (Credentials, Credentials) {
    let nonce = from_base64(&credentials.nonce).unwrap_or_default();
    let of = |name: &str, secret: &str| Credentials {
        authentication_type,
        ..Credentials::digest(name, Secret::new(secret), nonce.clone())
    };
    (
        of(&credentials.client_name, &credentials.client_secret),
        of(server_id, &credentials.server_secret),
    )
}
