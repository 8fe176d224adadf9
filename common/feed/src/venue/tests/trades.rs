//! Trades: valid ones, malformed ones, those away from the book.

use super::*;

#[test]
fn a_trade_is_read_from_each_venues_message() {
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
        assert_eq!(described(venue, frame), [expected], "{}", venue.name());
    }
    let two = r#"{"channel":"market_trades","client_id":"","timestamp":"1970-01-01T00:00:02Z","sequence_num":3,"events":[{"type":"snapshot","trades":[{"trade_id":"7","product_id":"BTC-USD","price":"100.5","size":"0.1","side":"BUY","time":"1970-01-01T00:00:01Z"}]}]}"#;
    assert_eq!(
        described(&CoinbaseAdvanced, two),
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
        let events = described(venue, frame);
        let [only] = events.as_slice() else {
            panic!("{}: {events:?}", venue.name());
        };
        assert!(
            only.starts_with("malformed: ") && only.contains(word),
            "{only}"
        );
    }
    for venue in ALL {
        for frame in ["", "{", "<html>", "nonsense"] {
            let events = described(venue, frame);
            assert!(
                events.len() == 1 && events[0].starts_with("not_json"),
                "{events:?}"
            );
        }
        for frame in ["[]", "[[]]", "{}", "5", "null", "\"x\"", r#"{"data":5}"#] {
            // Whatever it means, it gives one harmless event.
            let events = described(venue, frame);
            let harmless = |word: &str| events.len() == 1 && events[0].starts_with(word);
            assert!(
                harmless("malformed") || harmless("ignored") || harmless("unsupported"),
                "{} on {frame}: {events:?}",
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
        let events = described(venue, frame);
        assert!(
            events.len() == 1 && events[0].starts_with("ignored"),
            "{events:?}"
        );
    }
}
