//! All other messages: acknowledgements, refusals, restarts, channels, unsupported protocols.

use super::*;

#[test]
fn refusals_keep_the_venues_text() {
    for (venue, frame, expected) in [
        (
            &Binance as &dyn Venue,
            r#"{"code":2,"msg":"Invalid request","id":1}"#,
            "refused Invalid request (2)",
        ),
        (
            &Bitfinex,
            r#"{"event":"error","msg":"symbol: invalid","code":10300,"symbol":"tXXX"}"#,
            "refused symbol: invalid tXXX (10300)",
        ),
        (
            &Bitstamp,
            r#"{"event":"bts:error","channel":"","data":{"code":null,"message":"Incorrect JSON format."}}"#,
            "refused Incorrect JSON format.",
        ),
        (
            &Bybit,
            r#"{"success":false,"ret_msg":"Invalid symbol","op":"subscribe"}"#,
            "refused Invalid symbol",
        ),
        (
            &CoinbaseAdvanced,
            r#"{"type":"error","message":"no such product"}"#,
            "refused no such product",
        ),
        (
            &CoinbaseExchange,
            r#"{"type":"error","message":"Failed to subscribe","reason":"XX is not a valid product"}"#,
            "refused Failed to subscribe: XX is not a valid product",
        ),
        (
            &Gemini,
            r#"{"id":1,"status":400,"error":{"code":-1,"msg":"bad"}}"#,
            r#"refused status 400: {"code":-1,"msg":"bad"}"#,
        ),
        (
            &Kraken,
            r#"{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD"}"#,
            "refused Currency pair not supported XBT/USD",
        ),
        (
            &Okx,
            r#"{"event":"error","code":"60012","msg":"Invalid request"}"#,
            "refused Invalid request (60012)",
        ),
    ] {
        assert_eq!(described(venue, frame), [expected], "{}", venue.name());
    }
}

