//! The status over HTTP, as JSON. It can be read without a key, and nothing can be changed by it.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use foretell_wire::http_server::{self, ServerLimits};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::HttpConfig;
use super::status::ValidatorStatus;

/// The newest status; none before the first.
pub type StatusReceiver = watch::Receiver<Option<ValidatorStatus>>;

/// The running HTTP server; without tasks if none is configured.
#[derive(Debug)]
pub struct StatusServer {
    tasks: JoinSet<std::io::Result<()>>,
    stop: CancellationToken,
}

impl StatusServer {
    /// Serves the newest status at the configured address; does nothing without a configuration.
    ///
    /// # Errors
    /// The address can't be listened at.
    pub async fn start(
        config: Option<&HttpConfig>,
        status_receiver: StatusReceiver,
    ) -> Result<Self> {
        let mut status_server = Self {
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
        };
        let Some(HttpConfig { listen }) = config else {
            return Ok(status_server);
        };
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("can't listen at http.listen = {listen}: choose a free port of this machine")
        })?;
        let address = listener
            .local_addr()
            .context("can't tell our own address")?;
        tracing::info!("status at http://{address}/v1/status");
        let stop = status_server.stop.clone();
        status_server.tasks.spawn(async move {
            let (routes, limits) = (router(status_receiver), ServerLimits::default());
            http_server::serve(listener, routes, limits, stop.cancelled_owned()).await
        });
        Ok(status_server)
    }

    /// Stops serving. When this returns, the task has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // A graceful end would wait for every client that keeps its connection open.
        self.tasks.shutdown().await;
    }
}

fn router(status_receiver: StatusReceiver) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .with_state(Arc::new(status_receiver))
}

async fn status(State(status_receiver): State<Arc<StatusReceiver>>) -> Response {
    match status_receiver.borrow().as_ref() {
        Some(status) => Json(status).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no status yet").into_response(),
    }
}
