//! A model of variance, and the Gaussian that stands in for it on a short history.

use foretell_core::forecast::Forecast;
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use serde::{Deserialize, Serialize};

use super::fitted::{FittedVarianceModel, subtract_drift};
use super::spec::ModelSpec;
use crate::diurnal_drift::DiurnalDrift;
use crate::models::gaussian::{FittedGaussian, Gaussian};
use crate::models::model::{FittedModel, MAX_LOOKBACK, Model, ModelError, check_step, last_close};
use crate::price_history::PriceHistory;
use crate::returns::{Returns, steps_in, variance_floor};

/// Most rows to learn from: neighbouring rows are nearly the same.
const MAX_TRAINING_ROWS: usize = 9_000;
/// Fewest rows, and fewest horizons that they span: with less, the trailing Gaussian stands in.
const MIN_TRAINING_ROWS: usize = 200;
const MIN_TRAINING_HORIZONS: usize = 3;

/// A model of variance by name.
#[derive(Clone)]
pub struct VarianceModel {
    /// Name in configurations and on command lines.
    pub name: String,
    /// The parts that it is put together from.
    pub spec: ModelSpec,
}

/// A fitted model of variance, or the Gaussian that stands in for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedOrFallback {
    /// The history was long enough to learn from.
    Fitted(Box<FittedVarianceModel>),
    /// The history was too short: the trailing Gaussian.
    Fallback(FittedGaussian),
}

impl Model for VarianceModel {
    type Fitted = FittedOrFallback;

    fn name(&self) -> &str {
        &self.name
    }

    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        seed: u64,
    ) -> Result<FittedOrFallback, ModelError> {
        check_step(history, grid)?;
        let floor = variance_floor(history.unit(), last_close(history)?);
        let now = history.last_close_time().unwrap_or_default();
        let known = history.between(now - MAX_LOOKBACK, now);
        let returns = known.returns();
        let drift = DiurnalDrift::fit(&returns, grid.step);
        let returns = subtract_drift(returns, drift.as_ref());
        let Some(rows) = training_rows(&returns, self.spec.training_span, grid) else {
            return Ok(FittedOrFallback::Fallback(
                Gaussian.fit(history, grid, seed)?,
            ));
        };
        let fitted = FittedVarianceModel::fit(&self.spec, &returns, drift, &rows, grid, floor)?;
        Ok(FittedOrFallback::Fitted(Box::new(fitted)))
    }
}

impl FittedOrFallback {
    /// Number of returns that a forecast looks back on, if it looks at nothing but returns.
    pub fn lookback(&self) -> Option<usize> {
        match self {
            Self::Fitted(fitted) => Some(fitted.lookback()),
            Self::Fallback(_) => None,
        }
    }
}

impl FittedModel for FittedOrFallback {
    fn forecast(&self, history: &PriceHistory, k: usize) -> Result<Forecast, ModelError> {
        match self {
            Self::Fitted(fitted) => fitted.forecast(history, k),
            Self::Fallback(gaussian) => gaussian.forecast(history, k),
        }
    }
}

/// Rows with a filled past and a known future, evenly thinned; `None` where that is too few.
fn training_rows(returns: &Returns, span: Millis, grid: &Grid) -> Option<Vec<usize>> {
    let warm_up = steps_in(Millis::days(30), grid.step).min(returns.len() / 4);
    let start = warm_up.max(returns.len().saturating_sub(steps_in(span, grid.step)));
    let end = returns.len().saturating_sub(grid.horizon);
    let rows: Vec<usize> = (start..end)
        .filter(|row| returns.is_contiguous(*row, grid.horizon, grid.step))
        .collect();
    let enough = MIN_TRAINING_ROWS.max(MIN_TRAINING_HORIZONS * grid.horizon);
    let stride = rows.len().div_ceil(MAX_TRAINING_ROWS).max(1);
    (rows.len() >= enough).then(|| rows.into_iter().step_by(stride).collect())
}
