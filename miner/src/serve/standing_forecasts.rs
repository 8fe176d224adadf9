//! The forecasts that stand ready: the one place that commitments and readiness go by.

use std::collections::BTreeMap;
use std::sync::Arc;

use foretell_core::time::UnixMillis;

use super::forecast_error::ForecastServiceError;

/// The newest forecast of each origin to come, as its payload's text; where there is none of the next, why.
#[derive(Debug, Clone, Default)]
pub struct StandingForecasts {
    by_origin: BTreeMap<UnixMillis, StandingForecast>,
    missing: Option<ForecastServiceError>,
}

/// A forecast that nobody is bound to yet.
#[derive(Debug, Clone)]
struct StandingForecast {
    payload: Arc<str>,
    /// Counts what the forecasts are made of: prices and model.
    revision: u64,
}

impl StandingForecasts {
    /// The newest forecast of `origin`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn current(&self, origin: UnixMillis) -> Result<Arc<str>, ForecastServiceError> {
        match self.by_origin.get(&origin) {
            Some(standing) => Ok(Arc::clone(&standing.payload)),
            None => Err(self
                .missing
                .clone()
                .unwrap_or(ForecastServiceError::Starting)),
        }
    }

    /// What the forecast of `origin` was made of; `None` if there is no forecast.
    pub fn revision(&self, origin: UnixMillis) -> Option<u64> {
        self.by_origin
            .get(&origin)
            .map(|standing| standing.revision)
    }

    /// Puts a forecast in the place of an older one.
    pub fn replace(&mut self, origin: UnixMillis, revision: u64, payload: Arc<str>) {
        let standing = StandingForecast { payload, revision };
        self.by_origin.insert(origin, standing);
    }

    /// Forgets the forecasts of origins before `oldest`.
    pub fn forget_before(&mut self, oldest: UnixMillis) {
        self.by_origin = self.by_origin.split_off(&oldest);
    }

    /// Sets why there is no forecast of the next origin; `None` if there is one.
    pub fn set_missing(&mut self, why: Option<ForecastServiceError>) {
        self.missing = why;
    }
}
