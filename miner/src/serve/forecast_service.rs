//! The forecasting desk: one task that owns history and model. It hands out payloads by origin, each of them on disk
//! first.
//!
//! Two of them: [`live`](super::live_forecast_service) goes by the machine's clock, and refits in the background; in a
//! [`replay`](super::replay_forecast_service) time is what each request says, and a forecast depends on nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use foretell_core::forecast::{ForecastKind, ForecastRejection};
use foretell_core::series::RoundId;
use foretell_core::time::UnixMillis;
use foretell_feed::rest::RestError;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::candle_client::CandleClient;
use super::committed_payload::CommittedPayload;
use super::live_forecast_service::LiveForecastService;
use super::payload_store::{PayloadStore, PayloadStoreError};
use super::replay_forecast_service::ReplayForecastService;
use crate::config::{ClockConfig, MinerConfig, ModelConfig};
use crate::model_file::ModelFileError;
use crate::models::{AnyFittedModel, AnyModel, ModelError, paths};
use crate::price_history::{PriceHistory, PriceHistoryError};

/// Requests that may wait for the desk.
const REQUEST_QUEUE_SIZE: usize = 64;

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
    Prices(#[from] crate::price_dataset::PriceDatasetError),
    /// A configured price file of another step.
    #[error("{file} in prices.files has bars of {found}, the series has {wanted}: resample it")]
    Step {
        /// The file.
        file: PathBuf,
        /// Its step.
        found: foretell_core::time::Millis,
        /// The series'.
        wanted: foretell_core::time::Millis,
    },
    /// The configured model file.
    #[error("model.file in the configuration")]
    ModelFile(#[from] ModelFileError),
}

/// Either desk.
pub enum ForecastService {
    /// By the machine's clock.
    Live(Box<LiveForecastService>),
    /// By the requests'.
    Replay(Box<ReplayForecastService>),
}

/// Asks the desk.
#[derive(Debug, Clone)]
pub struct ForecastServiceHandle {
    requests: mpsc::Sender<ForecastRequest>,
}

/// What the desk is asked.
#[derive(Debug)]
pub enum ForecastRequest {
    /// The payload of a round.
    Payload(
        RoundId,
        oneshot::Sender<Result<Arc<CommittedPayload>, ForecastServiceError>>,
    ),
    /// Whether there is a forecast for the next origin.
    Ready(oneshot::Sender<Result<(), ForecastServiceError>>),
}

impl ForecastServiceHandle {
    /// The payload of the forecast in `round`, which is on disk.
    pub async fn payload(
        &self,
        round: &RoundId,
    ) -> Result<Arc<CommittedPayload>, ForecastServiceError> {
        let (answer, answered) = oneshot::channel();
        self.ask(ForecastRequest::Payload(round.clone(), answer))
            .await?;
        answered.await.map_err(|_| ForecastServiceError::Stopping)?
    }

    /// Whether a request now would be answered.
    pub async fn ready(&self) -> Result<(), ForecastServiceError> {
        let (answer, answered) = oneshot::channel();
        self.ask(ForecastRequest::Ready(answer)).await?;
        answered.await.map_err(|_| ForecastServiceError::Stopping)?
    }

    async fn ask(&self, request: ForecastRequest) -> Result<(), ForecastServiceError> {
        let sent = self.requests.send(request).await;
        sent.map_err(|_| ForecastServiceError::Stopping)
    }
}

impl ForecastService {
    /// A desk and the way to ask it; it works once it [runs](Self::run).
    pub fn open(
        config: &MinerConfig,
        model: Arc<dyn AnyModel>,
        candles: CandleClient,
        payloads: Arc<PayloadStore>,
    ) -> Result<(Self, ForecastServiceHandle), ForecastSetupError> {
        let (sender, requests) = mpsc::channel(REQUEST_QUEUE_SIZE);
        let forecast_service = match config.serve.clock {
            ClockConfig::System => Self::Live(Box::new(LiveForecastService::open(
                config, model, candles, payloads, requests,
            )?)),
            ClockConfig::Request => Self::Replay(Box::new(ReplayForecastService::new(
                config, model, candles, payloads, requests,
            ))),
        };
        Ok((forecast_service, ForecastServiceHandle { requests: sender }))
    }

    /// Answers requests until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        match self {
            Self::Live(forecast_service) => forecast_service.run(stop).await,
            Self::Replay(forecast_service) => forecast_service.run(stop).await,
        }
    }
}

impl std::fmt::Debug for ForecastService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForecastService").finish_non_exhaustive()
    }
}

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

/// Runs `work` on a blocking thread. A panic in it is the miner's: it goes down loudly.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
