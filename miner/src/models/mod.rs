//! The models: from the history of a series to a forecast of its next H closes.
//!
//! ```text
//!  PriceHistory, Grid, seed ──▶ Model::fit ──▶ FittedModel ──▶ FittedModel::forecast(history, K) ──▶ quantiles
//!                               by_name          └──▶ AnyFittedModel::save, AnyModel::restore          └──▶ paths
//! ```
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
mod model;
pub mod paths;
mod pls;
mod random_walk;
mod registry;
mod rounding;
#[cfg(test)]
mod tests;
mod variance;

pub use model::{AnyFittedModel, AnyModel, FittedModel, MAX_LOOKBACK, Model, ModelError};
pub use registry::{UnknownModel, all, by_name, names};
