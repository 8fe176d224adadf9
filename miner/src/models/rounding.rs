//! Rounding to significant digits, fast for many values of one size.

/// Digits of a price that are kept: a payload of 100 × 99 values stays below 100 kB.
const SIGNIFICANT_DIGITS: i32 = 8;

/// Rounding to [`SIGNIFICANT_DIGITS`] significant digits of values of about one size.
#[derive(Debug, Clone, Copy)]
pub struct Rounding {
    /// Magnitudes that it suits: from here, and below `to`.
    from: f64,
    to: f64,
    power: f64,
    decimals: bool,
}

impl Rounding {
    /// The rounding of values of this one's size; none where a double's range doesn't allow it.
    pub fn for_value(value: f64) -> Self {
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

    /// Whether the value has a magnitude that it suits.
    pub fn suits(&self, value: f64) -> bool {
        (self.from..self.to).contains(&value.abs())
    }

    /// Whether all of these ascending values have a magnitude that it suits, and one sign.
    pub fn suits_all(&self, row: &[f64]) -> bool {
        match (row.first(), row.last()) {
            (Some(low), Some(high)) => {
                self.suits(*low) && self.suits(*high) && low.signum() == high.signum()
            }
            _ => false,
        }
    }

    /// [`round`](Self::round) of values that this [suits](Self::suits_all), several at once.
    pub fn round_all(&self, row: &mut [f64]) {
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

    /// The value with [`SIGNIFICANT_DIGITS`] digits; as it is where that isn't finite.
    pub fn round(&self, value: f64) -> f64 {
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
    }
}
