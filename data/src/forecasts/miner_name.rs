//! The names of miners and owners in forecasts files.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::excerpt::is_visible;

/// Longest name, in characters.
const MAX_CHARS: usize = 100;
/// What the rows of our own are called in every leaderboard.
const RESERVED: [&str; 2] = ["reference", "consensus"];

/// A miner's name: 1 to 100 characters that are drawn, without spaces at its ends, and not that of a row of our own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinerName(String);

/// Why a text is no [`MinerName`]; the message ends with the cure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MinerNameError {
    /// Nothing, or nothing but spaces.
    #[error("no name; write the miner's name")]
    Empty,
    /// More than 100 characters.
    #[error("longer than {MAX_CHARS} characters; shorten the name")]
    TooLong,
    /// A control character, or one that hides or reorders others.
    #[error("characters that can't be shown; use letters, digits and signs")]
    Invisible,
    /// Spaces before or after it, or a quote at both ends, which files lose.
    #[error("spaces or quotes around the name; leave them out")]
    Ends,
    /// `reference` or `consensus`.
    #[error("the name of a row that every leaderboard has; call the miner something else")]
    Reserved,
}

impl MinerName {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MinerName {
    type Err = MinerNameError;

    fn from_str(text: &str) -> Result<Self, MinerNameError> {
        check_owner(text)?;
        if text.trim().is_empty() {
            return Err(MinerNameError::Empty);
        }
        if RESERVED.iter().any(|name| name.eq_ignore_ascii_case(text)) {
            return Err(MinerNameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MinerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same for an owner, who may be called as he likes, and may be left out.
pub(super) fn check_owner(text: &str) -> Result<(), MinerNameError> {
    // Not counted to the end: a text from outside may be long.
    if text.chars().nth(MAX_CHARS).is_some() {
        return Err(MinerNameError::TooLong);
    }
    if !text.chars().all(is_visible) {
        return Err(MinerNameError::Invisible);
    }
    let quoted = text.len() > 1 && text.starts_with('"') && text.ends_with('"');
    if text.trim() != text || quoted {
        return Err(MinerNameError::Ends);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_not_be_told_from_others_are_refused() {
        for name in ["har", "a,b", "a \"b\" c", "é", "referees", &"x".repeat(100)] {
            assert_eq!(name.parse::<MinerName>().unwrap().as_str(), name);
        }
        for (name, error) in [
            ("", MinerNameError::Empty),
            ("reference", MinerNameError::Reserved),
            ("Consensus", MinerNameError::Reserved),
            (" a", MinerNameError::Ends),
            ("\"a\"", MinerNameError::Ends),
            ("a\n", MinerNameError::Invisible),
            ("\u{1b}[31ma", MinerNameError::Invisible),
            ("a\u{202e}b", MinerNameError::Invisible),
            (&"x".repeat(101), MinerNameError::TooLong),
        ] {
            assert_eq!(name.parse::<MinerName>(), Err(error), "{name:?}");
        }
    }
}
