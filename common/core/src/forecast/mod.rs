//! A miner's forecast: the matrix of prices that it sends, and the quantiles of moves that are scored.
//!
//! ```text
//!   payload, JSON ──▶ Forecast, H × K prices ──anchor, unit──▶ QuantileForecast, H rows of ascending moves
//!             └──────────┴─▶ ForecastRejection
//! ```

mod levels;
mod matrix;
mod payload;
mod quantile_forecast;
mod rejection;

pub(crate) use levels::LevelPosition;
pub use levels::{POOL_LEVELS, quantile, quantile_level};
pub use matrix::{Forecast, ForecastKind};
pub use quantile_forecast::QuantileForecast;
pub use rejection::{ForecastRejection, MAX_K, MAX_PAYLOAD_BYTES, evidence_bytes};
