//! Shares that sum to 1, as consensus, bonds and dividends need them.

/// `values` divided by their sum; all 0 if the sum is.
pub fn normalised(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        values.iter().map(|value| value / sum).collect()
    } else {
        vec![0.0; values.len()]
    }
}
