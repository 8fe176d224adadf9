//! The routes: commitment, reveal and outcome, signed by validators; health and metrics for anybody.

use std::sync::Arc;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use foretell_cli::clock::{system_nanos, system_now};
use foretell_core::series::{RoundId, Series};
use foretell_core::signed_text::{answer_text, receipt_text, reveal_text_from_digest};
use foretell_core::time::{Millis, UnixMillis};
use foretell_keys::keypair::{Keypair, verify_signature};
use foretell_wire::authorization::require_authorization;
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, OUTCOME_ROUTE, OutcomeNotice, REVEAL_ROUTE,
    RevealRequest, RevealResponse,
};
use foretell_wire::request_authorizer::{Caller, Callers};

use super::blocking::blocking;
use super::committed_payload::CommittedPayload;
use super::forecast_error::ForecastServiceError;
use super::forecast_request::ForecastServiceHandle;
use super::metrics::MinerMetrics;
use super::outcome_log::{OutcomeLog, OutcomeLogError};
use super::payload_store::{PayloadStore, PayloadStoreError};
use crate::config::ClockConfig;

/// A live miner commits to rounds no further ahead than this: nobody gets forecasts in advance.
pub const MAX_LEAD_TIME: Millis = Millis::minutes(2);

/// What the routes share: the miner's side of every answer.
pub struct ServeState {
    /// Signs the answers.
    pub key: Keypair,
    /// The series that is forecast.
    pub series: Series,
    /// Whether requests are answered at the machine's time or their own.
    pub clock: ClockConfig,
    /// Payloads that the miner is committed to.
    pub payloads: Arc<PayloadStore>,
    /// Outcomes that validators reported.
    pub outcomes: Arc<OutcomeLog>,
    /// Counters for Prometheus.
    pub metrics: MinerMetrics,
    /// Where payloads of new rounds come from.
    pub forecasts: ForecastServiceHandle,
}

/// The miner's routes: the signed ones behind authorization, and its health.
pub fn router(miner: ServeState, callers: Callers) -> Router {
    let hotkey = miner.key.hotkey();
    let miner = Arc::new(miner);
    let signed = Router::new()
        .route(COMMIT_ROUTE, post(commit))
        .route(REVEAL_ROUTE, post(reveal))
        .route(OUTCOME_ROUTE, post(outcome))
        .with_state(Arc::clone(&miner));
    let health = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(miner);
    require_authorization(signed, hotkey, callers, system_nanos).merge(health)
}

/// Why a request is refused.
enum RouteError {
    BadRequest(String),
    NotCommitted,
    InvalidReceipt,
    Forecast(ForecastServiceError),
    Payloads(PayloadStoreError),
    Outcomes(OutcomeLogError),
}

async fn commit(
    State(miner): State<Arc<ServeState>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<CommitRequest>,
) -> Result<Json<CommitResponse>, RouteError> {
    miner.validate(&request)?;
    let round = &request.round;
    let payload = match miner.committed_payload(round).await? {
        Some(payload) => payload,
        None => miner.bind(round).await.map_err(RouteError::Forecast)?,
    };
    let committed = payload.commitment_for(&miner.key, &validator);
    let text = answer_text(round, &validator, &committed.commitment);
    miner.metrics.count_commitment();
    Ok(Json(CommitResponse {
        commitment: committed.commitment,
        signature: miner.key.sign(text.as_bytes()),
    }))
}

async fn reveal(
    State(miner): State<Arc<ServeState>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<RevealRequest>,
) -> Result<Response, RouteError> {
    let RevealRequest { round, receipt } = &request;
    let Some(payload) = miner.committed_payload(round).await? else {
        return Err(RouteError::NotCommitted);
    };
    let committed = payload.commitment_for(&miner.key, &validator);
    // The receipt proves that the validator is bound to this commitment before it sees the payload.
    let hotkey = miner.key.hotkey();
    let text = receipt_text(round, &hotkey, &receipt.commitment, receipt.arrival);
    let signed = verify_signature(&validator, text.as_bytes(), &receipt.signature);
    if !signed || receipt.commitment != committed.commitment {
        return Err(RouteError::InvalidReceipt);
    }
    if miner.clock == ClockConfig::System && system_now() < round.origin {
        return Err(RouteError::BadRequest(format!(
            "{round} has not begun: ask after T"
        )));
    }
    let text = reveal_text_from_digest(round, &validator, payload.digest());
    miner.metrics.count_reveal();
    Ok(Json(RevealResponse {
        signature: miner.key.sign(text.as_bytes()),
        nonce: committed.nonce,
        payload: payload.json_string(),
    })
    .into_response())
}

