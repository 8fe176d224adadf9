//! Exchanges on loopback as far as candles go: Bitstamp, Coinbase Exchange, Kraken and Binance, each in its own format,
//! all on one address, with prices that are a function of time.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use foretell_core::time::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a USDT is worth here.
const USDT_USD: f64 = 0.9995;

/// The exchanges; they know nothing of what comes after [`now`](Self::set_now).
#[derive(Debug)]
pub struct FakeRestExchanges {
    address: SocketAddr,
    state: Arc<RestExchangesState>,
}

#[derive(Debug, Default)]
struct RestExchangesState {
    now: AtomicI64,
    /// Exchanges that answer with an error.
    down: Mutex<BTreeSet<&'static str>>,
    /// Minutes, by their start, in which nobody traded.
    minutes_without_trades: Mutex<BTreeSet<i64>>,
    requests: AtomicI64,
}

impl FakeRestExchanges {
    /// Starts them, at `now`.
    pub async fn start(now: UnixMillis) -> Self {
        let state = Arc::new(RestExchangesState::default());
        state.now.store(now.get(), Ordering::SeqCst);
        let routes = Router::new()
            .route("/api/v2/ohlc/{pair}/", get(bitstamp))
            .route("/products/{pair}/candles", get(coinbase))
            .route("/0/public/OHLC", get(kraken))
            .route("/api/v3/klines", get(binance))
            .route("/values.csv", get(values))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, state }
    }

    /// Scheme, host and port of them all.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets time pass: candles up to `now` can be had from now on.
    pub fn set_now(&self, now: UnixMillis) {
        self.state.now.store(now.get(), Ordering::SeqCst);
    }

    /// Takes these exchanges down, and all others up.
    pub fn set_down(&self, names: &[&'static str]) {
        *self.state.down.lock().unwrap() = names.iter().copied().collect();
    }

    /// Nobody trades in this minute.
    pub fn skip_trades_in(&self, minute: UnixMillis) {
        self.state
            .minutes_without_trades
            .lock()
            .unwrap()
            .insert(minute.get());
    }

    /// How many requests there have been.
    pub fn request_count(&self) -> i64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// The table `[prices]` of a configuration that has these venues and no others.
    pub fn prices_toml(&self) -> String {
        let host = self.base_url();
        let market = |venue: &str| format!("{{venue = \"{venue}\", host = \"{host}\"}}");
        let settling = ["bitstamp", "coinbase_exchange", "kraken", "binance"]
            .map(market)
            .join(", ");
        let rates = ["bitstamp", "coinbase_exchange", "kraken"]
            .map(market)
            .join(", ");
        format!("[prices]\nkind = \"venues\"\nvenues = [{settling}]\nusdt_usd = [{rates}]\n")
    }
}

/// A value that is as often below zero as above, every five minutes, at the end of a step.
pub fn value_at(ms: i64) -> f64 {
    let steps = ms as f64 / 300_000.0;
    (500.0 * (steps / 3.0).sin()).round() / 100.0
}

/// Price in USD at an instant.
pub fn price_at(ms: i64) -> f64 {
    let minutes = ms as f64 / 60_000.0;
    let wave = |period: f64, height: f64| height * (minutes / period).sin();
    let price = 60_000.0 + wave(97.0, 40.0) + wave(13.0, 25.0) + wave(3.1, 15.0);
    (price * 100.0).round() / 100.0
}

/// A candle as text: start in ms, open, high, low, close, volume.
struct CandleRow {
    start: i64,
    texts: [String; 5],
}

impl RestExchangesState {
    /// The candles of a pair with starts in `[from, to)` that have begun, or the answer of an exchange that is down.
    fn candles(
        &self,
        exchange: &'static str,
        pair: &str,
        step: i64,
        from: i64,
        to: i64,
    ) -> Result<Vec<CandleRow>, Box<Response>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if self.down.lock().unwrap().contains(exchange) {
            let down = (StatusCode::SERVICE_UNAVAILABLE, "maintenance");
            return Err(Box::new(down.into_response()));
        }
        let now = self.now.load(Ordering::SeqCst);
        let minutes_without_trades = self.minutes_without_trades.lock().unwrap();
        let is_usdt_usd = pair.to_uppercase().starts_with("USDT");
        let in_usd = if pair.to_uppercase().ends_with("USDT") {
            1.0 / USDT_USD
        } else {
            1.0
        };
        let first = from + (-from).rem_euclid(step);
        let starts = (0..)
            .map(|n| first + n * step)
            .take_while(|start| *start < to.min(now));
        let traded =
            starts.filter(|start| step != 60_000 || !minutes_without_trades.contains(start));
        let candle = |start: i64| {
            let price = |ms: i64| {
                if is_usdt_usd {
                    USDT_USD
                } else {
                    price_at(ms) * in_usd
                }
            };
            let (open, close) = (price(start), price((start + step).min(now)));
            let (high, low) = (open.max(close), open.min(close));
            let volume = step as f64 / 60_000.0;
            CandleRow {
                start,
                texts: [open, high, low, close, volume].map(|number| number.to_string()),
            }
        };
        Ok(traded.map(candle).collect())
    }
}

