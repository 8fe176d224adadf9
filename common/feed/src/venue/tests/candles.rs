//! Candles: each venue's requests, and the candles of its answers.

use foretell_core::testing::MONDAY;

use super::*;

/// Ten minutes of one-minute candles, a day's, and a spacing that no venue has.
#[test]
fn candles_are_requested_as_each_venue_documents() {
    let query = CandleQuery {
        symbol: "S",
        step: Millis::minutes(1),
        from: MONDAY,
        to: MONDAY + Millis::minutes(10),
    };
    for (venue, path) in [
        (
            &Binance as &dyn Venue,
            "/api/v3/klines?symbol=S&interval=1m&startTime=1704067200000&endTime=1704067799999&limit=1000",
        ),
        (
            &BinanceUs,
            "/api/v3/klines?symbol=S&interval=1m&startTime=1704067200000&endTime=1704067799999&limit=1000",
        ),
        (
            &Bitfinex,
            "/v2/candles/trade:1m:S/hist?limit=10000&start=1704067200000&end=1704067799999&sort=1",
        ),
        (
            &Bitstamp,
            "/api/v2/ohlc/S/?step=60&limit=1000&start=1704067200",
        ),
        (
            &Bybit,
            "/v5/market/kline?category=spot&symbol=S&interval=1&start=1704067200000&end=1704067799999&limit=1000",
        ),
        (
            &CoinbaseAdvanced,
            "/api/v3/brokerage/market/products/S/candles?start=1704067200&end=1704067740&granularity=ONE_MINUTE",
        ),
        (
            &CoinbaseExchange,
            "/products/S/candles?granularity=60&start=1704067200&end=1704067740",
        ),
        (&Gemini, "/v2/candles/S/1m"),
        (&Kraken, "/0/public/OHLC?pair=S&interval=1&since=1704067199"),
        (
            &Okx,
            "/api/v5/market/candles?instId=S&bar=1m&after=1704067800000&before=1704067199999&limit=100",
        ),
    ] {
        assert_eq!(venue.candles_path(&query).unwrap(), path);
        let day = CandleQuery {
            step: venue.day_step(),
            ..query
        };
        assert!(venue.candles_path(&day).is_ok(), "{}", venue.name());
        let odd = CandleQuery {
            step: Millis::literal(1),
            ..query
        };
        let error = venue.candles_path(&odd).unwrap_err();
        assert!(matches!(error, VenueError::Step { .. }), "{}", venue.name());
    }
    let day = CandleQuery {
        step: Okx.day_step(),
        ..query
    };
    // `1D` would be Hong Kong's day.
    assert!(Okx.candles_path(&day).unwrap().contains("bar=1Dutc"));
    assert_eq!(Gemini.day_step(), Millis::hours(1));
    let older = Okx.archive_candles_path(&query).unwrap().unwrap();
    assert!(
        older.starts_with("/api/v5/market/history-candles?"),
        "{older}"
    );
}

/// Start, close, volume and whether finished, of each candle.
fn page(venue: &dyn CandleSource, body: &str) -> Vec<(i64, f64, f64, Option<bool>)> {
    let candles = venue.parse_candles(body.as_bytes()).unwrap();
    let brief = |c: &Candle| {
        (
            c.bar.open_time.get(),
            c.bar.close.get(),
            c.bar.volume,
            c.closed,
        )
    };
    candles.iter().map(brief).collect()
}

#[test]
fn candles_come_oldest_first_whatever_the_venues_order() {
    for (venue, body) in [
        (
            &Binance as &dyn Venue,
            r#"[[60000,"1","3","1","2","5",119999,"0",1,"0","0","0"],[120000,"2","3","1","3","6",179999,"0",1,"0","0","0"]]"#,
        ),
        (&Bitfinex, "[[60000,1,2,3,1,5],[120000,2,3,3,1,6]]"),
        (
            &Bitstamp,
            r#"{"data":{"pair":"BTC/USD","ohlc":[{"timestamp":"60","open":"1","high":"3","low":"1","close":"2","volume":"5"},{"timestamp":"120","open":"2","high":"3","low":"1","close":"3","volume":"6"}]}}"#,
        ),
        (
            &Bybit,
            r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","symbol":"B","list":[["120000","2","3","1","3","6","0"],["60000","1","3","1","2","5","0"]]},"time":1}"#,
        ),
        (
            &CoinbaseAdvanced,
            r#"{"candles":[{"start":"120","low":"1","high":"3","open":"2","close":"3","volume":"6"},{"start":"60","low":"1","high":"3","open":"1","close":"2","volume":"5"}]}"#,
        ),
        // Low and high stand before open and close.
        (&CoinbaseExchange, "[[120,1,3,2,3,6],[60,1,3,1,2,5]]"),
        (&Gemini, "[[120000,2,3,1,3,6],[60000,1,3,1,2,5]]"),
    ] {
        let expected = [(60_000, 2.0, 5.0, Some(true)), (120_000, 3.0, 6.0, None)];
        assert_eq!(page(venue, body), expected, "{}", venue.name());
    }
    // These mark the finished ones.
    let body = r#"{"error":[],"result":{"XXBTZUSD":[[60,"1","3","1","2","0","5",1],[120,"2","3","1","3","0","6",1]],"last":60}}"#;
    let expected = [
        (60_000, 2.0, 5.0, Some(true)),
        (120_000, 3.0, 6.0, Some(false)),
    ];
    assert_eq!(page(&Kraken, body), expected);
    let body = r#"{"code":"0","msg":"","data":[["120000","2","3","1","3","6","0","0","0"],["60000","1","3","1","2","5","0","0","1"]]}"#;
    assert_eq!(page(&Okx, body), expected);
}

