//! From scales and standard quantiles to a forecast's prices.

use foretell_core::forecast::{Forecast, ForecastRejection};
use foretell_core::series::Unit;
use foretell_kernels::vmath::exp_in_place;
use statrs::distribution::{ContinuousCDF, Normal};

use super::rounding::Rounding;

/// The distribution of one step: `scale` times a standard one, around `location`.
#[derive(Debug, Clone)]
pub struct LocationScale<Q> {
    /// Move from the last close that the distribution is centred on.
    pub location: f64,
    /// Scale of the move: what standard quantiles are multiplied by.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
