//! What no venue sends: nested without end, endlessly long, out of every range. Nothing of it panics, fills the memory, or
//! counts as data.

use super::*;

/// Frame and answer of one trade and one candle of each venue, with `PRICE`, `ID`, `NUMBER` and `TIME` to be filled in;
/// `TIME` in milliseconds.
fn trade_frame(venue: &dyn Venue) -> String {
    let frame = match venue.name() {
        "binance" | "binance_us" => {
            r#"{"e":"trade","s":"BTCUSDT","t":ID,"p":"PRICE","q":"1","T":TIME,"m":true}"#
        }
        "bitfinex" => r#"[5,"te",[ID,TIME,-1,PRICE]]"#,
        "bitstamp" => {
            r#"{"event":"trade","channel":"live_trades_btcusd","data":{"id":ID,"microtimestamp":"TIME000","amount_str":"1","price_str":"PRICE","type":0}}"#
        }
        "bybit" => {
            r#"{"topic":"publicTrade.B","data":[{"T":TIME,"s":"B","S":"Buy","v":"1","p":"PRICE","i":"ID","BT":false}]}"#
        }
        "coinbase_advanced" => {
            r#"{"channel":"market_trades","sequence_num":ID,"events":[{"trades":[{"trade_id":"ID","product_id":"B","price":"PRICE","size":"1","side":"BUY","time":"2026-01-01T00:00:00Z"}]}]}"#
        }
        "coinbase_exchange" => {
            r#"{"type":"match","trade_id":ID,"side":"buy","size":"1","price":"PRICE","product_id":"B","time":"2026-01-01T00:00:00Z"}"#
        }
        "gemini" => r#"{"E":TIME000000,"s":"b","t":ID,"p":"PRICE","q":"1","m":true}"#,
        "kraken" => {
            r#"{"channel":"trade","data":[{"symbol":"B","side":"buy","price":PRICE,"qty":1,"trade_id":ID,"timestamp":"2026-01-01T00:00:00Z"}]}"#
        }
        "okx" => {
            r#"{"arg":{"channel":"trades","instId":"B"},"data":[{"instId":"B","tradeId":"ID","px":"PRICE","sz":"1","side":"buy","ts":"TIME"}]}"#
        }
        other => panic!("no trade of {other}"),
    };
    frame.to_owned()
}

fn candle_answer(venue: &dyn Venue) -> String {
    let body = match venue.name() {
        "binance" | "binance_us" => {
            r#"[[TIME,"1","PRICE","1","1","VOLUME",CLOSETIME,"0",1,"0","0","0"]]"#
        }
        "bitfinex" => "[[TIME,1,1,PRICE,1,VOLUME]]",
        "bitstamp" => {
            r#"{"data":{"pair":"B","ohlc":[{"timestamp":"SECONDS","open":"1","high":"PRICE","low":"1","close":"1","volume":"VOLUME"}]}}"#
        }
        "bybit" => {
            r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"B","list":[["TIME","1","PRICE","1","1","VOLUME","0"]]}}"#
        }
        "coinbase_advanced" => {
            r#"{"candles":[{"start":"SECONDS","low":"1","high":"PRICE","open":"1","close":"1","volume":"VOLUME"}]}"#
        }
        "coinbase_exchange" => "[[SECONDS,1,PRICE,1,1,VOLUME]]",
        "gemini" => "[[TIME,1,PRICE,1,1,VOLUME]]",
        "kraken" => {
            r#"{"error":[],"result":{"B":[[SECONDS,"1","PRICE","1","1","0","VOLUME",1]],"last":1}}"#
        }
        "okx" => {
            r#"{"code":"0","msg":"","data":[["TIME","1","PRICE","1","1","VOLUME","0","0","1"]]}"#
        }
        other => panic!("no candle of {other}"),
    };
    body.to_owned()
}

fn answer(venue: &dyn Venue, seconds: i64, price: &str, volume: &str) -> String {
    candle_answer(venue)
        .replace(
            "CLOSETIME",
            &format!("{}", i128::from(seconds) * 1000 + 59_999),
        )
        .replace("TIME", &format!("{}", i128::from(seconds) * 1000))
        .replace("SECONDS", &seconds.to_string())
        .replace("PRICE", price)
        .replace("VOLUME", volume)
}

