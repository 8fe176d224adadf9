//! `elastic-net`: variance and centre from 22 features, by a regression that gives those that don't help the weight 0.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNetParams;
use ndarray::{Array1, Array2};

use super::har;
use super::model::ModelError;
use super::variance::dynamics::DynamicsSpec;
use super::variance::{ConditionalMeanSpec, ModelSpec, VarianceModel};
use crate::features::FeatureSet;

/// Weight of the penalty, per row, for standardised columns.
const PENALTY: f64 = 0.005;
/// Share of the penalty on the sizes of the coefficients; the rest is on their squares.
const L1_RATIO: f64 = 0.5;
/// Most sweeps over the columns.
const MAX_ITERATIONS: u32 = 200;
/// Targets that vary less than this have nothing to explain, and coordinate descent wouldn't notice that it is done.
const CONSTANT_TARGET_TOLERANCE: f64 = 1e-12;

/// The elastic net (Zou and Hastie 2005) on many windows of the past.
pub fn elastic_net() -> VarianceModel {
    VarianceModel {
        name: "elastic-net".into(),
        spec: ModelSpec {
            dynamics: vec![DynamicsSpec::Regression {
                features: FeatureSet::Rich,
                solve,
                shrinkage: 0.0,
            }],
            conditional_mean: Some(ConditionalMeanSpec {
                features: FeatureSet::Rich,
                solve: solve_columns,
            }),
            ..har::spec()
        },
    }
}

/// Coordinate descent on ‖y − Xw‖²/2n + penalty·(ratio·‖w‖₁ + ½(1 − ratio)·‖w‖²).
pub fn solve(x: &Array2<f64>, y: &Array1<f64>) -> Result<Array1<f64>, ModelError> {
    if y.iter()
        .all(|target| target.abs() < CONSTANT_TARGET_TOLERANCE)
    {
        return Ok(Array1::zeros(x.ncols()));
    }
    ElasticNetParams::new()
        .penalty(PENALTY)
        .l1_ratio(L1_RATIO)
        .with_intercept(false)
        .max_iterations(MAX_ITERATIONS)
        .fit(&DatasetBase::new(x.view(), y.view()))
        .map(|fitted| fitted.hyperplane().clone())
        .map_err(|error| ModelError::Regression {
            reason: error.to_string(),
        })
}

/// The same for each column of targets.
fn solve_columns(x: &Array2<f64>, targets: &Array2<f64>) -> Result<Array2<f64>, ModelError> {
    let mut weights = Array2::zeros((x.ncols(), targets.ncols()));
    for (mut weights, target) in weights.columns_mut().into_iter().zip(targets.columns()) {
        weights.assign(&solve(x, &target.to_owned())?);
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_single_column_is_shrunk_by_both_penalties() {
        // n = 2, x = ±1, y = ±1: (Σxy − n·½·0.005)/(Σx² + n·½·0.005) = (2 − 0.005)/(2 + 0.005).
        let fitted = solve(&array![[1.0], [-1.0]], &array![1.0, -1.0]).unwrap();
        assert!((fitted[0] - 1.995 / 2.005).abs() < 1e-9);
    }

    #[test]
    fn a_column_that_says_nothing_is_left_out() {
        let x = array![[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]];
        let fitted = solve(&x, &array![1.0, -1.0, 1.0, -1.0]).unwrap();
        assert!(fitted[0] > 0.9);
        assert_eq!(fitted[1], 0.0);
    }

    #[test]
    fn constant_targets_have_no_coefficients() {
        let fitted = solve(&array![[1.0], [-1.0]], &array![0.0, 0.0]).unwrap();
        assert_eq!(fitted, array![0.0]);
    }
}