#[test]
fn each_subscription_is_acknowledged_as_expected() {
    for (venue, frames) in [
        (&Binance as &dyn Venue, vec![r#"{"result":null,"id":1}"#]),
        (&BinanceUs, vec![r#"{"result":null,"id":1}"#]),
        (
            &Bitfinex,
            vec![
                r#"{"event":"conf","status":"OK","flags":98304}"#,
                r#"{"event":"subscribed","channel":"trades","chanId":5,"symbol":"A","pair":"A"}"#,
                r#"{"event":"subscribed","channel":"trades","chanId":6,"symbol":"B","pair":"B"}"#,
            ],
        ),
        (
            &Bitstamp,
            vec![
                r#"{"event":"bts:subscription_succeeded","channel":"live_trades_A","data":{}}"#,
                r#"{"event":"bts:subscription_succeeded","channel":"live_trades_B","data":{}}"#,
            ],
        ),
        (
            &Bybit,
            vec![
                r#"{"success":true,"ret_msg":"subscribe","conn_id":"c","req_id":"1","op":"subscribe"}"#,
            ],
        ),
        (
            &CoinbaseAdvanced,
            vec![
                r#"{"channel":"subscriptions","timestamp":"1970-01-01T00:00:00Z","sequence_num":0,"events":[{"subscriptions":{"market_trades":["A","B"]}}]}"#,
            ],
        ),
        (
            &CoinbaseExchange,
            vec![
                r#"{"type":"subscriptions","channels":[{"name":"matches","product_ids":["A","B"]},{"name":"heartbeat","product_ids":["A","B"]}]}"#,
            ],
        ),
        (&Gemini, vec![r#"{"id":1,"status":200}"#]),
        (
            &Kraken,
            vec![
                r#"{"method":"subscribe","result":{"channel":"trade","symbol":"A","snapshot":false},"success":true}"#,
                r#"{"method":"subscribe","result":{"channel":"trade","symbol":"B","snapshot":false},"success":true}"#,
            ],
        ),
        (
            &Okx,
            vec![
                r#"{"event":"subscribe","arg":{"channel":"trades","instId":"A"},"connId":"c"}"#,
                r#"{"event":"subscribe","arg":{"channel":"trades","instId":"B"},"connId":"c"}"#,
            ],
        ),
    ] {
        let subscriptions = venue.subscribe(&["A".into(), "B".into()]);
        let mut pending: Vec<_> = subscriptions.into_iter().flat_map(|s| s.acks).collect();
        for frame in frames {
            let read = venue.read_frame(frame, &ChannelMap::default(), &mut |event| match event {
                VenueEvent::Status(StatusMessage::Subscribed(ack)) => {
                    pending.retain(|expected| !ack.matches(expected));
                }
                VenueEvent::Sequence(_) => {}
                other => panic!("{}: {other:?}", venue.name()),
            });
            read.unwrap();
        }
        assert!(pending.is_empty(), "{}: {pending:?}", venue.name());
    }
}

#[test]
fn restarts_and_pauses_are_understood() {
    for (venue, frame, expected) in [
        (
            &Binance as &dyn Venue,
            r#"{"e":"serverShutdown","E":1}"#,
            "Restart",
        ),
        (
            &Bitstamp,
            r#"{"event":"bts:request_reconnect","channel":"","data":""}"#,
            "Restart",
        ),
        (
            &Bitfinex,
            r#"{"event":"info","code":20051,"msg":"Stopping"}"#,
            "Restart",
        ),
        (
            &Bitfinex,
            r#"{"event":"info","code":20060,"msg":"Maintenance"}"#,
            "Down",
        ),
        (
            &Bitfinex,
            r#"{"event":"info","code":20061,"msg":"Over"}"#,
            "Up",
        ),
        (
            &Okx,
            r#"{"event":"notice","code":"64008","msg":"soon","connId":"c"}"#,
            "Restart",
        ),
        (&Okx, "pong", "Pong"),
        (&Kraken, r#"{"method":"pong","req_id":1}"#, "Pong"),
        (
            &Kraken,
            r#"{"channel":"status","type":"update","data":[{"system":"maintenance","api_version":"v2","connection_id":1,"version":"2"}]}"#,
            "Down",
        ),
    ] {
        assert_eq!(described(venue, frame), [expected], "{}", venue.name());
    }
}

#[test]
fn bitfinex_channels_have_the_names_that_the_connection_gave_them() {
    let mut channels = ChannelMap::default();
    for (number, channel, symbol) in [
        (5, "trades", "tBTCUSD"),
        (6, "candles", "trade:1m:tBTCUSD"),
        (7, "ticker", "tBTCUSD"),
    ] {
        channels.register(&Ack::Topic {
            channel: channel.into(),
            symbol: symbol.into(),
            number: Some(number),
        });
    }
    let described = |frame: &str| described_with(&Bitfinex, frame, &channels);
    // The number on the connection follows the payload; more columns than we know are fine.
    assert_eq!(
        described(r#"[5,[[7,1000,-0.1,100,5],[6,900,0.2,99]],12,1600000000000]"#),
        [
            "frame 12",
            "trade tBTCUSD 1000 100 × 0.1 7 sell",
            "trade tBTCUSD 900 99 × 0.2 6 buy"
        ]
    );
    // Close stands before high.
    assert_eq!(
        described("[6,[60000,1.0,4.0,5.0,0.5,10]]"),
        ["candle tBTCUSD 60000 1.0 5.0 0.5 4.0 10 None"]
    );
    assert_eq!(
        described(r#"[5,"hb",13]"#),
        ["frame 13", "Heartbeat { time: None }"]
    );
    assert_eq!(
        described("[7,[1,2,3,4,5,6,7,8,9,10],14]"),
        ["frame 14", "ignored ticker"]
    );
    assert_eq!(
        described("[9,[1,2,3],15]"),
        ["frame 15", "ignored unknown channel"]
    );
}

#[test]
fn unsupported_protocols_are_named() {
    for (venue, frame, name) in [
        (
            &Kraken as &dyn Venue,
            r#"{"event":"heartbeat"}"#,
            "kraken v1",
        ),
        (
            &Kraken,
            r#"[0,[["1","1","1.5","s","l",""]],"trade","XBT/USD"]"#,
            "kraken v1",
        ),
        (
            &Gemini,
            r#"{"type":"heartbeat","timestamp":1}"#,
            "gemini v2",
        ),
        (
            &Gemini,
            r#"{"type":"update","eventId":1,"socket_sequence":0,"events":[]}"#,
            "gemini v1",
        ),
    ] {
        assert_eq!(described(venue, frame), [format!("unsupported {name}")]);
    }
}
