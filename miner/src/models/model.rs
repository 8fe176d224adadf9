//! What a model is: something that learns from a history, and then forecasts from the end of one.

use foretell_core::forecast::{Forecast, ForecastRejection};
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::price_history::PriceHistory;

/// No model looks further back than this; older bars may be trimmed.
pub const MAX_LOOKBACK: Millis = Millis::days(365);

/// A way to learn from the history of a series.
pub trait Model: Send + Sync {
    /// What it learns; its JSON is what model files hold.
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

/// What a model has learnt, which it forecasts from.
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
    /// The same as [`Model::name`].
    fn name(&self) -> &str;

    /// The same as [`Model::fit`], its result boxed.
    ///
    /// # Errors
    /// The same as those of [`Model::fit`].
    fn fit(
        &self,
        history: &PriceHistory,
        grid: &Grid,
        seed: u64,
    ) -> Result<Box<dyn AnyFittedModel>, ModelError>;

    /// The fitted model that [`AnyFittedModel::save`] made this of.
    ///
    /// # Errors
    /// JSON of another model, or of none.
    fn restore(&self, saved: serde_json::Value) -> serde_json::Result<Box<dyn AnyFittedModel>>;
}

/// Any [`FittedModel`], which can be saved.
pub trait AnyFittedModel: FittedModel {
    /// All that was learnt, as JSON: a restored model gives the same forecasts.
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
    /// The history has too few bars.
    #[error(
        "the history has {have} usable bars, the model needs {need} (after a gap, the first bar isn't usable): \
         load more price history, or wait for more bars"
    )]
    TooLittleHistory {
        /// Number of bars that the model could use.
        have: usize,
        /// Number of bars that it needs.
        need: usize,
    },
    /// History and grid differ in their step.
    #[error(
        "the history has steps of {history}, the grid has {grid}: load bars of the grid's step"
    )]
    StepMismatch {
        /// Step of the history.
        history: Millis,
        /// Step of the grid.
        grid: Millis,
    },
    /// A regression or a maximisation that didn't converge.
    #[error("the regression failed: {reason}; check the price history for absurd values")]
    Regression {
        /// The solver's message.
        reason: String,
    },
    /// The values that came out are no valid forecast.
    #[error("the model's answer is not a forecast: {0}")]
    Rejected(ForecastRejection),
}

impl From<ForecastRejection> for ModelError {
    fn from(rejection: ForecastRejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Refuses a history that isn't on the grid.
pub(super) fn check_step(history: &PriceHistory, grid: &Grid) -> Result<(), ModelError> {
    if history.step() == grid.step {
        Ok(())
    } else {
        Err(ModelError::StepMismatch {
            history: history.step(),
            grid: grid.step,
        })
    }
}

/// The last close of a history, which every forecast is centred near.
pub(super) fn last_close(history: &PriceHistory) -> Result<f64, ModelError> {
    let last = history.bars().last();
    last.map(|bar| bar.close.get())
        .ok_or(ModelError::TooLittleHistory { have: 0, need: 1 })
}
