//! Miners that break the rules, one rule each, to show what it gets them.
//!
//! They are separate processes like honest miners. What takes wall time elsewhere (lateness, silence) they
//! declare in a header that only a replay reads.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Json, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use clap::ValueEnum;
use foretell_cli::clock::system_nanos;
use foretell_core::signed_text::{answer_text, commitment, nonce_text, reveal_text};
use foretell_keys::keypair::Keypair;
use foretell_wire::authorization::require_authorization;
use foretell_wire::callers::{Caller, Callers};
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, DELAY_HEADER, REVEAL_ROUTE, RevealRequest,
    RevealResponse,
};
use tokio::io::AsyncReadExt;

/// How an adversary misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Misbehaviour {
    /// Commits three seconds after the window has closed.
    Late,
    /// Never answers.
    Silent,
    /// Answers with something that is no answer.
    Rubbish,
    /// Commits to a payload that is no forecast.
    Nonsense,
    /// Forecasts quantiles that cross.
    Crossing,
    /// Forecasts 1e300.
    Huge,
    /// Commits, then withholds the payload.
    Withholding,
    /// Commits to one payload and reveals another.
    Swapping,
}

impl Misbehaviour {
    /// Every misbehaviour, in the order of the adversaries' uids.
    pub const ALL: [Self; 8] = [
        Self::Late,
        Self::Silent,
        Self::Rubbish,
        Self::Nonsense,
        Self::Crossing,
        Self::Huge,
        Self::Withholding,
        Self::Swapping,
    ];

    /// Name on the leaderboard, and value of the flag `--kind`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Silent => "silent",
            Self::Rubbish => "rubbish",
            Self::Nonsense => "nonsense",
            Self::Crossing => "crossing",
            Self::Huge => "huge",
            Self::Withholding => "withholding",
            Self::Swapping => "swapping",
        }
    }

    /// The value of the header that declares lateness or silence to a replay: milliseconds, or `never`.
    fn declared_delay(self) -> Option<&'static str> {
        match self {
            Self::Late => Some("3000"),
            Self::Silent => Some("never"),
            _ => None,
        }
    }

    /// The payload that it commits to: a forecast of `horizon` steps, or what is none.
    fn payload(self, horizon: usize) -> String {
        let quantiles = |k: usize, row: &[f64]| {
            let values: Vec<f64> = row.repeat(horizon);
            serde_json::json!({"kind": "quantiles", "k": k, "values": values}).to_string()
        };
        match self {
            Self::Nonsense => r#"{"kind":"quantiles","k":1,"values":[NaN]}"#.into(),
            Self::Crossing => quantiles(2, &[2.0, 1.0]),
            Self::Huge => quantiles(2, &[1e300, 1e300]),
            _ => quantiles(1, &[1.0]),
        }
    }
}

struct Adversary {
    key: Keypair,
    misbehaviour: Misbehaviour,
    horizon: usize,
}

fn router(key: Keypair, misbehaviour: Misbehaviour, horizon: usize) -> Router {
    let hotkey = key.hotkey();
    let adversary = Arc::new(Adversary {
        key,
        misbehaviour,
        horizon,
    });
    let routes = Router::new()
        .route(COMMIT_ROUTE, post(commit))
        .route(REVEAL_ROUTE, post(reveal))
        .with_state(adversary);
    require_authorization(routes, hotkey, Callers::anyone(), system_nanos)
}

/// Serves an adversary on a free port of loopback until standard input closes; first prints its address as one line of JSON, as
/// `miner serve` does.
///
/// Fails if no port can be bound or standard output is closed.
pub async fn serve(
    key: Keypair,
    misbehaviour: Misbehaviour,
    horizon: usize,
) -> std::io::Result<()> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = tokio::net::TcpListener::bind(loopback).await?;
    let ready = serde_json::json!({
        "listening": listener.local_addr()?,
        "hotkey": key.hotkey(),
        "model": misbehaviour.name(),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    let stop = async {
        let mut ignored = [0; 64];
        let mut input = tokio::io::stdin();
        while matches!(input.read(&mut ignored).await, Ok(n) if n > 0) {}
    };
    axum::serve(listener, router(key, misbehaviour, horizon))
        .with_graceful_shutdown(stop)
        .await
}

async fn commit(
    State(adversary): State<Arc<Adversary>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(request): Json<CommitRequest>,
) -> Response {
    let Adversary {
        key,
        misbehaviour,
        horizon,
    } = &*adversary;
    if *misbehaviour == Misbehaviour::Rubbish {
        return "rubbish".into_response();
    }
    let nonce = key.nonce(&nonce_text(&request.round, &validator));
    let payload = misbehaviour.payload(*horizon);
    let commitment = commitment(
        &request.round,
        &validator,
        &key.hotkey(),
        &nonce,
        payload.as_bytes(),
    );
    let text = answer_text(&request.round, &validator, &commitment);
    let answer = Json(CommitResponse {
        commitment,
        signature: key.sign(text.as_bytes()),
    });
    match misbehaviour.declared_delay() {
        Some(delay) => ([(DELAY_HEADER, delay)], answer).into_response(),
        None => answer.into_response(),
    }
}

async fn reveal(
    State(adversary): State<Arc<Adversary>>,
    Extension(Caller(validator)): Extension<Caller>,
    Json(RevealRequest { round, .. }): Json<RevealRequest>,
) -> Response {
    let Adversary {
        key,
        misbehaviour,
        horizon,
    } = &*adversary;
    let payload = match misbehaviour {
        Misbehaviour::Withholding => {
            return (StatusCode::NOT_FOUND, "I have forgotten").into_response();
        }
        Misbehaviour::Swapping => "another payload".into(),
        other => other.payload(*horizon),
    };
    let text = reveal_text(&round, &validator, payload.as_bytes());
    Json(RevealResponse {
        nonce: key.nonce(&nonce_text(&round, &validator)),
        signature: key.sign(text.as_bytes()),
        payload,
    })
    .into_response()
}
