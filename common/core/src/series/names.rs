//! The names of series and of rounds, as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::time::UnixMillis;

/// Name of a series, such as `BTC/USD`: 1 to 32 characters of `A-Z a-z 0-9 / - . _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(String);

/// One request for forecasts, written `SERIES@T_MS`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundId {
    /// The series that is forecast.
    pub series: SeriesId,
    /// The origin T: step i is the close at T + i·step.
    pub origin: UnixMillis,
}

/// Why a text is no [`SeriesId`] or [`RoundId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeriesNameError {
    /// The text has another length or another character than a series name.
    #[error("{0:?} is no series name: use 1 to 32 characters of A-Z a-z 0-9 / - . _")]
    Series(String),
    /// The text has no `@`, or no whole number of milliseconds after it.
    #[error("{0:?} is no round: write SERIES@T_MS, such as BTC/USD@1704067200000")]
    Round(String),
}

impl SeriesId {
    /// `BTC/USD`: what is forecast where nobody names another series.
    pub fn btc_usd() -> Self {
        Self("BTC/USD".to_owned())
    }

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SeriesId {
    type Err = SeriesNameError;

    fn from_str(text: &str) -> Result<Self, SeriesNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._".contains(c);
        if (1..=32).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SeriesNameError::Series(text.to_owned()))
        }
    }
}

impl FromStr for RoundId {
    type Err = SeriesNameError;

    fn from_str(text: &str) -> Result<Self, SeriesNameError> {
        let bad = || SeriesNameError::Round(text.to_owned());
        let (series, origin) = text.rsplit_once('@').ok_or_else(bad)?;
        Ok(Self {
            series: series.parse()?,
            origin: origin
                .parse()
                .ok()
                .and_then(|millis: i64| UnixMillis::try_from(millis).ok())
                .ok_or_else(bad)?,
        })
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.series, self.origin)
    }
}

impl Serialize for SeriesId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SeriesId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for RoundId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoundId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_written_series_at_origin() {
        let round: RoundId = "BTC/USD@1704067200000".parse().unwrap();
        assert_eq!(round.series.as_str(), "BTC/USD");
        assert_eq!(round.origin, UnixMillis::literal(1_704_067_200_000));
        assert_eq!(round.to_string(), "BTC/USD@1704067200000");
        assert!("BTC USD@1".parse::<RoundId>().is_err());
        assert!("BTC/USD".parse::<RoundId>().is_err());
    }
}