fn is_malformed(events: &[String]) -> bool {
    let data = |event: &&String| event.starts_with("trade") || event.starts_with("candle");
    events.iter().any(|event| event.starts_with("malformed")) && events.iter().find(data).is_none()
}

const NOW_S: i64 = 1_767_225_600;

#[test]
fn prices_have_a_range() {
    for venue in ALL {
        let frame = |price: &str| {
            let time = (NOW_S * 1000).to_string();
            let frame = trade_frame(venue).replace("PRICE", price);
            frame.replace("TIME", &time).replace("ID", "7")
        };
        for price in ["42397.23", "0.00000823", "1e5"] {
            let events = described(venue, &frame(price));
            assert!(events.last().unwrap().starts_with("trade"), "{events:?}");
            let candles = venue.parse_candles(answer(venue, NOW_S, price, "0").as_bytes());
            assert_eq!(candles.unwrap().len(), 1, "{}", venue.name());
        }
        let long = "9".repeat(400);
        let small = format!("0.{}1", "0".repeat(400));
        for price in [
            "1e308", "1e40", "5e-324", "1e-40", "0", "-1", "NaN", &long, &small,
        ] {
            let events = described(venue, &frame(price));
            let bad = is_malformed(&events) || events.iter().any(|e| e.starts_with("not_json"));
            assert!(bad, "{} {price}: {events:?}", venue.name());
            let body = answer(venue, NOW_S, price, "1");
            let candles = venue.parse_candles(body.as_bytes());
            assert!(
                matches!(candles, Err(VenueError::Malformed { .. })),
                "{} {price}: {candles:?}",
                venue.name()
            );
        }
        for volume in ["1e308", "1e40", "-1", &long, "1e-40"] {
            let body = answer(venue, NOW_S, "1", volume);
            let candles = venue.parse_candles(body.as_bytes());
            assert!(
                matches!(candles, Err(VenueError::Malformed { .. })),
                "{} {volume}: {candles:?}",
                venue.name()
            );
        }
    }
}

#[test]
fn instants_have_a_range() {
    for venue in ALL {
        for seconds in [
            -1,
            253_402_300_800,
            NOW_S * 1000,
            i64::MAX / 1000,
            i64::MAX,
            i64::MIN,
        ] {
            let body = answer(venue, seconds, "1", "1");
            let candles = venue.parse_candles(body.as_bytes());
            assert!(
                matches!(candles, Err(VenueError::Malformed { .. })),
                "{} {seconds}: {candles:?}",
                venue.name()
            );
        }
        let frame = trade_frame(venue).replace("PRICE", "1").replace("ID", "7");
        if !frame.contains("TIME") {
            continue;
        }
        for time in [
            "-1",
            "253402300800000000",
            "9223372036854775807",
            "18446744073709551616",
        ] {
            let events = described(venue, &frame.replace("TIME", time));
            assert!(is_malformed(&events), "{} {time}: {events:?}", venue.name());
        }
    }
    for time in ["1969-12-31T23:59:59Z", "+010000-01-01T00:00:00Z"] {
        let frame = format!(
            r#"{{"type":"match","trade_id":1,"side":"buy","size":"1","price":"1","product_id":"B","time":"{time}"}}"#
        );
        assert!(
            is_malformed(&described(&CoinbaseExchange, &frame)),
            "{time}"
        );
    }
    // A candle's length, where the message has it.
    for interval in ["0", "-1", "9223372036854775807", "153722867280912931"] {
        let frame = format!(
            r#"{{"channel":"ohlc","data":[{{"symbol":"B","open":1,"high":1,"low":1,"close":1,"volume":1,"interval_begin":"2026-01-01T00:00:00Z","interval":{interval}}}]}}"#
        );
        assert!(is_malformed(&described(&Kraken, &frame)), "{interval}");
    }
    let body = r#"[[0,"1","1","1","1","1",9223372036854775807,"0",1,"0","0","0"]]"#;
    assert!(Binance.parse_candles(body.as_bytes()).is_err());
}

