//! What a live miner does beside its loop: requests to the venue, fits, forecasts, files. At most one of each kind runs.

use std::sync::Arc;

use foretell_core::bar::Bar;
use foretell_core::series::Grid;
use foretell_core::time::UnixMillis;

use super::forecast_error::ForecastServiceError;
use super::forecast_payload::forecast_payload;
use super::live_history::{CandleSpan, KnownPrices};
use super::warm_start::SaveWork;
use crate::config::ModelConfig;
use crate::models::{AnyFittedModel, AnyModel, ModelError};
use crate::price_history::PriceHistory;

/// Kinds of work; one is started only when the last of its kind has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkKind {
    /// Bars that have closed.
    ReadBars,
    /// Minutes since the last bar.
    ReadMinutes,
    /// A piece of older history.
    ReadOlderBars,
    /// A fit of the model.
    Fit,
    /// Forecasts of the origins to come.
    Forecast,
    /// Model and history into files, for the next start.
    Save,
    /// A try to write to the data directory.
    ProbeFolder,
}

/// One piece of work, with all that it needs.
pub enum ForecastWork {
    /// Ask the venue for the bars of a span.
    ReadBars(CandleSpan),
    /// Ask the venue for the minutes of a span.
    ReadMinutes(CandleSpan),
    /// Ask the venue for older bars.
    ReadOlderBars(CandleSpan),
    /// Fit the model.
    Fit(FitWork),
    /// Make forecasts.
    Forecast(ForecastingWork),
    /// Keep model and history.
    Save(SaveWork),
    /// Try the data directory.
    ProbeFolder,
}

/// What has come of it.
pub enum FinishedWork {
    /// The venue's bars of the span, or why there are none.
    ReadBars(CandleSpan, Result<Vec<Bar>, ForecastServiceError>),
    /// The venue's minutes.
    ReadMinutes(Result<Vec<Bar>, ForecastServiceError>),
    /// The venue's older bars of the span.
    ReadOlderBars(CandleSpan, Result<Vec<Bar>, ForecastServiceError>),
    /// A fit, and the time up to which it has learnt.
    Fit(UnixMillis, Result<Arc<dyn AnyFittedModel>, ModelError>),
    /// Forecasts, by origin.
    Forecast(MadeForecasts),
    /// Model and history are kept, or not.
    Save(anyhow::Result<()>),
    /// The data directory was tried.
    ProbeFolder,
}

/// A fit to be made.
pub struct FitWork {
    /// What is fitted.
    pub model: Arc<dyn AnyModel>,
    /// The bars that it learns from.
    pub known: PriceHistory,
    /// The grid that it will forecast.
    pub grid: Grid,
    /// Feeds whatever chance it uses.
    pub seed: u64,
    /// When the last of the bars closed.
    pub at: UnixMillis,
}

/// Forecasts to be made, all from the same prices and model.
pub struct ForecastingWork {
    /// What they are for.
    pub origins: Vec<UnixMillis>,
    /// Counts what they are made of.
    pub revision: u64,
    /// What forecasts.
    pub fitted: Arc<dyn AnyFittedModel>,
    /// What it starts from.
    pub prices: KnownPrices,
    /// Kind and size of the forecasts.
    pub config: ModelConfig,
}

/// Forecasts that were made, or why not.
pub struct MadeForecasts {
    /// Counts what they were made of.
    pub revision: u64,
    /// By origin, each as its payload's text.
    pub by_origin: Vec<(UnixMillis, Result<Arc<str>, ForecastServiceError>)>,
}

impl ForecastWork {
    /// The kind of this work.
    pub const fn kind(&self) -> WorkKind {
        match self {
            Self::ReadBars(_) => WorkKind::ReadBars,
            Self::ReadMinutes(_) => WorkKind::ReadMinutes,
            Self::ReadOlderBars(_) => WorkKind::ReadOlderBars,
            Self::Fit(_) => WorkKind::Fit,
            Self::Forecast(_) => WorkKind::Forecast,
            Self::Save(_) => WorkKind::Save,
            Self::ProbeFolder => WorkKind::ProbeFolder,
        }
    }
}

impl FinishedWork {
    /// The kind of the work that has ended.
    pub const fn kind(&self) -> WorkKind {
        match self {
            Self::ReadBars(..) => WorkKind::ReadBars,
            Self::ReadMinutes(_) => WorkKind::ReadMinutes,
            Self::ReadOlderBars(..) => WorkKind::ReadOlderBars,
            Self::Fit(..) => WorkKind::Fit,
            Self::Forecast(_) => WorkKind::Forecast,
            Self::Save(_) => WorkKind::Save,
            Self::ProbeFolder => WorkKind::ProbeFolder,
        }
    }
}

impl FitWork {
    /// Fits, on all cores.
    pub fn run(self) -> FinishedWork {
        let fitted = self.model.fit(&self.known, &self.grid, self.seed);
        FinishedWork::Fit(self.at, fitted.map(Arc::from))
    }
}

impl ForecastingWork {
    /// Makes the forecasts, in milliseconds.
    pub fn run(self) -> FinishedWork {
        let forecast = |origin: UnixMillis| {
            let recent = self.prices.up_to_origin(origin)?;
            let payload = forecast_payload(self.fitted.as_ref(), &recent, &self.config);
            let payload = payload.map_err(|error| ForecastServiceError::Model(Arc::new(error)))?;
            Ok(payload.into())
        };
        let by_origin = self
            .origins
            .iter()
            .map(|origin| (*origin, forecast(*origin)));
        FinishedWork::Forecast(MadeForecasts {
            revision: self.revision,
            by_origin: by_origin.collect(),
        })
    }
}
