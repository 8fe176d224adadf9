//! A live session, recorded: a replay prints the same minutes and the same settled prices, byte for byte.

use std::process::{Output, Stdio};
use std::time::Duration;

use foretell_cli::clock::system_now;
use foretell_core::time::Millis;
use foretell_feed::venue::{self, Pair};
use foretell_testkit::{
    FakeExchange, FakeRestExchanges, ScriptStep, price_at, send_signal, validator_binary,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::feed_cli::{feed, path, text};

/// Longer than this takes.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Price of the trade that ends a minute, and the minute's close.
const LAST_BEFORE: &str = "49990.00";
const LAST_CLOSE: &str = r#""close":"49990.00""#;
/// What every settled minute's line has.
const SETTLED: &str = r#""settled":""#;
/// Who trades; whose candles settle, and whose USDT/USD rates. Bitfinex has no candles here.
const VENUES: [&str; 5] = [
    "binance",
    "bitfinex",
    "bitstamp",
    "coinbase_exchange",
    "kraken",
];
const USDT_USD_VENUES: [&str; 3] = ["bitstamp", "coinbase_exchange", "kraken"];

/// A session: minutes close as trades of later ones come, the connection is cut in between and trades come twice.
fn scripts() -> Vec<Vec<ScriptStep>> {
    let first = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000.50", 100_000),
        ScriptStep::SendTrade(2, "50002.25", 99_000),
        ScriptStep::SendTrade(3, LAST_BEFORE, 70_000),
        ScriptStep::Disconnect,
    ];
    let second = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(3, LAST_BEFORE, 70_000),
        ScriptStep::SendText("nonsense"),
        ScriptStep::SendTrade(4, "50001.00", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    vec![first, second]
}

/// The session's lines and how they were counted, and those of its replay.
struct RecordedSession {
    live: String,
    counts: Vec<String>,
    replayed: String,
    replayed_counts: Vec<String>,
}

/// The lines that count what every venue sent, printed at the end.
fn counts(output: &Output) -> Vec<String> {
    let lines = text(&output.stderr);
    let lines = lines.lines().filter(|line| line.contains(" duplicates, "));
    lines.map(str::to_owned).collect()
}

async fn session(candles: &FakeRestExchanges, settled: usize) -> RecordedSession {
    let folder = tempfile::tempdir().unwrap();
    let mut config = String::new();
    let mut exchanges = Vec::new();
    for name in VENUES {
        let venue = venue::by_name(name).unwrap();
        let mut pairs = vec![Pair::new("BTC", &venue.default_quote().to_string())];
        if USDT_USD_VENUES.contains(&name) {
            pairs.push(Pair::new("USDT", "USD"));
        }
        let symbols: Vec<String> = pairs.iter().map(|pair| venue.symbol(pair)).collect();
        let exchange = FakeExchange::start_with(venue, &symbols, scripts(), Vec::new(), None).await;
        let pairs: Vec<String> = pairs.iter().map(ToString::to_string).collect();
        config.push_str(&format!(
            "[[venue]]\nname = \"{name}\"\nurl = \"{}\"\nhost = \"{}\"\npairs = {pairs:?}\n",
            exchange.stream_url(),
            candles.base_url()
        ));
        exchanges.push(exchange);
    }
    let file = folder.path().join("venues.toml");
    std::fs::write(&file, config).unwrap();
    let recording = folder.path().join("recording");
    let mut recorder = Command::new(validator_binary())
        .args(["feed", "record", "--out", path(&recording)])
        .args(["--config", path(&file)])
        .env("NO_PROXY", "127.0.0.1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // The minute of the last but one trade closes everywhere, whatever the time of day.
    let mut printed = BufReader::new(recorder.stdout.take().unwrap()).lines();
    let mut live = String::new();
    let done = |live: &str| {
        live.matches(LAST_CLOSE).count() >= VENUES.len() && live.matches(SETTLED).count() >= settled
    };
    while !done(&live) {
        let line = tokio::time::timeout(TIMEOUT, printed.next_line()).await;
        live += &(line.expect(&live).unwrap().expect(&live) + "\n");
    }
    send_signal(recorder.id().unwrap(), "TERM");
    while let Some(line) = printed.next_line().await.unwrap() {
        live += &(line + "\n");
    }
    let recorded = recorder.wait_with_output().await.unwrap();
    assert_eq!(recorded.status.code(), Some(0), "{recorded:?}");
    let replayed = feed(&["replay", path(&recording)]).await;
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    RecordedSession {
        live,
        counts: counts(&recorded),
        replayed: text(&replayed.stdout),
        replayed_counts: counts(&replayed),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_gives_the_same_minutes_and_settled_prices_again_byte_for_byte() {
    let now = system_now();
    let candles = FakeRestExchanges::start(now).await;
    // A minute in which nobody traded, which is tried and not settled.
    let silent = (now - Millis::minutes(5)).floor(Millis::minutes(1));
    candles.skip_trades_in(silent);
    let session = session(&candles, 6).await;
    assert_eq!(session.replayed, session.live);
    for name in VENUES {
        let venue = format!(r#""venue":"{name}""#);
        assert!(session.live.contains(&venue), "{}", session.live);
    }
    // Both count the same.
    assert_eq!(session.counts, session.replayed_counts);
    assert_eq!(session.counts.len(), VENUES.len(), "{:?}", session.counts);
    let bitfinex = &session.counts[1];
    assert!(bitfinex.contains("4 trades, 6 duplicates"), "{bitfinex}");

    let lines = session
        .live
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let settled: Vec<serde_json::Value> = lines
        .filter(|line: &serde_json::Value| !line["settled"].is_null())
        .collect();
    assert!(settled.len() >= 6, "{}", session.live);
    for line in &settled {
        let start = line["time_ms"].as_i64().unwrap();
        assert_ne!(start, silent.get(), "{line}");
        let price: f64 = line["settled"].as_str().unwrap().parse().unwrap();
        let off = 1e4 * (price / price_at(start + 60_000) - 1.0);
        assert!(off.abs() < 0.01, "{line}");
        assert_eq!(line["used"].as_object().unwrap().len(), 4, "{line}");
        assert_eq!(line["excluded"]["bitfinex"]["why"], "no_candle", "{line}");
    }
}
