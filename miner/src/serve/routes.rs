//! The routes: commitment, reveal and outcome, signed by validators; health and metrics for anybody.

use std::io;
use std::sync::Arc;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use foretell_cli::clock::system_nanos;
use foretell_core::hash::Commitment;
use foretell_core::hotkey::Hotkey;
use foretell_core::series::{RoundId, Series};
use foretell_core::signed_text::{answer_text, receipt_text, reveal_text_from_digest};
use foretell_core::time::UnixMillis;
use foretell_keys::keypair::{Keypair, verify_signature};
use foretell_wire::authorization::require_authorization;
use foretell_wire::callers::{Caller, Callers};
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, OUTCOME_ROUTE, OutcomeNotice, REVEAL_ROUTE,
    RevealRequest, RevealResponse,
};

use super::asked_rounds::{AskedRounds, OutcomeClaim};
use super::blocking::blocking;
use super::commit_window::CommitWindow;
use super::committed_payload::{CommittedPayload, NoncedCommitment};
use super::forecast_error::ForecastServiceError;
use super::forecast_request::ForecastServiceHandle;
use super::metrics::MinerMetrics;
use super::outcome_log::{OutcomeLog, OutcomeLogError, ReceivedOutcome};
use super::payload_store::{PayloadStore, PayloadStoreError};
use crate::config::ClockConfig;

/// What the routes share: the miner's side of every answer.
pub struct ServeState {
    /// Signs the answers.
    pub key: Keypair,
    /// The series that is forecast.
    pub series: Series,
    /// Whether requests are answered at the machine's time or their own.
    pub clock: ClockConfig,
    /// The time now, by the machine's clock.
    pub now: fn() -> UnixMillis,
    /// Payloads that the miner is committed to.
    pub payloads: Arc<PayloadStore>,
    /// Which validator asked in which round.
    pub asked: Arc<AskedRounds>,
    /// Outcomes that validators reported.
    pub outcomes: Arc<OutcomeLog>,
    /// Counters for Prometheus.
    pub metrics: MinerMetrics,
    /// Where payloads of new rounds come from.
    pub forecasts: ForecastServiceHandle,
    /// Who is answered.
    pub callers: Callers,
}

/// The miner's routes: the signed ones behind authorization, and its health.
pub fn router(miner: ServeState) -> Router {
    let callers = miner.callers.clone();
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
    TooEarly(String),
    NotCommitted,
    NotAsked(RoundId),
    InvalidReceipt,
    Forecast(ForecastServiceError),
    Payloads(PayloadStoreError),
    AskedRounds(io::Error),
    Outcomes(OutcomeLogError),
}

