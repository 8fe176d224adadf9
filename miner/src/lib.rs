//! The reference miner's parts: the price history it keeps and the models that forecast from it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod axon_publisher;
pub mod cli;
pub mod config;
pub mod evaluate;
pub mod model_file;
pub mod models;
pub mod price_dataset;
pub mod price_history;
pub mod serve;

mod calendar_bins;
mod decay_weights;
mod deseasonalised_returns;
mod diurnal_drift;
mod diurnal_profile;
mod features;
mod order_statistics;
mod prefix_sums;
mod returns;
