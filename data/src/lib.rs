//! Prices and forecasts at rest: files in and out, a simulated series for those who have no file at hand, and how
//! instants and plots are written.
//!
//! [`prices::read`] takes a CSV or Parquet file to a [`prices::PriceSeries`], whose bars are sorted, consistent
//! and on one grid; what isn't is an [`prices::PriceFileError`] that says what, where, and what to do.
//! [`forecasts::ForecastRounds`] reads forecasts files round by round.
//! [`simulated_prices::simulate_prices`] makes such a series from a seed, the same on every machine.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod file_position;
pub mod forecasts;
mod normal_sampler;
mod parquet_file;
pub mod prices;
pub mod simulated_prices;
