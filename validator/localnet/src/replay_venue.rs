//! The replay venue: serves the file's bars over REST, up to the simulated now and no further.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::extract::{Json, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use foretell_core::bar::Bar;
use foretell_core::series::Series;
use foretell_core::time::UnixMillis;
use foretell_feed::venue::{CandlePage, CandleSource, ReplaySource};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A venue that is up until it is dropped or [closed](Self::close).
#[derive(Debug)]
pub struct ReplayVenue {
    address: SocketAddr,
    state: Arc<ReplayState>,
    stop: DropGuard,
    server: JoinHandle<std::io::Result<()>>,
}

#[derive(Debug)]
struct ReplayState {
    series: Series,
    bars: Vec<Bar>,
    now: AtomicI64,
}

#[derive(Deserialize)]
struct CandlesParams {
    series: String,
    step_ms: i64,
    from_ms: i64,
    to_ms: i64,
}

impl ReplayVenue {
    /// Listens on `address` and serves `bars` that have closed; at first, none have.
    pub async fn open(
        address: SocketAddr,
        series: Series,
        bars: Vec<Bar>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(ReplayState {
            series,
            bars,
            now: AtomicI64::new(i64::MIN),
        });
        let routes = Router::new()
            .route(ReplaySource::ROUTE, get(candles))
            .with_state(Arc::clone(&state));
        let stopping = CancellationToken::new();
        let stop = stopping.clone().drop_guard();
        let server = axum::serve(listener, routes)
            .with_graceful_shutdown(stopping.cancelled_owned())
            .into_future();
        Ok(Self {
            address,
            state,
            stop,
            server: tokio::spawn(server),
        })
    }

    /// The address that it listens on, with the port that it was given.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Publishes the bars that close at or before `now`; what was published stays so only if `now` never decreases.
    pub fn publish(&self, now: UnixMillis) {
        self.state.now.store(now.get(), Ordering::Release);
    }

    /// When the last bar closes; `None` without bars.
    pub fn last_close(&self) -> Option<UnixMillis> {
        let last = self.state.bars.last()?;
        Some(last.close_time(self.state.series.grid.step))
    }

    /// Stops serving once requests under way are answered.
    pub async fn close(self) -> std::io::Result<()> {
        drop(self.stop);
        self.server.await?
    }
}

async fn candles(
    State(state): State<Arc<ReplayState>>,
    Query(params): Query<CandlesParams>,
) -> Result<Json<CandlePage>, (StatusCode, String)> {
    let step = state.series.grid.step;
    if params.series != state.series.id.as_str() || params.step_ms != step.get() {
        let text = format!(
            "this venue has {} in steps of {} ms",
            state.series.id,
            step.get()
        );
        return Err((StatusCode::NOT_FOUND, text));
    }
    let now = UnixMillis::saturating(state.now.load(Ordering::Acquire));
    let first = state
        .bars
        .partition_point(|bar| bar.open_time.get() < params.from_ms);
    let published = state.bars[first..]
        .iter()
        .take_while(|bar| bar.open_time.get() < params.to_ms && bar.close_time(step) <= now);
    Ok(Json(CandlePage {
        candles: published.take(ReplaySource.page_size()).copied().collect(),
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use foretell_core::testing::{STEP, bars, btc_usd};
    use foretell_core::time::Millis;
    use foretell_feed::rest::RestClient;
    use foretell_feed::venue::CandleQuery;

    use super::*;

    const FIRST_OPEN: UnixMillis = UnixMillis::EPOCH;

    async fn venue(bar_count: usize) -> ReplayVenue {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let values = (0..bar_count).map(|i| 1.0 + i as f64);
        ReplayVenue::open(address, btc_usd(100), bars(FIRST_OPEN, values))
            .await
            .unwrap()
    }

    async fn read(venue: &ReplayVenue, to: i64) -> Vec<Bar> {
        let query = CandleQuery {
            symbol: "BTC/USD",
            step: STEP,
            from: FIRST_OPEN,
            to: FIRST_OPEN + STEP.times(to),
        };
        RestClient::new(Duration::from_secs(10))
            .unwrap()
            .candles(
                &ReplaySource,
                &format!("http://{}", venue.address()),
                &query,
            )
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn nobody_sees_a_bar_before_it_has_closed() {
        let venue = venue(10).await;
        assert_eq!(read(&venue, 10).await, []);
        venue.publish(FIRST_OPEN + STEP.times(4));
        assert_eq!(read(&venue, 10).await.len(), 4);
        venue.publish(FIRST_OPEN + STEP.times(5) - Millis::literal(1));
        assert_eq!(read(&venue, 10).await.len(), 4);
        venue.close().await.unwrap();
    }

    #[tokio::test]
    async fn long_histories_come_page_by_page() {
        let venue = venue(2500).await;
        venue.publish(FIRST_OPEN + STEP.times(2400));
        let bars = read(&venue, 2300).await;
        assert_eq!(bars.len(), 2300);
        assert!(bars.is_sorted_by(|a, b| a.open_time < b.open_time));
        venue.close().await.unwrap();
    }
}
