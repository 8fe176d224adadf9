//! Measures of forecasts that no weight depends on: for leaderboards, reports and research.
//!
//! RMSE, MAE, CRPS, direction and coverage are sums over steps and live in [`MetricSums`](foretell_core::score::MetricSums), which the
//! journal keeps; the test of Diebold & Mariano is in [`diebold_mariano`](crate::diebold_mariano). Here is the rest.

mod calibration;
pub mod interval_score;
pub mod model_confidence_set;
pub mod pit;

pub use calibration::CalibrationSums;
pub use model_confidence_set::ModelConfidenceSet;
pub use pit::{PIT_BINS, PitHistogram};
