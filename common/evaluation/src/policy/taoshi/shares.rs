//! From the scores of a round to shares of it.

use foretell_kernels::sort::sort_rows;

use super::numpy::population_deviation;

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

    #[test]
    fn the_best_and_the_worst_of_three() {
        // 1, 2, 4 → 1, ⅔, 0 → over their sum 5/3.
        assert_eq!(shares(&[1.0, 2.0, 4.0]), [0.6, 0.4, 0.0]);
        assert_eq!(shares(&[4.0, 1.0, 2.0]), [0.0, 0.6, 0.4]);
    }

    #[test]
    fn equal_scores_have_equal_shares_and_a_single_one_has_all() {
        assert_eq!(shares(&[0.1; 3]), [1.0 / 3.0; 3]);
        assert_eq!(shares(&[7.0]), [1.0]);
    }

    #[test]
    fn an_infinite_score_makes_all_shares_nan() {
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
}
