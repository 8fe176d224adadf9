//! What is forecast: a series, its grid, and the rounds on it.

mod names;
mod unit;

pub use names::{RoundId, SeriesId, SeriesNameError};
pub(crate) use unit::MAX_MOVE;
pub use unit::Unit;

use serde::{Deserialize, Serialize};

use crate::time::{Millis, UnixMillis};

/// A series to forecast, written as `{id, step_ms, horizon, unit}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SeriesFields", into = "SeriesFields")]
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
    fn targets_follow_the_origin_step_by_step() {
        let grid = btc_usd(100).grid;
        let origin = MONDAY;
        assert!(grid.contains(origin));
        assert!(!grid.contains(origin + Millis::literal(1)));
        assert_eq!(grid.target(origin, 100) - origin, grid.span());
        assert_eq!(grid.span(), Millis::minutes(500));
    }
}
