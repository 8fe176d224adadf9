//! Policy `taoshi`: the first generation's rule, as it last stood in March 2024.
//!
//! Per round: the [weighted RMSE](ForecastErrors) in USD; [shares] by min-max, twice; an EMA of shares, weighted by
//! how [volatile](TaoshiConfig::volatility_percentile) the window was. Over miners: a [floor and a
//! power](TaoshiConfig::final_scaled) that leave most of the payout to a few. Sums are taken in the order in which
//! numpy takes them, so results agree to the last digit.
//!
//! Known weaknesses (tests: `policy/weaknesses.rs`):
//! - min-max is relative to the worst of the round: one absurd forecast gives everybody else the same share;
//! - a forecast whose square overflows makes every weight NaN, and the round is lost for all;
//! - RMSE of prices can't be beaten by skill in eight hours, so it ranks luck;
//! - k copies of a forecast have k shares;
//! - the unit is USD: when the price doubles, so do all errors.

mod numpy;
mod percentiles;
mod policy;

pub use policy::{ForecastErrors, TaoshiPolicy, TaoshiRoundDetail, closes};

use thiserror::Error;

use self::numpy::{mean, population_deviation};
use self::percentiles::PERCENTILES;
use foretell_kernels::sort::sort_rows;

/// The rule's numbers.
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

/// Why a round counts for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TaoshiRefusal {
    /// A price of the window isn't known.
    #[error("a step has no settled price")]
    Gap,
    /// A window of one close has no deviation.
    #[error("fewer than two closes")]
    TooShort,
    /// Nobody to compare with.
    #[error("fewer than two responses")]
    TooFewResponses,
    /// A share or an average came out as NaN.
    #[error("a score is not a number: a forecast overflows")]
    NotANumber,
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
    /// Weights of steps 0 .. `horizon`.
    pub fn step_weights(&self, horizon: usize) -> Vec<f64> {
        (0..horizon)
            .map(|i| libm::exp(-self.step_decay * i as f64))
            .collect()
    }

    /// g = √(pct(highest/lowest)·pct(σ)) of realised closes, σ their population standard deviation in USD.
    pub fn volatility_percentile(&self, closes: &[f64]) -> f64 {
        let highest = closes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lowest = closes.iter().copied().fold(f64::INFINITY, f64::min);
        let of = |value: f64, bound: fn(&(f64, f64)) -> f64| {
            let row = self.percentiles.iter().position(|row| value < bound(row));
            row.map_or(1.0, |i| (i + 1) as f64 / 100.0)
        };
        let ratio = of(highest / lowest, |row| row.0);
        let deviation = of(population_deviation(closes), |row| row.1);
        f64::sqrt(ratio * deviation)
    }

    /// The next value of the average at `current`.
    fn ema(&self, current: f64, previous: f64) -> f64 {
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

/// Σ wᵢ·(pᵢ − aᵢ)², points against closes; all three slices have one length.
fn weighted_squares(points: &[f64], closes: &[f64], weights: &[f64]) -> f64 {
    numpy::sum_of([points, closes, weights], |[point, close, weight]| {
        let error = point - close;
        weight * (error * error)
    })
}

/// Shares of these scores (lower is better), in the order given.
///
/// Equal scores (no variance): 1/n each. Otherwise scaled = 1 − (s − min)/(max − min); a single one has all;
/// more are scaled again by min-max, divided by their sum in descending order, and rounded to 4 decimals (half
/// to even). The worst of a round has 0. NaN where a score is not finite.
pub fn shares(scores: &[f64]) -> Vec<f64> {
    let n = scores.len();
    let (lowest, highest) = extremes(scores);
    if n == 1 {
        return vec![1.0];
    }
    if lowest == highest || population_deviation(scores) == 0.0 {
        return vec![1.0 / n as f64; n];
    }
    if !scores.iter().all(|s| s.is_finite()) {
        return vec![f64::NAN; n];
    }
    let scaled: Vec<f64> = scores
        .iter()
        .map(|s| 1.0 - (s - lowest) / (highest - lowest))
        .collect();
    let (lowest, highest) = extremes(&scaled);
    let again: Vec<f64> = scaled
        .iter()
        .map(|s| (s - lowest) / (highest - lowest))
        .collect();
    let mut ascending = again.clone();
    sort_rows(n, &mut ascending);
    let total: f64 = ascending.iter().rev().sum();
    again.iter().map(|s| to_4_decimals(s / total)).collect()
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (lowest, highest)
}

/// The double nearest to the value's decimal expansion rounded to 4 places; its exact ties go to even.
///
/// Text is the definition, and slow. Where the product is far enough from halfway that its own rounding can't matter, the
/// nearest integer is the text's digits, and one division makes the double that they read as.
fn to_4_decimals(value: f64) -> f64 {
    const FAR: f64 = 1e-6;
    let scaled = value * 1e4;
    let nearest = scaled.round_ties_even();
    if (0.0..1e6).contains(&scaled) && (scaled - nearest).abs() < 0.5 - FAR {
        nearest / 1e4
    } else {
        format!("{value:.4}").parse().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use foretell_core::forecast::Forecast;
    use foretell_core::series::Unit;

    /// Written from the published rule, with Python's own arithmetic.
    #[test]
    fn the_weighted_rmse_of_a_constant_error_is_that_error() {
        let config = TaoshiConfig::default();
        let points: Vec<f64> = (0..100).map(f64::from).collect();
        let closes: Vec<f64> = points.iter().map(|p| p - 0.05).collect();
        let forecast = Forecast::quantiles(Unit::Value, 100, 1, points).unwrap();
        let rmse = ForecastErrors::new(&config, 100).of(&forecast, &closes);
        assert_eq!(rmse, 0.049_999_999_999_998_29);
    }

    #[test]
    fn the_best_and_the_worst_of_three() {
        // 1, 2, 4 → 1, ⅔, 0 → over their sum 5/3.
        assert_eq!(shares(&[1.0, 2.0, 4.0]), [0.6, 0.4, 0.0]);
        assert_eq!(shares(&[4.0, 1.0, 2.0]), [0.0, 0.6, 0.4]);
    }

    #[test]
    fn equal_scores_share_alike_and_one_has_all() {
        assert_eq!(shares(&[0.1; 3]), [1.0 / 3.0; 3]);
        assert_eq!(shares(&[7.0]), [1.0]);
    }

    #[test]
    fn infinity_spoils_all() {
        assert!(
            shares(&[1.0, 2.0, f64::INFINITY])
                .iter()
                .all(|s| s.is_nan())
        );
    }

    #[test]
    fn rounding_goes_to_even_only_in_exact_ties() {
        // 1/32 and 3/32 are exact ties at the fourth decimal; 0.00005 as a double lies above.
        assert_eq!(to_4_decimals(0.03125), 0.0312);
        assert_eq!(to_4_decimals(0.09375), 0.0938);
        assert_eq!(to_4_decimals(0.00005), 0.0001);
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_the_text(value in 0.0..1.0f64, tie in 0u32..20_000, ulps in -3i32..=3) {
            let mut near = (f64::from(tie) + 0.5) / 1e4;
            for _ in 0..ulps.abs() {
                near = if ulps < 0 { near.next_down() } else { near.next_up() };
            }
            for value in [value, near, f64::from(tie) / 1e4] {
                prop_assert_eq!(to_4_decimals(value), format!("{value:.4}").parse::<f64>().unwrap());
            }
        }
    }

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
        // Nobody is above a mean that all are at; one alone above the floor has nobody to be scaled against.
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
