//! The routes that a validator asks.

use std::sync::Arc;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use foretell_core::attest::{answer_text, receipt_text, reveal_text};
use foretell_core::hotkey::Hotkey;
use foretell_core::series::Series;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::keypair::{Keypair, verifies};
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitAnswer, CommitRequest, REVEAL_ROUTE, RevealAnswer, RevealRequest,
};
use foretell_wire::server::{Caller, Callers, behind_door};

use super::answers::{Answer, Answers, AnswersError};
use super::desk::{DeskError, Forecasts};
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
    /// Answers given.
    pub answers: Arc<Answers>,
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
        .with_state(Arc::clone(&miner));
    let health = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(miner);
    behind_door(signed, hotkey, callers).merge(health)
}

/// A request that gets no answer, and why.
enum Refusal {
    Request(String),
    Unknown,
    Receipt,
    Desk(DeskError),
    Answers(AnswersError),
    Panicked,
}

async fn commit(
    State(miner): State<Arc<Miner>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<CommitRequest>,
) -> Result<Json<CommitAnswer>, Refusal> {
    miner.check(&request)?;
    let answer = match miner.kept(&request.round, validator).await? {
        Some(answer) => answer,
        None => {
            let origin = request.round.origin;
            let payload = miner
                .forecasts
                .payload(origin)
                .await
                .map_err(Refusal::Desk)?;
            let round = request.round.clone();
            let answer = Answer::new(&miner.key, round, &validator, payload.as_ref().to_owned());
            miner.keep(answer, validator).await?
        }
    };
    let text = answer_text(&request.round, &validator, &answer.commitment);
    Ok(Json(CommitAnswer {
        commitment: answer.commitment,
        signature: miner.key.sign(text.as_bytes()),
    }))
}

async fn reveal(
    State(miner): State<Arc<Miner>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<RevealRequest>,
) -> Result<Json<RevealAnswer>, Refusal> {
    let RevealRequest { round, receipt } = &request;
    let Some(answer) = miner.kept(round, validator).await? else {
        return Err(Refusal::Unknown);
    };
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
    let text = reveal_text(round, &validator, answer.payload.as_bytes());
    Ok(Json(RevealAnswer {
        signature: miner.key.sign(text.as_bytes()),
        nonce: answer.nonce,
        payload: answer.payload,
    }))
}

/// Ready means: there is a forecast for the next origin.
async fn ready(State(miner): State<Arc<Miner>>) -> Response {
    if miner.clock == ClockConfig::Request {
        return "ready: forecasts follow the requests' time".into_response();
    }
    let step = miner.series.grid.step.0;
    let next = UnixMillis((system_now().0 / step + 1) * step);
    match miner.forecasts.payload(next).await {
        Ok(_) => "ready".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
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

    async fn kept(
        &self,
        round: &foretell_core::series::RoundId,
        validator: Hotkey,
    ) -> Result<Option<Answer>, Refusal> {
        let (answers, round) = (Arc::clone(&self.answers), round.clone());
        tokio::task::spawn_blocking(move || answers.find(&round, &validator))
            .await
            .map_err(|_| Refusal::Panicked)?
            .map_err(Refusal::Answers)
    }

    async fn keep(&self, answer: Answer, validator: Hotkey) -> Result<Answer, Refusal> {
        let answers = Arc::clone(&self.answers);
        tokio::task::spawn_blocking(move || answers.keep(answer, &validator))
            .await
            .map_err(|_| Refusal::Panicked)?
            .map_err(Refusal::Answers)
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
            Self::Answers(error) => {
                tracing::error!(%error, "answers");
                let why = "the miner can't keep its answers".into();
                (StatusCode::INTERNAL_SERVER_ERROR, why)
            }
            Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "the miner failed".into()),
        };
        (status, why).into_response()
    }
}
