//! The weighted interval score: an approximation of the CRPS from a few central intervals.

use foretell_core::forecast::quantile;

/// Central intervals that [`row_weighted_interval_score`] uses, as α = 1 − coverage.
pub const ALPHAS: [f64; 3] = [0.5, 0.2, 0.05];
/// Below this K the outermost interval is not known.
pub(super) const MIN_K: usize = 20;

/// The interval score `(u − l) + (2/α)·(l − y)₊ + (2/α)·(y − u)₊` of a central (1 − α) interval [l, u]
/// (Gneiting & Raftery 2007, eq. 43). Unit: that of the values.
pub fn interval_score(lower: f64, upper: f64, y: f64, alpha: f64) -> f64 {
    let outside = (lower - y).max(0.0) + (y - upper).max(0.0);
    (upper - lower) + 2.0 / alpha * outside
}

/// The weighted interval score `(½·|y − m| + Σ_j (α_j/2)·IS_j) / (J + ½)` of a median and J central intervals
/// `(α, l, u)` (Bracher, Ray, Gneiting & Reich 2021, eq. 1). With intervals at all of a sample's equally
/// spaced levels it approaches the CRPS. Unit: that of the values.
pub fn weighted_interval_score(median: f64, intervals: &[(f64, f64, f64)], y: f64) -> f64 {
    let weighted: f64 = intervals
        .iter()
        .map(|&(alpha, lower, upper)| 0.5 * alpha * interval_score(lower, upper, y, alpha))
        .sum();
    (0.5 * (y - median).abs() + weighted) / (intervals.len() as f64 + 0.5)
}

/// The weighted interval score of ascending values on the central 50, 80 and 95 % intervals; `None` below K = 20.
pub fn row_weighted_interval_score(row: &[f64], y: f64) -> Option<f64> {
    (row.len() >= MIN_K).then(|| {
        let interval = |alpha: f64| {
            (
                alpha,
                quantile(row, 0.5 * alpha),
                quantile(row, 1.0 - 0.5 * alpha),
            )
        };
        weighted_interval_score(quantile(row, 0.5), &ALPHAS.map(interval), y)
    })
}

#[cfg(test)]
mod tests {
    use foretell_core::score::crps::crps;
    use proptest::prelude::*;

    use super::*;

    /// [2, 6] at α = 0.5 against 7: 4 + 4·1 = 8. With median 4: (½·3 + ¼·8)/1.5 = 3.5/1.5.
    #[test]
    fn worked_by_hand() {
        assert_eq!(interval_score(2.0, 6.0, 7.0, 0.5), 8.0);
        assert_eq!(interval_score(2.0, 6.0, 3.0, 0.5), 4.0);
        let score = weighted_interval_score(4.0, &[(0.5, 2.0, 6.0)], 7.0);
        assert!((score - 3.5 / 1.5).abs() < 1e-15);
        assert_eq!(row_weighted_interval_score(&[1.0; 19], 1.0), None);
        assert_eq!(row_weighted_interval_score(&[1.0; 20], 1.0), Some(0.0));
    }

    proptest! {
        /// With J intervals whose ends are the values of an odd sample, the score is its CRPS: Bracher et al., eq. 2.
        #[test]
        fn all_intervals_of_a_sample_give_its_crps(
            mut x in prop::collection::vec(-1e3..1e3f64, 1..20),
            y in -2e3..2e3f64,
        ) {
            x.sort_by(f64::total_cmp);
            let mirrored: Vec<f64> = x.iter().rev().map(|v| 4e3 - v).collect();
            let row = [x.as_slice(), &[2e3], &mirrored].concat();
            let k = row.len();
            let intervals: Vec<_> = (0..k / 2)
                .map(|j| ((2 * j + 1) as f64 / k as f64, row[j], row[k - 1 - j]))
                .collect();
            let score = weighted_interval_score(2e3, &intervals, y);
            prop_assert!((score - crps(&row, y)).abs() < 1e-9);
        }
    }
}