#[test]
fn candles_of_another_category_are_no_spot_candles() {
    let body = r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","symbol":"B","list":[["60000","1","3","1","2","5","0"]]},"time":1}"#;
    let error = Bybit.parse_candles(body.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("category linear"), "{error}");
}

#[test]
fn a_rest_refusal_keeps_the_venues_text() {
    for (venue, body, reason) in [
        (
            &Binance as &dyn Venue,
            r#"{"code":-1121,"msg":"Invalid symbol."}"#,
            "Invalid symbol. (-1121)",
        ),
        (
            &Bitfinex,
            r#"["error",10020,"symbol: invalid"]"#,
            "symbol: invalid (10020)",
        ),
        (
            &Bitstamp,
            r#"{"code":"invalid_step","errors":[]}"#,
            r#""invalid_step" []"#,
        ),
        (
            &Bybit,
            r#"{"retCode":10001,"retMsg":"Not supported symbols","result":{},"time":1}"#,
            "Not supported symbols (10001)",
        ),
        (
            &CoinbaseAdvanced,
            r#"{"error":"NOT_FOUND","message":"no product"}"#,
            "NOT_FOUND no product",
        ),
        (&CoinbaseExchange, r#"{"message":"NotFound"}"#, "NotFound"),
        (
            &Gemini,
            r#"{"result":"error","reason":"InvalidSymbol","message":"no"}"#,
            "InvalidSymbol no",
        ),
        (
            &Kraken,
            r#"{"error":["EQuery:Unknown asset pair"]}"#,
            "EQuery:Unknown asset pair",
        ),
        (
            &Okx,
            r#"{"code":"51001","msg":"Instrument ID does not exist","data":[]}"#,
            "Instrument ID does not exist (51001)",
        ),
    ] {
        let error = venue.parse_candles(body.as_bytes()).unwrap_err();
        let expected = format!("{} refused: {reason}", venue.name());
        assert_eq!(error.to_string(), expected);
        for garbage in [
            "",
            "<html>",
            "{}",
            "\u{0}",
            "[[1]]",
            r#"[["a"]]"#,
            r#"{"candles":5}"#,
        ] {
            let parsed = venue.parse_candles(garbage.as_bytes());
            assert!(
                matches!(parsed, Err(VenueError::Malformed { .. })),
                "{}: {garbage} {parsed:?}",
                venue.name()
            );
        }
        assert!(matches!(
            venue.parse_candles(&[0xff, 0xfe]),
            Err(VenueError::Malformed { .. })
        ));
    }
}

proptest::proptest! {
    /// No text makes a parser panic or gives more events than it has characters.
    #[test]
    fn no_text_makes_a_parser_panic(frame in "[\\[\\]{}\",:a-zA-Z0-9. -]{0,80}") {
        for venue in ALL {
            let mut events = 0;
            let read = venue.read_frame(&frame, &ChannelMap::default(), &mut |_| events += 1);
            proptest::prop_assert!(read.is_err() || events <= 80);
            let _ = venue.parse_candles(frame.as_bytes());
        }
    }

    /// A frame cut anywhere is malformed, and never a trade.
    #[test]
    fn a_cut_frame_is_no_trade(cut in 1_usize..100) {
        let frame = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":100.50,"qty":0.10,"ord_type":"market","trade_id":7,"timestamp":"1970-01-01T00:00:01.000999Z"}]}"#;
        let events = described(&Kraken, &frame[..frame.len() - cut]);
        proptest::prop_assert!(events.len() == 1 && events[0].starts_with("not_json"), "{:?}", events);
    }
}
