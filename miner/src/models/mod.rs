//! The models: from the history of a series to a forecast of its next H closes.
//!
//! A model is a pure function of history, grid and seed: it reads no clock, starts no thread, and a forecast depends
//! on no bar after its origin.

mod elastic_net;
mod gaussian;
mod har;
mod random_walk;
mod seasonal_variance;
mod spread;
mod student;
#[cfg(test)]
mod tests;

use foretell_core::forecast::{Forecast, Rejection};
use foretell_core::series::Grid;
use foretell_core::time::Millis;
use thiserror::Error;

use crate::history::History;

/// No model looks further back than this; older bars may be trimmed.
pub const LOOKBACK: Millis = Millis::days(365);

/// The models, simplest first.
const ALL: [&dyn Model; 4] = [
    &random_walk::RandomWalk,
    &gaussian::Gaussian,
    &har::Har,
    &elastic_net::ElasticNet,
];

/// A way to learn from the past of a series.
pub trait Model: Send + Sync {
    /// The name in configurations and on command lines.
    fn name(&self) -> &'static str;

    /// Learns from `history` to forecast `grid.horizon` steps; `seed` feeds whatever chance the model uses.
    ///
    /// # Errors
    /// Too little history, or one of another step than the grid's.
    fn fit(&self, history: &History, grid: &Grid, seed: u64)
    -> Result<Box<dyn Fitted>, ModelError>;
}

/// A model that has learnt.
pub trait Fitted: Send + Sync {
    /// The forecast whose origin is the last close of `history`, with `k` values at each step; a model of points
    /// gives K = 1 whatever `k` is.
    ///
    /// # Errors
    /// Too little history, one of another step than the model was fitted for, or a `k` that no forecast has.
    fn forecast(&self, history: &History, k: usize) -> Result<Forecast, ModelError>;
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
    OtherStep {
        /// The history's step.
        history: Millis,
        /// The grid's.
        grid: Millis,
    },
    /// The regression has no solution.
    #[error("the regression failed: {why}; check the price history for absurd values")]
    Regression {
        /// What the solver said.
        why: String,
    },
    /// What came out is not a forecast.
    #[error("the model's answer is not a forecast: {0}")]
    Rejected(#[from] Rejection),
}

/// A name that no model has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} is no model: use one of {}", names().join(", "))]
pub struct UnknownModel {
    /// The name asked for.
    pub name: String,
}

/// All models, simplest first.
pub fn all() -> &'static [&'static dyn Model] {
    &ALL
}

/// Their names.
pub fn names() -> [&'static str; ALL.len()] {
    ALL.map(Model::name)
}

/// The model of this name.
///
/// # Errors
/// No model has the name; the error lists those that exist.
pub fn by_name(name: &str) -> Result<&'static dyn Model, UnknownModel> {
    let known = ALL.into_iter().find(|model| model.name() == name);
    known.ok_or_else(|| UnknownModel {
        name: name.to_owned(),
    })
}

/// Refuses a history that isn't on the grid.
fn same_step(history: &History, grid: &Grid) -> Result<(), ModelError> {
    if history.step() == grid.step {
        Ok(())
    } else {
        Err(ModelError::OtherStep {
            history: history.step(),
            grid: grid.step,
        })
    }
}

/// The last close, from which every forecast starts.
fn last_close(history: &History) -> Result<f64, ModelError> {
    let last = history.bars().last();
    last.map(|bar| bar.close.get())
        .ok_or(ModelError::TooLittleHistory { have: 0, need: 1 })
}
