//! What the routes ask of the forecast service.

use std::sync::Arc;

use foretell_core::series::RoundId;
use tokio::sync::{mpsc, oneshot};

use super::committed_payload::CommittedPayload;
use super::forecast_error::ForecastServiceError;

/// Requests that may wait for the service.
const REQUEST_QUEUE_SIZE: usize = 64;

/// Sends requests to the forecast service.
#[derive(Debug, Clone)]
pub struct ForecastServiceHandle {
    requests: mpsc::Sender<ForecastRequest>,
}

/// A request, with where its answer goes.
#[derive(Debug)]
pub enum ForecastRequest {
    /// The payload of a round: on disk when it is answered.
    Payload(
        RoundId,
        oneshot::Sender<Result<Arc<CommittedPayload>, ForecastServiceError>>,
    ),
    /// Whether there is a forecast for the next origin.
    Ready(oneshot::Sender<Result<(), ForecastServiceError>>),
}

impl ForecastServiceHandle {
    /// A handle, and the requests made through it and its clones.
    pub fn channel() -> (Self, mpsc::Receiver<ForecastRequest>) {
        let (sender, requests) = mpsc::channel(REQUEST_QUEUE_SIZE);
        (Self { requests: sender }, requests)
    }

    /// The payload of the forecast in `round`, which is on disk.
    pub async fn payload(
        &self,
        round: &RoundId,
    ) -> Result<Arc<CommittedPayload>, ForecastServiceError> {
        let (answer, answered) = oneshot::channel();
        self.send(ForecastRequest::Payload(round.clone(), answer))
            .await?;
        answered.await.map_err(|_| ForecastServiceError::Stopping)?
    }

    /// Whether a request now would be answered.
    pub async fn ready(&self) -> Result<(), ForecastServiceError> {
        let (answer, answered) = oneshot::channel();
        self.send(ForecastRequest::Ready(answer)).await?;
        answered.await.map_err(|_| ForecastServiceError::Stopping)?
    }

    async fn send(&self, request: ForecastRequest) -> Result<(), ForecastServiceError> {
        let sent = self.requests.send(request).await;
        sent.map_err(|_| ForecastServiceError::Stopping)
    }
}
