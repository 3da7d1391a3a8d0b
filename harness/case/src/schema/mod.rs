//! JSON Schemas of every kind of file that people write, for completion in editors.

pub(crate) mod names;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use crate::implementation::Implementation;
use crate::procedure::Procedure;
use crate::profile::Profile;
use crate::read::{Deviations, RawCase, RawExpectations, Requirements};

/// Every schema: the name of its file below `reports/schema`, and its text.
pub fn all() -> Vec<(&'static str, String)> {
    vec![
        ("case.schema.json", text::<RawCase>()),
        ("deviations.schema.json", text::<Deviations>()),
        ("expectations.schema.json", text::<RawExpectations>()),
        ("implementation.schema.json", text::<Implementation>()),
        ("procedure.schema.json", text::<Procedure>()),
        ("profile.schema.json", text::<Profile>()),
        ("requirements.schema.json", text::<Requirements>()),
    ]
}

fn text<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    format!("{text}\n")
}
