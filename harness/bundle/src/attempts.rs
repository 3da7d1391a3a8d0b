//! The log of attempts: every certification that was begun, and how it ended, in lines that hold on to each other.
//!
//! A line has the digest of the line before it in the whole log, and of the line before it about the same product. So nothing
//! can be taken out of the log, and what it says of one product can be shown without the others.

use std::collections::BTreeMap;

use dmconform_case::implementation::Product;
use dmconform_model::Role;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::certification::Outcome;
use crate::digest::sha256;

/// What stands for the digest of a line before the first.
const NONE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The form of the lines that this program writes, and the latest that it reads.
const FORMAT: u32 = 1;

/// The lines of the first form do not all say which it is.
const fn first_format() -> u32 {
    1
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attempt {
    /// The form of the line.
    #[serde(default = "first_format")]
    pub format: u32,
    /// Its number among the lines about the same product, from 1.
    pub number: u64,
    /// The digest of the line before it about the same product.
    pub previous: String,
    /// The digest of the line before it in the log.
    pub before: String,
    /// When it was written: RFC 3339, UTC.
    pub at: String,
    /// The product.
    pub product: Product,
    /// The run that it is about.
    pub run: String,
    /// What happened.
    pub stage: Stage,
}

/// What happened to an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It was begun.
    Began(Began),
    /// It came to an end.
    Ended(Ended),
}

/// What an attempt was begun with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Began {
    /// The version of dmconform.
    pub harness: String,
    /// The version of its judge.
    pub judge: String,
    /// The digest of its program file.
    pub binary: String,
    /// The roles that the product was to play.
    pub plays: Vec<Role>,
    /// The digest of the catalogue.
    pub catalogue: String,
    /// The digest of the implementation file, in which the claims are.
    pub implementation: String,
    /// The digest of the profile.
    pub profile: String,
    /// The digest of the cases that the claims select.
    pub selection: String,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ended {
    /// What came out.
    pub outcome: Outcome,
    /// The digest of the results.
    pub results: String,
    /// The digest of the transcripts.
    pub transcripts: String,
}

/// Another attempt of the same product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OtherAttempt {
    /// Its run.
    pub run: String,
    /// When it was begun: RFC 3339, UTC.
    pub began: String,
    /// The roles that the product was to play.
    pub plays: Vec<Role>,
    /// What it came to; nothing if it was not ended.
    pub outcome: Option<Outcome>,
}

/// Where a log does not hold together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read line {line} of the log of attempts: {why}")]
pub struct BrokenLog {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
    /// Whether that is only that a later program wrote it.
    pub is_newer: bool,
}

/// Why a line is not taken.
enum Refused {
    /// It is of a later form.
    Newer(u64),
    /// It does not follow from those before it.
    Broken(String),
}

impl Refused {
    fn at(self, line: usize) -> BrokenLog {
        let is_newer = matches!(self, Self::Newer(_));
        let why = match self {
            Self::Broken(why) => why,
            Self::Newer(format) => format!(
                "it has the form {format}, and this program reads up to {FORMAT}; a later dmconform wrote it: go on with that one"
            ),
        };
        BrokenLog { line, why, is_newer }
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Broken(why)
    }
}

/// A log that holds together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    lines: Vec<(String, Attempt)>,
    /// The last line about each product.
    last: BTreeMap<Product, usize>,
    /// The attempts, and whether each has ended.
    runs: BTreeMap<String, bool>,
}

impl Log {
    /// Reads a whole log.
    ///
    /// # Errors
    /// The first line that does not follow from those before it.
    pub fn read(text: &str) -> Result<Self, BrokenLog> {
        let mut log = Self::default();
        for (index, line) in text.lines().enumerate() {
            log.take(line, true).map_err(|refused| refused.at(index + 1))?;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            let why = "it has no end; the program that wrote it was ended meanwhile";
            return Err(log.broken_at_the_end(why));
        }
        Ok(log)
    }

