//! A forecast as a miner sends it: a matrix of prices, H steps by K values.

use foretell_kernels::simd::{Kernel, Simd, dispatch};
use foretell_kernels::sort::is_ascending;
use serde::{Deserialize, Serialize};

use super::rejection::{ForecastRejection, MAX_K};
use crate::series::Unit;

/// How the K values of a step are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForecastKind {
    /// Non-decreasing values at levels (2k − 1)/2K. A point forecast is K = 1.
    Quantiles,
    /// Column k is one simulated path.
    Paths,
}

/// A valid forecast: finite, positive where moves are logarithms, quantiles in order, H × K.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    kind: ForecastKind,
    horizon: usize,
    k: usize,
    values: Vec<f64>,
}

impl Forecast {
    /// A forecast of `kind` from H·K step-major values.
    pub fn new(
        kind: ForecastKind,
        unit: Unit,
        horizon: usize,
        k: usize,
        values: Vec<f64>,
    ) -> Result<Self, ForecastRejection> {
        if !(1..=MAX_K).contains(&k) {
            return Err(ForecastRejection::K { k });
        }
        if values.len() != horizon * k {
            return Err(ForecastRejection::Shape {
                expected: horizon * k,
                found: values.len(),
            });
        }
        if !is_valid(kind, unit, k, &values) {
            for (row, step) in values.chunks_exact(k).zip(1..) {
                check_row(kind, unit, row, step)?;
            }
        }
        Ok(Self {
            kind,
            horizon,
            k,
            values,
        })
    }

    /// A forecast of quantiles from H·K step-major values, each row at levels (2k − 1)/2K.
    pub fn quantiles(
        unit: Unit,
        horizon: usize,
        k: usize,
        values: Vec<f64>,
    ) -> Result<Self, ForecastRejection> {
        Self::new(ForecastKind::Quantiles, unit, horizon, k, values)
    }

    /// Whether its values are quantiles or paths.
    pub const fn kind(&self) -> ForecastKind {
        self.kind
    }

    /// H, the number of steps.
    pub const fn horizon(&self) -> usize {
        self.horizon
    }

    /// K, the number of values at each step.
    pub const fn k(&self) -> usize {
        self.k
    }

    /// The K values of step `i` (from 0), in the order in which they were sent; empty beyond the horizon.
    pub fn row(&self, i: usize) -> &[f64] {
        self.values.chunks_exact(self.k).nth(i).unwrap_or(&[])
    }

    /// All H·K values, step-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// Whether [`check_row`] finds no fault in any row, without a look at one value before the other: several at once.
fn is_valid(kind: ForecastKind, unit: Unit, k: usize, values: &[f64]) -> bool {
    let lowest = match unit {
        // The smallest above zero.
        Unit::LogPrice => f64::from_bits(1),
        Unit::Value => f64::MIN,
    };
    dispatch(AllWithin { lowest, values })
        && (kind == ForecastKind::Paths || k == 1 || values.chunks_exact(k).all(is_ascending))
}

/// Whether all values are numbers from `lowest` on.
struct AllWithin<'a> {
    lowest: f64,
    values: &'a [f64],
}

impl Kernel for AllWithin<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self, _: impl Simd) -> bool {
        let mut all = true;
        for value in self.values {
            all &= (*value >= self.lowest) & (*value <= f64::MAX);
        }
        all
    }
}

/// The first fault of a row.
fn check_row(
    kind: ForecastKind,
    unit: Unit,
    row: &[f64],
    step: usize,
) -> Result<(), ForecastRejection> {
    let mut before = f64::NEG_INFINITY;
    for (&value, column) in row.iter().zip(1..) {
        if !value.is_finite() {
            return Err(ForecastRejection::NotFinite { step, column });
        }
        if !unit.admits(value) {
            return Err(ForecastRejection::NotPositive { step, column });
        }
        if kind == ForecastKind::Quantiles && value < before {
            return Err(ForecastRejection::Decreasing { step, column });
        }
        before = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            30 => 1.0..1.1f64,
            1 => prop::sample::select(vec![
                0.0, -0.0, -1.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, f64::MIN,
                f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN,
            ]),
        ]
    }

    proptest! {
        #[test]
        fn values_are_valid_if_no_row_has_a_fault(
            mut values in prop::collection::vec(value(), 24),
            k in prop::sample::select(vec![1_usize, 2, 6, 24]),
            ordered: bool,
        ) {
            if ordered {
                values.chunks_exact_mut(k).for_each(|row| row.sort_by(f64::total_cmp));
            }
            for kind in [ForecastKind::Quantiles, ForecastKind::Paths] {
                for unit in [Unit::LogPrice, Unit::Value] {
                    let mut rows = values.chunks_exact(k);
                    let no_fault = rows.all(|row| check_row(kind, unit, row, 1).is_ok());
                    prop_assert_eq!(is_valid(kind, unit, k, &values), no_fault, "{:?} {:?}", kind, unit);
                }
            }
        }
    }
}
