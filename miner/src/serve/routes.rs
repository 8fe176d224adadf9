//! The routes that a validator asks.

use std::sync::Arc;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use foretell_core::attest::{answer_text, receipt_text, reveal_text_of};
use foretell_core::series::{RoundId, Series};
use foretell_core::time::Millis;
use foretell_wire::keypair::{Keypair, verifies};
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitAnswer, CommitRequest, OUTCOME_ROUTE, OutcomeNotice, REVEAL_ROUTE,
    RevealAnswer, RevealRequest,
};
use foretell_wire::server::{Caller, Callers, behind_door};

use super::desk::{DeskError, Forecasts, blocking};
use super::metrics::Metrics;
use super::outcomes::{Outcomes, OutcomesError};
use super::payload::Payload;
use super::payloads::{Payloads, PayloadsError};
use super::system_now;
use crate::config::ClockConfig;

/// A live miner commits to rounds no further ahead than this: nobody gets forecasts in stock.
pub const FURTHEST_AHEAD: Millis = Millis::minutes(2);

/// What the routes share.
pub struct Miner {
    /// Signs the answers.
    pub key: Keypair,
    /// What is forecast.
    pub series: Series,
    /// Whose time counts.
    pub clock: ClockConfig,
    /// Payloads that somebody is bound to.
    pub payloads: Arc<Payloads>,
    /// What validators said.
    pub outcomes: Arc<Outcomes>,
    /// What is counted.
    pub metrics: Metrics,
    /// Forecasts to give.
    pub forecasts: Forecasts,
}

/// The miner's routes: the signed ones behind the door, and its health.
pub fn router(miner: Miner, callers: Callers) -> Router {
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
    behind_door(signed, hotkey, callers).merge(health)
}

/// A request that gets no answer, and why.
enum Refusal {
    Request(String),
    Unknown,
    Receipt,
    Desk(DeskError),
    Payloads(PayloadsError),
    Outcomes(OutcomesError),
}

async fn commit(
    State(miner): State<Arc<Miner>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<CommitRequest>,
) -> Result<Json<CommitAnswer>, Refusal> {
    miner.check(&request)?;
    let round = &request.round;
    let payload = match miner.kept(round).await? {
        Some(payload) => payload,
        None => miner
            .forecasts
            .payload(round)
            .await
            .map_err(Refusal::Desk)?,
    };
    let answer = payload.answer(&miner.key, &validator);
    let text = answer_text(round, &validator, &answer.commitment);
    miner.metrics.committed();
    Ok(Json(CommitAnswer {
        commitment: answer.commitment,
        signature: miner.key.sign(text.as_bytes()),
    }))
}

async fn reveal(
    State(miner): State<Arc<Miner>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<RevealRequest>,
) -> Result<Response, Refusal> {
    let RevealRequest { round, receipt } = &request;
    let Some(payload) = miner.kept(round).await? else {
        return Err(Refusal::Unknown);
    };
    let answer = payload.answer(&miner.key, &validator);
    // The receipt proves that the validator is bound to this commitment before it sees the payload.
    let hotkey = miner.key.hotkey();
    let text = receipt_text(round, &hotkey, &receipt.commitment, receipt.arrival);
    let signed = verifies(&validator, text.as_bytes(), &receipt.signature);
    if !signed || receipt.commitment != answer.commitment {
        return Err(Refusal::Receipt);
    }
    if miner.clock == ClockConfig::System && system_now() < round.origin {
        return Err(Refusal::Request(format!(
            "{round} has not begun: ask after T"
        )));
    }
    let text = reveal_text_of(round, &validator, payload.digest());
    miner.metrics.revealed();
    Ok(Json(RevealAnswer {
        signature: miner.key.sign(text.as_bytes()),
        nonce: answer.nonce,
        payload: payload.quoted(),
    })
    .into_response())
}

/// A validator tells how the miner did.
async fn outcome(
    State(miner): State<Arc<Miner>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(notice): Json<OutcomeNotice>,
) -> Result<StatusCode, Refusal> {
    if notice.round.series != miner.series.id {
        return Err(Refusal::Request(format!(
            "this miner forecasts {}",
            miner.series.id
        )));
    }
    tracing::info!(
        round = %notice.round, verdict = %notice.verdict, score = notice.score, rank = notice.rank,
        weight = notice.weight, "outcome"
    );
    miner.metrics.told(&notice);
    let outcomes = Arc::clone(&miner.outcomes);
    let kept = blocking(move || outcomes.keep(validator, notice)).await;
    kept.map_err(Refusal::Outcomes)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn metrics(State(miner): State<Arc<Miner>>) -> String {
    miner.metrics.text()
}

/// Ready means: there is a forecast for the next origin.
async fn ready(State(miner): State<Arc<Miner>>) -> Response {
    match (miner.forecasts.ready().await, miner.clock) {
        (Ok(()), ClockConfig::Request) => {
            "ready: forecasts follow the requests' time".into_response()
        }
        (Ok(()), ClockConfig::System) => "ready".into_response(),
        (Err(error), _) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

impl Miner {
    fn check(&self, request: &CommitRequest) -> Result<(), Refusal> {
        let Series { id, grid, .. } = &self.series;
        let step_s = grid.step.0.unsigned_abs() / 1000;
        if request.series != *id
            || request.round.series != *id
            || (request.step_s, request.horizon) != (step_s, grid.horizon)
        {
            let horizon = grid.horizon;
            return Err(Refusal::Request(format!(
                "this miner forecasts {horizon} steps of {step_s} s of {id}"
            )));
        }
        let origin = request.round.origin;
        if !grid.contains(origin) {
            return Err(Refusal::Request(format!(
                "{origin} is not on the grid of {step_s} s"
            )));
        }
        let now = self.clock.now(request.round_time_ms);
        if origin < now || origin > now + FURTHEST_AHEAD {
            return Err(Refusal::Request(format!(
                "{} is not the next round",
                request.round
            )));
        }
        Ok(())
    }

    /// The payload of `round`, if the miner is bound to one.
    async fn kept(&self, round: &RoundId) -> Result<Option<Arc<Payload>>, Refusal> {
        if let Some(payload) = self.payloads.remembered(round) {
            return Ok(Some(payload));
        }
        let (payloads, round) = (Arc::clone(&self.payloads), round.clone());
        let found = blocking(move || payloads.find(&round)).await;
        found.map_err(Refusal::Payloads)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Self::Request(why) => (StatusCode::BAD_REQUEST, why),
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "no commitment was given in this round".into(),
            ),
            Self::Receipt => (
                StatusCode::FORBIDDEN,
                "the receipt is not the caller's for this commitment".into(),
            ),
            Self::Desk(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
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
