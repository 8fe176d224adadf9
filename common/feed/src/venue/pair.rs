//! A pair of currencies, `BTC/USD`, before a venue writes it in its own way.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What is traded for what, written `BTC/USD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The currency that is bought and sold, in capitals.
    pub base: String,
    /// The currency that prices are in, in capitals.
    pub quote: String,
}

/// The text isn't of the form BASE/QUOTE.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no pair: write BASE/QUOTE, such as BTC/USD")]
pub struct PairError(String);

impl Pair {
    /// The pair of these two, in capitals.
    pub fn new(base: &str, quote: &str) -> Self {
        Self {
            base: base.to_uppercase(),
            quote: quote.to_uppercase(),
        }
    }

    /// Base and quote with this text between them.
    pub(super) fn joined(&self, between: &str) -> String {
        format!("{}{between}{}", self.base, self.quote)
    }
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let currency = |text: &str| !text.is_empty() && text.chars().all(char::is_alphanumeric);
        match text.split_once('/') {
            Some((base, quote)) if currency(base) && currency(quote) => Ok(Self::new(base, quote)),
            _ => Err(PairError(text.to_owned())),
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined("/"))
    }
}
