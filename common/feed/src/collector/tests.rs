//! Against a stand-in for an exchange, over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use foretell_core::rules::RulesVersion;
use foretell_core::testing::MONDAY;
use tokio::net::TcpListener;

use super::*;
use crate::venue::Bitstamp;

/// When the minute that starts on [`MONDAY`] is tried first.
const NOW: UnixMillis = UnixMillis::saturating(MONDAY.get() + 120_000);

/// A collector with one market, whose host answers everything with `answer`; and the number of requests.
async fn collector_of(
    answer: impl IntoResponse + Clone + Send + Sync + 'static,
) -> (CandleCollector, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let routes = Router::new().fallback(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let answer = answer.clone();
        async move { answer }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let market = VenueMarket {
        venue: &Bitstamp,
        host,
        symbol: "btcusd".into(),
    };
    let rest = RestClient::new(Duration::from_secs(20)).unwrap();
    let rules = RulesVersion::V1.rules().minute;
    let collector =
        CandleCollector::new(rest, rules, vec![(market, QuoteCurrency::Usd)], Vec::new());
    (collector, requests)
}

fn candle(start_s: i64, close: &str) -> String {
    format!(
        r#"{{"timestamp":"{start_s}","open":"{close}","high":"{close}","low":"{close}","close":"{close}","volume":"2"}}"#
    )
}

#[tokio::test]
async fn candles_become_the_inputs_of_their_minute() {
    let start = MONDAY.get() / 1000;
    let candles = [
        candle(start - 86_400, "50"),
        candle(start - 60, "99"),
        candle(start, "100"),
        candle(start + 60, "101"),
    ];
    let body = format!(
        r#"{{"data":{{"pair":"BTC/USD","ohlc":[{}]}}}}"#,
        candles.join(",")
    );
    let (collector, _) = collector_of(body).await;
    let collected = collector.collect(MONDAY, MONDAY, NOW).await;
    assert!(collected.reached_any_venue() && collected.failures().is_empty());
    let inputs = collected.inputs(MONDAY);
    let [observation] = inputs.venues.as_slice() else {
        panic!("{inputs:?}");
    };
    assert_eq!(
        (observation.venue.as_str(), observation.quote),
        ("bitstamp", QuoteCurrency::Usd)
    );
    assert_eq!(observation.candle.unwrap().close.get(), 100.0);
    assert!(observation.is_final);
    assert_eq!(observation.prior_closes[0].unwrap().get(), 99.0);
    assert!(observation.day_volume > 0.0);
}

#[tokio::test]
async fn a_rate_limited_venue_is_not_asked_and_counts_as_unreached() {
    let answer = (
        StatusCode::TOO_MANY_REQUESTS,
        [("retry-after", "90")],
        "slow down",
    );
    let (collector, requests) = collector_of(answer).await;
    let first = collector.collect(MONDAY, MONDAY, NOW).await;
    assert!(first.reached_any_venue());
    assert_eq!(first.failures(), ["bitstamp answered status 429"]);
    let times = requests.load(Ordering::SeqCst);
    assert!(times > 0);

    let soon = collector.collect(MONDAY, MONDAY, NOW).await;
    assert_eq!(requests.load(Ordering::SeqCst), times);
    assert!(!soon.reached_any_venue());
    let by_venue = first.failures_by_venue();
    let failure = by_venue["bitstamp"].as_deref();
    assert_eq!(failure, Some("bitstamp answered status 429"));
    let failures = soon.failures();
    assert!(
        failures[0].contains("is left alone for") && failures.len() == 1,
        "{failures:?}"
    );
}

#[tokio::test]
async fn a_server_error_is_no_rate_limit() {
    let (collector, requests) = collector_of((StatusCode::INTERNAL_SERVER_ERROR, "oops")).await;
    collector.collect(MONDAY, MONDAY, NOW).await;
    let times = requests.load(Ordering::SeqCst);
    collector.collect(MONDAY, MONDAY, NOW).await;
    assert!(requests.load(Ordering::SeqCst) > times);
}

/// A candle that has not begun would make every candle before it final.
#[tokio::test]
async fn a_candle_of_the_future_makes_none_before_it_final() {
    let start = MONDAY.get() / 1000;
    let candles = [candle(start, "100"), candle(start + 86_400 * 365, "101")];
    let body = format!(
        r#"{{"data":{{"pair":"BTC/USD","ohlc":[{}]}}}}"#,
        candles.join(",")
    );
    let (collector, _) = collector_of(body).await;
    let collected = collector.collect(MONDAY, MONDAY, NOW).await;
    let failures = collected.failures();
    assert!(failures[0].contains("in the future"), "{failures:?}");
    let observation = &collected.inputs(MONDAY).venues[0];
    assert!(observation.candle.is_none() && !observation.is_final);
}