    /// Reads what a log says of one product.
    ///
    /// # Errors
    /// The first line that does not follow from those before it.
    pub fn read_part(text: &str) -> Result<Self, BrokenLog> {
        let mut part = Self::default();
        for (index, line) in text.lines().enumerate() {
            part.take(line, false).map_err(|refused| refused.at(index + 1))?;
            if part.lines[0].1.product != part.lines[index].1.product {
                return Err(part.broken_at_the_end("it is about another product"));
            }
        }
        if part.text() != text {
            return Err(part.broken_at_the_end("something else follows"));
        }
        Ok(part)
    }

    fn broken_at_the_end(&self, why: &str) -> BrokenLog {
        Refused::Broken(why.to_owned()).at(self.lines.len())
    }

    /// Takes the next line, if it follows from those before it.
    fn take(&mut self, line: &str, is_whole: bool) -> Result<(), Refused> {
        // The form comes first: a line of a later one may hold anything.
        let said: Value = serde_json::from_str(line).unwrap_or_default();
        match said["format"].as_u64() {
            Some(0) => return Err("it has the form 0, and the first one is 1".to_owned().into()),
            Some(format) if format > u64::from(FORMAT) => return Err(Refused::Newer(format)),
            _ => {}
        }
        let attempt: Attempt = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let (number, previous) = self.end_of(&attempt.product);
        if attempt.number != number + 1 {
            return Err(format!(
                "entry {} of {} follows where {} should; lines were taken out or moved",
                attempt.number,
                attempt.product,
                number + 1
            )
            .into());
        }
        if attempt.previous != previous || (is_whole && attempt.before != self.end()) {
            return Err(
                "the line before it is not the one that it was written after; it was changed, or lines were \
                        taken out or put in"
                    .to_owned()
                    .into(),
            );
        }
        self.enter_run(&attempt)?;
        self.last.insert(attempt.product.clone(), self.lines.len());
        self.lines.push((line.to_owned(), attempt));
        Ok(())
    }

    /// Enters that an attempt begins, once, or ends, at most once after that.
    fn enter_run(&mut self, attempt: &Attempt) -> Result<(), String> {
        let run = &attempt.run;
        match (&attempt.stage, self.runs.get(run)) {
            (Stage::Began(_), None) => self.runs.insert(run.clone(), false),
            (Stage::Ended(_), Some(false)) => self.runs.insert(run.clone(), true),
            (Stage::Began(_), Some(_)) => return Err(format!("the attempt {run} begins twice")),
            (Stage::Ended(_), None) => return Err(format!("the attempt {run} ends without a beginning")),
            (Stage::Ended(_), Some(true)) => return Err(format!("the attempt {run} ends twice")),
        };
        Ok(())
    }

    /// The digest of the last line.
    fn end(&self) -> String {
        let last = self.lines.last();
        last.map_or_else(|| NONE.to_owned(), |(line, _)| sha256(line.as_bytes()))
    }

    /// The number and the digest of the last line about a product.
    fn end_of(&self, product: &Product) -> (u64, String) {
        self.last.get(product).map_or_else(
            || (0, NONE.to_owned()),
            |at| {
                let (line, attempt) = &self.lines[*at];
                (attempt.number, sha256(line.as_bytes()))
            },
        )
    }

    /// The line that comes next, with its line end.
    ///
    /// # Panics
    /// Never: a line has only texts and numbers.
    pub fn next(&self, at: &str, product: &Product, run: &str, stage: Stage) -> String {
        let (number, previous) = self.end_of(product);
        let attempt = Attempt {
            format: FORMAT,
            number: number + 1,
            previous,
            before: self.end(),
            at: at.to_owned(),
            product: product.clone(),
            run: run.to_owned(),
            stage,
        };
        let line = serde_json::to_string(&attempt).expect("a line has only texts and numbers");
        format!("{line}\n")
    }

    /// What the log says of the product of a run, up to the end of that run.
    pub fn part(&self, run: &str) -> String {
        let last = self.lines.iter().rposition(|(_, attempt)| attempt.run == run);
        let Some(last) = last else { return String::new() };
        let product = &self.lines[last].1.product;
        let lines = self.lines[..=last].iter();
        let of_product = lines.filter(|(_, attempt)| attempt.product == *product);
        of_product.map(|(line, _)| format!("{line}\n")).collect()
    }

