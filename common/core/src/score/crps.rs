//! The continuous ranked probability score of a sample or of equally spaced quantiles.

use foretell_kernels::simd::{Kernel, SIMD_WIDTH, Simd, dispatch};
use foretell_kernels::sums::{SUM_LANES, blocks, sum_lanes};
use wide::f64x8;

/// Plain ensemble CRPS of ascending values `x` against `y`: `(2/K)·Σ_k ρ_τk(y − x_k)`,
/// `ρ_τ(u) = u·(τ − 1{u < 0})`, `τ_k = (2k − 1)/2K`.
///
/// This is `(1/K)·Σ|x_k − y| − (1/2K²)·ΣΣ|x_j − x_k|` (Gneiting & Raftery 2007, eq. 20) in O(K), and not
/// the "fair" estimator with M(M − 1), which a miner can game by its outer members. K = 1 gives |x − y|.
/// Unit: that of the values.
///
/// Summed in eight lanes, so that a processor adds several values at once; the order is the same on every machine.
pub fn crps(x: &[f64], y: f64) -> f64 {
    if let [x] = x {
        return (x - y).abs();
    }
    dispatch(Crps { x, y })
}

struct Crps<'a> {
    x: &'a [f64],
    y: f64,
}

impl Kernel for Crps<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self, simd: impl Simd) -> f64 {
        let Self { x, y } = self;
        let k = x.len() as f64;
        // ρ_τ(y − x) = (x − y)₊ − τ·(x − y): the sums of both terms, τ in units of 1/2K.
        let zero = simd.splat(0.0);
        let (mut above, mut weighted) = ([zero; 2], [zero; 2]);
        // Numerators of τ are whole numbers, so it makes no difference that they are sums.
        let mut numerators = FIRST.map(|four| simd.load(four));
        let (outcome, next) = (simd.splat(y), simd.splat((2 * SUM_LANES) as f64));
        let (blocks, rest) = x.as_chunks::<SUM_LANES>();
        for block in blocks {
            let (halves, _) = block.as_chunks::<SIMD_WIDTH>();
            for (i, half) in halves.iter().enumerate() {
                let distance = simd.subtract(simd.load(*half), outcome);
                above[i] = simd.add(above[i], simd.max(distance, zero));
                weighted[i] = simd.add(weighted[i], simd.multiply(numerators[i], distance));
                numerators[i] = simd.add(numerators[i], next);
            }
        }
        let [mut above, mut weighted, numerators] =
            [above, weighted, numerators].map(|halves| halves.map(|half| simd.store(half)));
        for (lane, value) in rest.iter().enumerate() {
            let (half, lane) = (lane / SIMD_WIDTH, lane % SIMD_WIDTH);
            let distance = value - y;
            above[half][lane] += if distance > 0.0 { distance } else { 0.0 };
            weighted[half][lane] += numerators[half][lane] * distance;
        }
        let [above, weighted] = [above, weighted]
            .map(|[[a, b, c, d], [e, f, g, h]]| sum_lanes(f64x8::new([a, b, c, d, e, f, g, h])));
        2.0 / k * (above - weighted / (2.0 * k))
    }
}

/// 2k − 1 of the first values.
const FIRST: [[f64; SIMD_WIDTH]; 2] = [[1.0, 3.0, 5.0, 7.0], [9.0, 11.0, 13.0, 15.0]];

/// The mean of values, summed in lanes like [`crps`]; NaN of none.
pub(crate) fn mean(x: &[f64]) -> f64 {
    if let [x] = x {
        return *x;
    }
    let (blocks, rest) = blocks(x);
    let mut sums = f64x8::ZERO;
    for block in blocks {
        sums += block;
    }
    let mut sums = sums.to_array();
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value;
    }
    sum_lanes(f64x8::new(sums)) / x.len() as f64
}

#[cfg(test)]
mod tests {
    use foretell_kernels::simd::Baseline;
    use proptest::prelude::*;

    use super::*;

    /// The definition: mean absolute error less half the mean absolute difference.
    fn by_definition(x: &[f64], y: f64) -> f64 {
        let k = x.len() as f64;
        let error: f64 = x.iter().map(|a| (a - y).abs()).sum::<f64>() / k;
        let spread: f64 = x
            .iter()
            .flat_map(|a| x.iter().map(move |b| (a - b).abs()))
            .sum();
        error - spread / (2.0 * k * k)
    }

    /// x = 1, 2, 4, y = 3: (2 + 1 + 1)/3 − (2·(1 + 3 + 2))/(2·9) = 4/3 − 2/3 = 2/3.
    #[test]
    fn worked_by_hand() {
        assert!((crps(&[1.0, 2.0, 4.0], 3.0) - 2.0 / 3.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn a_point_costs_its_absolute_error(x in -1e6..1e6f64, y in -1e6..1e6f64) {
            prop_assert_eq!(crps(&[x], y), (x - y).abs());
        }

        #[test]
        fn it_is_the_ensemble_crps(
            mut x in prop::collection::vec(-1e3..1e3f64, 1..40),
            y in -2e3..2e3f64,
        ) {
            x.sort_by(f64::total_cmp);
            prop_assert!((crps(&x, y) - by_definition(&x, y)).abs() < 1e-9);
        }

        /// Bit for bit.
        #[test]
        fn it_is_the_same_in_any_registers(x in prop::collection::vec(-1e3..1e3f64, 2..40), y in -2e3..2e3f64) {
            let score = Crps { x: &x, y }.run(Baseline);
            prop_assert_eq!(crps(&x, y).to_bits(), score.to_bits());
        }

        #[test]
        fn it_is_never_negative_and_grows_with_distance(
            mut x in prop::collection::vec(-1e3..1e3f64, 1..40),
            far in 1e3..1e4f64,
            further in 0.0..1e4f64,
        ) {
            x.sort_by(f64::total_cmp);
            prop_assert!(crps(&x, x[0]) >= -1e-9);
            prop_assert!(crps(&x, far + further) >= crps(&x, far) - 1e-9);
        }
    }
}
