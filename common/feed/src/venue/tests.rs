//! What holds for every venue. Frames here are small and our own.

use foretell_core::time::{Millis, UnixMillis};

use super::*;
use crate::event::{Ignored, Market, Side, Status};

/// Everything that a frame says, in short.
fn said(venue: &dyn Venue, frame: &str) -> Vec<String> {
    said_with(venue, frame, &Channels::default())
}

fn said_with(venue: &dyn Venue, frame: &str, channels: &Channels) -> Vec<String> {
    let mut said = Vec::new();
    let read = venue.read_frame(frame, channels, &mut |event| said.push(short(&event)));
    if let Err(error) = read {
        said.push(format!("{}: {error}", error.name()));
    }
    said
}

fn short(event: &Event<'_>) -> String {
    let market = |market: &Market<'_>| match market {
        Market::Symbol(symbol) => symbol.to_string(),
        Market::Channel(number) => format!("#{number}"),
    };
    match event {
        Event::Trade(t) => format!(
            "trade {} {} {} × {} {} {}",
            market(&t.market),
            t.time,
            t.price,
            t.size,
            t.id,
            t.taker.map_or("?", Side::name)
        ),
        Event::Candle(c) => format!(
            "candle {} {} {} {} {} {} {} {:?}",
            c.market.as_ref().map_or("-".into(), market),
            c.open_time,
            c.open,
            c.high,
            c.low,
            c.close,
            c.volume,
            c.closed
        ),
        Event::Status(Status::Subscribed(ack)) => format!("subscribed {ack}"),
        Event::Status(Status::Heartbeat { time: Some(time) }) => format!("heartbeat {time}"),
        Event::Status(status) => format!("{status:?}"),
        Event::Refused(why) => format!("refused {why}"),
        Event::Ignored(Ignored::Protocol(name)) => format!("not spoken {name}"),
        Event::Ignored(ignored) => format!("ignored {}", ignored.name()),
        Event::Sequence(number) => format!("frame {number}"),
    }
}

#[test]
fn names_are_unique_and_found() {
    for venue in ALL {
        assert_eq!(by_name(venue.name()).unwrap().name(), venue.name());
    }
    assert_eq!(candle_source("replay").unwrap().name(), "replay");
    let error = by_name("mtgox").unwrap_err().to_string();
    assert!(
        error.contains("mtgox") && error.contains("bitfinex"),
        "{error}"
    );
}

#[test]
fn a_pair_is_written_as_each_venue_does() {
    let btc: Pair = "btc/usd".parse().unwrap();
    let tether = Pair::new("BTC", "USDT");
    let long = Pair::new("AVAX", "USD");
    for (venue, pair, stream, rest) in [
        (&Binance as &dyn Venue, &tether, "BTCUSDT", "BTCUSDT"),
        (&BinanceUs, &tether, "BTCUSDT", "BTCUSDT"),
        (&Bitfinex, &btc, "tBTCUSD", "tBTCUSD"),
        (&Bitfinex, &tether, "tBTCUST", "tBTCUST"),
        (&Bitfinex, &long, "tAVAX:USD", "tAVAX:USD"),
        (&Bitstamp, &btc, "btcusd", "btcusd"),
        (&Bybit, &tether, "BTCUSDT", "BTCUSDT"),
        (&CoinbaseAdvanced, &btc, "BTC-USD", "BTC-USD"),
        (&CoinbaseExchange, &btc, "BTC-USD", "BTC-USD"),
        (&Gemini, &btc, "btcusd", "btcusd"),
        (&Kraken, &btc, "BTC/USD", "XBTUSD"),
        (&Okx, &tether, "BTC-USDT", "BTC-USDT"),
    ] {
        assert_eq!(venue.symbol(pair), stream, "{}", venue.name());
        assert_eq!(venue.rest_symbol(pair), rest, "{}", venue.name());
    }
    for text in ["BTCUSD", "/USD", "BTC/", "BTC/US D", "A/B/C"] {
        assert!(text.parse::<Pair>().is_err(), "{text}");
    }
}

