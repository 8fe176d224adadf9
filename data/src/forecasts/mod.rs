//! Forecasts files: what a miner would have answered, round by round, for `validator backtest`.
//!
//! Parquet with the columns `origin_ms i64, miner str, kind str, k u32, values list<f64>` (H·K values, step-major: all
//! K of step 1 first), or CSV with `origin_ms,miner,step,v1,…,vK`, which holds quantiles.

mod write;

pub use write::{ForecastRow, Writer, write};
