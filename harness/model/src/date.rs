//! A day of the calendar, for what is valid until then.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A day, written `2026-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// How one is written.
    pub const FORM: &'static str = "write year, month and day, such as `2026-12-31`";

    /// The day of a moment in the form of RFC 3339, as far as it begins with one.
    pub fn of_moment(moment: &str) -> Option<Self> {
        moment.get(..10)?.parse().ok()
    }

    /// The day so many days later.
    pub fn plus_days(self, days: u32) -> Self {
        (0..days).fold(self, |date, _| date.next())
    }

    const fn next(self) -> Self {
        let Self { year, month, day } = self;
        if day < length(year, month) {
            return Self { day: day + 1, ..self };
        }
        if month < 12 {
            return Self {
                year,
                month: month + 1,
                day: 1,
            };
        }
        Self {
            year: year.saturating_add(1),
            month: 1,
            day: 1,
        }
    }
}

/// How many days a month has.
const fn length(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("read `{text}` as a day");
        let has_form = text.len() == 10
            && text.bytes().enumerate().all(|(at, octet)| match at {
                4 | 7 => octet == b'-',
                _ => octet.is_ascii_digit(),
            });
        if !has_form {
            return Err(problem());
        }
        let date = Self {
            year: text[..4].parse().map_err(|_| problem())?,
            month: text[5..7].parse().map_err(|_| problem())?,
            day: text[8..].parse().map_err(|_| problem())?,
        };
        if !(1..=12).contains(&date.month) || !(1..=length(date.year, date.month)).contains(&date.day) {
            return Err(format!("find the day `{text}` in the calendar"));
        }
        Ok(date)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read = text.parse();
        read.map_err(|why: String| serde::de::Error::custom(format!("{why}; {}", Self::FORM)))
    }
}

impl JsonSchema for Date {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn days_come_after_each_other_as_they_are_written() {
        assert!(date("2026-09-30") < date("2026-10-01"));
        assert_eq!(date("2026-11-28").plus_days(30), date("2026-12-28"));
        assert_eq!(date("2026-12-31").plus_days(1), date("2027-01-01"));
        assert_eq!(date("2028-02-28").plus_days(2), date("2028-03-01"));
        assert_eq!(date("2100-02-28").plus_days(1), date("2100-03-01"));
        assert_eq!(Date::of_moment("2026-01-02T03:04:05Z"), Some(date("2026-01-02")));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2026-1-02",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "31.12.2026",
            "2026-12-3x",
            "２０26-1-1",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