/// Minutes and days of ten minutes' worth, as each venue wants to be asked.
#[test]
fn candles_are_asked_for_in_each_venues_words() {
    let from = UnixMillis(1_704_067_200_000);
    let query = CandleQuery {
        symbol: "S",
        step: Millis::minutes(1),
        from,
        to: from + Millis::minutes(10),
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
            step: Millis(1),
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
    let older = Okx.older_candles_path(&query).unwrap().unwrap();
    assert!(
        older.starts_with("/api/v5/market/history-candles?"),
        "{older}"
    );
}

#[test]
fn a_trade_is_read_in_each_venues_words() {
    for (venue, frame, expected) in [
        (
            &Binance as &dyn Venue,
            r#"{"e":"trade","E":2,"s":"BTCUSDT","t":7,"p":"100.50","q":"0.1000","T":1000,"m":true,"M":true}"#,
            "trade BTCUSDT 1000 100.50 × 0.1000 7 sell",
        ),
        (
            &BinanceUs,
            r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":2,"s":"BTCUSDT","a":7,"p":"100.5","q":"0.1","f":1,"l":2,"T":1000,"m":false,"M":true}}"#,
            "trade BTCUSDT 1000 100.5 × 0.1 7 buy",
        ),
        (
            &Bitfinex,
            r#"[5,"te",[7,1000,-0.10,100.50]]"#,
            "trade #5 1000 100.50 × 0.10 7 sell",
        ),
        (
            &Bitstamp,
            r#"{"event":"trade","channel":"live_trades_btcusd","data":{"id":7,"timestamp":"1","microtimestamp":"1000999","amount":0.1,"amount_str":"1E-1","price":100.5,"price_str":"100.50","type":1,"buy_order_id":1,"sell_order_id":2}}"#,
            "trade btcusd 1000 100.50 × 0.1 7 sell",
        ),
        (
            &Bybit,
            r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[{"T":1000,"s":"BTCUSDT","S":"Buy","v":"0.1","p":"100.5","L":"PlusTick","i":"a-7","BT":false}]}"#,
            "trade BTCUSDT 1000 100.5 × 0.1 a-7 buy",
        ),
        (
            &CoinbaseExchange,
            r#"{"type":"match","trade_id":7,"maker_order_id":"a","taker_order_id":"b","side":"sell","size":"0.1","price":"100.5","product_id":"BTC-USD","sequence":1,"time":"1970-01-01T00:00:01.000500Z"}"#,
            "trade BTC-USD 1000 100.5 × 0.1 7 buy",
        ),
        (
            &Gemini,
            r#"{"E":1000999999,"s":"btcusd","t":7,"p":"100.5","q":"0.1","m":false}"#,
            "trade btcusd 1000 100.5 × 0.1 7 buy",
        ),
        (
            &Kraken,
            r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":100.50,"qty":0.10,"ord_type":"market","trade_id":7,"timestamp":"1970-01-01T00:00:01.000999Z"}]}"#,
            "trade BTC/USD 1000 100.50 × 0.10 7 sell",
        ),
        (
            &Okx,
            r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"7","px":"100.5","sz":"0.1","side":"buy","ts":"1000","count":"1"}]}"#,
            "trade BTC-USDT 1000 100.5 × 0.1 7 buy",
        ),
    ] {
        assert_eq!(said(venue, frame), [expected], "{}", venue.name());
    }
    let two = r#"{"channel":"market_trades","client_id":"","timestamp":"1970-01-01T00:00:02Z","sequence_num":3,"events":[{"type":"snapshot","trades":[{"trade_id":"7","product_id":"BTC-USD","price":"100.5","size":"0.1","side":"BUY","time":"1970-01-01T00:00:01Z"}]}]}"#;
    assert_eq!(
        said(&CoinbaseAdvanced, two),
        ["frame 3", "trade BTC-USD 1000 100.5 × 0.1 7 sell"]
    );
}

