//! The forecasting desk: one task that owns history and model. It hands out payloads by origin, each of them on disk
//! first.
//!
//! Two of them: [`live`](super::live) goes by the machine's clock, and refits in the background; in a
//! [`replay`](super::replay) time is what each request says, and a forecast depends on nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use foretell_core::forecast::{Kind, Rejection};
use foretell_core::series::RoundId;
use foretell_core::time::UnixMillis;
use foretell_feed::rest::RestError;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::live::LiveDesk;
use super::payload::Payload;
use super::payloads::{Payloads, PayloadsError};
use super::replay::ReplayDesk;
use super::source::Source;
use crate::config::{ClockConfig, Config, ModelConfig};
use crate::history::{History, HistoryError};
use crate::model_file::ModelFileError;
use crate::models::{AnyFitted, AnyModel, ModelError, paths};

/// Requests that may wait for the desk.
const WAITING: usize = 64;

/// Why there is no forecast.
#[derive(Debug, Clone, Error)]
pub enum DeskError {
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
    History(#[from] HistoryError),
    /// The model.
    #[error("no forecast: {0}")]
    Model(Arc<ModelError>),
    /// The disk.
    #[error("the miner can't keep its payloads")]
    Payloads(#[source] Arc<PayloadsError>),
    /// The desk is closing.
    #[error("the miner is stopping")]
    Stopping,
}

/// Why a desk can't be set up.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A configured price file.
    #[error("prices.files in the configuration")]
    Prices(#[from] crate::market::MarketError),
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
pub enum Desk {
    /// By the machine's clock.
    Live(Box<LiveDesk>),
    /// By the requests'.
    Replay(Box<ReplayDesk>),
}

/// Asks the desk.
#[derive(Debug, Clone)]
pub struct Forecasts {
    requests: mpsc::Sender<Request>,
}

/// What the desk is asked.
#[derive(Debug)]
pub enum Request {
    /// The payload of a round.
    Payload(RoundId, oneshot::Sender<Result<Arc<Payload>, DeskError>>),
    /// Whether there is a forecast for the next origin.
    Ready(oneshot::Sender<Result<(), DeskError>>),
}

impl Forecasts {
    /// The payload of the forecast in `round`, which is on disk.
    pub async fn payload(&self, round: &RoundId) -> Result<Arc<Payload>, DeskError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Payload(round.clone(), answer)).await?;
        answered.await.map_err(|_| DeskError::Stopping)?
    }

    /// Whether a request now would be answered.
    pub async fn ready(&self) -> Result<(), DeskError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Ready(answer)).await?;
        answered.await.map_err(|_| DeskError::Stopping)?
    }

    async fn ask(&self, request: Request) -> Result<(), DeskError> {
        let sent = self.requests.send(request).await;
        sent.map_err(|_| DeskError::Stopping)
    }
}

impl Desk {
    /// A desk and the way to ask it; it works once it [runs](Self::run).
    pub fn open(
        config: &Config,
        model: Arc<dyn AnyModel>,
        source: Source,
        payloads: Arc<Payloads>,
    ) -> Result<(Self, Forecasts), OpenError> {
        let (sender, requests) = mpsc::channel(WAITING);
        let desk = match config.serve.clock {
            ClockConfig::System => Self::Live(Box::new(LiveDesk::open(
                config, model, source, payloads, requests,
            )?)),
            ClockConfig::Request => Self::Replay(Box::new(ReplayDesk::new(
                config, model, source, payloads, requests,
            ))),
        };
        Ok((desk, Forecasts { requests: sender }))
    }

    /// Answers requests until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        match self {
            Self::Live(desk) => desk.run(stop).await,
            Self::Replay(desk) => desk.run(stop).await,
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// The payload of what a fitted model forecasts from the end of `recent`.
pub fn payload(
    fitted: &dyn AnyFitted,
    recent: &History,
    config: &ModelConfig,
) -> Result<String, ModelError> {
    let quantiles = fitted.forecast(recent, config.k)?;
    let forecast = match config.kind {
        Kind::Quantiles => quantiles,
        Kind::Paths => paths::of(&quantiles, recent, config.seed)
            .map_err(|rejection: Rejection| ModelError::Rejected(rejection))?,
    };
    Ok(forecast.payload())
}

/// Keeps a payload on a blocking thread; what comes back is what counts.
pub async fn keep(
    payloads: &Arc<Payloads>,
    round: &RoundId,
    text: Arc<str>,
) -> Result<Arc<Payload>, DeskError> {
    let (payloads, round) = (Arc::clone(payloads), round.clone());
    let kept = blocking(move || payloads.keep(&round, text)).await;
    kept.map_err(|error| DeskError::Payloads(Arc::new(error)))
}

/// Runs `work` on a blocking thread. A panic in it is the miner's: it goes down loudly.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
