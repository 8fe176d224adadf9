//! Linear least squares.

/// Coefficients of a regression of `targets` on `inputs` (rows): the normal equations by elimination, with a ridge of
/// 1e-6 against singular ones.
pub(super) fn least_squares(inputs: &[Vec<f64>], targets: &[f64]) -> Vec<f64> {
    let n = inputs.first().map_or(0, Vec::len);
    let mut system = vec![vec![0.0; n + 1]; n];
    for (x, y) in inputs.iter().zip(targets) {
        for i in 0..n {
            for j in 0..n {
                system[i][j] += x[i] * x[j];
            }
            system[i][n] += x[i] * y;
        }
    }
    for i in 0..n {
        system[i][i] += 1e-6;
        let pivot = system[i].clone();
        for row in system.iter_mut().skip(i + 1) {
            let factor = row[i] / pivot[i];
            for (value, pivot) in row.iter_mut().zip(&pivot) {
                *value -= factor * pivot;
            }
        }
    }
    let mut weights = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| system[i][j] * weights[j]).sum();
        weights[i] = (system[i][n] - known) / system[i][i];
    }
    weights
}
