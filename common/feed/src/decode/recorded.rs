//! Every public recorded message, through the decoder. The recordings are not part of the project; without them these
//! tests print that they were skipped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use foretell_core::testing::shared_file;

use super::*;
use crate::venue;

/// What each file's messages are: trades, candles, statuses, ignored, errors.
const FILES: [(&str, [usize; 5]); 66] = [
    ("binance/barter_ws_messages.jsonl", [1, 0, 2, 5, 1]),
    ("binance/cmp_ws_messages.jsonl", [1, 1, 0, 2, 0]),
    ("binance/docs_examples.jsonl", [0, 0, 3, 2, 1]),
    (
        "binance/nautilus_http_book_ticker_response.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/nautilus_http_klines_response.json",
        [0, 1, 0, 0, 0],
    ),
    (
        "binance/nautilus_http_server_time_response.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/nautilus_http_spot_market_agg_trades.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/nautilus_http_spot_market_klines.json",
        [0, 10, 0, 0, 0],
    ),
    (
        "binance/nautilus_http_spot_market_trades.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/nautilus_http_ticker_24hr_response.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/nautilus_http_ticker_price_response.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/nautilus_http_trades_response.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "binance/rec_ws_agg_kline_bookticker.jsonl",
        [1, 1, 0, 50, 0],
    ),
    (
        "binance_us/rec_ws_agg_kline_bookticker.jsonl",
        [9, 2, 0, 73, 0],
    ),
    ("bitfinex/barter_ws_messages.jsonl", [1, 0, 4, 2, 1]),
    ("bitfinex/cmp_ws_messages.jsonl", [1, 4, 0, 2, 0]),
    (
        "bitfinex/rec_ws_trades_ticker_hb_seq.jsonl",
        [210, 0, 39, 29, 0],
    ),
    ("bitstamp/cmp_ws_messages.jsonl", [1, 0, 0, 0, 0]),
    ("bitstamp/rec_ws_live_trades.jsonl", [0, 0, 17, 21, 0]),
    ("bybit/barter_ws_messages.jsonl", [1, 0, 2, 4, 3]),
    ("bybit/docs_examples.jsonl", [1, 4, 8, 7, 0]),
    (
        "bybit/nautilus_http_get_klines_linear.json",
        [0, 1, 0, 0, 0],
    ),
    (
        "bybit/nautilus_http_get_trades_recent.json",
        [0, 0, 0, 1, 0],
    ),
    ("bybit/nautilus_ws_kline.json", [0, 1, 0, 0, 0]),
    ("bybit/nautilus_ws_subscription_ack.json", [0, 0, 1, 0, 0]),
    (
        "bybit/nautilus_ws_subscription_failure.json",
        [0, 0, 0, 0, 1],
    ),
    ("bybit/nautilus_ws_ticker_linear.json", [0, 0, 0, 1, 0]),
    ("bybit/tardis_ws_v5_spot_trade.jsonl", [4, 0, 0, 0, 0]),
    (
        "coinbase_advanced/nautilus_http_candles.json",
        [0, 2, 0, 0, 0],
    ),
    (
        "coinbase_advanced/nautilus_http_product.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "coinbase_advanced/nautilus_http_ticker.json",
        [0, 0, 0, 1, 0],
    ),
    (
        "coinbase_advanced/nautilus_ws_candles.json",
        [0, 1, 0, 0, 0],
    ),
    (
        "coinbase_advanced/nautilus_ws_heartbeats.json",
        [0, 0, 1, 0, 0],
    ),
    (
        "coinbase_advanced/nautilus_ws_market_trades.json",
        [2, 0, 0, 0, 0],
    ),
    (
        "coinbase_advanced/nautilus_ws_subscriptions.json",
        [0, 0, 3, 0, 0],
    ),
    ("coinbase_advanced/nautilus_ws_ticker.json", [0, 0, 0, 1, 0]),
    (
        "coinbase_exchange/barter_ws_messages.jsonl",
        [1, 0, 2, 1, 1],
    ),
    ("coinbase_exchange/cmp_ws_messages.jsonl", [1, 0, 0, 0, 0]),
    (
        "coinbase_exchange/rec_ws_matches_ticker.jsonl",
        [61, 0, 60, 65, 0],
    ),
    ("gemini/docs_v3_examples.jsonl", [0, 0, 0, 3, 0]),
    ("gemini/rec_ws_v2_trades_heartbeat.jsonl", [0, 0, 0, 15, 0]),
    ("gemini/tardis_ws_v3_trade.jsonl", [1, 0, 0, 0, 0]),
    ("kraken/barter_ws_messages.jsonl", [0, 0, 0, 6, 0]),
    ("kraken/cmp_ws_messages.jsonl", [0, 0, 0, 3, 0]),
    ("kraken/nautilus_http_ohlc.json", [0, 721, 0, 0, 0]),
    ("kraken/nautilus_http_server_time.json", [0, 0, 0, 1, 0]),
    ("kraken/nautilus_http_system_status.json", [0, 0, 1, 0, 0]),
    ("kraken/nautilus_http_ticker.json", [0, 0, 0, 1, 0]),
    ("kraken/nautilus_ws_ohlc_update.json", [0, 1, 0, 0, 0]),
    ("kraken/nautilus_ws_pong.json", [0, 0, 1, 0, 0]),
    (
        "kraken/nautilus_ws_subscribe_response.json",
        [0, 0, 1, 0, 0],
    ),
    ("kraken/nautilus_ws_ticker_snapshot.json", [0, 0, 0, 1, 0]),
    ("kraken/nautilus_ws_trade_update.json", [2, 0, 0, 0, 0]),
    ("kraken/rec_ws_v1_ticker.jsonl", [0, 0, 0, 36, 0]),
    ("kraken/rec_ws_v1_trades.jsonl", [0, 0, 0, 30, 0]),
    ("okx/barter_ws_messages.jsonl", [1, 0, 1, 0, 1]),
    ("okx/cmp_ws_messages.jsonl", [1, 1, 0, 0, 0]),
    ("okx/nautilus_http_get_candlesticks.json", [0, 2, 0, 0, 0]),
    (
        "okx/nautilus_http_get_candlesticks_full.json",
        [0, 2, 0, 0, 0],
    ),
    ("okx/nautilus_http_get_index_price.json", [0, 0, 0, 1, 0]),
    ("okx/nautilus_http_get_trades.json", [0, 0, 0, 1, 0]),
    ("okx/nautilus_ws_bbo_tbt.json", [0, 0, 0, 1, 0]),
    ("okx/nautilus_ws_candle.json", [0, 1, 0, 0, 0]),
    ("okx/nautilus_ws_tickers.json", [0, 0, 0, 1, 0]),
    ("okx/nautilus_ws_trades.json", [1, 0, 0, 0, 0]),
    ("okx/rec_ws_trades_tickers.jsonl", [36, 0, 15, 20, 0]),
];

