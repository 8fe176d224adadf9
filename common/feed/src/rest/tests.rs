//! Against stand-ins for venues, over real sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use foretell_core::testing::{self, STEP, price};
use foretell_core::time::{Millis, UnixMillis};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::*;
use crate::retry_after::RetryAfter;
use crate::venue::{self, Binance, Bitstamp, CandlePage, ReplaySource};

mod hostile_hosts;

/// Longer than any of these tests takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn at(i: i64) -> UnixMillis {
    UnixMillis::literal(0) + STEP.times(i)
}

/// The price of the `i`th bar.
fn value(i: i64) -> f64 {
    100.0 + i as f64
}

fn bar(i: i64) -> Bar {
    Bar::from_value(at(i), price(value(i)))
}

fn bars(range: std::ops::Range<i64>) -> Vec<Bar> {
    testing::bars(at(range.start), range.map(value))
}

fn query(range: std::ops::Range<i64>) -> CandleQuery<'static> {
    CandleQuery {
        symbol: "BTC/USD",
        step: STEP,
        from: at(range.start),
        to: at(range.end),
    }
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes).into_future());
    format!("http://{address}")
}

/// A replay venue that answers with the bars of `answer`, given `from` in steps, and keeps each `from`.
struct MockVenue {
    answer: fn(i64) -> Vec<Bar>,
    requested: Mutex<Vec<i64>>,
}

#[derive(Deserialize)]
struct CandleParams {
    from_ms: i64,
}

async fn serve_candles(
    State(mock): State<Arc<MockVenue>>,
    Query(params): Query<CandleParams>,
) -> Json<CandlePage> {
    let from = params.from_ms / STEP.get();
    mock.requested.lock().unwrap().push(from);
    let candles = (mock.answer)(from);
    Json(CandlePage { candles })
}

/// The candles that such a venue gives for a range, and the requests that it took.
async fn fetch_from_mock(
    answer: fn(i64) -> Vec<Bar>,
    range: std::ops::Range<i64>,
) -> (Vec<Bar>, Vec<i64>) {
    let requested = Mutex::default();
    let mock = Arc::new(MockVenue { answer, requested });
    let routes = Router::new().route(ReplaySource::ROUTE, get(serve_candles));
    let host = serve(routes.with_state(Arc::clone(&mock))).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let candles = rest
        .candles(&ReplaySource, &host, &query(range))
        .await
        .unwrap();
    let requested = mock.requested.lock().unwrap().clone();
    (candles, requested)
}

/// The error of a request to a `venue` that answers so.
async fn candles_error(
    venue: &dyn CandleSource,
    answer: impl IntoResponse + Clone + Sync + Send + 'static,
) -> RestError {
    let host = serve(Router::new().fallback(move || async move { answer })).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    rest.candles(venue, &host, &query(0..5)).await.unwrap_err()
}

/// The page of a venue that has seven candles and answers with three at a time.
fn in_threes(from: i64) -> Vec<Bar> {
    bars(from..7.min(from + 3))
}

#[tokio::test]
async fn pages_join_without_a_seam() {
    assert_eq!(
        fetch_from_mock(in_threes, 0..7).await,
        (bars(0..7), vec![0, 3, 6])
    );
    assert_eq!(
        fetch_from_mock(in_threes, 0..6).await,
        (bars(0..6), vec![0, 3])
    );
    assert_eq!(
        fetch_from_mock(in_threes, 1..4).await,
        (bars(1..4), vec![1])
    );
    assert_eq!(
        fetch_from_mock(in_threes, 3..3).await,
        (Vec::new(), Vec::new())
    );
}

#[tokio::test]
async fn candles_that_the_venue_lacks_are_requested_once() {
    assert_eq!(
        fetch_from_mock(in_threes, 0..9).await,
        (bars(0..7), vec![0, 3, 6, 7])
    );
    assert_eq!(
        fetch_from_mock(in_threes, 7..9).await,
        (Vec::new(), vec![7])
    );
}

#[tokio::test]
async fn missing_candles_are_stepped_over() {
    let every_other = |from: i64| {
        (from..from + 4)
            .filter(|i| i % 2 == 0 && *i < 7)
            .map(bar)
            .collect()
    };
    let (candles, requested) = fetch_from_mock(every_other, 0..8).await;
    assert_eq!(candles, [bar(0), bar(2), bar(4), bar(6)]);
    assert_eq!(requested, [0, 3, 7]);
}