    fn text(&self) -> String {
        self.lines.iter().map(|(line, _)| format!("{line}\n")).collect()
    }

    /// How a run was begun, and which attempt of its product it is, from 1.
    pub fn began(&self, run: &str) -> Option<(u64, &Began)> {
        let attempts = self.attempts();
        let at = attempts.iter().position(|(attempt, ..)| attempt.run == run)?;
        let (this, began, _) = attempts[at];
        let until = attempts[..=at].iter();
        let of_product = until.filter(|(attempt, ..)| attempt.product == this.product);
        Some((of_product.count() as u64, began))
    }

    /// The attempts of the product of a run that are not this run.
    pub fn others(&self, run: &str) -> Vec<OtherAttempt> {
        let attempts = self.attempts();
        let this = attempts.iter().find(|(attempt, ..)| attempt.run == run);
        let product = this.map(|(attempt, ..)| &attempt.product);
        let others = attempts
            .iter()
            .filter(|(attempt, ..)| attempt.run != run && Some(&attempt.product) == product);
        others
            .map(|(attempt, began, ended)| OtherAttempt {
                run: attempt.run.clone(),
                began: attempt.at.clone(),
                plays: began.plays.clone(),
                outcome: ended.map(|ended| ended.outcome),
            })
            .collect()
    }

    /// The attempts, in the order in which they were begun: each with what it came to, if it came to an end.
    fn attempts(&self) -> Vec<(&Attempt, &Began, Option<&Ended>)> {
        let mut ends = BTreeMap::new();
        for (_, attempt) in &self.lines {
            if let Stage::Ended(ended) = &attempt.stage {
                ends.insert(attempt.run.as_str(), ended);
            }
        }
        let lines = self.lines.iter();
        lines
            .filter_map(|(_, attempt)| match &attempt.stage {
                Stage::Began(began) => Some((attempt, began, ends.get(attempt.run.as_str()).copied())),
                Stage::Ended(_) => None,
            })
            .collect()
    }

