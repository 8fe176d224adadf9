//! The test of Diebold & Mariano: whether the difference between a miner and the reference is more than luck.

use foretell_kernels::sums::dot;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Statistic and two-sided p-value; a positive statistic favours the miner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DieboldMariano {
    /// The statistic t, with n − 1 degrees of freedom.
    pub t: f64,
    /// Two-sided p-value, in [0, 1].
    pub p: f64,
}

/// Diebold & Mariano (1995) on `differences` S_ref − S in order of origin, with the small-sample correction
/// of Harvey, Leybourne & Newbold (1997): `t = d̄/√(V/n)·√((n + 1 − 2h + h(h − 1)/n)/n)`, V the
/// Bartlett long-run variance over max(2h, `lags_48h`) lags.
///
/// `h` is the number of rounds that one horizon overlaps. `None` with fewer than 10·h rounds or no variance.
pub fn diebold_mariano(differences: &[f64], h: usize, lags_48h: usize) -> Option<DieboldMariano> {
    let n = differences.len();
    if n < 10 * h || n < 2 {
        return None;
    }
    let (count, horizon) = (n as f64, h as f64);
    let mean = differences.iter().sum::<f64>() / count;
    let centred: Vec<f64> = differences.iter().map(|d| d - mean).collect();
    let variance = long_run_sum(&centred, lags_48h.max(2 * h)) / count;
    // Equal differences have no variance but that of rounding.
    let size = differences.iter().fold(0.0, |a: f64, d| a.max(d.abs()));
    if variance <= (1e-14 * size).powi(2) {
        return None;
    }
    let correction = (count + 1.0 - 2.0 * horizon + horizon * (horizon - 1.0) / count) / count;
    let t = mean / f64::sqrt(variance / count) * f64::sqrt(correction);
    let distribution = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(DieboldMariano {
        t,
        p: 2.0 * distribution.cdf(-t.abs()),
    })
}

/// Bartlett-weighted sum of autocovariances of centred terms; its l = 0 term alone where the sum is negative.
fn long_run_sum(psi: &[f64], lags: usize) -> f64 {
    let at_lag = |l: usize| dot(psi, &psi[l..]);
    let variance = at_lag(0);
    let mut sum = variance;
    for l in 1..=lags.min(psi.len().saturating_sub(1)) {
        let bartlett = 1.0 - l as f64 / (lags + 1) as f64;
        sum += 2.0 * bartlett * at_lag(l);
    }
    if sum < 0.0 { variance } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// d = 1, 3 alternating ten times, h = 1, lags 2: d̄ = 2; autocovariances per n: γ0 = 1, γ1 = −19/20,
    /// γ2 = 18/20; V = 1 − 2·(2/3)·0.95 + 2·(1/3)·0.9 = 1/3; t = 2/√(1/60)·√(19/20) = 2·√57.
    #[test]
    fn worked_by_hand() {
        let d: Vec<f64> = (0..20)
            .map(|i| if i % 2 == 0 { 1.0 } else { 3.0 })
            .collect();
        let test = diebold_mariano(&d, 1, 2).unwrap();
        assert!((test.t - 2.0 * f64::sqrt(57.0)).abs() < 1e-9);
        assert!(test.p < 1e-9);
    }

    #[test]
    fn there_is_none_with_too_few_rounds_or_without_variance() {
        assert_eq!(diebold_mariano(&[1.0; 30], 1, 2), None);
        assert_eq!(diebold_mariano(&[0.1; 30], 1, 2), None);
        assert_eq!(diebold_mariano(&[0.0; 30], 1, 2), None);
        assert_eq!(diebold_mariano(&[1.0, 2.0, 1.0], 1, 2), None);
        assert_eq!(diebold_mariano(&[], 1, 2), None);
    }

    #[test]
    fn exchanging_the_two_changes_the_sign_only() {
        let d: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 11) - 3.0).collect();
        let turned: Vec<f64> = d.iter().map(|x| -x).collect();
        let (a, b) = (
            diebold_mariano(&d, 2, 4).unwrap(),
            diebold_mariano(&turned, 2, 4).unwrap(),
        );
        assert!((a.t + b.t).abs() < 1e-12 && (a.p - b.p).abs() < 1e-12);
    }
}