#[test]
fn a_malformed_trade_is_an_error_that_says_what_is_wrong() {
    for (venue, frame, word) in [
        (
            &Binance as &dyn Venue,
            r#"{"e":"trade","s":"B","t":7,"p":"100","q":"1","T":1,"m":"yes"}"#,
            "boolean",
        ),
        (
            &Binance,
            r#"{"e":"trade","s":"B","t":7,"p":"-100","q":"1","T":1,"m":true}"#,
            "price -100 is not above 0",
        ),
        (
            &Binance,
            r#"{"e":"trade","s":"B","t":7,"p":"100","q":"0.0","T":1,"m":true}"#,
            "size 0.0 is not above 0",
        ),
        (
            &Binance,
            r#"{"e":"trade","s":"B","t":7,"q":"1","T":1,"m":true}"#,
            "missing field `p`",
        ),
        (
            &Bitfinex,
            r#"[5,"te",[7,1000,0.1]]"#,
            "3 columns instead of at least 4",
        ),
        (
            &Bitstamp,
            r#"{"event":"trade","channel":"live_trades_btcusd","data":{"id":7,"microtimestamp":"1","amount_str":"1","price_str":"1","type":2}}"#,
            "type 2",
        ),
        (
            &Bybit,
            r#"{"topic":"publicTrade.BTCUSDT","data":[{"T":1,"s":"ETHUSDT","S":"Buy","v":"1","p":"1","i":"a"}]}"#,
            "ETHUSDT in the topic",
        ),
        (
            &Bybit,
            r#"{"topic":"publicTrade.B","data":[{"T":1,"s":"B","S":"Unknown","v":"1","p":"1","i":"a"}]}"#,
            "unknown variant `Unknown`",
        ),
        (
            &CoinbaseExchange,
            r#"{"type":"match","trade_id":7,"side":"sell","size":"1","price":"1","product_id":"B","time":"today"}"#,
            "today",
        ),
        (
            &Gemini,
            r#"{"E":1,"s":"b","t":7,"p":"1e999","q":"1","m":true}"#,
            "1e999",
        ),
        (
            &Kraken,
            r#"{"channel":"trade","data":[{"symbol":"B","side":"buy","price":null,"qty":1,"trade_id":1,"timestamp":"1970-01-01T00:00:00Z"}]}"#,
            "null",
        ),
        (
            &Okx,
            r#"{"arg":{"channel":"trades","instId":"B"},"data":[{"instId":"B","tradeId":"x","px":"1","sz":"1","side":"buy","ts":"1"}]}"#,
            "tradeId",
        ),
    ] {
        let said = said(venue, frame);
        let [only] = said.as_slice() else {
            panic!("{}: {said:?}", venue.name());
        };
        assert!(
            only.starts_with("malformed: ") && only.contains(word),
            "{only}"
        );
    }
    for venue in ALL {
        for frame in ["", "{", "<html>", "nonsense"] {
            let said = said(venue, frame);
            assert!(
                said.len() == 1 && said[0].starts_with("not_json"),
                "{said:?}"
            );
        }
        for frame in ["[]", "[[]]", "{}", "5", "null", "\"x\"", r#"{"data":5}"#] {
            // Whatever it means, it says one harmless thing.
            let said = said(venue, frame);
            let harmless = |word: &str| said.len() == 1 && said[0].starts_with(word);
            assert!(
                harmless("malformed") || harmless("ignored") || harmless("not spoken"),
                "{} on {frame}: {said:?}",
                venue.name()
            );
        }
    }
}

#[test]
fn trades_away_from_the_book_are_left_out() {
    for (venue, frame) in [
        (
            &Binance as &dyn Venue,
            r#"{"e":"blockTrade","E":1,"s":"B","t":1,"p":"1","q":"1","T":1,"m":true}"#,
        ),
        (
            &Binance,
            r#"{"e":"trade","s":"B","t":7,"p":"100","q":"1","T":1,"m":true,"X":"INSURANCE_FUND"}"#,
        ),
        (
            &Bybit,
            r#"{"topic":"publicTrade.B","data":[{"T":1,"s":"B","S":"Buy","v":"1","p":"1","i":"a","BT":true}]}"#,
        ),
    ] {
        let said = said(venue, frame);
        assert!(
            said.len() == 1 && said[0].starts_with("ignored"),
            "{said:?}"
        );
    }
}

#[test]
fn refusals_are_told_in_the_venues_words() {
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
        assert_eq!(said(venue, frame), [expected], "{}", venue.name());
    }
}

