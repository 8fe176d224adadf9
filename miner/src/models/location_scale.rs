//! From scales and standard quantiles to a forecast's prices.

use foretell_core::forecast::{Forecast, ForecastRejection};
use foretell_core::series::Unit;
use foretell_kernels::vmath::exp_in_place;
use statrs::distribution::{ContinuousCDF, Normal};

/// Digits of a price that are kept: a payload of 100 × 99 values stays below 100 kB.
const SIGNIFICANT_DIGITS: i32 = 8;

/// The distribution of one step: `scale` times a standard one, around `location`.
#[derive(Debug, Clone)]
pub struct LocationScale<Q> {
    /// Move from the last close that the distribution is centred on.
    pub location: f64,
    /// Scale of the move.
    pub scale: f64,
    /// Ascending quantiles of the standard distribution, at levels (2k − 1)/2K.
    pub quantiles: Q,
}

/// The forecast of these rows around the last close.
///
/// Prices are finite, positive where returns are logarithms, and rounded to 8 significant digits; rounding keeps their
/// order.
pub fn build_forecast<Q: AsRef<[f64]>>(
    last: f64,
    unit: Unit,
    k: usize,
    rows: impl Iterator<Item = LocationScale<Q>>,
) -> Result<Forecast, ForecastRejection> {
    let usual = Rounding::for_value(last);
    let mut horizon = 0;
    let mut values = Vec::with_capacity(rows.size_hint().0 * k);
    for row in rows {
        horizon += 1;
        let start = values.len();
        let quantiles = row.quantiles.as_ref().iter();
        values.extend(quantiles.map(|quantile| row.location + row.scale * quantile));
        let row = &mut values[start..];
        apply_returns(last, unit, row);
        if usual.suits_all(row) {
            usual.round_all(row);
        } else {
            let mut rounding = usual;
            for value in &mut *row {
                if !rounding.suits(*value) {
                    rounding = Rounding::for_value(*value);
                }
                *value = rounding.round(*value);
            }
        }
        // Exponentials and roundings keep order but for the last bit of their own arithmetic.
        if !row.is_sorted() {
            let mut before = f64::MIN;
            for value in row {
                before = before.max(*value);
                *value = before;
            }
        }
    }
    Forecast::quantiles(unit, horizon, k, values)
}

/// Standard normal quantiles at levels (2k − 1)/2K.
pub fn normal_quantiles(k: usize) -> Vec<f64> {
    let normal = Normal::standard();
    symmetric_quantiles(k, |level| normal.inverse_cdf(level))
}

/// Quantiles at levels (2k − 1)/2K of a distribution symmetric about 0, from its inverse above ½.
pub fn symmetric_quantiles(k: usize, inverse: impl Fn(f64) -> f64) -> Vec<f64> {
    let level = |index: usize| (2 * index + 1) as f64 / (2 * k) as f64;
    let upper: Vec<f64> = (k.div_ceil(2)..k)
        .map(|index| inverse(level(index)))
        .collect();
    let lower = upper.iter().rev().map(|quantile| -quantile);
    let middle = (k % 2 == 1).then_some(0.0);
    lower.chain(middle).chain(upper.iter().copied()).collect()
}

/// Turns each move from the last close into the value that it leads to, kept within the range of doubles.
fn apply_returns(last: f64, unit: Unit, returns: &mut [f64]) {
    match unit {
        Unit::LogPrice => {
            exp_in_place(returns);
            for value in returns {
                *value = (last * *value).clamp(f64::MIN_POSITIVE, f64::MAX);
            }
        }
        Unit::Value => {
            for value in returns {
                *value = (last + *value).clamp(f64::MIN, f64::MAX);
            }
        }
    }
}

/// Rounding to [`SIGNIFICANT_DIGITS`] significant digits of values of about one size.
#[derive(Debug, Clone, Copy)]
struct Rounding {
    /// Sizes that it suits.
    from: f64,
    to: f64,
    power: f64,
    decimals: bool,
}

impl Rounding {
    /// The rounding of values of this one's size; none where a double's range doesn't allow it.
    fn for_value(value: f64) -> Self {
        let magnitude = value.abs().log10().floor();
        let decimals = if magnitude.is_finite() {
            SIGNIFICANT_DIGITS - 1 - magnitude as i32
        } else {
            i32::MAX
        };
        let from = 10_f64.powf(magnitude);
        Self {
            from,
            to: 10.0 * from,
            // Powers of ten up to 22 are exact doubles, their inverses aren't.
            power: 10_f64.powi(decimals.saturating_abs()),
            decimals: decimals >= 0,
        }
    }

    /// Whether the value has this size.
    fn suits(&self, value: f64) -> bool {
        (self.from..self.to).contains(&value.abs())
    }

    /// Whether all of these ascending values have this size, and one sign.
    fn suits_all(&self, row: &[f64]) -> bool {
        match (row.first(), row.last()) {
            (Some(low), Some(high)) => {
                self.suits(*low) && self.suits(*high) && low.signum() == high.signum()
            }
            _ => false,
        }
    }

