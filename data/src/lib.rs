//! Price files and forecasts files, read and written; and a simulated price series for those who have no file at hand.
//!
//! ```text
//!  .csv, .parquet ──▶ prices::read, read_all ────────▶ PriceSeries ──▶ prices::write_csv ──▶ .csv
//!  a seed ──────────▶ simulated_prices::simulate_prices ──┘
//!
//!  Forecast ──▶ forecasts::ForecastWriter ──▶ .csv, .parquet ──▶ forecasts::ForecastFiles ──▶ RoundForecasts
//! ```
//!
//! Every file may be compressed (gzip, zstd), and may be standard input (`-`); every reader has limits, so that memory
//! doesn't follow what a file says of itself.
//!
//! The bars of a [`PriceSeries`](prices::PriceSeries) are sorted, consistent and on one grid; a file whose bars aren't
//! is a [`PriceFileError`](prices::PriceFileError), whose message names the place and the cure. Forecasts files are
//! read round by round, whatever their length; a [`RawForecast`](forecasts::RawForecast) is not known to be valid yet.
//!
//! What is *not* here: venues, settlement, validation of forecasts, and the journal's own files.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod csv_rows;
mod excerpt;
pub mod file_position;
pub mod forecasts;
pub mod input_file;
#[cfg(test)]
mod messages;
mod normal_sampler;
mod parquet_file;
pub mod prices;
pub mod simulated_prices;
