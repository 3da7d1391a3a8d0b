//! How long a product may take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_text::as_text;

/// How long a product may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// The longest it takes to react to something when nothing holds it up. A window that is shorter proves nothing.
    pub reacts_within: Duration,
    /// How long a message is held back to see what the product does meanwhile.
    pub window: Duration,
    /// How long an awaited message may take before it counts as not sent.
    pub step_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reacts_within: Duration { milliseconds: 10_000 },
            window: Duration { milliseconds: 15_000 },
            step_deadline: Duration { milliseconds: 30_000 },
        }
    }
}

/// A span of time, written with its unit: `300ms`, `20s`, `2min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    /// Its length in milliseconds.
    pub milliseconds: u64,
}

impl Duration {
    /// The span as the standard library has it.
    pub const fn get(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.milliseconds)
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.milliseconds {
            0 => f.write_str("0s"),
            ms if ms.is_multiple_of(60_000) => write!(f, "{}min", ms / 60_000),
            ms if ms.is_multiple_of(1000) => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl std::str::FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem =
            || format!("read `{text}` as a span of time: write a number and ms, s or min, such as `300ms`");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text
            .get(..digits)
            .and_then(|number| number.parse().ok())
            .ok_or_else(problem)?;
        let factor = match text.get(digits..).map(str::trim) {
            Some("ms") => 1,
            Some("s") => 1000,
            Some("min") => 60_000,
            _ => return Err(problem()),
        };
        let milliseconds = number
            .checked_mul(factor)
            .filter(|ms| *ms <= 86_400_000)
            .ok_or_else(problem)?;
        Ok(Self { milliseconds })
    }
}

as_text!(Duration);

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ *(ms|s|min)$",
            "description": "A span of time with its unit, such as 300ms, 20s or 2min."
        })
    }
}