/// The folder of recordings.
fn recordings() -> Option<PathBuf> {
    shared_file("feeds", "the recorded messages")
}

/// The lines that a file decodes to.
fn decoded(folder: &Path, file: &str) -> Vec<serde_json::Value> {
    let (venue, _) = file.split_once('/').unwrap();
    let mut decoder = Decoder::new(venue::by_name(venue).unwrap());
    let mut lines = Vec::new();
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let mut push_line = |line: &DecodedLine<'_>| lines.push(serde_json::to_value(line).unwrap());
    if file.ends_with(".json") {
        decoder.decode_line(&bytes, &mut push_line);
    } else {
        for line in bytes.split(|byte| *byte == b'\n') {
            decoder.decode_line(line, &mut push_line);
        }
    }
    lines
}

#[test]
fn every_recorded_message_is_what_it_is() {
    let Some(folder) = recordings() else { return };
    for (file, expected) in FILES {
        let mut counts = BTreeMap::new();
        for line in decoded(&folder, file) {
            *counts
                .entry(line["kind"].as_str().unwrap().to_owned())
                .or_insert(0) += 1;
        }
        let kinds = ["trade", "candle", "status", "ignored", "error"];
        let counts = kinds.map(|kind| counts.get(kind).copied().unwrap_or(0));
        assert_eq!(counts, expected, "{file}");
    }
}

/// No file of a venue's folder is left out above.
#[test]
fn every_recorded_file_is_listed() {
    let Some(folder) = recordings() else { return };
    for venue in venue::ALL {
        for entry in std::fs::read_dir(folder.join(venue.name())).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let file = format!("{}/{name}", venue.name());
            assert!(FILES.iter().any(|(listed, _)| *listed == file), "{file}");
        }
    }
}

/// The line of a file that has this value under this key.
fn line(lines: &[serde_json::Value], key: &str, value: &str) -> serde_json::Value {
    let found = lines.iter().find(|line| line[key] == value);
    found
        .unwrap_or_else(|| panic!("no line with {key} = {value}"))
        .clone()
}

#[test]
fn numbers_and_times_of_recorded_messages_are_exact() {
    let Some(folder) = recordings() else { return };
    for (file, key, value, expected) in [
        (
            "bitfinex/rec_ws_trades_ticker_hb_seq.jsonl",
            "id",
            "669899157",
            ["tBFTUSD", "1618665870435", "0.07654", "6110.1472"],
        ),
        (
            "bitstamp/cmp_ws_messages.jsonl",
            "id",
            "158457579",
            ["btcusd", "1616297318187", "57748.80", "0.00000001"],
        ),
        (
            "bybit/tardis_ws_v5_spot_trade.jsonl",
            "id",
            "2290000000050703790",
            ["BTCUSDT", "1680652847524", "28165.38", "0.008513"],
        ),
        (
            "coinbase_exchange/cmp_ws_messages.jsonl",
            "id",
            "147587438",
            ["BTC-USD", "1616298447112", "57786.82", "0.00031874"],
        ),
        (
            "gemini/tardis_ws_v3_trade.jsonl",
            "id",
            "2840141014190422",
            ["btcrlusd", "1783981140085", "62145.38000", "0.0162522200"],
        ),
        (
            "kraken/nautilus_ws_trade_update.json",
            "id",
            "10218208",
            ["BTC/USD", "1696613755440", "105944.20", "0.00027625"],
        ),
        (
            "okx/rec_ws_trades_tickers.jsonl",
            "id",
            "338476308",
            ["BTC-USDT", "1652459226050", "30243.5", "0.001"],
        ),
    ] {
        let line = line(&decoded(&folder, file), key, value);
        let found = ["symbol", "time_ms", "price", "size"].map(|key| match &line[key] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        assert_eq!(found, expected, "{file}");
    }
}

/// Kraken's answer holds flat rows without volume, and its last row is always unfinished.
#[test]
fn the_recorded_minutes_of_kraken_are_finished_but_for_the_last() {
    let Some(folder) = recordings() else { return };
    let lines = decoded(&folder, "kraken/nautilus_http_ohlc.json");
    let (last, finished) = lines.split_last().unwrap();
    assert_eq!(last["closed"], false);
    assert!(finished.iter().all(|line| line["closed"] == true));
    let flat = lines.iter().filter(|line| line["volume"] == "0.00000000");
    assert_eq!(flat.count(), 216);
    let times: Vec<i64> = lines
        .iter()
        .map(|line| line["time_ms"].as_i64().unwrap())
        .collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 60_000));
}
