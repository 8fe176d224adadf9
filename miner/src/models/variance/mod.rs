//! Models of variance: dynamics, a diurnal profile and residual distributions make the quantiles of each step.
//!
//! ```text
//!  returns ──▶ diurnal profile ──▶ deseasonalised returns ──▶ dynamics ──▶ variance of each step to come
//!                                                                               │  × diurnal profile, summed up
//!  past returns over √variance ──▶ residual distribution of each step ──────────▶ quantiles around the last close
//! ```
//!
//! 0. Returns are taken without their [drift](crate::diurnal_drift), which the forecast is centred on; a price has none.
//! 1. Each bar's variance is the mean of its range's (Garman-Klass) and its squared return, over the diurnal
//!    profile's factor.
//! 2. [`dynamics`] expect the variance of each step to come; several are averaged in logarithms.
//! 3. Summed up with the profile's factors put back, that is the variance of the move to each step.
//! 4. Its [distribution](residual_distribution) is that of past returns over √variance, step by step.
//!
//! Where the history is too short to learn from, the trailing Gaussian stands in.

mod conditional_mean;
pub mod dynamics;
mod fitted;
mod garch;
mod log_variance_regression;
mod model;
mod probability_grid;
pub mod residual_distribution;
mod scale_recalibration;
mod spec;
mod standard_scaler;
mod student_t;

pub use conditional_mean::ConditionalMeanSpec;
pub use model::{FittedOrFallback, VarianceModel};
pub use scale_recalibration::ScaleRecalibration;
pub use spec::ModelSpec;
