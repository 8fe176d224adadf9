//! `gaussian`: no drift, the volatility of the trailing week, spreading with the square root of time.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use super::spread::{self, Row};
use super::{Fitted, Model, ModelError, last_close, same_step};
use crate::history::History;
use crate::moves::{Moves, steps_in, variance_floor};

/// Span whose returns give the volatility.
const WINDOW: Millis = Millis::days(7);
/// Fewer returns than this say nothing about volatility.
const FEWEST_RETURNS: usize = 12;

/// A Gaussian random walk: the yardstick that a model of volatility has to beat.
#[derive(Debug, Clone, Copy)]
pub struct Gaussian;

/// Nothing but the grid.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Fit {
    grid: Grid,
}

impl Model for Gaussian {
    type Fitted = Fit;

    fn name(&self) -> &str {
        "gaussian"
    }

    fn fit(&self, history: &History, grid: &Grid, _: u64) -> Result<Fit, ModelError> {
        same_step(history, grid)?;
        trailing_variance(history)?;
        Ok(Fit { grid: *grid })
    }
}

impl Fitted for Fit {
    fn forecast(&self, history: &History, k: usize) -> Result<Forecast, ModelError> {
        same_step(history, &self.grid)?;
        let last = last_close(history)?;
        let variance = trailing_variance(history)?;
        let quantiles = spread::normal_quantiles(k);
        let rows = (1..=self.grid.horizon).map(|step| Row {
            centre: 0.0,
            scale: (variance * step as f64).sqrt(),
            quantiles: &quantiles,
        });
        Ok(spread::around(last, history.unit(), k, rows)?)
    }
}

/// Mean squared return of the window, per step and not below the floor.
fn trailing_variance(history: &History) -> Result<f64, ModelError> {
    let window = steps_in(WINDOW, history.step()).max(FEWEST_RETURNS);
    let moves = Moves::last(history, window);
    if moves.len() < FEWEST_RETURNS {
        return Err(ModelError::TooLittleHistory {
            have: moves.len(),
            need: FEWEST_RETURNS,
        });
    }
    let mean = moves.squared.iter().sum::<f64>() / moves.len() as f64;
    Ok(mean.max(variance_floor(history.unit(), last_close(history)?)))
}

#[cfg(test)]
mod tests {
    use foretell_core::bar::Bar;
    use foretell_core::price::Price;
    use foretell_core::series::Unit;
    use foretell_core::time::UnixMillis;

    use super::*;

    const STEP: Millis = Millis::minutes(5);

    fn history(values: &[f64]) -> History {
        let mut history = History::new(STEP, Unit::Value);
        let bars = values.iter().zip(0..).map(|(value, index)| {
            Bar::of_value(UnixMillis(STEP.times(index).0), Price::new(*value).unwrap())
        });
        history.extend(bars).unwrap();
        history
    }

    #[test]
    fn the_fan_spreads_with_the_square_root_of_time() {
        // Twelve moves of ±2: σ = 2. K = 2 has levels ¼ and ¾, ±0.6744898 σ·√i.
        let values: Vec<f64> = (0..13).map(|i| f64::from(i % 2) * 2.0).collect();
        let history = history(&values);
        let grid = Grid {
            step: STEP,
            horizon: 4,
        };
        let forecast = Gaussian
            .fit(&history, &grid, 0)
            .unwrap()
            .forecast(&history, 2)
            .unwrap();
        assert_eq!(forecast.row(0), [-1.348_979_5, 1.348_979_5]);
        assert_eq!(forecast.row(3), [-2.697_959, 2.697_959]);
    }

    #[test]
    fn twelve_returns_are_needed() {
        let grid = Grid {
            step: STEP,
            horizon: 4,
        };
        let error = Gaussian.fit(&history(&[1.0; 12]), &grid, 0).err();
        assert_eq!(
            error,
            Some(ModelError::TooLittleHistory { have: 11, need: 12 })
        );
    }
}