#[tokio::test]
async fn repeated_and_unrequested_candles_are_left_out() {
    // Each page begins with the candle before, ends with its last one twice, and nothing is ever empty.
    let stuttering = |from: i64| {
        let page = (from - 1)..7.min(from + 3);
        page.clone().chain(page.last()).map(bar).collect()
    };
    assert_eq!(
        fetch_from_mock(stuttering, 0..9).await,
        (bars(0..7), vec![0, 3, 6, 7])
    );
    let everything = |_: i64| bars(-5..50);
    assert_eq!(
        fetch_from_mock(everything, 2..4).await,
        (bars(2..4), vec![2])
    );
}

#[tokio::test]
async fn a_status_error_names_the_venue() {
    for code in [429, 451, 500] {
        let answer = (StatusCode::from_u16(code).unwrap(), "go away");
        for venue in [&ReplaySource as &dyn CandleSource, &Binance, &Bitstamp] {
            let error = candles_error(venue, answer).await;
            let text = error.to_string();
            let expected = format!(
                "{} answered status {code} at http://127.0.0.1",
                venue.name()
            );
            assert!(text.starts_with(&expected), "{text}");
        }
    }
    // Not even if candles come with it.
    let answer = (StatusCode::INTERNAL_SERVER_ERROR, r#"{"candles":[]}"#);
    let error = candles_error(&ReplaySource, answer).await;
    assert!(matches!(error, RestError::Status { status: 500, .. }));
}

#[tokio::test]
async fn a_refusal_with_a_reason_is_quoted_whatever_the_status() {
    let body = r#"{"code":0,"msg":"Service unavailable from a restricted location"}"#;
    for code in [200, 400, 451] {
        let error = candles_error(&Binance, (StatusCode::from_u16(code).unwrap(), body)).await;
        assert_eq!(
            error.to_string(),
            "binance refused: Service unavailable from a restricted location (0)"
        );
    }
    let body = r#"{"code":"invalid_step","errors":[]}"#;
    let error = candles_error(&Bitstamp, (StatusCode::BAD_REQUEST, body)).await;
    assert_eq!(error.to_string(), r#"bitstamp refused: "invalid_step" []"#);
}

#[tokio::test]
async fn garbage_is_malformed() {
    for venue in [&ReplaySource as &dyn CandleSource, &Binance, &Bitstamp] {
        for body in ["<html>", "", "{}", "\u{0}"] {
            let error = candles_error(venue, body).await;
            let malformed = matches!(error, RestError::Venue(VenueError::Malformed { .. }));
            assert!(malformed, "{body:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_response_that_is_too_long_is_an_error() {
    for venue in venue::ALL {
        let max_bytes = max_page_bytes(venue);
        assert!(max_bytes <= MAX_PAGE_BYTES);
        let error = candles_error(venue, vec![b' '; max_bytes + 1]).await;
        assert!(
            matches!(error, RestError::ResponseTooLong { .. }),
            "{error}"
        );
        let error = candles_error(venue, vec![b' '; max_bytes]).await;
        assert!(
            matches!(error, RestError::Venue(VenueError::Malformed { .. })),
            "{error}"
        );
    }
}

async fn unreachable(host: &str, deadline: Duration) -> reqwest::Error {
    let rest = RestClient::new(deadline).unwrap();
    match rest.candles(&Binance, host, &query(0..5)).await {
        Err(RestError::Unreachable { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_without_an_answer_ends_at_the_deadline() {
    // Connections wait in its queue and are never accepted.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let error = unreachable(&host, Duration::from_millis(200)).await;
    assert!(error.is_timeout(), "{error:?}");
}

/// A closed port of this machine.
async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let host = format!("http://{}", closed_port().await);
    assert!(unreachable(&host, TEST_TIMEOUT).await.is_connect());
}

/// Without a provider of its own, the TLS library panics at the first `https` address.
#[tokio::test]
async fn tls_needs_nothing_from_the_process() {
    let host = format!("https://{}", closed_port().await);
    assert!(unreachable(&host, TEST_TIMEOUT).await.is_connect());
    let plain = serve(Router::new().fallback(|| async { "[]" })).await;
    let host = plain.replace("http:", "https:");
    assert!(unreachable(&host, TEST_TIMEOUT).await.is_connect());
}

/// Has minutes 0 to 2 and 10 on; a page is four.
struct Patchy;

impl CandleSource for Patchy {
    fn name(&self) -> &'static str {
        "patchy"
    }

    fn default_host(&self) -> &'static str {
        ""
    }

    fn page_size(&self) -> usize {
        4
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        ReplaySource.candles_path(query)
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(crate::event::RawCandle<'_>),
    ) -> Result<(), VenueError> {
        ReplaySource.read_candles(body, on)
    }
}

#[tokio::test]
async fn an_outage_of_the_venue_is_stepped_over() {
    let patchy = |from: i64| {
        let has = |i: &i64| *i < 3 || *i >= 10;
        (from..from + 4).filter(has).map(bar).collect()
    };
    let requested = Mutex::default();
    let mock = Arc::new(MockVenue {
        answer: patchy,
        requested,
    });
    let routes = Router::new().route(ReplaySource::ROUTE, get(serve_candles));
    let host = serve(routes.with_state(Arc::clone(&mock))).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let candles = rest.candles(&Patchy, &host, &query(0..12)).await.unwrap();
    let expected: Vec<Bar> = bars(0..3).into_iter().chain(bars(10..12)).collect();
    assert_eq!(candles, expected);
    // Each window once, and what comes after the last is left in.
    mock.requested.lock().unwrap().clear();
    let minutes = rest
        .candles_with_forming(&Patchy, &host, &query(0..9))
        .await
        .unwrap();
    let starts: Vec<i64> = minutes
        .iter()
        .map(|c| c.bar.open_time.get() / STEP.get())
        .collect();
    assert_eq!(starts, [0, 1, 2, 10, 11]);
    assert_eq!(*mock.requested.lock().unwrap(), [0, 4, 8]);
}

#[tokio::test]
async fn a_days_volume_is_the_sum_of_its_candles() {
    let hours =
        r#"[[82800000,1,1,1,1,7],[3600000,1,1,1,1,2.5],[0,1,1,1,1,1],[86400000,1,1,1,1,100]]"#;
    let host = serve(Router::new().fallback(move || async move { hours })).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let volume = rest.day_volume(&venue::Gemini, &host, "btcusd", UnixMillis::literal(0));
    assert_eq!(volume.await.unwrap(), Some(10.5));
    let other = UnixMillis::literal(0) - Millis::days(2);
    let volume = rest.day_volume(&venue::Gemini, &host, "btcusd", other);
    assert_eq!(volume.await.unwrap(), None);
}

#[tokio::test]
async fn what_the_first_path_lacks_comes_from_the_archive() {
    let old = r#"{"code":"0","msg":"","data":[["300000","1","1","1","1","5","0","0","1"]]}"#;
    let none = r#"{"code":"0","msg":"","data":[]}"#;
    let routes = Router::new()
        .route("/api/v5/market/candles", get(move || async move { none }))
        .route(
            "/api/v5/market/history-candles",
            get(move || async move { old }),
        );
    let host = serve(routes).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let bars = rest
        .candles(&venue::Okx, &host, &query(1..2))
        .await
        .unwrap();
    assert_eq!(bars.len(), 1);
    assert_eq!(bars[0].volume, 5.0);
}

#[tokio::test]
async fn the_error_has_the_wait_of_retry_after() {
    let headers = [("retry-after", "17")];
    let answer = (
        StatusCode::TOO_MANY_REQUESTS,
        headers,
        r#"{"code":-1003,"msg":"slow down"}"#,
    );
    let error = candles_error(&Binance, answer).await;
    let seventeen = RetryAfter::from_headers(Some(b"17"), None);
    assert!(
        matches!(error, RestError::Status { status: 429, retry_after, .. } if retry_after == seventeen)
    );
}

/// The host answers the first request with 429 and `Retry-After: 1`, and counts all.
#[tokio::test]
async fn a_host_is_not_asked_again_before_its_retry_after_is_over() {
    let requested = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&requested);
    let answer = move || {
        let mut requested = counter.lock().unwrap();
        *requested += 1;
        let first = *requested == 1;
        async move {
            if first {
                (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "no")
            } else {
                (StatusCode::OK, [("x-first", "no")], "[]")
            }
        }
    };
    let host = serve(Router::new().fallback(answer)).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let refused_at = Instant::now();
    let query = query(0..5);
    let request = || rest.candles(&Binance, &host, &query);
    assert!(matches!(
        request().await,
        Err(RestError::Status { status: 429, .. })
    ));
    let clone = rest.clone();
    let error = clone.candles(&Binance, &host, &query).await.unwrap_err();
    assert!(matches!(error, RestError::RateLimited { .. }), "{error}");
    assert_eq!(*requested.lock().unwrap(), 1);
    // Other hosts aren't affected.
    let other = serve(Router::new().fallback(|| async { "[]" })).await;
    assert!(rest.candles(&Binance, &other, &query).await.is_ok());
    while let Err(error) = request().await {
        assert!(matches!(error, RestError::RateLimited { .. }), "{error}");
        tokio::task::yield_now().await;
    }
    assert!(refused_at.elapsed() >= Duration::from_secs(1));
}
