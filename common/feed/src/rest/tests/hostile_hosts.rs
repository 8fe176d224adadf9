//! Hosts that ask for aeons of rest, point elsewhere, or answer with what wasn't asked for.

use super::*;

/// A host that asks for aeons breaks nothing, and is asked again after five minutes at most; others are asked meanwhile.
#[tokio::test]
async fn an_absurd_retry_after_neither_panics_nor_blinds() {
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let well = serve(Router::new().fallback(|| async { "[]" })).await;
    for absurd in [
        "18446744073709551615",
        "9223372036854775807",
        "31536000",
        "99999999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        for status in [429, 403, 418, 451, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = move || async move { (status, [("retry-after", absurd)], "no") };
            let host = serve(Router::new().fallback(answer)).await;
            let query = query(0..5);
            let error = rest.candles(&Binance, &host, &query).await.unwrap_err();
            assert!(matches!(error, RestError::Status { .. }), "{error}");
            if let Err(RestError::RateLimited { wait, .. }) =
                rest.candles(&Binance, &host, &query).await
            {
                assert!(wait <= RetryAfter::MAX.get(), "{absurd}: {wait:?}");
            }
            assert!(rest.candles(&Binance, &well, &query).await.is_ok());
        }
    }
}

/// Of two answers to requests that were under way together, the later one doesn't end the pause of the other.
#[test]
fn a_shorter_pause_does_not_end_a_longer_one() {
    let limits = HostRateLimits::default();
    let pause = |seconds: &str| RetryAfter::from_headers(Some(seconds.as_bytes()), None);
    limits.note("h", 429, pause("200"));
    limits.note("h", 503, None);
    limits.note("h", 429, pause("1"));
    let error = limits.check("kraken", "h").unwrap_err();
    assert!(
        matches!(error, RestError::RateLimited { wait, .. } if wait > Duration::from_secs(100)),
        "{error}"
    );
    assert!(limits.check("kraken", "other").is_ok());
}

/// A host that redirects to an address of the operator's own network learns nothing of it, and nothing is asked there.
#[tokio::test]
async fn no_redirect_is_followed() {
    let asked = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&asked);
    let internal = serve(Router::new().fallback(move || {
        *counter.lock().unwrap() += 1;
        async { "[]" }
    }))
    .await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    for status in [301, 302, 303, 307, 308] {
        let status = StatusCode::from_u16(status).unwrap();
        for target in [format!("{internal}/secret"), "/elsewhere".to_owned()] {
            let answer = move || async move { (status, [("location", target)], "") };
            let host = serve(Router::new().fallback(answer)).await;
            let candles = rest.candles(&Binance, &host, &query(0..5)).await;
            let values = rest
                .get_bytes("the source", &format!("{host}/values.csv"))
                .await;
            for error in [candles.unwrap_err(), values.unwrap_err()] {
                let text = error.to_string();
                assert!(text.contains("redirects are not followed"), "{text}");
            }
        }
    }
    assert_eq!(*asked.lock().unwrap(), 0);
}

/// Nothing asks for a compressed body, and one that comes anyway is taken as it is: it can't explode.
#[tokio::test]
async fn a_compressed_body_is_not_decompressed() {
    // Ten spaces, by gzip; the client would read them as an answer of a table.
    let gzip: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x53, 0x80, 1, 0, 0xca, 0x9d, 0xdf, 0x9b, 10, 0, 0, 0,
    ];
    let accepted = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&accepted);
    let answer = move |headers: axum::http::HeaderMap| {
        *seen.lock().unwrap() = headers.get("accept-encoding").cloned();
        async move { ([("content-encoding", "gzip")], gzip) }
    };
    let host = serve(Router::new().fallback(answer)).await;
    let rest = RestClient::new(TEST_TIMEOUT).unwrap();
    let bytes = rest.get_bytes("the source", &host).await.unwrap();
    assert_eq!(bytes, gzip);
    assert_eq!(*accepted.lock().unwrap(), None);
}

/// A venue that answers with candles of another time than was asked for is refused, where it promises not to.
#[tokio::test]
async fn candles_far_from_those_asked_for_are_refused() {
    let far = |from: i64| {
        bars(from..from + 2)
            .into_iter()
            .chain([bar(4_000_000)])
            .collect::<Vec<Bar>>()
    };
    let early = |_: i64| vec![bar(0)];
    for (answer, from) in [(far as fn(i64) -> Vec<Bar>, 0), (early, 4_000_000)] {
        let requested = Mutex::default();
        let mock = Arc::new(MockVenue { answer, requested });
        let routes = Router::new().route(ReplaySource::ROUTE, get(serve_candles));
        let host = serve(routes.with_state(mock)).await;
        let rest = RestClient::new(TEST_TIMEOUT).unwrap();
        let query = query(from..from + 2);
        for error in [
            rest.candles(&ReplaySource, &host, &query)
                .await
                .unwrap_err(),
            rest.candles_with_forming(&ReplaySource, &host, &query)
                .await
                .unwrap_err(),
        ] {
            assert!(error.to_string().contains("were asked for"), "{error}");
        }
    }
}
