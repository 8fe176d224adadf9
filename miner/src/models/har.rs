//! `har`: log variance over the last hour, day and week, by least squares (Corsi 2009).

use foretell_core::time::Millis;
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2, Axis, concatenate};

use super::model::ModelError;
use super::variance::dynamics::DynamicsSpec;
use super::variance::residual_distribution::ResidualDistributionSpec;
use super::variance::{ModelSpec, VarianceModel};
use crate::diurnal_profile::DiurnalProfileSpec;
use crate::features::FeatureSet;

/// Weight of the ridge, in rows: next to nothing, yet coefficients of collinear columns stay small.
const RIDGE_ROWS: f64 = 1.0;

/// The heterogeneous autoregression of variance, with a diurnal profile and empirical residuals.
pub fn har() -> VarianceModel {
    VarianceModel {
        name: "har".into(),
        spec: spec(),
    }
}

/// The spec of `har`, which other models change.
pub fn spec() -> ModelSpec {
    ModelSpec {
        diurnal_profile: DiurnalProfileSpec::default(),
        dynamics: vec![DynamicsSpec::Regression {
            features: FeatureSet::Har,
            solve: least_squares,
            shrinkage: 0.0,
        }],
        training_span: Millis::days(180),
        residual_distribution: ResidualDistributionSpec {
            empirical_weight: 1.0,
            smoothing_steps: 0,
        },
        conditional_mean: None,
        recalibration: None,
    }
}

/// Least squares with a ridge, which is a row of √λ for each column with the target 0.
pub fn least_squares(x: &Array2<f64>, y: &Array1<f64>) -> Result<Array1<f64>, ModelError> {
    let failed = |reason: String| ModelError::Regression { reason };
    let ridge = Array2::from_diag_elem(x.ncols(), RIDGE_ROWS.sqrt());
    let rows =
        concatenate(Axis(0), &[x.view(), ridge.view()]).map_err(|e| failed(e.to_string()))?;
    let zeros = Array1::zeros(x.ncols());
    let targets =
        concatenate(Axis(0), &[y.view(), zeros.view()]).map_err(|e| failed(e.to_string()))?;
    let fitted = LinearRegression::new()
        .with_intercept(false)
        .fit(&DatasetBase::new(rows, targets))
        .map_err(|e| failed(e.to_string()))?;
    Ok(fitted.params().clone())
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn coefficients_are_those_of_ridge_regression() {
        // One column: Σxy/(Σx² + λ) = (1·2 + (−1)·(−2))/(1 + 1 + 1) = 4/3.
        let fitted = least_squares(&array![[1.0], [-1.0]], &array![2.0, -2.0]).unwrap();
        assert!((fitted[0] - 4.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn collinear_columns_share_the_weight() {
        let x = array![[1.0, 1.0, 0.0], [-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]];
        let fitted = least_squares(&x, &array![1.0, -1.0, 1.0]).unwrap();
        assert!((fitted[0] - fitted[1]).abs() < 1e-12);
        assert!(fitted[2].abs() < 1e-12);
    }
}