async fn commit(
    State(miner): State<Arc<ServeState>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<CommitRequest>,
) -> Result<Json<CommitResponse>, RouteError> {
    miner.validate(&request)?;
    let round = &request.round;
    let payload = match miner.bound_payload(round, validator).await? {
        Some(payload) => payload,
        None => miner.bind(round, validator).await?,
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
    let Some(bound) = miner.bound_payload(round, validator).await? else {
        return Err(RouteError::NotCommitted);
    };
    // The receipt proves that the validator is bound to this commitment before it sees the payload.
    let hotkey = miner.key.hotkey();
    let text = receipt_text(round, &hotkey, &receipt.commitment, receipt.arrival);
    if !verify_signature(&validator, text.as_bytes(), &receipt.signature) {
        return Err(RouteError::InvalidReceipt);
    }
    let (payload, committed) = miner
        .payload_behind(bound, &validator, &receipt.commitment)
        .await?;
    if miner.clock == ClockConfig::System && (miner.now)() < round.origin {
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

/// Takes a validator's report of how the miner did in a round in which it was asked: once.
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
    let received = ReceivedOutcome::new(validator, notice)
        .map_err(|figure| RouteError::BadRequest(format!("no outcome has such a {figure}")))?;
    let round = received.outcome.round.clone();
    let asked = Arc::clone(&miner.asked);
    let claim = blocking(move || asked.claim_outcome(round.origin, validator)).await;
    let claim = claim.map_err(RouteError::AskedRounds)?;
    let outcome = &received.outcome;
    match claim {
        OutcomeClaim::NeverAsked => return Err(RouteError::NotAsked(outcome.round.clone())),
        OutcomeClaim::Repeated => return Ok(StatusCode::NO_CONTENT),
        OutcomeClaim::First => {}
    }
    tracing::info!(
        round = %outcome.round, verdict = %outcome.verdict, score = outcome.score, rank = outcome.rank,
        weight = outcome.weight, "outcome"
    );
    miner.metrics.count_outcome(outcome);
    let outcomes = Arc::clone(&miner.outcomes);
    let kept = blocking(move || outcomes.append(&received)).await;
    kept.map_err(RouteError::Outcomes)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn metrics(State(miner): State<Arc<ServeState>>) -> String {
    miner.metrics.text()
}

/// Ready means that the next commitment would be given.
async fn ready(State(miner): State<Arc<ServeState>>) -> Response {
    if !miner.callers.answer_anybody() {
        let why = match miner.callers.are_known() {
            true => {
                "nobody is answered: set serve.validators, or the subnet whose permitted validators are"
            }
            false => "the chain has not said yet which validators are permitted",
        };
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    }
    match (miner.forecasts.ready((miner.now)()), miner.clock) {
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
        let step_s = grid.step.get().unsigned_abs() / 1000;
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
        match CommitWindow::at(origin, now) {
            CommitWindow::Open => Ok(()),
            CommitWindow::Past => Err(RouteError::BadRequest(format!(
                "{} has begun: it is {now}",
                request.round
            ))),
            CommitWindow::Early(opens) => Err(RouteError::TooEarly(format!(
                "{} takes commitments from {opens} on: it is {now}",
                request.round
            ))),
        }
    }

    /// The time at which a request made at `round_time` is answered.
    fn answer_time(&self, round_time: UnixMillis) -> UnixMillis {
        match self.clock {
            ClockConfig::System => (self.now)(),
            ClockConfig::Request => round_time,
        }
    }

    /// The payload of `round` that the miner is bound to by its answer to `validator`, if there is one.
    async fn bound_payload(
        &self,
        round: &RoundId,
        validator: Hotkey,
    ) -> Result<Option<Arc<CommittedPayload>>, RouteError> {
        if let Some(payload) = self.payloads.cached(round, &validator) {
            return Ok(Some(payload));
        }
        let (payloads, round) = (Arc::clone(&self.payloads), round.clone());
        let found = blocking(move || payloads.find(&round, &validator)).await;
        if found.is_err() {
            self.forecasts.note_stored(&found);
        }
        found.map_err(RouteError::Payloads)
    }

    /// Binds the miner to the newest forecast of `round` in its answer to `validator`; what comes back is what counts.
    async fn bind(
        &self,
        round: &RoundId,
        validator: Hotkey,
    ) -> Result<Arc<CommittedPayload>, RouteError> {
        let asked = Arc::clone(&self.asked);
        let origin = round.origin;
        let noted = blocking(move || asked.note_asked(origin, validator)).await;
        if let Err(error) = noted {
            // The answer matters more than whether its outcome can be taken after a restart.
            tracing::warn!(%error, "can't keep which validators asked");
        }
        let text = self.forecasts.current(round).await;
        let text = text.map_err(RouteError::Forecast)?;
        let (payloads, round) = (Arc::clone(&self.payloads), round.clone());
        let bound = blocking(move || payloads.bind(&round, validator, text)).await;
        self.forecasts.note_stored(&bound);
        bound.map_err(RouteError::Payloads)
    }

    /// The payload and nonce behind a commitment to `validator`: of the payload that the miner is `bound` to, or of another
    /// of the round that it may have answered with before a power cut.
    async fn payload_behind(
        &self,
        bound: Arc<CommittedPayload>,
        validator: &Hotkey,
        commitment: &Commitment,
    ) -> Result<(Arc<CommittedPayload>, NoncedCommitment), RouteError> {
        let opens = |payload: Arc<CommittedPayload>| {
            let committed = payload.commitment_for(&self.key, validator);
            (committed.commitment == *commitment).then_some((payload, committed))
        };
        let round = bound.round().clone();
        if let Some(found) = opens(bound) {
            return Ok(found);
        }
        let payloads = Arc::clone(&self.payloads);
        let all = blocking(move || payloads.find_all(&round)).await;
        let mut all = all.map_err(RouteError::Payloads)?.into_iter();
        all.find_map(opens).ok_or(RouteError::InvalidReceipt)
    }
}

impl IntoResponse for RouteError {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::BadRequest(why) => (StatusCode::BAD_REQUEST, why),
            Self::TooEarly(why) => (StatusCode::TOO_EARLY, why),
            Self::NotAsked(round) => (
                StatusCode::NOT_FOUND,
                format!("the caller did not ask for a commitment in {round}"),
            ),
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
            Self::AskedRounds(error) => {
                tracing::error!(%error, "asked rounds");
                let why = "the miner can't keep outcomes".into();
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
