//! What is forecast: a series, its grid, and the rounds on it.

mod names;
mod unit;

pub use names::{RoundId, SeriesId, SeriesNameError};
pub(crate) use unit::MAX_MOVE;
pub use unit::Unit;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::{Millis, UnixMillis, deserialize_step};

/// No series that is read has a longer horizon: what is allocated for it stays bounded.
const MAX_HORIZON: usize = 100_000;
/// Nor does it look further ahead.
const LONGEST_FORECAST: Millis = Millis::days(36_525);

/// The error of a horizon of too many steps, or of more than a century.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a horizon of {horizon} steps of {step}: use 1 to {MAX_HORIZON} steps, of a century at most in all"
)]
pub struct HorizonError {
    step: Millis,
    horizon: usize,
}

/// A series to forecast, written as `{id, step_ms, horizon, unit}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SeriesFields", into = "SeriesFields")]
pub struct Series {
    /// The name, unique in a subnet.
    pub id: SeriesId,
    /// Step and horizon of its forecasts.
    pub grid: Grid,
    /// How moves from the anchor are measured.
    pub unit: Unit,
}

/// The instants of a series' rounds: origins on multiples of `step`, targets up to `horizon` steps on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grid {
    /// Time from one forecast close to the next; above zero.
    #[serde(deserialize_with = "deserialize_step")]
    pub step: Millis,
    /// H, the number of closes that a forecast holds.
    pub horizon: usize,
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

impl Grid {
    /// Whether `t` is a multiple of the step, as origins are.
    pub fn contains(&self, t: UnixMillis) -> bool {
        t.past_step(self.step) == Millis::ZERO
    }

    /// Time from an origin to its last target, H·step.
    pub fn span(&self) -> Millis {
        self.step.times(self.horizon as i64)
    }

    /// The instant of step `i` (1 ..= H) of the round with this origin.
    pub fn target(&self, origin: UnixMillis, i: usize) -> UnixMillis {
        origin + self.step.times(i as i64)
    }
}

/// A series on file and on the wire: flat, and without room for a mistyped key.
#[derive(Serialize, Deserialize)]
#[serde(rename = "series", deny_unknown_fields)]
struct SeriesFields {
    id: SeriesId,
    #[serde(deserialize_with = "deserialize_step")]
    step_ms: Millis,
    horizon: usize,
    #[serde(default)]
    unit: Unit,
}

impl TryFrom<SeriesFields> for Series {
    type Error = HorizonError;

    fn try_from(fields: SeriesFields) -> Result<Self, HorizonError> {
        let (step, horizon) = (fields.step_ms, fields.horizon);
        let grid = Grid { step, horizon };
        // Configurations have narrower limits of their own, and say which key is meant.
        if horizon > MAX_HORIZON || grid.span() > LONGEST_FORECAST {
            return Err(HorizonError { step, horizon });
        }
        Ok(Self {
            id: fields.id,
            grid,
            unit: fields.unit,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MONDAY, btc_usd};

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
    fn a_step_or_horizon_that_leads_nowhere_is_refused() {
        let read = |step: i64, horizon: u64| {
            let text = format!(
                r#"{{"id":"BTC/USD","step_ms":{step},"horizon":{horizon},"unit":"log_price"}}"#
            );
            serde_json::from_str::<Series>(&text).map_err(|error| error.to_string())
        };
        assert_eq!(read(300_000, 100).unwrap(), btc_usd(100));
        for step in [0, -1, i64::MIN, i64::MAX] {
            let error = read(step, 100).unwrap_err();
            assert!(
                error.contains("write") && error.contains(&step.to_string()),
                "{error}"
            );
        }
        for (step, horizon) in [(1, 100_001), (300_000, u64::MAX), (86_400_000, 40_000)] {
            let error = read(step, horizon).unwrap_err();
            assert!(error.contains("use 1 to 100000 steps"), "{error}");
        }
        let grid = r#"{"step":0,"horizon":1}"#;
        assert!(serde_json::from_str::<Grid>(grid).is_err());
    }

    #[test]
    fn targets_follow_the_origin_step_by_step() {
        let grid = btc_usd(100).grid;
        let origin = MONDAY;
        assert!(grid.contains(origin));
        assert!(!grid.contains(origin + Millis::literal(1)));
        assert_eq!(grid.target(origin, 100) - origin, grid.span());
        assert_eq!(grid.span(), Millis::minutes(500));
    }
}
