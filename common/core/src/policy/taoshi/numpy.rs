//! Sums in numpy's order (pairwise, eight at a time), so that they agree with numpy's to the last digit.

/// Longest run that is summed without being halved.
const RUN: usize = 128;

/// Σ values.
pub(super) fn sum(values: &[f64]) -> f64 {
    sum_of(values.len(), |i| values[i])
}

/// Σ of `term(i)` for i in 0 .. `n`.
pub(super) fn sum_of(n: usize, term: impl Fn(usize) -> f64 + Copy) -> f64 {
    between(0, n, term)
}

/// The mean.
pub(super) fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// √ of the mean squared distance from the mean.
pub(super) fn population_deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = sum_of(values.len(), |i| {
        let distance = values[i] - mean;
        distance * distance
    });
    f64::sqrt(squares / values.len() as f64)
}

fn between(from: usize, n: usize, term: impl Fn(usize) -> f64 + Copy) -> f64 {
    if n < 8 {
        return (from..from + n).map(term).sum::<f64>() + 0.0;
    }
    if n > RUN {
        let half = n / 2 - (n / 2) % 8;
        return between(from, half, term) + between(from + half, n - half, term);
    }
    let mut lanes: [f64; 8] = std::array::from_fn(|j| term(from + j));
    let whole = n - n % 8;
    for i in (8..whole).step_by(8) {
        for (j, lane) in lanes.iter_mut().enumerate() {
            *lane += term(from + i + j);
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let mut total = ((a + b) + (c + d)) + ((e + f) + (g + h));
    for i in whole..n {
        total += term(from + i);
    }
    total
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
