//! `pls`: `har`, centred by partial least squares on 22 features (Wold 1975).

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_pls::PlsRegression;
use ndarray::Array2;

use super::har;
use super::model::ModelError;
use super::variance::{ConditionalMeanSpec, ModelSpec, VarianceModel};
use crate::features::FeatureSet;

/// Most latent components.
const MAX_COMPONENTS: usize = 3;

/// `har` with a conditional mean by partial least squares.
pub fn pls() -> VarianceModel {
    VarianceModel {
        name: "pls".into(),
        spec: ModelSpec {
            conditional_mean: Some(ConditionalMeanSpec {
                features: FeatureSet::Rich,
                solve,
            }),
            ..har::spec()
        },
    }
}

/// Coefficients of all columns of targets at once; those of a column that never varies are 0.
fn solve(x: &Array2<f64>, targets: &Array2<f64>) -> Result<Array2<f64>, ModelError> {
    let varied: Vec<usize> = (0..x.ncols())
        .filter(|column| x.column(*column).std(0.0) > f64::EPSILON)
        .collect();
    let mut weights = Array2::zeros((x.ncols(), targets.ncols()));
    let constant = targets
        .columns()
        .into_iter()
        .any(|target| target.std(0.0) <= f64::EPSILON);
    let components = MAX_COMPONENTS.min(varied.len()).min(targets.ncols());
    if components == 0 || constant {
        return Ok(weights);
    }
    let kept = x.select(ndarray::Axis(1), &varied);
    let Ok(fitted) =
        PlsRegression::params(components).fit(&DatasetBase::new(kept, targets.clone()))
    else {
        // Its power method doesn't converge on columns that hardly vary: then the centre is the last close.
        return Ok(weights);
    };
    for (column, row) in varied.iter().zip(fitted.coefficients().rows()) {
        weights.row_mut(*column).assign(&row);
    }
    Ok(weights)
}