/// Takes a validator's report of how the miner did in a round.
async fn outcome(
    State(miner): State<Arc<ServeState>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(notice): Json<OutcomeNotice>,
) -> Result<StatusCode, RouteError> {
    if notice.round.series != miner.series.id {
        return Err(RouteError::BadRequest(format!(
            "this miner forecasts {}",
            miner.series.id
        )));
    }
    tracing::info!(
        round = %notice.round, verdict = %notice.verdict, score = notice.score, rank = notice.rank,
        weight = notice.weight, "outcome"
    );
    miner.metrics.count_outcome(&notice);
    let outcomes = Arc::clone(&miner.outcomes);
    let kept = blocking(move || outcomes.append(validator, notice)).await;
    kept.map_err(RouteError::Outcomes)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn metrics(State(miner): State<Arc<ServeState>>) -> String {
    miner.metrics.text()
}

/// Ready means that the next commitment would be given.
async fn ready(State(miner): State<Arc<ServeState>>) -> Response {
    match (miner.forecasts.ready(system_now()), miner.clock) {
        (Ok(()), ClockConfig::Request) => {
            "ready: forecasts follow the requests' time".into_response()
        }
        (Ok(()), ClockConfig::System) => "ready".into_response(),
        (Err(error), _) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

impl ServeState {
    fn validate(&self, request: &CommitRequest) -> Result<(), RouteError> {
        let Series { id, grid, .. } = &self.series;
        let step_s = grid.step.0.unsigned_abs() / 1000;
        if request.series != *id
            || request.round.series != *id
            || (request.step_s, request.horizon) != (step_s, grid.horizon)
        {
            let horizon = grid.horizon;
            return Err(RouteError::BadRequest(format!(
                "this miner forecasts {horizon} steps of {step_s} s of {id}"
            )));
        }
        let origin = request.round.origin;
        if !grid.contains(origin) {
            return Err(RouteError::BadRequest(format!(
                "{origin} is not on the grid of {step_s} s"
            )));
        }
        let now = self.answer_time(request.round_time_ms);
        if origin < now || origin > now + MAX_LEAD_TIME {
            return Err(RouteError::BadRequest(format!(
                "{} is not the next round",
                request.round
            )));
        }
        Ok(())
    }

    /// The time at which a request made at `round_time` is answered.
    fn answer_time(&self, round_time: UnixMillis) -> UnixMillis {
        match self.clock {
            ClockConfig::System => system_now(),
            ClockConfig::Request => round_time,
        }
    }

    /// The newest forecast of `round`, kept on disk; what comes back is what counts.
    async fn bind(&self, round: &RoundId) -> Result<Arc<CommittedPayload>, ForecastServiceError> {
        let text = self.forecasts.current(round).await?;
        let (payloads, round) = (Arc::clone(&self.payloads), round.clone());
        let stored = blocking(move || payloads.store(&round, text)).await;
        self.forecasts.note_stored(&stored);
        stored.map_err(|error| ForecastServiceError::Payloads(Arc::new(error)))
    }

    /// The payload of `round`, if the miner is committed to one.
    async fn committed_payload(
        &self,
        round: &RoundId,
    ) -> Result<Option<Arc<CommittedPayload>>, RouteError> {
        if let Some(payload) = self.payloads.cached(round) {
            return Ok(Some(payload));
        }
        let (payloads, round) = (Arc::clone(&self.payloads), round.clone());
        let found = blocking(move || payloads.find(&round)).await;
        found.map_err(RouteError::Payloads)
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, why),
            Self::NotCommitted => (
                StatusCode::NOT_FOUND,
                "no commitment was given in this round".into(),
            ),
            Self::InvalidReceipt => (
                StatusCode::FORBIDDEN,
                "the receipt is not the caller's for this commitment".into(),
            ),
            Self::Forecast(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Payloads(error) => {
                tracing::error!(%error, "payloads");
                let why = "the miner can't read its payloads".into();
                (StatusCode::INTERNAL_SERVER_ERROR, why)
            }
            Self::Outcomes(error) => {
                tracing::error!(%error, "outcomes");
                let why = "the miner can't keep outcomes".into();
                (StatusCode::INTERNAL_SERVER_ERROR, why)
            }
        };
        (status, why).into_response()
    }
}
