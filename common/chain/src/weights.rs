//! Weights scaled to `u16`, as the chain takes them.

use thiserror::Error;

/// Why shares can't be scaled to weights.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScaleError {
    /// A share is NaN, infinite or negative.
    #[error("weight number {index} is {value}: weights must be finite and not negative")]
    Unusable {
        /// Its place, counted from 0.
        index: usize,
        /// The share itself.
        value: f64,
    },
    /// No share is positive.
    #[error("no weight is positive: to pay nobody, put the weight on the subnet owner's uid")]
    AllZero,
}

/// The weights as the chain takes them: the largest becomes 65,535, the others are rounded in proportion.
///
/// This is the max-upscaling that the chain's own clients do. Theirs then leave out what rounds to zero; here
/// every weight keeps its place.
pub fn weights_to_u16(weights: &[f64]) -> Result<Vec<u16>, ScaleError> {
    if let Some((index, &value)) = weights
        .iter()
        .enumerate()
        .find(|(_, weight)| !weight.is_finite() || **weight < 0.0)
    {
        return Err(ScaleError::Unusable { index, value });
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(ScaleError::AllZero);
    }
    let scale = |weight: &f64| (weight / largest * f64::from(u16::MAX)).round() as u16;
    Ok(weights.iter().map(scale).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_weight_becomes_65535() {
        // 0.2/0.5 · 65,535 = 26,214 and 0.3/0.5 · 65,535 = 39,321
        assert_eq!(
            weights_to_u16(&[0.2, 0.0, 0.5, 0.3]),
            Ok(vec![26_214, 0, 65_535, 39_321])
        );
        assert_eq!(weights_to_u16(&[f64::MIN_POSITIVE]), Ok(vec![65_535]));
    }

    #[test]
    fn unusable_weights_are_errors() {
        assert_eq!(weights_to_u16(&[]), Err(ScaleError::AllZero));
        assert_eq!(weights_to_u16(&[0.0, 0.0]), Err(ScaleError::AllZero));
        for value in [f64::INFINITY, f64::NEG_INFINITY, -1e-9, f64::NAN] {
            assert!(matches!(
                weights_to_u16(&[1.0, value]),
                Err(ScaleError::Unusable { index: 1, .. })
            ));
        }
    }

    proptest! {
        #[test]
        fn scaling_keeps_ratios_to_half_a_step(
            weights in prop::collection::vec(0.0..1e9f64, 1..40),
            factor in 1e-6..1e6f64,
        ) {
            let largest = weights.iter().copied().fold(0.0, f64::max);
            prop_assume!(largest > 0.0);
            let values = weights_to_u16(&weights).unwrap();
            for (weight, value) in weights.iter().zip(&values) {
                let exact = weight / largest * 65_535.0;
                prop_assert!((f64::from(*value) - exact).abs() <= 0.5 + 1e-9);
            }
            let scaled: Vec<f64> = weights.iter().map(|weight| weight * factor).collect();
            for (value, scaled) in values.iter().zip(weights_to_u16(&scaled).unwrap()) {
                prop_assert!(value.abs_diff(scaled) <= 1);
            }
        }
    }
}