    /// The last line.
    pub fn last(&self) -> Option<&Attempt> {
        self.lines.last().map(|(_, attempt)| attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(name: &str) -> Product {
        Product {
            vendor: "Acme".to_owned(),
            product: name.to_owned(),
            version: "1".to_owned(),
        }
    }

    fn began() -> Stage {
        let text = String::new;
        Stage::Began(Began {
            harness: text(),
            judge: text(),
            binary: text(),
            plays: Vec::new(),
            catalogue: text(),
            implementation: text(),
            profile: text(),
            selection: text(),
        })
    }

    fn ended() -> Stage {
        Stage::Ended(Ended {
            outcome: Outcome::Failed,
            results: String::new(),
            transcripts: String::new(),
        })
    }

    /// Two products; the first was tried twice, the first time without an end.
    fn text() -> String {
        let mut text = String::new();
        for (name, run, stage) in [
            ("one", "a", began()),
            ("two", "b", began()),
            ("one", "c", began()),
            ("two", "b", ended()),
            ("one", "c", ended()),
        ] {
            let log = Log::read(&text).expect("it holds together");
            text += &log.next("2026-01-01T00:00:00Z", &product(name), run, stage);
        }
        text
    }

    fn without(text: &str, line: usize) -> String {
        let lines = text.lines().enumerate();
        let others = lines.filter(|(index, _)| *index != line);
        others.map(|(_, text)| format!("{text}\n")).collect()
    }

    #[test]
    fn an_attempt_that_was_never_ended_stays_visible() {
        let log = Log::read(&text()).expect("it holds together");
        let others = log.others("c");
        let others: Vec<_> = others
            .iter()
            .map(|other| (other.run.as_str(), other.outcome))
            .collect();
        assert_eq!(others, [("a", None)]);
        assert_eq!(log.began("c").map(|(number, _)| number), Some(2));
    }

    #[test]
    fn a_log_without_one_of_its_lines_is_broken_unless_it_is_the_last() {
        let text = text();
        for line in 0..4 {
            let error = Log::read(&without(&text, line)).expect_err("a line is missing");
            assert_eq!(error.line, line + 1, "{error}");
        }
        assert!(Log::read(&without(&text, 4)).is_ok());
    }

    #[test]
    fn a_line_that_was_changed_breaks_the_next_one() {
        let changed = text().replacen("2026-01-01", "2026-01-02", 1);
        let error = Log::read(&changed).expect_err("a line was changed");
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn the_part_of_a_product_holds_together_without_the_others() {
        let log = Log::read(&text()).expect("it holds together");
        let part = log.part("c");
        assert_eq!(part.lines().count(), 3);
        assert!(!part.contains("two"));
        assert_eq!(Log::read_part(&part).expect("it holds together").text(), part);
        for line in 0..2 {
            assert!(Log::read_part(&without(&part, line)).is_err());
        }
    }

    #[test]
    fn a_line_that_was_changed_breaks_the_next_one_about_the_same_product() {
        let log = Log::read(&text()).expect("it holds together");
        let changed = log.part("c").replacen("2026-01-01", "2026-01-02", 1);
        let error = Log::read_part(&changed).expect_err("a line was changed");
        assert_eq!(error.line, 2, "{error}");
    }

    #[test]
    fn a_line_that_was_cut_is_named() {
        let text = text();
        let error = Log::read(&text[..text.len() - 1]).expect_err("it has no end");
        assert_eq!(error.line, 5);
        let error = Log::read(&text[..text.len() - 9]).expect_err("it is cut");
        assert_eq!(error.line, 5);
    }

    #[test]
    fn a_line_with_what_is_not_known_is_refused() {
        let newer = text().replacen('{', "{\"something-new\":1,", 1);
        let error = Log::read(&newer).expect_err("a newer program wrote it");
        assert_eq!(error.line, 1);
        assert!(error.to_string().contains("something-new"), "{error}");
    }

    #[test]
    fn a_line_of_a_later_form_is_told_whatever_else_it_holds() {
        let text = text();
        let newer = format!(
            "{text}{}\n",
            r#"{"format":2,"number":"of another type","something-new":1}"#
        );
        let error = Log::read(&newer).expect_err("a later program wrote it");
        assert!(error.is_newer);
        assert_eq!(
            error.to_string(),
            "read line 6 of the log of attempts: it has the form 2, and this program reads up to 1; a later dmconform wrote it: \
             go on with that one"
        );
        let none = text.replacen("\"format\":1", "\"format\":0", 1);
        let error = Log::read(&none).expect_err("no program wrote it");
        assert!(!error.is_newer && error.line == 1, "{error}");
    }

    /// The first lines that were written; what comes after them hangs on their octets.
    #[test]
    fn lines_that_do_not_say_their_form_are_of_the_first_and_are_gone_on_with() {
        let mut old = String::new();
        for (name, run) in [("one", "a"), ("two", "b")] {
            let log = Log::read(&old).expect("it holds together");
            let line = log.next("2026-01-01T00:00:00Z", &product(name), run, began());
            old += &line.replacen("\"format\":1,", "", 1);
        }
        assert!(!old.contains("\"format\""));
        let log = Log::read(&old).expect("it holds together");
        let whole = old + &log.next("2026-01-01T00:00:00Z", &product("one"), "a", ended());
        let log = Log::read(&whole).expect("it holds together");
        assert_eq!(
            Log::read_part(&log.part("a"))
                .expect("it holds together")
                .lines
                .len(),
            2
        );
    }

    #[rstest::rstest]
    #[case::twice("c", ended(), "the attempt c ends twice")]
    #[case::without_a_beginning("never begun", ended(), "the attempt never begun ends without a beginning")]
    #[case::and_is_not_begun_again("c", began(), "the attempt c begins twice")]
    fn an_attempt_ends_once(#[case] run: &str, #[case] stage: Stage, #[case] expected: &str) {
        let text = text();
        let log = Log::read(&text).expect("it holds together");
        let again = text + &log.next("", &product("one"), run, stage);
        let error = Log::read(&again).expect_err("it is not its turn");
        assert_eq!(error.why, expected);
    }
}
