//! The documents that mock servers send each other and the product, by the profile.

use std::sync::Arc;

use dmconform_case::document;
use dmconform_case::test_case::FieldChange;
use dmconform_judge::Fields;
use dmconform_model::{MessageId, Role, Step};

use crate::change::Changes;
use crate::context::CaseContext;
use crate::hostile::spoil;

/// A message and the media type of its body.
pub(crate) struct Written {
    /// The message; its body may be spoiled.
    pub message: document::Written,
    /// Its media type.
    pub media_type: String,
}

/// Writes a message between the servers, with the changes of the case.
///
/// # Errors
///
/// When the profile has no such document, or its template cannot be filled: the harness is at fault.
pub(crate) fn write(
    context: &Arc<CaseContext>,
    message: MessageId,
    changes: &Changes,
) -> Result<Written, String> {
    let profile = context.profile();
    let known = profile
        .messages
        .get(&message)
        .ok_or_else(|| format!("write {message}: the profile has no document for it"))?;
    let fields = changed(context, fields(context, message), changes);
    let mut written = profile
        .write(message, known, &fields)
        .map_err(|error| format!("write {message}: {error}"))?;
    let media_type = profile.delegation.media_type.clone();
    let body = std::mem::take(&mut written.body);
    let (body, media_type) = match changes.corrupt {
        Some(corruption) => spoil(context, corruption, body, media_type),
        None => (context.oddities.document(body), media_type),
    };
    written.body = body;
    Ok(Written {
        message: written,
        media_type,
    })
}

/// Writes the body of a refusal; its media type.
pub(crate) fn refusal(context: Option<&CaseContext>, session: &str, reason: &str) -> (Vec<u8>, String) {
    let Some(context) = context else {
        return (Vec::new(), "text/plain".to_owned());
    };
    let delegation = &context.profile().delegation;
    // A profile whose refusal cannot be written is not read.
    let body = document::refusal(delegation, session, reason).unwrap_or_default();
    (context.oddities.document(body), delegation.media_type.clone())
}

/// What a message carries when nothing is changed.
fn fields(context: &CaseContext, message: MessageId) -> Fields {
    let parties = &context.header.parties;
    let given = &context.case().given;
    let mut fields = Fields::new();
    let mut put = |name: &str, values: Vec<String>| {
        fields.insert(name.to_owned(), values);
    };
    put("session", vec![context.session_id()]);
    put("delegating-server", vec![parties.dms_1.clone()]);
    put("delegated-server", vec![parties.dms_2.clone()]);
    put("device", vec![parties.device.clone()]);
    put("manufacturer", vec![parties.manufacturer.clone()]);
    put("model", vec![parties.model.clone()]);
    put("tree-part", given.tree.clone());
    put("type", vec![given.delegation_type.as_str().to_owned()]);
    put("result", vec!["accepted".to_owned()]);
    if message == MessageId::answer(Step::UrlRequest) {
        put("url", vec![context.bootstrap_url.clone()]);
    }
    fields
}

fn changed(context: &CaseContext, mut fields: Fields, changes: &Changes) -> Fields {
    for (name, change) in &changes.fields {
        match change {
            FieldChange::To(text) => fields.insert(name.clone(), vec![fill(context, text)]),
            FieldChange::Removed => fields.insert(name.clone(), Vec::new()),
        };
    }
    fields
}

/// A text of a case with what it stands for filled in.
pub(crate) fn fill(context: &CaseContext, text: &str) -> String {
    let unused = context
        .endpoints(Role::BootstrapServer)
        .bootstrap
        .unwrap_or_default()
        .replace("${device}", "nobody");
    context.header.fill(text).replace("${unused-url}", &unused)
}