#[test]
fn each_subscription_is_acknowledged_in_the_words_that_are_awaited() {
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
        let asked = venue.subscribe(&["A".into(), "B".into()]);
        let mut awaited: Vec<_> = asked.into_iter().flat_map(|s| s.acks).collect();
        for frame in frames {
            let read = venue.read_frame(frame, &Channels::default(), &mut |event| match event {
                Event::Status(Status::Subscribed(ack)) => {
                    awaited.retain(|expected| !ack.answers(expected));
                }
                Event::Sequence(_) => {}
                other => panic!("{}: {other:?}", venue.name()),
            });
            read.unwrap();
        }
        assert!(awaited.is_empty(), "{}: {awaited:?}", venue.name());
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
        assert_eq!(said(venue, frame), [expected], "{}", venue.name());
    }
}

#[test]
fn bitfinex_channels_have_the_names_that_the_connection_gave_them() {
    let mut channels = Channels::default();
    for (number, channel, symbol) in [
        (5, "trades", "tBTCUSD"),
        (6, "candles", "trade:1m:tBTCUSD"),
        (7, "ticker", "tBTCUSD"),
    ] {
        channels.note(&Ack::Topic {
            channel: channel.into(),
            symbol: symbol.into(),
            number: Some(number),
        });
    }
    let said = |frame: &str| said_with(&Bitfinex, frame, &channels);
    // The number on the connection follows the payload; more columns than we know are fine.
    assert_eq!(
        said(r#"[5,[[7,1000,-0.1,100,5],[6,900,0.2,99]],12,1600000000000]"#),
        [
            "frame 12",
            "trade tBTCUSD 1000 100 × 0.1 7 sell",
            "trade tBTCUSD 900 99 × 0.2 6 buy"
        ]
    );
    // Close stands before high.
    assert_eq!(
        said("[6,[60000,1.0,4.0,5.0,0.5,10]]"),
        ["candle tBTCUSD 60000 1.0 5.0 0.5 4.0 10 None"]
    );
    assert_eq!(
        said(r#"[5,"hb",13]"#),
        ["frame 13", "Heartbeat { time: None }"]
    );
    assert_eq!(
        said("[7,[1,2,3,4,5,6,7,8,9,10],14]"),
        ["frame 14", "ignored ticker"]
    );
    assert_eq!(
        said("[9,[1,2,3],15]"),
        ["frame 15", "ignored unknown channel"]
    );
}

#[test]
fn protocols_that_are_not_spoken_are_named() {
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
        assert_eq!(said(venue, frame), [format!("not spoken {name}")]);
    }
}

/// Start, close, volume and whether finished, of each candle.
fn page(venue: &dyn CandleSource, body: &str) -> Vec<(i64, f64, f64, Option<bool>)> {
    let candles = venue.parse_candles(body.as_bytes()).unwrap();
    let brief = |c: &Candle| (c.bar.open_time.0, c.bar.close.get(), c.bar.volume, c.closed);
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
    // These say themselves what is finished.
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
fn a_rest_refusal_is_told_in_the_venues_words() {
    for (venue, body, words) in [
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
        let expected = format!("{} refused: {words}", venue.name());
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
    /// No text makes a parser panic, and none is both an error and something said twice over.
    #[test]
    fn anything_may_be_sent(frame in "[\\[\\]{}\",:a-zA-Z0-9. -]{0,80}") {
        for venue in ALL {
            let mut events = 0;
            let read = venue.read_frame(&frame, &Channels::default(), &mut |_| events += 1);
            proptest::prop_assert!(read.is_err() || events <= 80);
            let _ = venue.parse_candles(frame.as_bytes());
        }
    }

    /// A frame cut anywhere is malformed, and never a trade.
    #[test]
    fn a_cut_frame_is_no_trade(cut in 1_usize..100) {
        let frame = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":100.50,"qty":0.10,"ord_type":"market","trade_id":7,"timestamp":"1970-01-01T00:00:01.000999Z"}]}"#;
        let said = said(&Kraken, &frame[..frame.len() - cut]);
        proptest::prop_assert!(said.len() == 1 && said[0].starts_with("not_json"), "{:?}", said);
    }
}
