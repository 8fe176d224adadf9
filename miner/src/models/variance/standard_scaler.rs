//! Features of mean 0 and variance 1, as regressions with a penalty need them.

use ndarray::{Array2, ShapeBuilder};
use serde::{Deserialize, Serialize};

/// Mean and standard deviation of each feature.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StandardScaler(Vec<(f64, f64)>);

impl StandardScaler {
    /// The moments of these rows of features.
    pub fn fit(rows: &[Vec<f64>]) -> Self {
        let count = rows.len() as f64;
        let columns = rows.first().map_or(0, Vec::len);
        let moments = (0..columns).map(|column| {
            let values = || rows.iter().map(|row| row[column]);
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            (mean, variance.sqrt())
        });
        Self(moments.collect())
    }

    /// One row's features, of mean 0 and variance 1 in training; a feature that never varied is 0.
    pub fn transform_row(&self, features: &[f64]) -> Vec<f64> {
        let pairs = features.iter().zip(&self.0);
        pairs
            .map(|(value, (mean, deviation))| {
                if *deviation > f64::EPSILON * mean.abs().max(1.0) {
                    (value - mean) / deviation
                } else {
                    0.0
                }
            })
            .collect()
    }

    /// All rows, standardised, as the columns of a regression.
    pub fn transform(&self, rows: &[Vec<f64>]) -> Array2<f64> {
        // Column-major: the regressions go along the columns.
        let mut matrix = Array2::zeros((rows.len(), self.0.len()).f());
        for (mut row, features) in matrix.rows_mut().into_iter().zip(rows) {
            for (cell, value) in row.iter_mut().zip(self.transform_row(features)) {
                *cell = value;
            }
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_standardised_by_their_training() {
        // Mean 2, variance 1; the second never varies.
        let scaler = StandardScaler::fit(&[vec![1.0, 7.0], vec![3.0, 7.0]]);
        assert_eq!(scaler.transform_row(&[4.0, 9.0]), [2.0, 0.0]);
    }
}