/// The largest id of all is an id like any other; beyond it, there is none.
#[test]
fn ids_and_numbers_have_a_range() {
    for venue in ALL {
        let frame = |id: &str| {
            let frame = trade_frame(venue).replace("PRICE", "1");
            let frame = frame.replace("TIME", &(NOW_S * 1000).to_string());
            frame.replace("ID", id)
        };
        let events = described(venue, &frame("18446744073709551615"));
        assert!(events.last().unwrap().starts_with("trade"), "{events:?}");
        if venue.name() == "bybit" {
            let events = described(venue, &frame(&"7".repeat(65)));
            assert!(is_malformed(&events), "{events:?}");
            continue;
        }
        for id in ["18446744073709551616", "-1", &"7".repeat(100_000)] {
            let events = described(venue, &frame(id));
            let not_json = events.iter().any(|event| event.starts_with("not_json"));
            assert!(
                is_malformed(&events) || not_json,
                "{}: {events:?}",
                venue.name()
            );
        }
    }
}

#[test]
fn nesting_without_end_overflows_no_stack() {
    for open in [
        "[",
        r#"{"a":"#,
        r#"{"data":"#,
        r#"[{"error":"#,
        r#"{"result":["#,
        r#"{"e":{"u":"#,
    ] {
        for length in [100, 30_000] {
            let nested = open.repeat(length);
            let closed: String = nested
                .chars()
                .rev()
                .filter_map(|c| match c {
                    '[' => Some(']'),
                    '{' => Some('}'),
                    _ => None,
                })
                .collect();
            let whole = format!("{nested}1{closed}");
            for venue in ALL {
                for text in [&nested, &whole] {
                    let events = described(venue, text);
                    let data = |event: &String| {
                        event.starts_with("trade")
                            || event.starts_with("candle")
                            || event.starts_with("subscribed")
                    };
                    assert!(!events.iter().any(data), "{} {events:?}", venue.name());
                    assert!(venue.parse_candles(text.as_bytes()).is_err());
                    assert!(events.iter().all(|event| event.len() < 1000));
                }
            }
        }
    }
    // Within what is otherwise a message of each venue.
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for venue in ALL {
        let body = candle_answer(venue).replace(r#""PRICE""#, &deep);
        assert!(
            venue
                .parse_candles(body.replace("PRICE", &deep).as_bytes())
                .is_err()
        );
        let frame = trade_frame(venue).replace(r#""PRICE""#, &deep);
        let events = described(venue, &frame.replace("PRICE", &deep));
        assert!(!events.iter().any(|event| event.starts_with("trade")));
    }
}

/// What a venue wrote is quoted, but neither without end nor with characters that steer a terminal.
#[test]
fn no_text_of_a_venue_is_kept_without_end() {
    let long = format!("\\u001b[2J{}", "x".repeat(100_000));
    for venue in ALL {
        for frame in [
            format!(r#"{{"event":"error","msg":"{long}","code":1}}"#),
            format!(r#"{{"type":"error","message":"{long}"}}"#),
            format!(r#"{{"error":{{"msg":"{long}"}},"id":1}}"#),
            format!(r#"{{"event":"bts:error","data":{{"message":"{long}"}}}}"#),
            format!(r#"{{"success":false,"ret_msg":"{long}"}}"#),
            format!(r#"{{"event":"{long}","e":"{long}","channel":"{long}","op":"{long}"}}"#),
            format!(r#"{{"id":1,"status":400,"error":"{long}"}}"#),
            trade_frame(venue).replace("PRICE", &long),
            format!("{{{long}"),
        ] {
            for event in described(venue, &frame) {
                assert!(event.len() < 1000, "{} {}", venue.name(), event.len());
                assert!(!event.contains('\u{1b}'), "{} {event:?}", venue.name());
            }
        }
        for body in [
            format!(r#"{{"code":1,"msg":"{long}","message":"{long}","reason":"{long}"}}"#),
            format!(r#"["error",1,"{long}"]"#),
            format!(r#"{{"error":["{long}"]}}"#),
            answer(venue, NOW_S, &long, "1"),
        ] {
            let error = venue
                .parse_candles(body.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.len() < 1000, "{} {}", venue.name(), error.len());
            assert!(!error.contains('\u{1b}'), "{} {error:?}", venue.name());
        }
    }
    let symbol = "y".repeat(1000);
    let frame = trade_frame(&Kraken).replace(r#""B""#, &format!("{symbol:?}"));
    let frame = frame.replace("PRICE", "1").replace("ID", "1");
    assert!(is_malformed(&described(&Kraken, &frame)));
}
