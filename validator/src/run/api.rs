//! The service over HTTP: what it is doing, as JSON. Anybody may read it; nobody can change anything by it.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use axum::{Router, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::HttpConfig;
use super::status::Status;

/// The status that is served: the newest, or none before the first.
pub type Shown = watch::Receiver<Option<Status>>;

/// The server, if one is configured.
#[derive(Debug)]
pub struct Api {
    tasks: JoinSet<std::io::Result<()>>,
    stop: CancellationToken,
}

impl Api {
    /// Serves `shown` where the configuration says; nowhere if it doesn't.
    pub async fn start(config: Option<&HttpConfig>, shown: Shown) -> Result<Self> {
        let mut api = Self {
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
        };
        let Some(HttpConfig { listen }) = config else {
            return Ok(api);
        };
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("can't listen at http.listen = {listen}: choose a free port of this machine")
        })?;
        let address = listener
            .local_addr()
            .context("can't tell our own address")?;
        tracing::info!("status at http://{address}/v1/status");
        let stop = api.stop.clone();
        api.tasks.spawn(async move {
            serve(listener, router(shown))
                .with_graceful_shutdown(stop.cancelled_owned())
                .await
        });
        Ok(api)
    }

    /// Stops serving. When this returns, the task has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // A reader that keeps its connection open would keep us waiting.
        self.tasks.shutdown().await;
    }
}

fn router(shown: Shown) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .with_state(Arc::new(shown))
}

async fn status(State(shown): State<Arc<Shown>>) -> Response {
    match shown.borrow().as_ref() {
        Some(status) => Json(status).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no status yet").into_response(),
    }
}
