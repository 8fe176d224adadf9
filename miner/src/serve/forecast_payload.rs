//! From a fitted model to a payload.

use foretell_core::forecast::{ForecastKind, ForecastRejection};

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
