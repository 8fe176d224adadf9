//! Generated frames of trades as each venue writes them, with rising ids and varying prices.

use foretell_feed::venue::Venue;

/// `count` frames of this venue, each with one trade of its own.
pub fn frames(venue: &dyn Venue, count: u64) -> Vec<String> {
    (0..count).map(|i| frame(venue.name(), i)).collect()
}

fn frame(venue: &str, i: u64) -> String {
    let id = 3_000_000_000 + i;
    let price = format!("{}.{:02}", 60_000 + i * 7 % 900, i * 13 % 100);
    let size = format!("0.{:08}", 1 + i * 7919 % 99_999_999);
    let time = 1_767_225_600_000 + i * 40;
    let text = format!(
        "2026-01-01T00:{:02}:{:02}.{:06}Z",
        i / 60 % 60,
        i % 60,
        i * 37 % 1_000_000
    );
    match venue {
        "binance" | "binance_us" => format!(
            r#"{{"e":"trade","E":{time},"s":"BTCUSDT","t":{id},"p":"{price}000000","q":"{size}","T":{time},"m":true,"M":true}}"#
        ),
        "bitfinex" => format!(r#"[420191,"te",[{id},{time},-{size},{price}],{i},{time}]"#),
        "bitstamp" => format!(
            r#"{{"data":{{"id":{id},"timestamp":"{}","amount":{size},"amount_str":"{size}","price":{price},"price_str":"{price}","type":0,"microtimestamp":"{time}123","buy_order_id":1856374029840384,"sell_order_id":1856374029676544}},"channel":"live_trades_btcusd","event":"trade"}}"#,
            time / 1000
        ),
        "bybit" => format!(
            r#"{{"topic":"publicTrade.BTCUSDT","ts":{time},"type":"snapshot","data":[{{"i":"229000000{id}","T":{time},"p":"{price}","v":"{size}","S":"Sell","s":"BTCUSDT","BT":false,"RPI":false,"seq":{id}}}]}}"#
        ),
        "coinbase_advanced" => format!(
            r#"{{"channel":"market_trades","client_id":"","timestamp":"{text}","sequence_num":{i},"events":[{{"type":"update","trades":[{{"trade_id":"{id}","product_id":"BTC-USD","price":"{price}","size":"{size}","side":"BUY","time":"{text}"}}]}}]}}"#
        ),
        "coinbase_exchange" => format!(
            r#"{{"type":"match","trade_id":{id},"maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8","taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1","side":"sell","size":"{size}","price":"{price}","product_id":"BTC-USD","sequence":{id}0,"time":"{text}"}}"#
        ),
        "gemini" => format!(
            r#"{{"E":{time}123456,"s":"btcusd","t":28401410{id},"p":"{price}","q":"{size}","m":true}}"#
        ),
        "kraken" => format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"BTC/USD","side":"sell","price":{price},"qty":{size},"ord_type":"market","trade_id":{id},"timestamp":"{text}"}}]}}"#
        ),
        "okx" => format!(
            r#"{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{id}","px":"{price}","sz":"{size}","side":"buy","ts":"{time}","count":"1","seqId":{id}}}]}}"#
        ),
        other => panic!("no frames of {other}"),
    }
}
