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
            base: base.to_ascii_uppercase(),
            quote: quote.to_ascii_uppercase(),
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
        // No exchange has others, and capitals of other alphabets can be no single letters.
        let currency =
            |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_written_as_it_is_read() {
        let pair: Pair = "btc/UsdT".parse().unwrap();
        assert_eq!(pair.to_string(), "BTC/USDT");
        assert_eq!("BTC/USDT".parse(), Ok(pair));
        for other in [
            "",
            "BTC",
            "/USD",
            "BTC/",
            "BTC/USD/EUR",
            "ΐ/3",
            "ß/USD",
            "B TC/USD",
        ] {
            assert!(other.parse::<Pair>().is_err(), "{other}");
        }
    }
}
