//! Why the forecast service can't start, or has no forecast.

use std::path::PathBuf;
use std::sync::Arc;

use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestError;
use thiserror::Error;

use super::payload_store::PayloadStoreError;
use crate::model_file::ModelFileError;
use crate::models::ModelError;
use crate::price_dataset::PriceDatasetError;
use crate::price_history::PriceHistoryError;

/// Why there is no forecast.
#[derive(Debug, Clone, Error)]
pub enum ForecastServiceError {
    /// The venue.
    #[error("no fresh prices: {0}")]
    Prices(Arc<RestError>),
    /// The venue answers, but with old bars only.
    #[error(
        "no fresh prices: the newest bar closed at {last}, {behind_s} s ago; check the venue and prices.symbol"
    )]
    Stale {
        /// When it closed.
        last: UnixMillis,
        /// Seconds since.
        behind_s: i64,
    },
    /// What the venue answered.
    #[error("unusable prices: {0}")]
    InvalidBars(#[from] PriceHistoryError),
    /// The model.
    #[error("no forecast: {0}")]
    Model(Arc<ModelError>),
    /// The disk.
    #[error("the miner can't keep its payloads")]
    Payloads(#[source] Arc<PayloadStoreError>),
    /// The desk is closing.
    #[error("the miner is stopping")]
    Stopping,
}

/// Why a desk can't be set up.
#[derive(Debug, Error)]
pub enum ForecastSetupError {
    /// A configured price file.
    #[error("prices.files in the configuration")]
    Prices(#[from] PriceDatasetError),
    /// A configured price file of another step.
    #[error("{file} in prices.files has bars of {found}, the series has {wanted}: resample it")]
    Step {
        /// The file.
        file: PathBuf,
        /// Its step.
        found: Millis,
        /// The series'.
        wanted: Millis,
    },
    /// The configured model file.
    #[error("model.file in the configuration")]
    ModelFile(#[from] ModelFileError),
}
