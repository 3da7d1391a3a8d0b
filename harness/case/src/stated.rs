//! What an implementation file claims, in words for reports.

use dmconform_model::result::Claim;
use serde::Serialize;
use serde_json::Value;

use crate::implementation::{Limits, Supports};

/// What a product claims to support, and how long it may take.
pub fn stated(supports: &Supports, limits: &Limits) -> Vec<Claim> {
    let mut claims = members(supports);
    claims.extend(members(limits));
    claims
}

/// The members of an object, as the file writes them.
fn members(object: &impl Serialize) -> Vec<Claim> {
    let Ok(Value::Object(members)) = serde_json::to_value(object) else {
        return Vec::new();
    };
    let claims = members.into_iter().map(|(name, value)| Claim {
        name: name.replace('-', " "),
        value: text(&value),
    });
    claims.filter(|claim| !claim.value.is_empty()).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
