//! The test of Diebold & Mariano: whether the difference between a miner and the reference is more than luck.

use crate::mean_inference::{MeanInference, RoundDependence};

/// Statistic and two-sided p-value; a positive statistic favours the miner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DieboldMariano {
    /// The statistic t.
    pub t: f64,
    /// Two-sided p-value, in [0, 1].
    pub p: f64,
}

/// Diebold & Mariano (1995) on `differences` S_ref − S in order of origin, `t = d̄/√(V/n)` with the equal-weighted cosine
/// variance V of [`MeanInference`] and its critical values, which have their size at these lengths.
///
/// `None` with fewer than [`RoundDependence::min_rounds`] or no variance.
pub fn diebold_mariano(differences: &[f64], dependence: RoundDependence) -> Option<DieboldMariano> {
    let inference = MeanInference::of_rounds(differences, dependence)?;
    Some(DieboldMariano {
        t: inference.t(),
        p: inference.p_value(),
    })
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn there_is_none_with_too_few_rounds_or_without_variance() {
        let dependence = RoundDependence::new(1, 2);
        assert_eq!(diebold_mariano(&[0.1; 30], dependence), None);
        let d: Vec<f64> = (0..39).map(|i| f64::from(i * 7 % 11) - 3.0).collect();
        assert!(diebold_mariano(&d[..19], dependence).is_none());
        assert!(diebold_mariano(&d[..20], dependence).is_some());
        assert!(diebold_mariano(&d, RoundDependence::new(2, 4)).is_none());
    }

    /// 40 rounds that overlap with none, and 96 of them in 48 hours: t is what independent rounds give, about the mean over
    /// its plain standard error, and not the fivefold.
    #[test]
    fn more_lags_than_rounds_make_nothing_significant() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let d: Vec<f64> = (0..40).map(|_| rng.random_range(-0.55..0.45)).collect();
        let test = diebold_mariano(&d, RoundDependence::new(1, 96)).unwrap();
        let plain = MeanInference::of_independent(&d).unwrap().t();
        assert!(
            test.t / plain > 0.4 && test.t / plain < 2.5,
            "{test:?}, {plain}"
        );
        assert!(test.p > 0.05, "{test:?}");
    }

    #[test]
    fn exchanging_the_two_changes_the_sign_only() {
        let d: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 11) - 3.0).collect();
        let turned: Vec<f64> = d.iter().map(|x| -x).collect();
        let dependence = RoundDependence::new(2, 4);
        let (a, b) = (
            diebold_mariano(&d, dependence).unwrap(),
            diebold_mariano(&turned, dependence).unwrap(),
        );
        assert!((a.t + b.t).abs() < 1e-12 && (a.p - b.p).abs() < 1e-12);
    }
}
