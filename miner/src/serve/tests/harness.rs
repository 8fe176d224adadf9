//! A venue, a miner and a validator in one process, on sockets of their own.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Json, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use foretell_cli::clock::{system_nanos, system_now};
use foretell_core::bar::Bar;
use foretell_core::forecast::ForecastKind;
use foretell_core::hash::Commitment;
use foretell_core::hotkey::Hotkey;
use foretell_core::round::Receipt;
use foretell_core::series::{Grid, Series};
use foretell_core::signed_text::receipt_text;
use foretell_core::testing::{MONDAY, STEP, btc_usd, price};
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::venue::{CandlePage, ReplaySource};
use foretell_keys::keypair::Keypair;
use foretell_wire::callers::Callers;
use foretell_wire::client::{MinerClient, MinerRequestError};
use foretell_wire::messages::{CommitRequest, CommitResponse, RevealRequest, RevealResponse};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::{ClockConfig, MinerConfig, MinerPricesConfig, ModelConfig, ServeConfig};
use crate::models::{self, AnyModel};
use crate::serve::miner_service::{MinerService, ServeError};

/// Longer than any of these tests takes.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// An origin on every grid used here.
pub const ORIGIN: UnixMillis = MONDAY;
const HORIZON: usize = 4;
pub const K: usize = 5;

pub fn key() -> Keypair {
    Keypair::derived(1, "miner")
}

pub fn series(step: Millis) -> Series {
    Series {
        grid: Grid {
            step,
            horizon: HORIZON,
        },
        ..btc_usd(HORIZON)
    }
}

/// A venue that has bars for all time, present and future.
pub struct TestVenue {
    /// Answers 500 while it is down.
    pub up: AtomicBool,
    /// Each answer waits for a permit, and gives it back.
    pub gate: Semaphore,
    /// Requests that have come.
    pub requests: AtomicUsize,
    /// Gives what lies after the end of the range asked for, too.
    pub returns_future_bars: bool,
    /// Prices of bars that open here or later are another series'.
    pub fork: Option<UnixMillis>,
}

#[derive(Deserialize)]
struct CandlesQuery {
    step_ms: i64,
    from_ms: i64,
    to_ms: i64,
}

impl TestVenue {
    /// A venue that answers with the range that it is asked for.
    pub const fn well_behaved() -> Self {
        Self {
            up: AtomicBool::new(true),
            gate: Semaphore::const_new(1),
            requests: AtomicUsize::new(0),
            returns_future_bars: false,
            fork: None,
        }
    }

    pub async fn open(self) -> (Arc<Self>, String) {
        let venue = Arc::new(self);
        let routes = axum::Router::new()
            .route(ReplaySource::ROUTE, get(candles))
            .with_state(Arc::clone(&venue));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, routes).into_future());
        (venue, host)
    }

    /// A wandering price without chance: sums of sines of incommensurate periods.
    pub fn bar(&self, open_time: i64) -> Bar {
        let t = open_time as f64 / 300_000.0;
        let wave = |period: f64| f64::sin(t / period) * period.sqrt();
        let mut value = 40_000.0 + 20.0 * (wave(1.3) + wave(17.1) + wave(230.7));
        if self.fork.is_some_and(|fork| open_time >= fork.get()) {
            value *= 1.5;
        }
        Bar::from_value(UnixMillis::saturating(open_time), price(value))
    }
}

async fn candles(
    State(venue): State<Arc<TestVenue>>,
    Query(query): Query<CandlesQuery>,
) -> Result<Json<CandlePage>, StatusCode> {
    venue.requests.fetch_add(1, Ordering::Relaxed);
    let _permit = venue.gate.acquire().await.unwrap();
    if !venue.up.load(Ordering::Relaxed) {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let times = (query.from_ms..).step_by(query.step_ms.unsigned_abs() as usize);
    // A venue that sends too much sends less than a day of it: more is refused before the miner sees it.
    let end = match venue.returns_future_bars {
        true => query.to_ms + 12 * 3_600_000,
        false => query.to_ms,
    };
    let candles = times
        .take(1000)
        .take_while(|time| *time < end)
        .map(|time| venue.bar(time))
        .collect();
    Ok(Json(CandlePage { candles }))
}

pub fn config(host: &str, data: &Path) -> MinerConfig {
    MinerConfig {
        series: btc_usd(HORIZON),
        prices: MinerPricesConfig {
            venue: "replay".into(),
            host: Some(host.into()),
            symbol: "BTC/USD".into(),
            files: Vec::new(),
        },
        model: ModelConfig {
            name: "gaussian".into(),
            history_days: 1,
            refit_hours: 1,
            k: K,
            kind: ForecastKind::Quantiles,
            seed: 0,
            file: None,
        },
        serve: ServeConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            axon: None,
            data: data.to_owned(),
            clock: ClockConfig::Request,
            validators: None,
        },
        chain: None,
    }
}

