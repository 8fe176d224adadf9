//! Opening, subscribing, and reopening after a loss.

use super::*;

#[test]
fn it_opens_subscribes_and_goes_live_once_every_topic_is_acknowledged() {
    let mut harness = Harness::new("bitfinex", "tBTCUSD");
    assert_eq!(harness.opens(), [1]);
    harness.opened(1);
    let sent = harness.actions();
    assert_eq!(sent.len(), 2);
    assert!(
        matches!(&sent[0], ConnectionAction::Send(SocketId(1), text) if text.contains("98304"))
    );
    harness.text(1, r#"{"event":"conf","status":"OK","flags":98304}"#);
    assert!(!harness.connection.is_live());
    harness.text(
        1,
        r#"{"event":"subscribed","channel":"trades","chanId":5,"symbol":"tETHUSD"}"#,
    );
    assert!(!harness.connection.is_live());
    harness.text(
        1,
        r#"{"event":"subscribed","channel":"trades","chanId":6,"symbol":"tBTCUSD"}"#,
    );
    assert!(harness.connection.is_live());
    assert_eq!(harness.events().last().unwrap(), "live 1");
}

#[test]
fn a_socket_that_does_not_open_or_acknowledge_in_time_is_closed() {
    let mut harness = Harness::new("kraken", "BTC/USD");
    harness.advance(Millis::seconds(10));
    assert_eq!(
        harness.events(),
        ["disconnected 1 no connection within 10000 ms"]
    );
    harness.advance(Millis::seconds(2));
    let opens = harness.opens();
    assert_eq!(opens, [1, 2]);
    harness.opened(2);
    // Heartbeats don't help: the subscription was ignored.
    harness.heartbeats(2, Millis::seconds(10), HEARTBEAT);
    let events = harness.events();
    assert_eq!(
        events
            .iter()
            .find(|event| event.starts_with("disconnected"))
            .unwrap(),
        "disconnected 2 trade BTC/USD was not acknowledged within 10000 ms"
    );
}

#[test]
fn a_refused_subscription_is_reported_and_retried_late() {
    let mut harness = Harness::new("kraken", "XBT/USD");
    harness.opened(1);
    harness.text(1, r#"{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD"}"#);
    let events = harness.events();
    let disconnected = "disconnected 1 subscription refused: Currency pair not supported XBT/USD; check the venue's pairs in the configuration";
    assert_eq!(events.last().unwrap(), disconnected);
    harness.actions();
    harness.advance(Millis::minutes(9));
    assert_eq!(harness.opens(), [0; 0]);
    harness.advance(Millis::minutes(2));
    assert_eq!(harness.opens()[0], 2);
}

#[test]
fn retries_are_jittered_bounded_and_quick_again_after_a_steady_minute() {
    let mut harness = Harness::new("kraken", "BTC/USD");
    let mut waits = Vec::new();
    for id in 1..=30 {
        harness.closed(id, broken());
        let disconnected_at = harness.now;
        harness.actions();
        while harness.opens().is_empty() {
            let next = harness.connection.next_tick(harness.now);
            harness.advance_to(next.max(harness.now + Millis::literal(1)));
        }
        waits.push(harness.now - disconnected_at);
    }
    assert!(waits[0] <= SECOND && waits[1] <= SECOND.times(2));
    assert!(waits.iter().all(|wait| *wait <= Millis::minutes(1)));
    assert!(waits[10..].iter().any(|wait| *wait > Millis::seconds(30)));
    assert!(waits[10..].iter().any(|wait| *wait < Millis::seconds(30)));
    // Live for less than a minute, it is no better.
    harness.opened(31);
    harness.text(31, ACK);
    harness.heartbeats(31, Millis::seconds(30), HEARTBEAT);
    assert!(
        harness
            .connection
            .backoff
            .after_disconnect(harness.now, Millis::literal(0))
            >= Millis::literal(0)
    );
    // After a minute it is.
    let mut harness = live();
    for _ in 0..10 {
        harness
            .connection
            .backoff
            .after_disconnect(harness.now, Millis::literal(0));
    }
    harness.heartbeats(1, Millis::seconds(61), HEARTBEAT);
    harness.closed(1, broken());
    harness.actions();
    harness.advance(SECOND);
    assert_eq!(harness.opens(), [2]);
}

#[test]
fn a_venue_that_refuses_us_is_not_asked_before_retry_after() {
    for (status, retry_after, least) in [
        (429, Some("180"), Millis::minutes(3)),
        (503, Some("180"), Millis::minutes(3)),
        (429, Some("3600"), Millis::minutes(5)),
        (429, Some("18446744073709551615"), Millis::minutes(10)),
        (503, Some("31536000"), Millis::literal(1)),
        (418, None, Millis::minutes(10)),
        (451, None, Millis::minutes(10)),
        (403, None, Millis::minutes(10)),
    ] {
        let mut harness = Harness::new("kraken", "BTC/USD");
        harness.closed(
            1,
            DisconnectReason::HttpStatus {
                status,
                retry_after: retry_after
                    .and_then(|text: &str| RetryAfter::from_headers(Some(text.as_bytes()), None)),
            },
        );
        let events = harness.events();
        assert!(events[0].contains(&status.to_string()), "{events:?}");
        assert_eq!(
            events[0].contains("region"),
            [403, 451].contains(&status),
            "{events:?}"
        );
        harness.actions();
        harness.advance(least - Millis::literal(1));
        assert_eq!(harness.opens(), [0; 0], "{status}");
        harness.advance(Millis::seconds(2));
        assert_eq!(harness.opens(), [2], "{status}");
    }
}

#[test]
fn no_more_sockets_are_opened_than_the_venue_allows() {
    let limits = VenueLimits {
        connect_limit: RateLimit {
            count: 3,
            per: Millis::minutes(10),
        },
        ..venue::by_name("kraken").unwrap().limits()
    };
    let mut harness = Harness::with_limits("kraken", "BTC/USD", limits);
    let mut opened = Vec::new();
    while harness.now < Millis::hours(1) {
        for id in harness.opens() {
            opened.push(harness.now);
            harness.closed(id, broken());
        }
        let next = harness.connection.next_tick(harness.now);
        harness.advance_to(next.max(harness.now + Millis::literal(1)));
    }
    assert!(opened.len() >= 15, "{opened:?}");
    for four in opened.windows(4) {
        assert!(four[3] - four[0] >= Millis::minutes(10), "{four:?}");
    }
}

/// A refusal within what looks like an acknowledgement ends the socket, as any other does.
#[test]
fn a_nested_refusal_is_no_consent() {
    let mut harness = Harness::new("binance", "BTCUSDT");
    harness.opened(1);
    harness.text(
        1,
        r#"{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}"#,
    );
    assert!(!harness.connection.is_live());
    let events = harness.events();
    assert!(
        events.iter().any(
            |event| event.contains("subscription refused: Invalid request: invalid stream (2)")
        ),
        "{events:?}"
    );
}
