//! From a forecast and the outcome of its round to one number: the scaled CRPS, lower is better.
//!
//! `S = (1/n)·Σ CRPS_i / (σ_T·√i)` over the n steps that have a settled price. It has no unit, is about
//! 0.53 for the reference, and means the same whether the series is calm or volatile.

pub mod crps;
mod metric_sums;
mod point;
mod reference;
mod round_scorer;
mod scaled_crps;

pub use metric_sums::{CoverageCount, MetricSums};
pub use reference::Reference;
pub use round_scorer::{RoundScorer, ScoredForecast};
pub use scaled_crps::Score;