/// A service before it serves, for the configured validators or else for anyone. By the clock of its windows it is always ten
/// seconds before the next round.
pub async fn service(config: MinerConfig, model: Arc<dyn AnyModel>) -> MinerService {
    let validators = config.serve.validators.clone();
    let callers = validators.map_or_else(Callers::anyone, Callers::only);
    let service = MinerService::with_model(config, key(), callers, model, in_the_window);
    service.await.unwrap()
}

/// Step of the live miners here: so long that a test seldom begins before and ends after an origin.
pub const LIVE_STEP: Millis = Millis::hours(1);

/// The origins around the present, 0 being the last.
pub fn live_origin(n: i64) -> UnixMillis {
    system_now().floor(LIVE_STEP) + LIVE_STEP.times(n)
}

fn in_the_window() -> UnixMillis {
    live_origin(1) - Millis::seconds(10)
}

/// A miner that serves, with what stops it.
pub struct TestMiner {
    address: SocketAddr,
    stop: CancellationToken,
    pub served: JoinHandle<Result<(), ServeError>>,
}

impl TestMiner {
    pub async fn start(config: MinerConfig) -> Self {
        let model = models::by_name(&config.model.name).unwrap();
        Self::serving(service(config, model).await)
    }

    pub fn serving(service: MinerService) -> Self {
        let (address, stop) = (service.address(), CancellationToken::new());
        let served = tokio::spawn(service.run(stop.clone().cancelled_owned()));
        Self {
            address,
            stop,
            served,
        }
    }

    /// A miner with a folder of its own, which is gone once the test is over.
    pub async fn fresh(config: impl FnOnce(&Path) -> MinerConfig) -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Self::start(config(folder.path())).await, folder)
    }

    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    pub async fn stop(self) {
        self.ask_to_stop();
        self.served.await.unwrap().unwrap();
    }

    /// The answer of `/readyz`, once the miner has tried to get ready.
    pub async fn readiness(&self) -> (u16, String) {
        let started = std::time::Instant::now();
        loop {
            let answer = self.get("/readyz").await;
            if !answer.1.starts_with("starting") {
                return answer;
            }
            assert!(started.elapsed() < TIMEOUT, "{answer:?}");
            tokio::task::yield_now().await;
        }
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: miner\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

/// A validator's client.
pub struct TestValidator(MinerClient);

impl TestValidator {
    pub fn new(seed: u64) -> Self {
        let key = Keypair::derived(seed, "validator");
        Self(MinerClient::new(key, system_nanos).unwrap())
    }

    pub fn hotkey(&self) -> Hotkey {
        self.0.key().hotkey()
    }

    pub async fn commitment(
        &self,
        miner: &TestMiner,
        request: &CommitRequest,
    ) -> Result<CommitResponse, String> {
        let response = self
            .0
            .request_commitment(&key().hotkey(), miner.address, request, TIMEOUT)
            .await;
        refusal_text(response.map(|response| response.answer))
    }

    pub async fn reveal(
        &self,
        miner: &TestMiner,
        request: &RevealRequest,
    ) -> Result<RevealResponse, String> {
        let response = self
            .0
            .request_reveal(&key().hotkey(), miner.address, request, TIMEOUT)
            .await;
        refusal_text(response.map(|response| response.answer))
    }

    pub fn receipt(&self, request: &CommitRequest, commitment: Commitment) -> RevealRequest {
        let (round, arrival) = (request.round.clone(), request.round_time_ms);
        let text = receipt_text(&round, &key().hotkey(), &commitment, arrival);
        RevealRequest {
            round,
            receipt: Receipt {
                commitment,
                arrival,
                signature: self.0.key().sign(text.as_bytes()),
            },
        }
    }

    /// The payload of the round at `origin`, committed to and revealed.
    pub async fn payload(&self, miner: &TestMiner, origin: UnixMillis) -> String {
        let request = request(origin);
        let committed = self.commitment(miner, &request).await.unwrap();
        let receipt = self.receipt(&request, committed.commitment);
        self.reveal(miner, &receipt).await.unwrap().payload
    }
}

/// The answer, or the miner's refusal as text.
fn refusal_text<T>(answer: Result<T, MinerRequestError>) -> Result<T, String> {
    answer.map_err(|error| match error {
        error @ (MinerRequestError::InvalidAnswer { .. } | MinerRequestError::Refused { .. }) => {
            error.to_string()
        }
        other => panic!("{other:?}"),
    })
}

pub fn request(origin: UnixMillis) -> CommitRequest {
    CommitRequest::new(&btc_usd(HORIZON), origin, origin, origin)
}

pub fn step(n: i64) -> UnixMillis {
    ORIGIN + STEP.times(n)
}