    /// [`round`](Self::round) of values that this [suits](Self::suits_all), several at once.
    fn round_all(&self, row: &mut [f64]) {
        // Values of this size have eight digits before the point then, and what they become is finite.
        match (self.decimals, self.power.is_finite()) {
            (true, true) => {
                for value in row {
                    *value = nearest_of_eight_digits(*value * self.power) / self.power;
                }
            }
            (false, true) => {
                for value in row {
                    *value = nearest_of_eight_digits(*value / self.power) * self.power;
                }
            }
            (_, false) => {
                for value in row {
                    *value = self.round(*value);
                }
            }
        }
    }

    fn round(&self, value: f64) -> f64 {
        let rounded = if self.decimals {
            nearest(value * self.power) / self.power
        } else {
            nearest(value / self.power) * self.power
        };
        if rounded.is_finite() { rounded } else { value }
    }
}

/// The nearest whole number, halves away from zero.
fn nearest(value: f64) -> f64 {
    if (1e7..1e9).contains(&value.abs()) {
        nearest_of_eight_digits(value)
    } else {
        value.round()
    }
}

/// The same of a number with eight digits before the point, by sums alone.
fn nearest_of_eight_digits(value: f64) -> f64 {
    /// Doubles of this size are whole: adding it rounds to a neighbour, taking it away is exact.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    // Half of one is exact beside eight digits.
    let above = value.abs() + 0.5;
    let near = (above + WHOLE) - WHOLE;
    let down = if near > above { near - 1.0 } else { near };
    down.copysign(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(value: f64) -> f64 {
        Rounding::for_value(value).round(value)
    }

    #[test]
    fn prices_keep_eight_digits() {
        assert_eq!(rounded(42_397.234_567), 42_397.235);
        assert_eq!(rounded(0.000_000_012_345_678_9), 0.000_000_012_345_679);
        assert_eq!(rounded(1.234_567_891e12), 1.234_567_9e12);
        assert_eq!(rounded(-99.999_999_99), -100.0);
        assert_eq!(rounded(0.0), 0.0);
        assert_eq!(rounded(f64::MIN_POSITIVE), f64::MIN_POSITIVE);
    }

    #[test]
    fn normal_quantiles_stand_at_their_levels() {
        // Φ⁻¹(1/6) = −0.9674216.
        let quantiles = normal_quantiles(3);
        assert!((quantiles[0] + 0.967_421_6).abs() < 1e-7);
        assert_eq!(quantiles[1], 0.0);
        assert_eq!(quantiles[2], -quantiles[0]);
        assert_eq!(normal_quantiles(1), [0.0]);
        assert!(normal_quantiles(0).is_empty());
        assert!(normal_quantiles(1000).is_sorted());
    }

    #[test]
    fn the_widest_fan_is_still_a_forecast() {
        let quantiles = [-1e4, 0.0, 1e4];
        let row = LocationScale {
            location: 0.0,
            scale: 1e300,
            quantiles,
        };
        for unit in [Unit::LogPrice, Unit::Value] {
            let forecast = build_forecast(100.0, unit, 3, [row.clone()].into_iter()).unwrap();
            assert_eq!(forecast.row(0)[1], 100.0);
        }
    }

    proptest! {
        #[test]
        fn the_nearest_whole_number_is_the_rounded_one(whole in 1e7_f64..1e9, halves in -4_i32..4) {
            let near_a_half = (whole.floor() + 0.5) + f64::from(halves) * 2.0 * f64::EPSILON * whole;
            for value in [whole, near_a_half, -near_a_half] {
                prop_assert_eq!(nearest(value), value.round());
            }
        }

        #[test]
        fn rounding_keeps_order_and_size(a in -1e14_f64..1e14, ratio in 1.0_f64..1.000_001) {
            let b = a * ratio;
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(rounded(low) <= rounded(high));
            prop_assert!((rounded(a) - a).abs() <= 1e-7 * a.abs());
        }

        #[test]
        fn every_value_of_a_fan_keeps_eight_digits(last in -10.0_f64..10.0, scale in 0.0_f64..10.0) {
            let quantiles = normal_quantiles(9);
            let rows = [LocationScale { location: 0.0, scale, quantiles: &quantiles }];
            let fan = build_forecast(last, Unit::Value, 9, rows.into_iter()).unwrap();
            for (value, quantile) in fan.row(0).iter().zip(&quantiles) {
                let exact = last + scale * quantile;
                prop_assert!((value - exact).abs() <= 1e-7 * exact.abs(), "{value} {exact}");
            }
        }

        #[test]
        fn a_fan_around_any_price_is_a_forecast(
            last in prop::num::f64::POSITIVE | prop::num::f64::NORMAL,
            scale in 0.0_f64..10.0,
            k in 1_usize..50,
        ) {
            let quantiles = normal_quantiles(k);
            let rows = [LocationScale { location: 0.0, scale, quantiles: &quantiles }];
            prop_assert!(build_forecast(last, Unit::LogPrice, k, rows.iter().cloned()).is_ok());
            prop_assert!(build_forecast(-last, Unit::Value, k, rows.iter().cloned()).is_ok());
        }
    }
}
