//! The unit of a series: how a move from the anchor is measured.

use foretell_kernels::simd::{Kernel, Simd, dispatch};
use foretell_kernels::vmath;
use serde::{Deserialize, Serialize};

/// Moves are held within ± this, so that no sum over absurd values overflows.
pub(crate) const MAX_MOVE: f64 = 1e100;

/// Basis points in a whole.
const BPS: f64 = 1e4;

/// How a move from the anchor is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `10⁴ · ln(value / anchor)`, in basis points; values are positive.
    #[default]
    LogPrice,
    /// `value − anchor`; values may be zero or negative.
    Value,
}

impl Unit {
    /// Whether moves from and to this finite value exist: those of a log price need it positive.
    pub fn admits(self, value: f64) -> bool {
        match self {
            Self::LogPrice => value > 0.0,
            Self::Value => true,
        }
    }

    /// The move from `anchor` to `value`, in bps (log prices) or the series' unit (values), both
    /// [admitted](Self::admits). It is always finite: at most ± 1e100.
    pub fn change(self, anchor: f64, value: f64) -> f64 {
        let change = match self {
            Self::LogPrice => BPS * vmath::log(value / anchor),
            Self::Value => value - anchor,
        };
        change.clamp(-MAX_MOVE, MAX_MOVE)
    }

    /// [`change`](Self::change) to each of many values.
    pub fn changes(self, anchor: f64, values: &[f64]) -> Vec<f64> {
        dispatch(Changes {
            unit: self,
            anchor,
            values,
        })
    }
}

struct Changes<'a> {
    unit: Unit,
    anchor: f64,
    values: &'a [f64],
}

impl Kernel for Changes<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self, _: impl Simd) -> Vec<f64> {
        let mut changes = self.values.to_vec();
        match self.unit {
            Unit::LogPrice => {
                for change in &mut changes {
                    *change /= self.anchor;
                }
                vmath::log_in_place(&mut changes);
                for change in &mut changes {
                    *change = (BPS * *change).clamp(-MAX_MOVE, MAX_MOVE);
                }
            }
            Unit::Value => {
                for change in &mut changes {
                    *change = (*change - self.anchor).clamp(-MAX_MOVE, MAX_MOVE);
                }
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ratio 1e300/1e-300 and the difference of ± 1e308 are beyond a double.
    #[test]
    fn moves_are_finite_whatever_the_values() {
        assert_eq!(Unit::LogPrice.change(1e-300, 1e300), MAX_MOVE);
        assert_eq!(Unit::LogPrice.change(1e300, 1e-300), -MAX_MOVE);
        assert_eq!(Unit::Value.change(-1e308, 1e308), MAX_MOVE);
        assert_eq!(Unit::Value.change(1.5, -0.5), -2.0);
        assert!(Unit::Value.admits(0.0) && !Unit::LogPrice.admits(0.0));
    }

    #[test]
    fn moves_to_many_values_are_those_to_each() {
        let values = [1e-300, 0.5, 99.0, 100.0, 101.0, 5e4, 1e300];
        for unit in [Unit::LogPrice, Unit::Value] {
            for anchor in [1e-300, 100.0, 1e300] {
                let each = values.map(|value| unit.change(anchor, value));
                assert_eq!(unit.changes(anchor, &values), each);
            }
        }
    }
}
