//! Forecasts files: the forecasts of any number of miners, in order of origin.
//!
//! | column | Parquet | CSV | meaning |
//! |---|---|---|---|
//! | `origin_ms` | `int64` | integer | the origin T, unix milliseconds UTC |
//! | `miner` | string | text | whose forecast it is |
//! | `kind` | string | – (quantiles) | `quantiles` or `paths` |
//! | `k` | `uint32` | – | number of values at each step |
//! | `values` | list of `double` | `v1`, …, `vK` | H·K prices, step-major |
//! | `step` | – | integer | step 1 ..= H of a line's K prices |
//! | `owner` | string, optional | text, optional | coldkey: forecasts of one owner count as one forecaster |
//!
//! Rows are in order of origin. [`ForecastFiles`] are any number of such files; [`ForecastRounds`] reads them side by side,
//! round by round, and holds no more of each than a few row groups; [`ForecastWriter`] writes one, as `miner forecast` does.

mod batch;
mod csv;
mod csv_columns;
mod error;
mod files;
mod miner_name;
mod parquet;
mod reader;
mod rounds;
mod row_group;
mod write;

pub use batch::UnevenStep;
pub use error::{ForecastFileError, ForecastFileFault};
pub use files::ForecastFiles;
pub use miner_name::{MinerName, MinerNameError};
pub use rounds::{ForecastRounds, RawForecast, RoundForecasts};
pub use write::{ForecastRow, ForecastWriteError, ForecastWriter, write};

#[cfg(test)]
mod tests;
