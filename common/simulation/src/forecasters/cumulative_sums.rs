//! Cumulative sums: the sum over any span is a difference of two.

/// 0, then the sum of the first value, of the first two, …
pub(super) fn cumulative_sums(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let sums = values.map(|value| {
        sum += value;
        sum
    });
    [0.0].into_iter().chain(sums).collect()
}
