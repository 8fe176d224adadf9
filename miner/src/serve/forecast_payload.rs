//! From a fitted model to a payload that is on disk.

use std::sync::Arc;

use foretell_core::forecast::{ForecastKind, ForecastRejection};
use foretell_core::series::RoundId;

use super::blocking::blocking;
use super::committed_payload::CommittedPayload;
use super::forecast_error::ForecastServiceError;
use super::payload_store::PayloadStore;
use crate::config::ModelConfig;
use crate::models::{AnyFittedModel, ModelError, paths};
use crate::price_history::PriceHistory;

/// The payload of what a fitted model forecasts from the end of `recent`.
pub fn forecast_payload(
    fitted: &dyn AnyFittedModel,
    recent: &PriceHistory,
    config: &ModelConfig,
) -> Result<String, ModelError> {
    let quantiles = fitted.forecast(recent, config.k)?;
    let forecast = match config.kind {
        ForecastKind::Quantiles => quantiles,
        ForecastKind::Paths => paths::from_quantiles(&quantiles, recent, config.seed)
            .map_err(|rejection: ForecastRejection| ModelError::Rejected(rejection))?,
    };
    Ok(forecast.payload())
}

/// Keeps a payload on a blocking thread; what comes back is what counts.
pub async fn store_payload(
    payloads: &Arc<PayloadStore>,
    round: &RoundId,
    text: Arc<str>,
) -> Result<Arc<CommittedPayload>, ForecastServiceError> {
    let (payloads, round) = (Arc::clone(payloads), round.clone());
    let stored = blocking(move || payloads.store(&round, text)).await;
    stored.map_err(|error| ForecastServiceError::Payloads(Arc::new(error)))
}
