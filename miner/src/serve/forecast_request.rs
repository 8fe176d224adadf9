//! What the routes ask of the forecast service.

use std::error::Error;
use std::sync::Arc;

use foretell_core::series::RoundId;
use foretell_core::time::{Millis, UnixMillis};
use tokio::sync::{mpsc, oneshot, watch};

use super::data_folder::DataFolder;
use super::forecast_error::ForecastServiceError;
use super::live_forecaster::next_origin;
use super::payload_store::PayloadStoreError;
use super::standing_forecasts::StandingForecasts;

/// Requests that may wait for the service of a replay.
const REQUEST_QUEUE_SIZE: usize = 64;

/// The newest forecasts of the forecast service.
#[derive(Debug, Clone)]
pub struct ForecastServiceHandle {
    source: ForecastSource,
    folder: Arc<DataFolder>,
}

#[derive(Debug, Clone)]
enum ForecastSource {
    /// They stand in memory.
    Live {
        standing: watch::Receiver<StandingForecasts>,
        step: Millis,
    },
    /// They are made when they are asked for.
    Replay(mpsc::Sender<ForecastRequest>),
}

/// A request for the forecast of an origin, with where its answer goes.
#[derive(Debug)]
pub struct ForecastRequest {
    /// What the forecast is for.
    pub origin: UnixMillis,
    /// Where it goes.
    pub answer: oneshot::Sender<Result<Arc<str>, ForecastServiceError>>,
}

impl ForecastServiceHandle {
    /// A handle to the forecasts that a live service publishes.
    pub const fn live(
        standing: watch::Receiver<StandingForecasts>,
        step: Millis,
        folder: Arc<DataFolder>,
    ) -> Self {
        let source = ForecastSource::Live { standing, step };
        Self { source, folder }
    }

    /// A handle, and the requests made through it and its clones, for the service of a replay.
    pub fn replay(folder: Arc<DataFolder>) -> (Self, mpsc::Receiver<ForecastRequest>) {
        let (sender, requests) = mpsc::channel(REQUEST_QUEUE_SIZE);
        let source = ForecastSource::Replay(sender);
        (Self { source, folder }, requests)
    }

    /// The newest forecast of `round`, as its payload's text. A live miner has it in memory: this waits for no venue, fit or
    /// file. In a replay it is made now. The miner isn't bound to it yet.
    ///
    /// # Errors
    /// Why there is none. A live miner may have one a moment later.
    pub async fn current(&self, round: &RoundId) -> Result<Arc<str>, ForecastServiceError> {
        match &self.source {
            ForecastSource::Live { standing, .. } => standing.borrow().current(round.origin),
            ForecastSource::Replay(requests) => {
                let (answer, answered) = oneshot::channel();
                let origin = round.origin;
                let sent = requests.send(ForecastRequest { origin, answer }).await;
                sent.map_err(|_| ForecastServiceError::Stopping)?;
                answered.await.map_err(|_| ForecastServiceError::Stopping)?
            }
        }
    }

    /// Notes whether a payload could be kept: [readiness](Self::ready) goes by the last try.
    pub fn note_stored<T>(&self, stored: &Result<T, PayloadStoreError>) {
        let failure = stored.as_ref().err();
        self.folder.note(failure.map(|error| error as &dyn Error));
    }

    /// Whether a commitment to the next round after `now` would be given: its forecast stands, and the last try to write to
    /// the data directory succeeded.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&self, now: UnixMillis) -> Result<(), ForecastServiceError> {
        match &self.source {
            ForecastSource::Live { standing, step } => {
                let next = next_origin(now, *step);
                standing.borrow().current(next)?;
            }
            // The time of a forecast comes with its request: there is nothing to prepare.
            ForecastSource::Replay(requests) if requests.is_closed() => {
                return Err(ForecastServiceError::Stopping);
            }
            ForecastSource::Replay(_) => {}
        }
        let writable = self.folder.writable();
        writable.map_err(ForecastServiceError::Folder)
    }
}
