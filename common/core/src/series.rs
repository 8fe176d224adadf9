//! What is forecast: a series, its grid, and the rounds on it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::time::{Millis, UnixMillis};
use foretell_kernels::simd::{Kernel, Simd, dispatch};
use foretell_kernels::vmath;

/// Moves are held within ± this, so that no sum over absurd values overflows.
pub(crate) const MAX_MOVE: f64 = 1e100;

/// Basis points in a whole.
const BPS: f64 = 1e4;

/// Name of a series, such as `BTC/USD`: 1 to 32 characters of `A-Z a-z 0-9 / - . _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(String);

/// How a move from the anchor is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `10⁴ · ln(value / anchor)`, in basis points; values are positive.
    #[default]
    LogPrice,
    /// `value − anchor`; values may be zero or negative.
    Value,
}

/// The instants of a series' rounds: origins on multiples of `step`, targets up to `horizon` steps on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grid {
    /// Distance between two closes.
    pub step: Millis,
    /// Number of closes that a forecast holds (H).
    pub horizon: usize,
}

/// A series to forecast, written as `{id, step_ms, horizon, unit}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SeriesFields", into = "SeriesFields")]
pub struct Series {
    /// Its name.
    pub id: SeriesId,
    /// Its grid.
    pub grid: Grid,
    /// How moves are measured.
    pub unit: Unit,
}

/// A series on file and on the wire: flat, and without room for a mistyped key.
#[derive(Serialize, Deserialize)]
#[serde(rename = "series", deny_unknown_fields)]
struct SeriesFields {
    id: SeriesId,
    step_ms: Millis,
    horizon: usize,
    #[serde(default)]
    unit: Unit,
}

impl From<SeriesFields> for Series {
    fn from(fields: SeriesFields) -> Self {
        Self {
            id: fields.id,
            grid: Grid {
                step: fields.step_ms,
                horizon: fields.horizon,
            },
            unit: fields.unit,
        }
    }
}

impl From<Series> for SeriesFields {
    fn from(series: Series) -> Self {
        Self {
            id: series.id,
            step_ms: series.grid.step,
            horizon: series.grid.horizon,
            unit: series.unit,
        }
    }
}

/// One request for forecasts, written `SERIES@T_MS`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoundId {
    /// The series that is asked for.
    pub series: SeriesId,
    /// The origin T: step i is the close at T + i·step.
    pub origin: UnixMillis,
}

/// Why a text is no [`SeriesId`] or [`RoundId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SeriesNameError {
    /// Not the name of a series.
    #[error("{0:?} is no series name: use 1 to 32 characters of A-Z a-z 0-9 / - . _")]
    Series(String),
    /// Not a round.
    #[error("{0:?} is no round: write SERIES@T_MS, such as BTC/USD@1704067200000")]
    Round(String),
}

impl SeriesId {
    /// `BTC/USD`: what is forecast where nobody names another series.
    pub fn btc_usd() -> Self {
        Self("BTC/USD".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Unit {
    /// Whether moves from and to this finite value exist: those of a log price need it positive.
    pub fn admits(self, value: f64) -> bool {
        match self {
            Self::LogPrice => value > 0.0,
            Self::Value => true,
        }
    }

    /// The move from `anchor` to `value`, in bps (log prices) or the series' unit (values), both
    /// [admitted](Self::admits). It is always finite: at most ± 1e100.
    pub fn change(self, anchor: f64, value: f64) -> f64 {
        let change = match self {
            Self::LogPrice => BPS * vmath::log(value / anchor),
            Self::Value => value - anchor,
        };
        change.clamp(-MAX_MOVE, MAX_MOVE)
    }

    /// [`change`](Self::change) to each of many values.
    pub fn changes(self, anchor: f64, values: &[f64]) -> Vec<f64> {
        dispatch(Changes {
            unit: self,
            anchor,
            values,
        })
    }
}

struct Changes<'a> {
    unit: Unit,
    anchor: f64,
    values: &'a [f64],
}

impl Kernel for Changes<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self, _: impl Simd) -> Vec<f64> {
        let mut changes = self.values.to_vec();
        match self.unit {
            Unit::LogPrice => {
                for change in &mut changes {
                    *change /= self.anchor;
                }
                vmath::log_in_place(&mut changes);
                for change in &mut changes {
                    *change = (BPS * *change).clamp(-MAX_MOVE, MAX_MOVE);
                }
            }
            Unit::Value => {
                for change in &mut changes {
                    *change = (*change - self.anchor).clamp(-MAX_MOVE, MAX_MOVE);
                }
            }
        }
        changes
    }
}

impl Grid {
    /// Whether `t` can be an origin.
    pub fn contains(&self, t: UnixMillis) -> bool {
        t.0.rem_euclid(self.step.0) == 0
    }

    /// Span from an origin to its last target.
    pub fn span(&self) -> Millis {
        self.step.times(self.horizon as i64)
    }

    /// The instant of step `i` (1 ..= H) of the round with this origin.
    pub fn target(&self, origin: UnixMillis, i: usize) -> UnixMillis {
        origin + self.step.times(i as i64)
    }
}

impl Series {
    /// The round of this series at `origin`.
    pub fn round(&self, origin: UnixMillis) -> RoundId {
        RoundId {
            series: self.id.clone(),
            origin,
        }
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
            origin: UnixMillis(origin.parse().map_err(|_| bad())?),
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
        assert_eq!(round.origin, UnixMillis(1_704_067_200_000));
        assert_eq!(round.to_string(), "BTC/USD@1704067200000");
        assert!("BTC USD@1".parse::<RoundId>().is_err());
        assert!("BTC/USD".parse::<RoundId>().is_err());
    }

    /// The ratio 1e300/1e-300 and the difference of ± 1e308 are beyond a double.
    #[test]
    fn moves_are_finite_whatever_the_values() {
        assert_eq!(Unit::LogPrice.change(1e-300, 1e300), MAX_MOVE);
        assert_eq!(Unit::LogPrice.change(1e300, 1e-300), -MAX_MOVE);
        assert_eq!(Unit::Value.change(-1e308, 1e308), MAX_MOVE);
        assert_eq!(Unit::Value.change(1.5, -0.5), -2.0);
        assert!(Unit::Value.admits(0.0) && !Unit::LogPrice.admits(0.0));
    }

    #[test]
    fn moves_to_many_values_are_those_to_each() {
        let values = [1e-300, 0.5, 99.0, 100.0, 101.0, 5e4, 1e300];
        for unit in [Unit::LogPrice, Unit::Value] {
            for anchor in [1e-300, 100.0, 1e300] {
                let each = values.map(|value| unit.change(anchor, value));
                assert_eq!(unit.changes(anchor, &values), each);
            }
        }
    }

    #[test]
    fn a_series_is_written_flat_and_a_mistyped_key_is_an_error() {
        let text = r#"{"id":"BTC/USD","step_ms":300000,"horizon":100,"unit":"log_price"}"#;
        let series: Series = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&series).unwrap(), text);
        let mistyped = text.replace("unit", "units");
        let error = serde_json::from_str::<Series>(&mistyped).unwrap_err();
        assert!(error.to_string().contains("units"), "{error}");
    }

    #[test]
    fn targets_follow_the_origin_step_by_step() {
        let grid = Grid {
            step: Millis::minutes(5),
            horizon: 100,
        };
        let origin = UnixMillis(1_704_067_200_000);
        assert!(grid.contains(origin));
        assert!(!grid.contains(origin + Millis(1)));
        assert_eq!(grid.target(origin, 100) - origin, grid.span());
        assert_eq!(grid.span(), Millis::minutes(500));
    }
}
