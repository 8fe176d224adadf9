//! Why a forecast of a backtest counts as missed.

use foretell_core::forecast::{ForecastRejection, MAX_K};
use foretell_data::forecasts::{RawForecast, UnevenStep};
use thiserror::Error;

/// Why a forecast counts as missed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Exclusion {
    /// It has another number of steps than the series.
    #[error("{found} steps, the horizon is {horizon}")]
    Steps {
        /// Number of its steps.
        found: usize,
        /// H of the series.
        horizon: usize,
    },
    /// A step has another number of values than the first.
    #[error("step {} has {} values, the first step has {k}", .uneven.step, .uneven.found)]
    Uneven {
        /// The first such step.
        uneven: UnevenStep,
        /// Number of values of the first step.
        k: usize,
    },
    /// It would be rejected live, too.
    #[error(transparent)]
    Invalid(#[from] ForecastRejection),
}

impl Exclusion {
    /// Why a forecast has no shape for this horizon, before its values are looked at.
    ///
    /// # Errors
    /// Another number of steps, or steps of different lengths. What else is wrong with K is found with the values.
    pub fn check_shape(raw_forecast: &RawForecast, horizon: usize) -> Result<(), Self> {
        let (k, values) = (raw_forecast.k(), raw_forecast.values().len());
        if let Some(uneven) = raw_forecast.uneven() {
            return Err(Self::Uneven { uneven, k });
        }
        let has_steps = (1..=MAX_K).contains(&k) && values.is_multiple_of(k);
        match values.checked_div(k) {
            Some(found) if has_steps && found != horizon => Err(Self::Steps { found, horizon }),
            _ => Ok(()),
        }
    }

    /// The kind of reason, the same for all forecasts that have it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Steps { .. } => "another number of steps than --horizon",
            Self::Uneven { .. } => "steps with different numbers of values",
            Self::Invalid(rejection) => match rejection {
                ForecastRejection::TooLong { .. } | ForecastRejection::NotAForecast { .. } => {
                    "no forecast"
                }
                ForecastRejection::K { .. } => "k out of range",
                ForecastRejection::Shape { .. } => "another number of values than steps × k",
                ForecastRejection::NotFinite { .. } => "a value that is not finite",
                ForecastRejection::NotPositive { .. } => "a value that is not positive",
                ForecastRejection::Decreasing { .. } => "quantiles that decrease",
            },
        }
    }
}

/// The kind of reason of a valid forecast whose round can't be settled.
pub const UNSETTLED: &str = "the prices end before its last step";
