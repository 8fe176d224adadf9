//! `miner serve`: answers validators over signed HTTP.
//!
//! ```text
//!  validator ──▶ authorization ──▶ routes ──▶ payload store (memory, disk) ── known? the same answer again
//!                                    ├──────▶ forecast service ──▶ price history ◀── venue, price files
//!                                    │            └──▶ fitted model ──▶ payload, on disk first
//!                                    └──────▶ outcome log (disk): scores and ranks that validators report
//! ```

mod asked_rounds;
mod background_fit;
mod blocking;
mod candle_client;
mod commit_window;
mod committed_payload;
mod forecast_error;
mod forecast_payload;
mod forecast_request;
mod forecast_service;
mod live_forecast_service;
mod live_history;
mod metrics;
mod miner_service;
mod outcome_log;
mod partial_bar;
mod payload_store;
mod replay_forecast_service;
mod routes;
mod warm_start;

#[cfg(test)]
mod tests;

pub use forecast_error::{ForecastServiceError, ForecastSetupError};
pub use miner_service::{MinerService, ServeError};
pub use outcome_log::{OutcomeLog, OutcomeLogError, ReceivedOutcome};
pub use payload_store::PayloadStoreError;
