//! `gaussian`: no drift, the volatility of the trailing week, spreading with the square root of time.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use super::location_scale::{self, LocationScale};
use super::model::{FittedModel, Model, ModelError, check_step, last_close};
use crate::price_history::PriceHistory;
use crate::returns::{steps_in, variance_floor};

/// Span whose returns give the volatility.
const WINDOW: Millis = Millis::days(7);
/// Fewest returns to estimate volatility from.
const MIN_RETURNS: usize = 12;

/// A Gaussian random walk: the baseline that a model of volatility has to beat.
#[derive(Debug, Clone, Copy)]
pub struct Gaussian;

/// Nothing is learnt: volatility is that of each forecast's own history.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FittedGaussian {
    grid: Grid,
}

impl Model for Gaussian {
    type Fitted = FittedGaussian;

    fn name(&self) -> &str {
        "gaussian"
    }

    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        _: u64,
    ) -> Result<FittedGaussian, ModelError> {
        check_step(history, grid)?;
        trailing_variance(history)?;
        Ok(FittedGaussian { grid: *grid })
    }
}

impl FittedModel for FittedGaussian {
    fn forecast(&self, history: &PriceHistory, k: usize) -> Result<Forecast, ModelError> {
        check_step(history, &self.grid)?;
        let last = last_close(history)?;
        let variance = trailing_variance(history)?;
        let quantiles = location_scale::normal_quantiles(k);
        let rows = (1..=self.grid.horizon).map(|step| LocationScale {
            location: 0.0,
            scale: (variance * step as f64).sqrt(),
            quantiles: &quantiles,
        });
        Ok(location_scale::build_forecast(
            last,
            history.unit(),
            k,
            rows,
        )?)
    }
}

/// Mean squared return of the window, per step and not below the floor.
fn trailing_variance(history: &PriceHistory) -> Result<f64, ModelError> {
    let window = steps_in(WINDOW, history.step()).max(MIN_RETURNS);
    let returns = history.newest_returns(window);
    if returns.len() < MIN_RETURNS {
        return Err(ModelError::TooLittleHistory {
            have: returns.len(),
            need: MIN_RETURNS,
        });
    }
    let mean = returns.squared.iter().sum::<f64>() / returns.len() as f64;
    Ok(mean.max(variance_floor(history.unit(), last_close(history)?)))
}

#[cfg(test)]
mod tests {
    use foretell_core::series::Unit;
    use foretell_core::testing::{STEP, bars};
    use foretell_core::time::UnixMillis;

    use super::*;

    fn history(values: impl IntoIterator<Item = f64>) -> PriceHistory {
        let mut history = PriceHistory::new(STEP, Unit::Value);
        history.extend(bars(UnixMillis::EPOCH, values)).unwrap();
        history
    }

    #[test]
    fn the_fan_spreads_with_the_square_root_of_time() {
        // Twelve returns of ±2: σ = 2. K = 2 has levels ¼ and ¾, ±0.6744898 σ·√i.
        let history = history((0..13).map(|i| f64::from(i % 2) * 2.0));
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
        let error = Gaussian.fit(&history([1.0; 12]), &grid, 0).err();
        assert_eq!(
            error,
            Some(ModelError::TooLittleHistory { have: 11, need: 12 })
        );
    }
}
