//! Sums in numpy's order (pairwise, eight at a time), so that they agree with numpy's to the last digit.

use foretell_kernels::sums::{SUM_LANES, sum_lanes};
use wide::f64x8;

/// Length of the longest run that is summed without being halved; numpy's own name.
const PW_BLOCKSIZE: usize = 128;

/// `numpy.sum` of the values.
pub(super) fn sum(values: &[f64]) -> f64 {
    sum_of([values], |[value]| value)
}

/// Σ of `term` over the rows of columns of one length.
pub(super) fn sum_of<const N: usize>(
    columns: [&[f64]; N],
    term: impl Fn([f64x8; N]) -> f64x8 + Copy,
) -> f64 {
    let n = columns[0].len();
    // One length for all, so that bounds are checked once.
    let columns = columns.map(|column| &column[..n]);
    let term_at = |i: usize| term(columns.map(|column| f64x8::splat(column[i]))).to_array()[0];
    if n < SUM_LANES {
        return (0..n).map(term_at).sum::<f64>() + 0.0;
    }
    if n > PW_BLOCKSIZE {
        let half = n / 2 - (n / 2) % SUM_LANES;
        return sum_of(columns.map(|column| &column[..half]), term)
            + sum_of(columns.map(|column| &column[half..]), term);
    }
    let blocks = columns.map(|column| column.as_chunks::<SUM_LANES>().0);
    let terms = |block: usize| term(blocks.map(|blocks| f64x8::new(blocks[block])));
    let mut lanes = terms(0);
    for block in 1..n / SUM_LANES {
        lanes += terms(block);
    }
    (n - n % SUM_LANES..n).fold(sum_lanes(lanes), |sum, i| sum + term_at(i))
}

/// `numpy.mean` of the values.
pub(super) fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// `numpy.std` of the values: √ of the mean squared distance from the mean.
pub(super) fn population_deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = sum_of([values], |[value]| {
        let distance = value - f64x8::splat(mean);
        distance * distance
    });
    f64::sqrt(squares / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.sum` of 1/1, 1/2, …: 7, 8, 100, 128, 129 and 1,000 terms, numpy 2.4 on x86-64.
    #[test]
    fn sums_are_numpys() {
        let harmonic: Vec<f64> = (1..=1000).map(|i| 1.0 / f64::from(i)).collect();
        for (n, expected) in NUMPY {
            assert_eq!(sum(&harmonic[..n]), expected, "{n}");
        }
    }

    const NUMPY: [(usize, f64); 6] = [
        (7, 2.592_857_142_857_142_5),
        (8, 2.717_857_142_857_142_5),
        (100, 5.187_377_517_639_621),
        (128, 5.433_147_092_589_173),
        (129, 5.440_899_030_573_669),
        (1000, 7.485_470_860_550_345),
    ];
}
