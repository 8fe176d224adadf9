//! The time that a validator waits: commitments and reveals from cache, one validator and 64 at once over loopback.
//!
//! Requests are signed before the clock starts, so that only the miner's part and the wire's is timed. Prints
//! percentiles of the time from the first byte sent to the last received, and the miner's CPU time per request.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints its figures, and fails loudly"
)]

use std::future::IntoFuture;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{Json, Query, State};
use axum::routing::get;
use foretell_core::bar::Bar;
use foretell_core::forecast::ForecastKind;
use foretell_core::hotkey::Hotkey;
use foretell_core::round::Receipt;
use foretell_core::series::Series;
use foretell_core::signed_text::receipt_text;
use foretell_core::testing::{MONDAY, STEP, btc_usd};
use foretell_data::simulated_prices::simulate_prices;
use foretell_feed::venue::{CandlePage, ReplaySource};
use foretell_keys::keyfile::WalletHotkey;
use foretell_keys::keypair::Keypair;
use foretell_miner::config::{
    ClockConfig, MinerConfig, MinerPricesConfig, ModelConfig, ServeConfig,
};
use foretell_wire::btauth::{SignedRequest, signed_headers};
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, REVEAL_ROUTE, RevealRequest,
};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const VALIDATORS: u64 = 64;
const REPETITIONS: usize = 100;
/// Percentiles that are printed.
const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("max", 1.0)];
const HISTORY_DAYS: u32 = 180;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().expect("a folder");
    let series = btc_usd(100);
    let bars = HISTORY_DAYS as usize * 288;
    let prices = simulate_prices(1, MONDAY, STEP, bars).expect("a series");
    let origin = MONDAY + STEP.times(bars as i64);
    let venue = venue(prices.into_bars()).await;
    let miner = Miner::start(folder.path(), &series, &venue);
    let request = CommitRequest::new(&series, origin, origin, origin);
    let mut validators = Vec::new();
    for seed in 0..VALIDATORS {
        validators.push(Validator::connect(&miner, seed).await);
    }
    let begun = Instant::now();
    validators[0]
        .request(&miner, COMMIT_ROUTE, &json(&request))
        .await;
    println!(
        "first commitment of a round, model fitted for it: {:?}",
        begun.elapsed()
    );

    let mut reveals = Vec::new();
    for validator in &mut validators {
        let (answer, _) = validator
            .request(&miner, COMMIT_ROUTE, &json(&request))
            .await;
        reveals.push(json(&validator.receipt(&miner, &request, &answer)));
    }
    let commits = vec![json(&request); validators.len()];
    // Keys met for the first time come last: a miner remembers a limited number of validators' commitments.
    for (name, route, bodies, new_keys) in [
        ("reveal", REVEAL_ROUTE, &reveals, false),
        ("commit, asked again", COMMIT_ROUTE, &commits, false),
        ("commit, first asked", COMMIT_ROUTE, &commits, true),
    ] {
        let (mut alone, mut together) = (Vec::new(), Vec::new());
        for _ in 0..5 * REPETITIONS {
            let validator = &mut validators[0];
            if new_keys {
                validator.change_key();
            }
            alone.push(validator.request(&miner, route, &bodies[0]).await.1);
        }
        let busy = miner.cpu();
        for _ in 0..REPETITIONS {
            if new_keys {
                validators.iter_mut().for_each(Validator::change_key);
            }
            let signed: Vec<Vec<u8>> = validators
                .iter()
                .zip(bodies)
                .map(|(validator, body)| validator.signed(&miner, route, body))
                .collect();
            let exchanges = validators.iter_mut().zip(&signed);
            let answers = exchanges.map(|(validator, signed)| validator.exchange(signed));
            let answers = futures_util::future::join_all(answers).await;
            together.extend(answers.into_iter().map(|(_, took)| took));
        }
        let each = (miner.cpu() - busy) / u32::try_from(together.len()).unwrap_or(u32::MAX);
        report(&format!("{name}, one validator"), alone);
        report(&format!("{name}, {VALIDATORS} at once"), together);
        println!("{name}: {each:?} of the miner's CPU time each");
    }
    println!(
        "largest resident size of the miner: {} MB",
        miner.largest_rss_mb()
    );
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let figures = PERCENTILES.map(|(name, share)| format!("{name} {:?}", at(share)));
    println!("{what}: {}", figures.join(", "));
}

fn json(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).expect("a message")
}

/// A miner in a process of its own.
struct Miner {
    process: Child,
    /// Its parent's end: when this is dropped, the miner stops.
    _stdin: Option<ChildStdin>,
    address: SocketAddr,
    hotkey: Hotkey,
}

#[derive(Deserialize)]
struct Ready {
    listening: SocketAddr,
    hotkey: Hotkey,
}

