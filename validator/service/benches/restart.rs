//! A restart of a validator on the journal of 256 miners and 30 days of half-hourly rounds: time and memory.
//!
//! `cargo bench --package foretell-service --bench restart`; after `--`, other numbers of days and miners.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its results, and nothing depends on it"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::Hyperparameters;
use foretell_cli::clock::system_nanos;
use foretell_core::hash::{Hex, sha256};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, JournalHead, Record};
use foretell_core::pool::fit_state::FitState;
use foretell_core::pool::{FitSnapshot, Forecaster};
use foretell_core::price::Price;
use foretell_core::rules::RulesVersion;
use foretell_core::score::{CoverageCount, MetricSums, Score};
use foretell_core::settle::Settlement;
use foretell_core::testing::{MONDAY, btc_usd, replay_genesis};
use foretell_core::time::{Millis, UnixMillis};
use foretell_keys::keypair::Keypair;
use foretell_service::rounds::live_miners::LiveMiners;
use foretell_service::rounds::{RoundPrices, RoundRunner, RoundsDependencies};
use foretell_service::store::{JournalBatch, JournalStore, SledStore};
use foretell_wire::address_policy::AddressPolicy;
use foretell_wire::client::MinerClient;
use tokio_util::sync::CancellationToken;

const EVERY: Millis = Millis::minutes(30);
const HORIZON: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    match (arguments.next(), arguments.next()) {
        (Some(command), Some(folder)) if command == "restart" => restart(Path::new(&folder)),
        (days, miners) => {
            let days = days.map_or(30, |text| text.parse().unwrap());
            let miners = miners.map_or(256, |text| text.parse().unwrap());
            let folder = tempfile::tempdir().unwrap();
            fill(folder.path(), days, miners);
            let own = std::env::current_exe().unwrap();
            let run = || {
                Command::new(&own)
                    .arg("restart")
                    .arg(folder.path())
                    .status()
            };
            assert!(run().unwrap().success());
            assert!(run().unwrap().success());
        }
    }
}

fn genesis() -> Genesis {
    Genesis {
        rules: RulesVersion::V1,
        validator: Keypair::derived(1, "validator").hotkey(),
        end_origin: UnixMillis::MAX,
        ..replay_genesis(btc_usd(HORIZON), MONDAY, 0, EVERY)
    }
}

fn miner(n: usize) -> Hotkey {
    Hotkey(sha256(&n.to_be_bytes()).0)
}

/// A number in (0, 1) that takes all digits of a double, as a score does.
fn digits(a: i64, b: usize) -> f64 {
    let mixed = (a as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (b as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed.wrapping_mul(0x94d0_49bb_1331_11eb) >> 11) as f64 / (1_u64 << 53) as f64
}

fn score(a: i64, b: usize) -> Score {
    let coverage = |inside| Some(CoverageCount { inside, total: 100 });
    Score {
        scaled_crps: digits(a, b),
        metric_sums: MetricSums {
            steps: 100,
            squared_error: 1e6 * digits(a, b + 1),
            absolute_error: 1e4 * digits(a, b + 2),
            crps: 1e4 * digits(a, b + 3),
            directional_rounds: 1,
            directional_hits: 1,
            inside_50: coverage(51),
            inside_80: coverage(79),
            inside_95: coverage(95),
        },
    }
}

/// Writes a journal in which every miner answered every round.
fn fill(folder: &Path, days: i64, miners: usize) {
    let miners: Vec<Hotkey> = (0..miners).map(miner).collect();
    let store = SledStore::open(folder).unwrap();
    let mut head = JournalHead::EMPTY;
    let (mut bytes, mut records) = (0, 0);
    let state = FitState::default().to_bytes();
    let mut write = |at: UnixMillis, batch: Vec<Record>| {
        let first = head.records;
        let entries: Vec<Vec<u8>> = batch.into_iter().map(|r| head.append(at, r)).collect();
        bytes += entries.iter().map(Vec::len).sum::<usize>();
        records += entries.len();
        let payloads = vec![(sha256(&state), state.clone())];
        store
            .append(&JournalBatch {
                first,
                entries,
                payloads,
                head,
            })
            .unwrap();
    };
    write(MONDAY, vec![Record::Genesis(genesis())]);
    let settlement = Settlement {
        anchor: Price::new(60_123.45).ok(),
        volatility: Some(9.87),
        closes: vec![Price::new(60_123.45).ok(); HORIZON],
    };
    for n in 0..days * 48 {
        let round = MONDAY + EVERY.times(n);
        let pool = miners.iter().take(16).map(|miner| Forecaster {
            share: 1.0 / 16.0,
            members: BTreeMap::from([(*miner, 1.0)]),
        });
        let opened = Record::Opened {
            round,
            asked: miners.clone(),
            owners: BTreeMap::new(),
            pool: pool.collect(),
        };
        let committed = miners.iter().map(|miner| Record::Committed {
            round,
            miner: *miner,
            commitment: Hex([7; 32]),
            arrival: round - Millis::seconds(9),
            signature: Hex([8; 64]),
            receipt: Hex([9; 64]),
        });
        let revealed = miners.iter().map(|miner| Record::Revealed {
            round,
            miner: *miner,
            nonce: Hex([1; 32]),
            payload: Hex([2; 32]),
            signature: Hex([3; 64]),
        });
        let settled = Record::Settled {
            round,
            settlement: settlement.clone(),
        };
        let scored = Record::Scored {
            round,
            reference: score(n, 0),
            consensus: Some(score(n, 1)),
            trials: None,
            miners: (2..).zip(&miners).map(|(b, m)| (*m, score(n, b))).collect(),
            missed: Vec::new(),
            credits: (0..)
                .zip(&miners[..miners.len().min(16)])
                .map(|(b, m)| (*m, digits(n, b)))
                .collect(),
            fit: FitSnapshot::default(),
        };
        let batch = [opened].into_iter().chain(committed).chain(revealed);
        write(round, batch.chain([settled, scored]).collect());
    }
    println!(
        "journal of {} miners, {days} days of rounds every half hour: {records} records, {:.0} MB",
        miners.len(),
        bytes as f64 / 1e6
    );
}

fn restart(folder: &Path) {
    let started = Instant::now();
    let store = Arc::new(SledStore::open(folder).unwrap());
    let opened = started.elapsed().as_secs_f64();
    let key = Keypair::derived(1, "validator");
    let own = key.hotkey();
    let genesis_ledger = || Ledger::genesis(Hyperparameters::default(), own, own.into());
    let chain = LocalChain::open_or_create(folder.join("ledger.json"), genesis_ledger).unwrap();
    let dependencies = RoundsDependencies {
        store,
        chain: Arc::new(chain),
        miners: LiveMiners::new(
            MinerClient::new(key.clone(), system_nanos).unwrap(),
            AddressPolicy::Any,
            CancellationToken::new(),
        ),
        prices: RoundPrices::Journal,
        key,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let rounds = runtime.block_on(RoundRunner::resume(genesis(), dependencies));
    let rounds = rounds.unwrap();
    assert!(rounds.state().weights().burn <= 1.0);
    let all = started.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!(
        "  restart to ready {all:.2} s (goal 2), {opened:.2} s of it to open the store; peak memory {} (goal 256 MB)",
        peak.unwrap_or("unknown").trim()
    );
}
