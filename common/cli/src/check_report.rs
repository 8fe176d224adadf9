//! What a `doctor` finds: one line for each thing that it checks, with the cure where it is wrong; or all of them as JSON.
//!
//! ```text
//! ok     clock    within 0.6 s of kraken
//! wrong  venue    bitstamp can't be reached at https://www.bitstamp.net/…
//! ```

use std::fmt;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::output;
use crate::printable::printable_up_to;

/// Characters of a line's text: what is wrong, and the cure. More is something that others wrote.
const MAX_TEXT_CHARS: usize = 1_000;

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It is.
    Ok,
    /// It isn't: the text says what to do.
    Wrong,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked, such as `clock`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub state: CheckState,
    /// What was found; where it is wrong, with the cure.
    pub text: String,
}

/// The lines of one `doctor`, printed as they come, or at the end as JSON.
#[derive(Debug)]
pub struct CheckReport {
    name_width: usize,
    json: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    ok: bool,
    checks: &'a [Check],
}

impl Check {
    /// What was found of `name`: fine, or an error that says what to do.
    pub fn new(name: &'static str, found: Result<String>) -> Self {
        let (state, text) = match found {
            Ok(text) => (CheckState::Ok, text),
            Err(error) => (CheckState::Wrong, format!("{error:#}")),
        };
        // Errors quote what others answered.
        let text = printable_up_to(&text, MAX_TEXT_CHARS).into_owned();
        Self { name, state, text }
    }

    /// The line that people read, with the name as wide as `name_width`.
    pub fn line(&self, name_width: usize) -> String {
        let Self { name, state, text } = self;
        format!("{state:<6} {name:<name_width$} {text}")
    }
}

impl fmt::Display for CheckState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
        })
    }
}

impl CheckReport {
    /// A report without lines yet; names are as wide as `name_width`.
    pub const fn new(name_width: usize, json: bool) -> Self {
        Self {
            name_width,
            json,
            checks: Vec::new(),
        }
    }

    /// Adds what was found of `name`, and prints its line unless the report is JSON.
    pub fn add(&mut self, name: &'static str, found: Result<String>) -> Result<()> {
        let check = Check::new(name, found);
        if !self.json {
            output::print_line(check.line(self.name_width))?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// Ends the report, with the JSON if it is that.
    ///
    /// # Errors
    /// Something is wrong: the program ends with exit code 1.
    pub fn finish(self) -> Result<()> {
        let wrong = self.wrong();
        if self.json {
            output::print_line(self.to_json()?)?;
        }
        ensure!(wrong == 0, "{wrong} of these are wrong");
        Ok(())
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&CheckDocument {
            ok: self.wrong() == 0,
            checks: &self.checks,
        })
    }

    fn wrong(&self) -> usize {
        let wrong = |check: &&Check| check.state == CheckState::Wrong;
        self.checks.iter().filter(wrong).count()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn found() -> [Check; 2] {
        let error = anyhow!("refused: \u{1b}[31mbad\nok     key").context("no venue");
        [
            Check::new("key", Ok("5F…".into())),
            Check::new("venue", Err(error)),
        ]
    }

    #[test]
    fn a_line_says_state_name_and_text_and_nothing_forges_one() {
        let lines = found().map(|check| check.line(8));
        assert_eq!(
            lines,
            [
                "ok     key      5F…",
                "wrong  venue    no venue: refused: bad ok     key"
            ]
        );
    }

    #[test]
    fn the_json_has_every_check() {
        let mut report = CheckReport::new(8, true);
        report.checks = found().to_vec();
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        let expected = serde_json::json!({"ok": false, "checks": [
            {"name": "key", "state": "ok", "text": "5F…"},
            {"name": "venue", "state": "wrong", "text": "no venue: refused: bad ok     key"},
        ]});
        assert_eq!(json, expected);
    }

    #[test]
    fn only_a_report_without_anything_wrong_succeeds() {
        let mut report = CheckReport::new(8, false);
        report.checks = found()[..1].to_vec();
        assert!(report.finish().is_ok());
        let mut report = CheckReport::new(8, false);
        report.checks = found().to_vec();
        assert_eq!(
            report.finish().unwrap_err().to_string(),
            "1 of these are wrong"
        );
    }
}
