//! Whole rounds with many signed miners on loopback, for `tests/bench/wire.py`, which runs the Python SDKs beside them.
//!
//! ```text
//! round serve MINERS          every miner in this one process; one JSON line of {hotkey, address} each, until stdin closes
//! round ask ROUNDS MINERS     our client, against the miners on standard input; one JSON line of what it took
//! round sign                  what a signature and its verification cost
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark talks to people, and fails loudly"
)]

use std::io::{BufRead, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Json, Router};
use foretell_core::hash::{Commitment, Signature};
use foretell_core::hotkey::Hotkey;
use foretell_core::round::Receipt;
use foretell_core::series::RoundId;
use foretell_core::signed_text::{answer_text, commitment, receipt_text, reveal_text};
use foretell_core::testing::{MONDAY, btc_usd};
use foretell_keys::keypair::{Keypair, verify_signature};
use foretell_wire::authorization::require_authorization;
use foretell_wire::callers::{Caller, Callers};
use foretell_wire::client::MinerClient;
use foretell_wire::http_server::{self, ServerLimits};
use foretell_wire::messages::{
    COMMIT_ROUTE, CommitRequest, CommitResponse, REVEAL_ROUTE, RevealRequest, RevealResponse,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone, Serialize, Deserialize)]
struct Miner {
    hotkey: Hotkey,
    address: SocketAddr,
}

/// What all rounds cost the client's process.
#[derive(Serialize)]
struct Cost {
    requests: usize,
    cpu_s: f64,
    wall_s: f64,
    /// After a hundredth of the rounds, and after all of them.
    threads: [usize; 2],
    sockets: [usize; 2],
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments[..] {
        ["serve", miners, ..] => runtime.block_on(serve(miners.parse().unwrap())),
        ["ask", rounds, miners, ..] => {
            let (rounds, miners) = (rounds.parse().unwrap(), miners.parse().unwrap());
            runtime.block_on(run_rounds(rounds, miners));
        }
        ["sign", ..] => sign(),
        // `cargo bench` runs this without such arguments.
        _ => println!("run by tests/bench/wire.py"),
    }
}

/// A forecast of the size that reference miners send: 100 steps of 99 quantiles.
fn payload() -> String {
    let values: Vec<String> = (0..9_900)
        .map(|i| format!("{}.5", 42_000 + i % 99))
        .collect();
    format!(
        "{{\"kind\":\"quantiles\",\"k\":99,\"values\":[{}]}}",
        values.join(",")
    )
}

struct BenchMiner {
    key: Keypair,
    payload: String,
}

