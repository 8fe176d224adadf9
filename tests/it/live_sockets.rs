//! `validator run` with its sockets: what is traded now and what every connection does, in words and over HTTP; and that it
//! stops at once.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use foretell_cli::clock::system_now;
use foretell_core::testing::assert_contains_all;
use foretell_feed::venue::{self, Pair};
use foretell_testkit::{
    FakeExchange, FakeRestExchanges, ScriptStep, TestProcess, validator_binary, wait_until,
};
use serde_json::Value;

/// Venues, and the last price that each trades at.
const VENUES: [(&str, &str); 4] = [
    ("binance", "60100.00"),
    ("bitstamp", "60002.00"),
    ("coinbase_exchange", "60001.00"),
    ("kraken", "60000.00"),
];
const USDT_USD_VENUES: [&str; 3] = ["bitstamp", "coinbase_exchange", "kraken"];

#[tokio::test(flavor = "multi_thread")]
async fn a_running_validator_shows_what_is_traded_now_and_stops_at_once() {
    let candles = FakeRestExchanges::start(system_now()).await;
    let mut sockets = Vec::new();
    let mut venues = String::new();
    let mut rates = String::new();
    for (name, price) in VENUES {
        let venue = venue::by_name(name).unwrap();
        let mut pairs = vec![Pair::new("BTC", &venue.default_quote().to_string())];
        if USDT_USD_VENUES.contains(&name) {
            pairs.push(Pair::new("USDT", "USD"));
            rates += &format!("{{venue = {name:?}, host = {:?}}}, ", candles.base_url());
        }
        let symbols: Vec<String> = pairs.iter().map(|pair| venue.symbol(pair)).collect();
        let script = vec![
            ScriptStep::AcknowledgeSubscriptions,
            ScriptStep::SendTrade(1, price, 0),
            ScriptStep::SendHeartbeats(600_000),
        ];
        let socket =
            FakeExchange::start_with(venue, &symbols, vec![script], Vec::new(), None).await;
        let (host, url) = (candles.base_url(), socket.stream_url());
        venues += &format!("{{venue = {name:?}, host = {host:?}, url = {url:?}}}, ");
        sockets.push(socket);
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("validator.toml");
    let text = format!(
        "data = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n[prices]\nkind = \"venues\"\nvenues = [{venues}]\n\
         usdt_usd = [{rates}]\n",
        folder.path().join("data")
    );
    fs::write(&config, text).unwrap();
    let command = |name: &str| {
        let mut command = Command::new(validator_binary());
        command.args([name, "--config"]).arg(&config);
        command.env("NO_PROXY", "127.0.0.1");
        command
    };
    let mut running = TestProcess::spawn(&mut command("run"));

    wait_until("the address of the status", || {
        running.stderr().contains("/v1/status")
    });
    let stderr = running.stderr();
    let address = stderr.split("http://").nth(1).unwrap();
    let url = format!("http://{}", address.split_whitespace().next().unwrap());
    let status = async || -> Value {
        let answer = body_at(&url).await;
        serde_json::from_str(&answer).unwrap_or_default()
    };
    // Nobody has traded USDT, so that Binance's price can't be converted to dollars.
    let begun = Instant::now();
    let shown = loop {
        let shown = status().await;
        if shown["live_price"]["venues"] == 3 && shown["newest_price"].is_array() {
            break shown;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{shown:#}\n{}",
            running.stderr()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(shown["live_price"]["price"], 60_001.0);
    let seen = shown["venues"].as_array().unwrap();
    assert_eq!(seen.len(), 4);
    for (venue, (name, price)) in seen.iter().zip(VENUES) {
        assert_eq!(
            (&venue["venue"], &venue["state"]),
            (&name.into(), &"live".into())
        );
        assert_eq!(venue["last"][1], price.parse::<f64>().unwrap());
        assert!(
            venue["clock_offset"].is_i64() && venue["lag"].is_i64(),
            "{venue}"
        );
    }
    let status_output = TestProcess::spawn(&mut command("status")).wait();
    assert_eq!(status_output.code, Some(0), "{}", status_output.stderr);
    assert_contains_all(
        &status_output.stdout,
        &[
            "live price: 60001.00, the median of 3 venues",
            "kraken: live, 60000",
            "lag ",
        ],
    );

    assert!(!running.has_exited());
    let told_to_stop = Instant::now();
    running.terminate();
    let ended = running.wait();
    let took = told_to_stop.elapsed();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(took < Duration::from_secs(10), "it took {took:?} to stop");
}

/// The body at this address.
async fn body_at(url: &str) -> String {
    let url = url.to_owned();
    let rest = foretell_feed::rest::RestClient::new(Duration::from_secs(10)).unwrap();
    let body = rest
        .get_bytes("the validator", &url)
        .await
        .unwrap_or_default();
    String::from_utf8(body).unwrap()
}
