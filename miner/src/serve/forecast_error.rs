//! Why the forecast service can't start, or has no forecast.

use std::path::PathBuf;
use std::sync::Arc;

use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::rest::RestError;
use thiserror::Error;

use super::data_folder::DataFolderError;
use super::payload_store::PayloadStoreError;
use crate::model_file::ModelFileError;
use crate::models::ModelError;
use crate::price_dataset::PriceDatasetError;
use crate::price_history::PriceHistoryError;

/// Why the service has no forecast.
#[derive(Debug, Clone, Error)]
pub enum ForecastServiceError {
    /// The miner has just started, and no prices have come yet.
    #[error("starting: no prices have been read yet")]
    Starting,
    /// There are prices, but no forecast from them yet.
    #[error("starting: the first forecast is being made, once the model is fitted")]
    Preparing,
    /// The venue can't be reached, or refuses.
    #[error("no fresh prices: {0}")]
    Prices(Arc<RestError>),
    /// The venue answers, but with old bars only.
    #[error(
        "no fresh prices: the newest is of {last}, {behind_s} s before the round; check the venue and prices.symbol"
    )]
    Stale {
        /// The time of the newest price, in unix milliseconds.
        last: UnixMillis,
        /// Seconds from there to the round's origin.
        behind_s: i64,
    },
    /// The venue answered with bars that don't belong in the history.
    #[error("unusable prices: {0}")]
    InvalidBars(PriceHistoryError),
    /// The model can't be fitted, or gives no forecast.
    #[error("no forecast: {0}")]
    Model(Arc<ModelError>),
    /// The payload can't be kept on disk, so that the miner may not commit to it.
    #[error("the miner can't keep its payloads")]
    Payloads(#[source] Arc<PayloadStoreError>),
    /// The last try to write to the data directory failed, so that the miner couldn't commit.
    #[error("the miner can't keep payloads: {0}")]
    Folder(DataFolderError),
    /// The service is stopping.
    #[error("the miner is stopping")]
    Stopping,
}

impl ForecastServiceError {
    /// The error without what differs from one try to the next, so that the same trouble reads the same.
    pub fn summary(&self) -> String {
        match self {
            Self::Prices(error) => format!("no fresh prices: {}", error.summary()),
            Self::Stale { last, .. } => format!(
                "no fresh prices: the newest is of {last}; check the venue and prices.symbol"
            ),
            other => other.to_string(),
        }
    }

    /// Whether this is how every start begins: no trouble yet.
    pub const fn is_starting(&self) -> bool {
        matches!(self, Self::Starting | Self::Preparing)
    }
}

impl From<PriceHistoryError> for ForecastServiceError {
    fn from(error: PriceHistoryError) -> Self {
        Self::InvalidBars(error)
    }
}

/// Why the service can't be set up.
#[derive(Debug, Error)]
pub enum ForecastSetupError {
    /// A configured price file can't be read.
    #[error("prices.files in the configuration")]
    Prices(#[from] PriceDatasetError),
    /// A configured price file of another step.
    #[error("{file} in prices.files has bars of {found}, the series has {expected}: resample it")]
    Step {
        /// Path of the first configured file.
        file: PathBuf,
        /// Step of the file.
        found: Millis,
        /// Step of the series.
        expected: Millis,
    },
    /// The configured model file can't be used.
    #[error("model.file in the configuration")]
    ModelFile(#[from] ModelFileError),
}