fn json(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

/// Three days of values and some, up to now: `open_time_ms,value`.
async fn values(State(state): State<Arc<RestExchangesState>>) -> String {
    let (now, step) = (state.now.load(Ordering::SeqCst), 300_000);
    let newest = (now / step - 1) * step;
    let starts = (0..1000).rev().map(|n| newest - n * step);
    let rows = starts.map(|start| format!("{start},{}\n", value_at(start + step)));
    format!("open_time_ms,value\n{}", rows.collect::<String>())
}

#[derive(Deserialize)]
struct BitstampQuery {
    step: i64,
    limit: i64,
    start: i64,
}

async fn bitstamp(
    State(state): State<Arc<RestExchangesState>>,
    Path(pair): Path<String>,
    Query(query): Query<BitstampQuery>,
) -> Response {
    let (step, from) = (query.step * 1000, query.start * 1000);
    let to = from + query.limit * step;
    let candles = match state.candles("bitstamp", &pair, step, from, to) {
        Ok(candles) => candles,
        Err(down) => return *down,
    };
    let rows = candles.iter().map(|CandleRow { start, texts }| {
        let [open, high, low, close, volume] = texts;
        let timestamp = (start / 1000).to_string();
        json!({"timestamp": timestamp, "open": open, "high": high, "low": low, "close": close, "volume": volume})
    });
    json(&json!({"data": {"pair": pair, "ohlc": rows.collect::<Vec<_>>()}}))
}

#[derive(Deserialize)]
struct CoinbaseQuery {
    granularity: i64,
    start: i64,
    end: i64,
}

/// Newest first, low before high, numbers.
async fn coinbase(
    State(state): State<Arc<RestExchangesState>>,
    Path(pair): Path<String>,
    Query(query): Query<CoinbaseQuery>,
) -> Response {
    let (step, from, to) = (
        query.granularity * 1000,
        query.start * 1000,
        query.end * 1000 + 1,
    );
    let pair = pair.replace('-', "");
    let candles = match state.candles("coinbase_exchange", &pair, step, from, to) {
        Ok(candles) => candles,
        Err(down) => return *down,
    };
    let rows = candles.iter().rev().map(|CandleRow { start, texts }| {
        let [open, high, low, close, volume] = texts;
        format!("[{},{low},{high},{open},{close},{volume}]", start / 1000)
    });
    let rows: Vec<String> = rows.collect();
    (
        [("content-type", "application/json")],
        format!("[{}]", rows.join(",")),
    )
        .into_response()
}

#[derive(Deserialize)]
struct KrakenQuery {
    pair: String,
    interval: i64,
    since: i64,
}

/// The newest 720, of which the last is never finished.
async fn kraken(
    State(state): State<Arc<RestExchangesState>>,
    Query(query): Query<KrakenQuery>,
) -> Response {
    let step = query.interval * 60_000;
    let now = state.now.load(Ordering::SeqCst);
    let from = ((query.since + 1) * 1000).max(now - 720 * step);
    let candles = match state.candles("kraken", &query.pair, step, from, now) {
        Ok(candles) => candles,
        Err(down) => return *down,
    };
    let rows = candles.iter().map(|CandleRow { start, texts }| {
        let [open, high, low, close, volume] = texts;
        json!([start / 1000, open, high, low, close, close, volume, 1])
    });
    let last = now / 1000;
    json(&json!({"error": [], "result": {query.pair: rows.collect::<Vec<_>>(), "last": last}}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BinanceQuery {
    symbol: String,
    interval: String,
    start_time: i64,
    end_time: i64,
    limit: usize,
}

async fn binance(
    State(state): State<Arc<RestExchangesState>>,
    Query(query): Query<BinanceQuery>,
) -> Response {
    let step = match query.interval.as_str() {
        "1m" => 60_000,
        "5m" => 300_000,
        "1d" => 86_400_000,
        other => return (StatusCode::BAD_REQUEST, other.to_owned()).into_response(),
    };
    let (from, to) = (query.start_time, query.end_time + 1);
    let candles = match state.candles("binance", &query.symbol, step, from, to) {
        Ok(candles) => candles,
        Err(down) => return *down,
    };
    let rows = candles
        .iter()
        .take(query.limit)
        .map(|CandleRow { start, texts }| {
            let [open, high, low, close, volume] = texts;
            json!([
                start,
                open,
                high,
                low,
                close,
                volume,
                start + step - 1,
                "0",
                1,
                "0",
                "0",
                "0"
            ])
        });
    json(&Value::Array(rows.collect()))
}