impl Miner {
    fn start(folder: &Path, series: &Series, venue: &str) -> Self {
        let wallet = WalletHotkey {
            path: folder.join("wallets"),
            wallet: "bench".into(),
            hotkey: "default".into(),
        };
        wallet.store(&[7; 32]).expect("a wallet");
        let config = MinerConfig {
            series: series.clone(),
            prices: MinerPricesConfig {
                venue: "replay".into(),
                host: Some(venue.into()),
                symbol: series.id.to_string(),
                files: Vec::new(),
            },
            model: ModelConfig {
                name: "har".into(),
                history_days: HISTORY_DAYS,
                refit_hours: 24,
                k: 99,
                kind: ForecastKind::Quantiles,
                seed: 0,
                file: None,
            },
            chain: None,
            serve: ServeConfig {
                axon: None,
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                data: folder.join("data"),
                clock: ClockConfig::Request,
                validators: None,
            },
        };
        let file = folder.join("miner.toml");
        std::fs::write(&file, toml::to_string(&config).expect("TOML")).expect("a file");
        let mut process = Command::new(env!("CARGO_BIN_EXE_miner"))
            .args(["serve", "--until-stdin-closes", "--config"])
            .arg(&file)
            .arg("--wallet-path")
            .arg(&wallet.path)
            .args(["--wallet", "bench"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the miner");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its first line");
        let ready: Ready = serde_json::from_str(&line).expect("where it listens");
        Self {
            _stdin: process.stdin.take(),
            process,
            address: ready.listening,
            hotkey: ready.hotkey,
        }
    }

    /// CPU time that the process has used since its start.
    fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.process.id());
        let text = std::fs::read_to_string(path).expect("a Linux machine");
        let after_name = text.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // utime and stime, in hundredths of a second.
        let ticks: u64 = fields[11..13]
            .iter()
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Duration::from_millis(10 * ticks)
    }

    fn largest_rss_mb(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let text = std::fs::read_to_string(path).expect("a Linux machine");
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        kilobytes.unwrap_or(0) / 1024
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A validator with a connection of its own.
struct Validator {
    seed: u64,
    key: Keypair,
    stream: TcpStream,
    buffer: Vec<u8>,
    nonce: AtomicU64,
}

impl Validator {
    async fn connect(miner: &Miner, seed: u64) -> Self {
        let stream = TcpStream::connect(miner.address)
            .await
            .expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            seed,
            key: Keypair::derived(seed, "validator"),
            stream,
            buffer: Vec::new(),
            nonce: AtomicU64::new(0),
        }
    }

    /// Takes a key that the miner hasn't seen.
    fn change_key(&mut self) {
        self.seed += VALIDATORS;
        self.key = Keypair::derived(self.seed, "validator");
    }

    /// The bytes of a signed request.
    fn signed(&self, miner: &Miner, route: &str, body: &str) -> Vec<u8> {
        let request = SignedRequest {
            method: "POST",
            path: route,
            body: body.as_bytes(),
        };
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock");
        let now = u64::try_from(since.as_nanos()).expect("a nonce");
        let nonce = now.max(self.nonce.load(Ordering::Relaxed) + 1);
        self.nonce.store(nonce, Ordering::Relaxed);
        let headers = signed_headers(&self.key, &miner.hotkey, &request, nonce);
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        format!(
            "POST {route} HTTP/1.1\r\nhost: miner\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        )
        .into_bytes()
    }

    /// The body of an answer, and how long it took.
    async fn exchange(&mut self, request: &[u8]) -> (String, Duration) {
        let begun = Instant::now();
        self.stream.write_all(request).await.expect("a connection");
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert!(read.expect("a connection") > 0, "the miner hung up");
            if let Some(body) = whole(&self.buffer) {
                return (body.to_owned(), begun.elapsed());
            }
        }
    }

    async fn request(&mut self, miner: &Miner, route: &str, body: &str) -> (String, Duration) {
        let request = self.signed(miner, route, body);
        self.exchange(&request).await
    }

    fn receipt(&self, miner: &Miner, request: &CommitRequest, answer: &str) -> RevealRequest {
        let answer: CommitResponse = serde_json::from_str(answer).expect("a commitment");
        let (commitment, arrival) = (answer.commitment, request.round_time_ms);
        let text = receipt_text(&request.round, &miner.hotkey, &commitment, arrival);
        RevealRequest {
            round: request.round.clone(),
            receipt: Receipt {
                commitment,
                arrival,
                signature: self.key.sign(text.as_bytes()),
            },
        }
    }
}

/// The body of an answer of status 200, once all of it is there.
fn whole(answer: &[u8]) -> Option<&str> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok())
        .expect("a length");
    let body = answer.get(end + 4..end + 4 + length)?;
    Some(std::str::from_utf8(body).expect("text"))
}

/// A venue that serves these bars.
async fn venue(bars: Vec<Bar>) -> String {
    #[derive(Deserialize)]
    struct CandlesQuery {
        from_ms: i64,
        to_ms: i64,
    }
    async fn candles(
        State(bars): State<Arc<Vec<Bar>>>,
        Query(query): Query<CandlesQuery>,
    ) -> Json<CandlePage> {
        let from = bars.partition_point(|bar| bar.open_time.get() < query.from_ms);
        let candles = bars[from..]
            .iter()
            .take(1000)
            .take_while(|bar| bar.open_time.get() < query.to_ms);
        Json(CandlePage {
            candles: candles.copied().collect(),
        })
    }
    let routes = axum::Router::new()
        .route(ReplaySource::ROUTE, get(candles))
        .with_state(Arc::new(bars));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = format!("http://{}", listener.local_addr().expect("its address"));
    tokio::spawn(axum::serve(listener, routes).into_future());
    host
}
