//! The models: from the history of a series to a forecast of its next H closes.
//!
//! A model is a pure function of history, grid and seed: it reads no clock, starts no thread, and a forecast depends
//! on no bar after its origin.

mod ablations;
mod elastic_net;
mod ensemble;
mod garch_t;
mod gaussian;
mod har;
mod har_plus;
mod location_scale;
pub mod paths;
mod pls;
mod random_walk;
#[cfg(test)]
mod tests;
mod variance;

use std::sync::Arc;

use foretell_core::forecast::{Forecast, ForecastRejection};
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::price_history::PriceHistory;

/// No model looks further back than this; older bars may be trimmed.
pub const MAX_LOOKBACK: Millis = Millis::days(365);

/// The models, simplest first: a new one takes a line here.
pub fn all() -> Vec<Arc<dyn AnyModel>> {
    vec![
        Arc::new(random_walk::RandomWalk),
        Arc::new(gaussian::Gaussian),
        Arc::new(garch_t::garch_t()),
        Arc::new(har::har()),
        Arc::new(har_plus::har_plus()),
        Arc::new(elastic_net::elastic_net()),
        Arc::new(pls::pls()),
        Arc::new(ensemble::ensemble()),
    ]
}

/// A way to learn from the past of a series.
pub trait Model: Send + Sync {
    /// What it has learnt, which model files hold.
    type Fitted: FittedModel + Serialize + DeserializeOwned + 'static;

    /// The name in configurations and on command lines.
    fn name(&self) -> &str;

    /// Learns from `history` to forecast `grid.horizon` steps; `seed` feeds whatever chance the model uses.
    ///
    /// # Errors
    /// Too little history, or one of another step than the grid's.
    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        seed: u64,
    ) -> Result<Self::Fitted, ModelError>;
}

/// A model that has learnt.
pub trait FittedModel: Send + Sync {
    /// The forecast whose origin is the last close of `history`, with `k` quantiles at each step; a model of points
    /// gives K = 1 whatever `k` is.
    ///
    /// # Errors
    /// Too little history, one of another step than the model was fitted for, or a `k` that no forecast has.
    fn forecast(&self, history: &PriceHistory, k: usize) -> Result<Forecast, ModelError>;
}

/// Any [`Model`], whatever its fitted form.
pub trait AnyModel: Send + Sync {
    /// [`Model::name`].
    fn name(&self) -> &str;

    /// [`Model::fit`].
    ///
    /// # Errors
    /// As there.
    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        seed: u64,
    ) -> Result<Box<dyn AnyFittedModel>, ModelError>;

    /// What [`AnyFittedModel::save`] gave.
    ///
    /// # Errors
    /// The JSON isn't this model's.
    fn restore(&self, saved: serde_json::Value) -> serde_json::Result<Box<dyn AnyFittedModel>>;
}

/// Any [`FittedModel`], which can be saved.
pub trait AnyFittedModel: FittedModel {
    /// All that was learnt, as JSON.
    ///
    /// # Errors
    /// The model learnt something that JSON can't hold.
    fn save(&self) -> serde_json::Result<serde_json::Value>;
}

impl<M: Model> AnyModel for M {
    fn name(&self) -> &str {
        Model::name(self)
    }

    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        seed: u64,
    ) -> Result<Box<dyn AnyFittedModel>, ModelError> {
        Ok(Box::new(Model::fit(self, history, grid, seed)?))
    }

    fn restore(&self, saved: serde_json::Value) -> serde_json::Result<Box<dyn AnyFittedModel>> {
        Ok(Box::new(serde_json::from_value::<M::Fitted>(saved)?))
    }
}

impl<F: FittedModel + Serialize> AnyFittedModel for F {
    fn save(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self)
    }
}

/// Why a model can't be fitted or gives no forecast.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ModelError {
    /// Not enough bars.
    #[error(
        "the history has {have} usable bars, the model needs {need} (after a gap, the first bar isn't usable): \
         load more price history, or wait for more bars"
    )]
    TooLittleHistory {
        /// Bars that the model could use.
        have: usize,
        /// Bars that it needs.
        need: usize,
    },
    /// History and grid differ in their step.
    #[error(
        "the history has steps of {history}, the grid has {grid}: load bars of the grid's step"
    )]
    StepMismatch {
        /// The history's step.
        history: Millis,
        /// The grid's.
        grid: Millis,
    },
    /// The regression has no solution.
    #[error("the regression failed: {reason}; check the price history for absurd values")]
    Regression {
        /// What the solver said.
        reason: String,
    },
    /// What came out is not a forecast.
    #[error("the model's answer is not a forecast: {0}")]
    Rejected(#[from] ForecastRejection),
}

/// A name that no model has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} is no model: use one of {}; or har+ABLATION with one of {}", names().join(", "), ablations::names().join(", "))]
pub struct UnknownModel {
    /// The name asked for.
    pub name: String,
}

/// The names of [`all`] models.
pub fn names() -> Vec<String> {
    all().iter().map(|model| model.name().to_owned()).collect()
}

/// The model of this name; `har+ABLATION` is `har` with one of the [`ablations`] that were tried.
///
/// # Errors
/// No model has the name; the error lists those that exist.
pub fn by_name(name: &str) -> Result<Arc<dyn AnyModel>, UnknownModel> {
    let known = all().into_iter().find(|model| model.name() == name);
    let ablation = || ablations::by_name(name).map(|model| Arc::new(model) as Arc<dyn AnyModel>);
    known.or_else(ablation).ok_or_else(|| UnknownModel {
        name: name.to_owned(),
    })
}

/// Refuses a history that isn't on the grid.
fn check_step(history: &PriceHistory, grid: &Grid) -> Result<(), ModelError> {
    if history.step() == grid.step {
        Ok(())
    } else {
        Err(ModelError::StepMismatch {
            history: history.step(),
            grid: grid.step,
        })
    }
}

/// The last close, from which every forecast starts.
fn last_close(history: &PriceHistory) -> Result<f64, ModelError> {
    let last = history.bars().last();
    last.map(|bar| bar.close.get())
        .ok_or(ModelError::TooLittleHistory { have: 0, need: 1 })
}
