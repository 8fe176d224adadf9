//! The constants of the rule, and the functions that depend on them alone.

use super::numpy::{mean, population_deviation};
use super::percentiles::PERCENTILES;

/// The constants of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaoshiConfig {
    /// Step i (from 0) of a forecast weighs exp(−this·i).
    pub step_decay: f64,
    /// Length of the moving average: α = 2/(length + 1).
    pub ema_length: f64,
    /// Miners must be above mean − this × standard deviation.
    pub floor_deviations: f64,
    /// λ of the Yeo-Johnson power.
    pub lambda: f64,
    /// Upper bounds of percentiles 1, 2, …: highest over lowest close, standard deviation in USD.
    pub percentiles: &'static [(f64, f64)],
}

impl Default for TaoshiConfig {
    fn default() -> Self {
        Self {
            step_decay: 0.001,
            ema_length: 48.0,
            floor_deviations: 1.5,
            lambda: 2000.0,
            percentiles: &PERCENTILES,
        }
    }
}

impl TaoshiConfig {
    /// Weights exp(−`step_decay`·i) of steps 0 .. `horizon`.
    pub fn step_weights(&self, horizon: usize) -> Vec<f64> {
        (0..horizon)
            .map(|i| libm::exp(-self.step_decay * i as f64))
            .collect()
    }

    /// g = √(pct(highest/lowest)·pct(σ)) of realised closes, σ their population standard deviation in USD.
    pub fn volatility_percentile(&self, closes: &[f64]) -> f64 {
        let highest = closes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lowest = closes.iter().copied().fold(f64::INFINITY, f64::min);
        let percentile = |value: f64, bound: fn(&(f64, f64)) -> f64| {
            let row = self.percentiles.iter().position(|row| value < bound(row));
            row.map_or(1.0, |i| (i + 1) as f64 / 100.0)
        };
        let ratio = percentile(highest / lowest, |row| row.0);
        let deviation = percentile(population_deviation(closes), |row| row.1);
        f64::sqrt(ratio * deviation)
    }

    /// The moving average after `current`, which was `previous` before.
    pub(super) fn ema(&self, current: f64, previous: f64) -> f64 {
        let alpha = 2.0 / (self.ema_length + 1.0);
        alpha * current + (1.0 - alpha) * previous
    }

    /// From averages to final values: those above max(0, mean − 1.5 σ) as ((1 + v)^λ − 1)/λ (Yeo & Johnson 2000),
    /// min-max scaled to [0, 1]; all 0 if equal. `None` for those at or below the floor.
    pub fn final_scaled(&self, averages: &[f64]) -> Vec<Option<f64>> {
        let floor = mean(averages) - self.floor_deviations * population_deviation(averages);
        let floor = floor.max(0.0);
        let powers: Vec<Option<f64>> = averages
            .iter()
            .map(|v| (*v > floor).then(|| (libm::pow(1.0 + v, self.lambda) - 1.0) / self.lambda))
            .collect();
        let kept = || powers.iter().flatten().copied();
        let lowest = kept().fold(f64::INFINITY, f64::min);
        let highest = kept().fold(f64::NEG_INFINITY, f64::max);
        let scaled = |v: f64| {
            if highest > lowest {
                (v - lowest) / (highest - lowest)
            } else {
                0.0
            }
        };
        powers.into_iter().map(|v| v.map(scaled)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatility_is_ranked_by_the_tables() {
        let config = TaoshiConfig::default();
        let g = config.volatility_percentile(&[30_000.0, 30_100.0, 30_150.0, 30_200.0]);
        assert_eq!(g, 0.112_249_721_603_218_24);
        assert_eq!(config.volatility_percentile(&[1.0, 1e6]), 1.0);
    }

    #[test]
    fn the_floor_drops_and_the_power_spreads() {
        let config = TaoshiConfig::default();
        // Equal averages are at the mean, not above it; a single one above the floor is scaled to 0.
        assert_eq!(config.final_scaled(&[0.25; 4]), [None; 4]);
        assert_eq!(config.final_scaled(&[0.0, 0.5]), [None, Some(0.0)]);
        let scaled = config.final_scaled(&[0.0, 0.001, 0.002]);
        assert_eq!(scaled[0], None);
        assert_eq!((scaled[1], scaled[2]), (Some(0.0), Some(1.0)));
        let three = config.final_scaled(&[0.001, 0.0015, 0.002]);
        let middle = three[1].unwrap();
        let power = |v: f64| (1.0 + v).powf(2000.0);
        let expected = (power(0.0015) - power(0.001)) / (power(0.002) - power(0.001));
        assert!((middle - expected).abs() < 1e-9);
    }
}
