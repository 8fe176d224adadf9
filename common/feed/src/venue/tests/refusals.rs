//! Every form of a refusal, and messages of kinds that we don't know: neither is consent, and neither is data.

use super::*;

/// A refusal counts as one whatever else its message says, and in every form that any venue has.
#[test]
fn nothing_that_says_no_is_an_acknowledgement() {
    let refusals = [
        r#""error":{"code":2,"msg":"NO"}"#,
        r#""error":"NO""#,
        r#""errors":[{"message":"NO"}]"#,
        r#""data":{"error":{"code":2,"msg":"NO"}}"#,
        r#""data":{"code":4009,"message":"NO"}"#,
        r#""data":{"failTopics":["NO"]}"#,
    ];
    let acknowledgements: [(&dyn Venue, &str); 10] = [
        (&Binance, r#""result":null,"id":1"#),
        (&BinanceUs, r#""result":null,"id":1"#),
        (
            &Bitfinex,
            r#""event":"subscribed","channel":"trades","chanId":5,"symbol":"A""#,
        ),
        (
            &Bitstamp,
            r#""event":"bts:subscription_succeeded","channel":"live_trades_A""#,
        ),
        (
            &Bybit,
            r#""success":true,"ret_msg":"","req_id":"1","op":"subscribe""#,
        ),
        (
            &CoinbaseAdvanced,
            r#""channel":"subscriptions","events":[{"subscriptions":{"market_trades":["A"]}}]"#,
        ),
        (
            &CoinbaseExchange,
            r#""type":"subscriptions","channels":[{"name":"matches","product_ids":["A"]}]"#,
        ),
        (&Gemini, r#""id":1,"status":200"#),
        (
            &Kraken,
            r#""method":"subscribe","result":{"channel":"trade","symbol":"A"},"success":true"#,
        ),
        (
            &Okx,
            r#""event":"subscribe","arg":{"channel":"trades","instId":"A"}"#,
        ),
    ];
    for (venue, acknowledgement) in acknowledgements {
        let plain = described(venue, &format!("{{{acknowledgement}}}"));
        assert!(
            plain.len() == 1 && plain[0].starts_with("subscribed"),
            "{} {plain:?}",
            venue.name()
        );
        for refusal in refusals {
            let events = described(venue, &format!("{{{acknowledgement},{refusal}}}"));
            assert!(
                events.len() == 1 && events[0].starts_with("refused") && events[0].contains("NO"),
                "{} {refusal}: {events:?}",
                venue.name()
            );
        }
    }
}

/// Messages that are neither of ours nor known are neither consent nor data; those that say no are refusals.
#[test]
fn unknown_control_messages_are_neither_consent_nor_data() {
    for venue in ALL {
        for (frame, expected) in [
            (r#"{"id":1}"#, "ignored"),
            (r#"{"status":200}"#, "ignored"),
            (r#"{"op":"whatever","success":true}"#, "ignored"),
            (r#"{"type":"whatever"}"#, "ignored"),
            (
                r#"{"id":1,"error":{"code":-1,"msg":"bad"}}"#,
                "refused bad (-1)",
            ),
            (r#"{"id":1,"result":{"error":"bad"}}"#, "refused bad"),
            (
                r#"{"id":1,"result":{"code":3,"msg":"bad"}}"#,
                "refused bad (3)",
            ),
        ] {
            let events = described(venue, frame);
            let [event] = events.as_slice() else {
                panic!("{} {frame}: {events:?}", venue.name());
            };
            let harmless = ["ignored", "malformed", "unsupported"];
            let as_expected = match expected {
                "ignored" => harmless.iter().any(|word| event.starts_with(word)),
                // A venue whose messages all name an event takes others for malformed.
                refused => event == refused || event.starts_with("malformed"),
            };
            assert!(as_expected, "{} {frame}: {event}", venue.name());
        }
        // Field by field, an array could pass for an acknowledgement.
        let events = described(venue, "[null,null,null,null,1,null,null,null]");
        assert!(
            !events.iter().any(|e| e.starts_with("subscribed")),
            "{events:?}"
        );
    }
    for (venue, frame, expected) in [
        (
            &Binance as &dyn Venue,
            r#"{"result":["btcusdt@trade"],"id":3}"#,
            "ignored result",
        ),
        (
            &Binance,
            r#"{"code":3,"msg":"bad JSON","id":null}"#,
            "refused bad JSON (3)",
        ),
        (
            &Binance,
            r#"{"code":0,"msg":"Unknown property","id":"a"}"#,
            "ignored message",
        ),
        (
            &Binance,
            r#"{"stream":"x","data":{"error":{"code":2,"msg":"no"}}}"#,
            "refused no (2)",
        ),
        (
            &Bitfinex,
            r#"{"event":"unsubscribed","status":"OK","chanId":5}"#,
            "ignored unsubscribed",
        ),
        (
            &Bitfinex,
            r#"{"event":"auth","status":"FAILED","code":10100,"msg":"apikey: invalid"}"#,
            "refused apikey: invalid (10100)",
        ),
        (
            &Bitfinex,
            r#"["error",10305,"CHANNEL: limit"]"#,
            "refused CHANNEL: limit (10305)",
        ),
        (
            &Bitfinex,
            r#"{"event":"conf","status":"FAILED"}"#,
            "refused flags refused",
        ),
        (
            &Bitstamp,
            r#"{"event":"bts:unsubscription_succeeded","channel":"live_trades_A","data":{}}"#,
            "ignored bts:unsubscription_succeeded",
        ),
        (
            &Bitstamp,
            r#"{"event":"bts:error","channel":"","data":{"code":4009}}"#,
            "refused refused without a reason",
        ),
        (
            &Bitstamp,
            r#"{"event":"bts:error"}"#,
            "refused refused without a reason",
        ),
        (
            &Bybit,
            r#"{"success":true,"data":{"failTopics":["x"],"successTopics":[]},"type":"COMMAND_RESP"}"#,
            r#"refused ["x"]"#,
        ),
        (
            &Bybit,
            r#"{"op":"auth","retCode":10004,"retMsg":"bad sign"}"#,
            "refused bad sign (10004)",
        ),
        (
            &Bybit,
            r#"{"op":"unsubscribe","success":true,"ret_msg":"","req_id":"1"}"#,
            "ignored unsubscribe",
        ),
        (
            &CoinbaseExchange,
            r#"{"type":"error","message":"Authentication Failed"}"#,
            "refused Authentication Failed",
        ),
        (
            &CoinbaseExchange,
            r#"{"type":"unsubscribe","channels":[]}"#,
            "ignored unsubscribe",
        ),
        (
            &CoinbaseAdvanced,
            r#"{"type":"error","message":"authentication failure"}"#,
            "refused authentication failure",
        ),
        (
            &Gemini,
            r#"{"id":1,"status":200,"error":{"code":-2,"msg":"no"}}"#,
            r#"refused status 200: {"code":-2,"msg":"no"}"#,
        ),
        (
            &Gemini,
            r#"{"result":"error","reason":"RateLimit"}"#,
            "refused RateLimit",
        ),
        (
            &Kraken,
            r#"{"method":"unsubscribe","success":true,"result":{"channel":"trade"}}"#,
            "ignored unsubscribe",
        ),
        (
            &Kraken,
            r#"{"method":"subscribe","success":false,"error":{"why":"no"}}"#,
            r#"refused {"why":"no"}"#,
        ),
        (
            &Kraken,
            r#"{"error":"Unsupported method","success":false}"#,
            "refused Unsupported method",
        ),
        (
            &Kraken,
            r#"{"channel":"status","data":[]}"#,
            "malformed: malformed status: no system in it",
        ),
        (
            &Okx,
            r#"{"event":"unsubscribe","arg":{"channel":"trades","instId":"A"}}"#,
            "ignored unsubscribe",
        ),
        (
            &Okx,
            r#"{"event":"channel-conn-count-error","channel":"trades","connCount":"20"}"#,
            "refused channel-conn-count-error",
        ),
        (
            &Okx,
            r#"{"event":"login","code":"60009","msg":"Login failed."}"#,
            "refused Login failed. (60009)",
        ),
    ] {
        assert_eq!(
            described(venue, frame),
            [expected],
            "{} {frame}",
            venue.name()
        );
    }
}
