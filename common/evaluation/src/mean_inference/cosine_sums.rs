//! Sums of a series times cosines of its lowest frequencies.

use std::f64::consts::{PI, SQRT_2};

use wide::f64x8;

/// Frequencies that are summed at once.
const LANES: usize = 8;

/// Σ_t x_t·cos(πj(t + ½)/T) for j = 1 to `count`, T the number of values and t from 0.
///
/// Each cosine follows from the one before by a rotation, whose error grows with T only: some 1e-12 of a year of rounds.
pub(super) fn equal_weights(values: &[f64], count: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(count);
    for first in (1..=count).step_by(LANES) {
        let angle: [f64; LANES] =
            std::array::from_fn(|lane| PI * (first + lane) as f64 / values.len() as f64);
        let lanes = |f: fn(f64) -> f64, part: f64| f64x8::new(angle.map(|a| f(a * part)));
        let (mut cos, mut sin) = (lanes(libm::cos, 0.5), lanes(libm::sin, 0.5));
        let (turn_cos, turn_sin) = (lanes(libm::cos, 1.0), lanes(libm::sin, 1.0));
        let mut sum = f64x8::splat(0.0);
        for value in values {
            sum += cos * f64x8::splat(*value);
            (cos, sin) = (
                cos * turn_cos - sin * turn_sin,
                sin * turn_cos + cos * turn_sin,
            );
        }
        let wanted = LANES.min(count + 1 - first);
        sums.extend_from_slice(&sum.to_array()[..wanted]);
    }
    sums
}

/// Σ_t ω_t·f_j(t)·x_t for `count` functions f_j made of cosines, as
/// [`MeanInference::of_advantages`](super::MeanInference::of_advantages) says; Σ ω²·f_j² = Σ ω².
pub(super) fn weighted(values: &[f64], weights: &[f64], count: usize) -> Vec<f64> {
    let squares: Vec<f64> = weights.iter().map(|weight| weight * weight).collect();
    let total: f64 = squares.iter().sum();
    let inner = |f: &[f64], g: &[f64]| -> f64 {
        let products = squares.iter().zip(f).zip(g);
        products.map(|((w, f), g)| w * f * g).sum::<f64>() / total
    };
    // cos πu by round, u being the share of Σω² up to the middle of the round.
    let mut before = 0.0;
    let first_cosine: Vec<f64> = squares
        .iter()
        .map(|square| {
            let middle = (before + 0.5 * square) / total;
            before += square;
            libm::cos(PI * middle)
        })
        .collect();
    let mut basis: Vec<Vec<f64>> = vec![vec![1.0; weights.len()]];
    let inverse: Vec<f64> = weights.iter().map(|weight| 1.0 / weight).collect();
    // Nothing is left of it where all weights are equal.
    basis.extend(orthonormal(inverse, &basis, &inner, 1e-12));
    let constraints = basis.len();
    // Chebyshev: cos jx = 2·cos x·cos (j − 1)x − cos (j − 2)x.
    let (mut earlier, mut cosine) = (vec![1.0; weights.len()], first_cosine.clone());
    // One in a few may be nearly a constraint.
    for _ in 0..2 * count + 4 {
        if basis.len() == constraints + count {
            break;
        }
        let scaled = cosine.iter().map(|cosine| SQRT_2 * cosine).collect();
        basis.extend(orthonormal(scaled, &basis, &inner, 0.25));
        let next = cosine.iter().zip(&earlier).zip(&first_cosine);
        let next = next.map(|((cosine, earlier), first)| 2.0 * first * cosine - earlier);
        let next: Vec<f64> = next.collect();
        earlier = std::mem::replace(&mut cosine, next);
    }
    let sum = |f: &Vec<f64>| {
        let products = weights.iter().zip(f).zip(values);
        products.map(|((w, f), x)| w * f * x).sum()
    };
    basis[constraints..].iter().map(sum).collect()
}

/// What `basis` doesn't hold of `f`, with norm 1; `None` if that is less than `least` of its squared norm.
fn orthonormal(
    mut f: Vec<f64>,
    basis: &[Vec<f64>],
    inner: &impl Fn(&[f64], &[f64]) -> f64,
    least: f64,
) -> Option<Vec<f64>> {
    let before = inner(&f, &f);
    for g in basis {
        let part = inner(&f, g);
        for (f, g) in f.iter_mut().zip(g) {
            *f -= part * g;
        }
    }
    let left = inner(&f, &f);
    if left <= least * before {
        return None;
    }
    let norm = left.sqrt();
    f.iter_mut().for_each(|f| *f /= norm);
    Some(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_gives_the_cosines_themselves() {
        let values: Vec<f64> = (0..3_000).map(|i| f64::from(i * 37 % 101) - 50.0).collect();
        for (sum, j) in equal_weights(&values, 11).iter().zip(1..) {
            let cosine = |t: f64| (PI * f64::from(j) * (t + 0.5) / 3_000.0).cos();
            let direct: f64 = values
                .iter()
                .zip(0..)
                .map(|(x, t)| x * cosine(f64::from(t)))
                .sum();
            assert!((sum - direct).abs() < 1e-7, "{j}: {sum} for {direct}");
        }
    }

    /// Of independent values of variance 1 every sum has the variance Σω², and none of them sees a shift of all values.
    #[test]
    fn weighted_sums_are_orthogonal_and_blind_to_the_mean() {
        let weights: Vec<f64> = (0..200).map(|i| libm::exp2(f64::from(i) / 40.0)).collect();
        let unit =
            |at: usize| -> Vec<f64> { (0..200).map(|t| f64::from(u8::from(t == at))).collect() };
        let columns: Vec<Vec<f64>> = (0..200).map(|t| weighted(&unit(t), &weights, 5)).collect();
        let total: f64 = weights.iter().map(|weight| weight * weight).sum();
        for j in 0..5 {
            let covariance = |k: usize| columns.iter().map(|sums| sums[j] * sums[k]).sum::<f64>();
            for k in 0..5 {
                let expected = if j == k { total } else { 0.0 };
                assert!((covariance(k) - expected).abs() < 1e-9 * total, "{j}, {k}");
            }
            let with_mean: f64 = columns
                .iter()
                .zip(&weights)
                .map(|(sums, w)| sums[j] * w)
                .sum();
            assert!(with_mean.abs() < 1e-9 * total, "{j}");
            let shift: f64 = columns.iter().map(|sums| sums[j]).sum();
            assert!(shift.abs() < 1e-9 * total, "{j}");
        }
    }
}
