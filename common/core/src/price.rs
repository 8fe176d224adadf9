//! A price, or any other value that a series takes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A finite value in the series' own unit (USD for `BTC/USD`).
///
/// It crosses process borders as decimal text: the shortest that reads back as the very same double.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Price(f64);

/// Why a text or a number is not a [`Price`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PriceError {
    /// The text is not a decimal number.
    #[error("{0:?} is not a decimal number")]
    NotANumber(String),
    /// The number is NaN or an infinity.
    #[error("{0} is not finite")]
    NotFinite(String),
}

impl Price {
    /// The price of this many units; an error unless it is finite.
    pub fn new(value: f64) -> Result<Self, PriceError> {
        if value.is_finite() {
            Ok(Self(value))
        } else {
            Err(PriceError::NotFinite(value.to_string()))
        }
    }

    /// The price as a double, for arithmetic.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, PriceError> {
        let value: f64 = text
            .trim()
            .parse()
            .map_err(|_| PriceError::NotANumber(text.to_owned()))?;
        Self::new(value)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_exact_both_ways() {
        for text in ["42397.23", "0.00000823", "-12.5", "100000", "0.1"] {
            assert_eq!(text.parse::<Price>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_finite_numbers_are_prices() {
        assert!(matches!(
            "NaN".parse::<Price>(),
            Err(PriceError::NotFinite(_))
        ));
        assert!(matches!(
            "1e999".parse::<Price>(),
            Err(PriceError::NotFinite(_))
        ));
        assert!(matches!(
            "abc".parse::<Price>(),
            Err(PriceError::NotANumber(_))
        ));
    }
}
