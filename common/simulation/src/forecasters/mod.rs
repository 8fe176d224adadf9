//! The population: forecasters of known quality, fitted on bars before a season.

mod cumulative_sums;
mod honest;
mod least_squares;
mod seasonal_factors;
mod simulated_forecaster;
mod trained_forecaster;
mod variance_model;
mod variance_sums;

pub use honest::{HONEST_ATTACKER, HONEST_FORECASTERS};
pub use simulated_forecaster::{SimulatedForecaster, SkillClass};
pub use trained_forecaster::TrainedForecaster;