async fn serve(miners: usize) {
    let payload = payload();
    let mut serving = JoinSet::new();
    for number in 0..miners {
        let key = Keypair::derived(11, &format!("miner {number}"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let miner = Miner {
            hotkey: key.hotkey(),
            address: listener.local_addr().unwrap(),
        };
        println!("{}", serde_json::to_string(&miner).unwrap());
        let payload = payload.clone();
        let state = Arc::new(BenchMiner { key, payload });
        let routes = Router::new()
            .route(COMMIT_ROUTE, post(commit))
            .route(REVEAL_ROUTE, post(reveal))
            .with_state(state);
        let routes = require_authorization(routes, miner.hotkey, Callers::anyone(), system_nanos);
        serving.spawn(http_server::serve(
            listener,
            routes,
            ServerLimits::default(),
            std::future::pending(),
        ));
    }
    std::io::stdout().flush().unwrap();
    let mut rest = Vec::new();
    tokio::task::spawn_blocking(move || std::io::stdin().read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
}

async fn commit(
    State(miner): State<Arc<BenchMiner>>,
    Extension(Caller(caller)): Extension<Caller>,
    Json(request): Json<CommitRequest>,
) -> Json<CommitResponse> {
    let commitment = payload_commitment(&miner, &caller, &request.round);
    let text = answer_text(&request.round, &caller, &commitment);
    let signature = miner.key.sign(text.as_bytes());
    Json(CommitResponse {
        commitment,
        signature,
    })
}

async fn reveal(
    State(miner): State<Arc<BenchMiner>>,
    Extension(Caller(caller)): Extension<Caller>,
    Json(request): Json<RevealRequest>,
) -> Json<RevealResponse> {
    let text = reveal_text(&request.round, &caller, miner.payload.as_bytes());
    Json(RevealResponse {
        nonce: miner.key.nonce(&request.round.to_string()),
        payload: miner.payload.clone(),
        signature: miner.key.sign(text.as_bytes()),
    })
}

fn payload_commitment(miner: &BenchMiner, caller: &Hotkey, round: &RoundId) -> Commitment {
    let nonce = miner.key.nonce(&round.to_string());
    let own = miner.key.hotkey();
    commitment(round, caller, &own, &nonce, miner.payload.as_bytes())
}

async fn run_rounds(rounds: usize, count: usize) {
    let lines = std::io::stdin().lock().lines().take(count);
    let miners: Vec<Miner> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let key = Keypair::derived(11, "validator");
    let client = Arc::new(MinerClient::new(key.clone(), system_nanos).unwrap());
    let series = btc_usd(100);
    let (cpu, begun) = (cpu_s(), Instant::now());
    let (mut threads, mut sockets) = ([0; 2], [0; 2]);
    for number in 0..rounds {
        let origin = MONDAY + series.grid.step.times(i64::try_from(number).unwrap());
        let request = Arc::new(CommitRequest::new(&series, origin, origin, origin));
        let requests = miners.iter().cloned().map(|miner| {
            let (client, request, key) = (Arc::clone(&client), Arc::clone(&request), key.clone());
            async move { run_round(&client, &key, &miner, &request).await }
        });
        let mut requests: JoinSet<()> = requests.collect();
        while let Some(ended) = requests.join_next().await {
            ended.unwrap();
        }
        if number == rounds / 100 {
            (threads[0], sockets[0]) = (entries("task"), entries("fd"));
        }
    }
    (threads[1], sockets[1]) = (entries("task"), entries("fd"));
    let cost = Cost {
        requests: 2 * rounds * miners.len(),
        cpu_s: cpu_s() - cpu,
        wall_s: begun.elapsed().as_secs_f64(),
        threads,
        sockets,
    };
    println!("{}", serde_json::to_string(&cost).unwrap());
}

/// One miner's round: commitment, receipt, reveal, everything verified.
async fn run_round(client: &MinerClient, key: &Keypair, miner: &Miner, request: &CommitRequest) {
    let Miner { hotkey, address } = miner;
    let answered = client
        .request_commitment(hotkey, *address, request, DEADLINE)
        .await;
    let bound = answered.unwrap().answer.commitment;
    let arrival = request.deadline_ms;
    let text = receipt_text(&request.round, hotkey, &bound, arrival);
    let signature: Signature = key.sign(text.as_bytes());
    let reveal = RevealRequest {
        round: request.round.clone(),
        receipt: Receipt {
            commitment: bound,
            arrival,
            signature,
        },
    };
    let revealed = client
        .request_reveal(hotkey, *address, &reveal, DEADLINE)
        .await;
    let RevealResponse { nonce, payload, .. } = revealed.unwrap().answer;
    let own = key.hotkey();
    let found = commitment(&request.round, &own, hotkey, &nonce, payload.as_bytes());
    assert_eq!(found, bound);
}

fn sign() {
    const TIMES: i32 = 20_000;
    let key = Keypair::derived(11, "validator");
    let text = b"foretell/answer/1 and as many bytes as such a text has, more or less, in all of its parts";
    let begun = cpu_s();
    let mut signature = key.sign(text);
    for _ in 1..TIMES {
        signature = std::hint::black_box(key.sign(text));
    }
    let signing = (cpu_s() - begun) / f64::from(TIMES);
    let begun = cpu_s();
    for _ in 0..TIMES {
        assert!(verify_signature(&key.hotkey(), text, &signature));
    }
    let verifying = (cpu_s() - begun) / f64::from(TIMES);
    let cost = serde_json::json!({
        "sign_us": signing * 1e6,
        "verify_us": verifying * 1e6,
    });
    println!("{cost}");
}

/// Seconds of processor time that this process has taken, at the usual 100 ticks a second.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

/// Entries of a folder of this process: `task` holds its threads, `fd` its open files.
fn entries(folder: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{folder}"))
        .unwrap()
        .count()
}

fn system_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}
