//! How far a forecast is off the closes, in USD.

use foretell_core::forecast::Forecast;
use foretell_core::price::Price;
use foretell_core::settle::Settlement;

use super::config::TaoshiConfig;
use super::numpy;
use super::refusal::TaoshiRefusal;

/// The weighted RMSE of forecasts of one horizon.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastErrors {
    /// Weights of the steps and their sum.
    weights: Vec<f64>,
    total: f64,
}

impl ForecastErrors {
    /// Errors with the weights that `config` gives steps 0 .. `horizon`.
    pub fn new(config: &TaoshiConfig, horizon: usize) -> Self {
        let weights = config.step_weights(horizon);
        Self {
            total: numpy::sum(&weights),
            weights,
        }
    }

    /// The weighted RMSE of a forecast in USD, √(Σ wᵢ·(pᵢ − aᵢ)² / Σ wᵢ); p is the mean of its K values at a step.
    pub fn weighted_rmse(&self, forecast: &Forecast, closes: &[f64]) -> f64 {
        self.root(self.squares(forecast, closes))
    }

    /// Number of steps that have weights.
    pub(super) fn horizon(&self) -> usize {
        self.weights.len()
    }

    /// Σ wᵢ·(pᵢ − aᵢ)² of a forecast.
    pub(super) fn squares(&self, forecast: &Forecast, closes: &[f64]) -> f64 {
        if forecast.k() == 1 {
            weighted_squares(forecast.values(), closes, &self.weights)
        } else {
            let points: Vec<f64> = step_means(forecast).collect();
            weighted_squares(&points, closes, &self.weights)
        }
    }

    /// The weighted RMSE of which this is the sum of [`squares`](Self::squares).
    pub(super) fn root(&self, squares: f64) -> f64 {
        f64::sqrt(squares / self.total)
    }
}

/// All realised closes; a refusal if one is a gap or there are fewer than two.
pub fn closes(settlement: &Settlement) -> Result<Vec<f64>, TaoshiRefusal> {
    let closes = settlement.closes.iter();
    let closes: Option<Vec<f64>> = closes.map(|close| close.map(Price::get)).collect();
    let closes = closes.ok_or(TaoshiRefusal::Gap)?;
    if closes.len() < 2 {
        return Err(TaoshiRefusal::TooShort);
    }
    Ok(closes)
}

/// Σ wᵢ·(pᵢ − aᵢ)², points against closes; all three slices have one length.
fn weighted_squares(points: &[f64], closes: &[f64], weights: &[f64]) -> f64 {
    numpy::sum_of([points, closes, weights], |[point, close, weight]| {
        let error = point - close;
        weight * (error * error)
    })
}

/// The point of a forecast at each step: the mean of its K values.
fn step_means(forecast: &Forecast) -> impl Iterator<Item = f64> {
    let k = forecast.k();
    forecast
        .values()
        .chunks_exact(k)
        .map(move |row| row.iter().sum::<f64>() / k as f64)
}

#[cfg(test)]
mod tests {
    use foretell_core::series::Unit;

    use super::*;

    /// Written from the published rule, with Python's own arithmetic.
    #[test]
    fn the_weighted_rmse_of_a_constant_error_is_that_error() {
        let config = TaoshiConfig::default();
        let points: Vec<f64> = (0..100).map(f64::from).collect();
        let closes: Vec<f64> = points.iter().map(|p| p - 0.05).collect();
        let forecast = Forecast::quantiles(Unit::Value, 100, 1, points).unwrap();
        let rmse = ForecastErrors::new(&config, 100).weighted_rmse(&forecast, &closes);
        assert_eq!(rmse, 0.049_999_999_999_998_29);
    }
}
