//! The live service: prices from exchanges on loopback, rounds by a clock that the test drives, real miners.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use foretell_chain::identity::Identity;
use foretell_chain::ledger::Ledger;
use foretell_chain::local::LocalChain;
use foretell_chain::metagraph::{Block, Hyperparameters};
use foretell_core::journal::{Entry, Record};
use foretell_core::price::Price;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::{MINUTE, MinuteInputs, Provenance, VoidReason, settle_minute};
use foretell_core::time::{Millis, UnixMillis};
use foretell_validator::rounds::miners::ReplayedMiners;
use foretell_validator::rounds::{Prices, Rounds, Surroundings as RoundsSurroundings};
use foretell_validator::run::config::Config;
use foretell_validator::run::listeners::Listeners;
use foretell_validator::run::service::{Service, Surroundings};
use foretell_validator::run::source::Source;
use foretell_validator::run::stamp::Stamp;
use foretell_validator::store::{MemoryStore, Store};
use foretell_wire::client::MinerClient;
use foretell_wire::keyfile::WalletHotkey;
use foretell_wire::keypair::{Keypair, derived_seed};
use tempfile::TempDir;

use crate::driver::{Exchanges, Running, miner, price_at, until, value_at};

/// A minute before half past midnight.
const NOW: UnixMillis = UnixMillis(1_704_241_740_000);
/// Two steps, so that rounds settle soon.
pub const SERIES: &str =
    "[series]\nid = \"BTC/USD\"\nstep_ms = 300000\nhorizon = 2\n[rounds]\nevery_minutes = 10\n";

type TestService = Service<MemoryStore, LocalChain, ReplayedMiners>;

/// Exchanges, a miner process, and what survives a validator.
struct World {
    folder: TempDir,
    exchanges: Exchanges,
    store: MemoryStore,
    chain: Arc<LocalChain>,
    _miner: Option<Running>,
}

pub fn key(role: &str) -> Keypair {
    Keypair::derived(5, role)
}

impl World {
    async fn new() -> Self {
        Self::with_prices(Exchanges::prices_config, true).await
    }

    async fn with_prices(prices: impl Fn(&Exchanges) -> String, with_miner: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let exchanges = Exchanges::open(NOW).await;
        let data = folder.path().join("data");
        let config = format!("data = {data:?}\n{SERIES}{}", prices(&exchanges));
        fs::write(folder.path().join("validator.toml"), config).unwrap();
        let validator = key("validator").hotkey();
        let mut ledger = Ledger::genesis(Hyperparameters::default(), validator, validator);
        ledger.stake(validator, 1_000).unwrap();
        let path = folder.path().join("ledger.json");
        let chain = Arc::new(LocalChain::open_or_create(path, || ledger).unwrap());
        let mut miner = None;
        if with_miner {
            let (running, axon) = start_miner(folder.path(), &exchanges);
            let hotkey = key("miner").hotkey();
            chain.register(hotkey, hotkey).unwrap();
            chain.serve(hotkey, axon).unwrap();
            miner = Some(running);
        }
        Self {
            folder,
            exchanges,
            store: MemoryStore::default(),
            chain,
            _miner: miner,
        }
    }

    fn config(&self) -> Config {
        Config::read(&self.folder.path().join("validator.toml")).unwrap()
    }

    /// A validator that takes up the journal, or begins it.
    async fn validator(&self, now: UnixMillis) -> TestService {
        let (config, key) = (self.config(), key("validator"));
        let charter = Stamp::begin_or_resume(&config, key.hotkey(), Identity::Local, now).unwrap();
        let client = MinerClient::new(key.clone()).unwrap();
        let rounds = RoundsSurroundings {
            key,
            store: Arc::new(self.store.clone()),
            chain: Arc::clone(&self.chain),
            miners: ReplayedMiners::new(client, Duration::from_secs(60)),
            prices: Prices::Journal,
        };
        Service::new(Surroundings {
            rounds: Rounds::resume(charter, rounds).await.unwrap(),
            source: Arc::new(Source::of(&config).unwrap()),
            chain: Arc::clone(&self.chain),
            listeners: Listeners::default(),
        })
    }

    /// Gives the service its turns from `from` until `to`, each when it wants it.
    async fn play(&self, service: &mut TestService, from: UnixMillis, to: UnixMillis) {
        let mut now = from;
        while now < to {
            self.exchanges.set_now(now);
            self.chain
                .advance_to(Block::at(NOW - Millis::days(1), now))
                .unwrap();
            let mut next = service.turn(now).await.unwrap();
            while service.is_asking() {
                let attempt = service.attempted().await.unwrap();
                service.take(now, attempt).await.unwrap();
                next = service.turn(now).await.unwrap();
            }
            assert!(
                next > now,
                "the service wants a turn at {next} when it is {now}"
            );
            now = next;
        }
    }

    fn records(&self) -> Vec<Record> {
        let entries = self.store.entries().unwrap();
        let entry = |bytes: &Vec<u8>| serde_json::from_slice::<Entry>(bytes).unwrap();
        entries.iter().map(|bytes| entry(bytes).record).collect()
    }

    /// Every price and gap by its instant.
    fn priced(&self) -> Vec<(UnixMillis, Option<f64>)> {
        let priced = self
            .records()
            .into_iter()
            .filter_map(|record| match record {
                Record::Priced { instant, price, .. } => Some((instant, price.map(Price::get))),
                _ => None,
            });
        priced.collect()
    }
}

fn start_miner(folder: &Path, exchanges: &Exchanges) -> (Running, SocketAddr) {
    let wallet = WalletHotkey {
        path: folder.join("wallets"),
        wallet: "miner".into(),
        hotkey: "default".into(),
    };
    wallet.store(&derived_seed(5, "miner")).unwrap();
    let config = folder.join("miner.toml");
    let (data, host) = (folder.join("answers"), exchanges.host());
    let text = format!(
        "[series]\nid = \"BTC/USD\"\nstep_ms = 300000\nhorizon = 2\n\
         [prices]\nvenue = \"bitstamp\"\nhost = {host:?}\nsymbol = \"btcusd\"\n\
         [model]\nname = \"gaussian\"\nhistory_days = 2\n\
         [serve]\nlisten = \"127.0.0.1:0\"\ndata = {data:?}\nclock = \"request\"\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(miner());
    command
        .arg("serve")
        .arg("--config")
        .arg(&config)
        .arg("--until-stdin-closes");
    command
        .arg("--wallet-path")
        .arg(&wallet.path)
        .args(["--wallet", "miner", "--hotkey", "default"]);
    let running = Running::start(command.env("NO_PROXY", "127.0.0.1"));
    until("the miner to listen", || {
        running.stdout().contains("listening")
    });
    let ready: serde_json::Value = serde_json::from_str(running.stdout().trim()).unwrap();
    let axon = ready["listening"].as_str().unwrap().parse().unwrap();
    (running, axon)
}

/// The last settled price of three exchanges that agree to the cent, and one in USDT a cent's fraction off.
fn assert_honest(priced: &[(UnixMillis, Option<f64>)]) {
    for (instant, price) in priced {
        let price = price.unwrap_or_else(|| panic!("a gap at {instant}"));
        let off_bps = 1e4 * (price / price_at(instant.0) - 1.0);
        assert!(
            off_bps.abs() < 0.01,
            "{price} at {instant} is {off_bps} bps off"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_run_on_settled_prices_and_everything_can_be_computed_again() {
    let world = World::new().await;
    let mut service = world.validator(NOW).await;
    world
        .play(&mut service, NOW, NOW + Millis::minutes(62))
        .await;

    let book = service.rounds().book();
    // Origins at 00:30, 00:40, …; those of 01:20 on are not over, or not priced yet.
    assert_eq!(book.voided().len(), 0, "{:?}", book.voided());
    assert_eq!(book.reference_track().rounds(), 5);
    let track = &book.tracks()[&key("miner").hotkey()];
    assert_eq!((track.rounds(), track.misses()), (5, 0));
    assert!(book.times_weighed() >= 1);

    // Three days of minutes before the first round, and all since.
    let priced = world.priced();
    assert_eq!(priced.len(), 3 * 1440 + 59, "{:?}", priced.last());
    assert_honest(&priced);

    // Anybody who has the journal comes to the same prices.
    let rules = RulesVersion::V1.rules().minute;
    let mut computed = 0;
    for record in world.records() {
        let Record::Priced {
            instant,
            price,
            provenance: Provenance::Venues { inputs, .. },
        } = record
        else {
            continue;
        };
        let bytes = world.store.payload(&inputs).unwrap();
        let kept: MinuteInputs = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((kept.hash(), kept.minute), (inputs, instant - MINUTE));
        let verdict = settle_minute(&kept, &rules);
        assert_eq!(verdict.price.ok().map(|settled| settled.price), price);
        computed += 1;
    }
    assert_eq!(computed, priced.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_exchanges_is_backfilled_and_rounds_wait_for_it() {
    let world = World::new().await;
    let mut service = world.validator(NOW).await;
    world
        .play(&mut service, NOW, NOW + Millis::minutes(15))
        .await;
    let before = world.priced().len();
    // One exchange alone is no quorum.
    world
        .exchanges
        .only_down(&["coinbase_exchange", "kraken", "binance"]);
    let during = NOW + Millis::minutes(50);
    world
        .play(&mut service, NOW + Millis::minutes(15), during)
        .await;
    assert_eq!(world.priced().len(), before);
    let scored = service.rounds().book().reference_track().rounds();

    world.exchanges.only_down(&[]);
    let after = NOW + Millis::minutes(180);
    world.play(&mut service, during, after).await;
    let mut priced = world.priced();
    priced.sort_by_key(|(instant, _)| *instant);
    assert_honest(&priced);
    assert!(
        priced
            .windows(2)
            .all(|pair| pair[0].0 + MINUTE == pair[1].0),
        "none is left out"
    );
    let book = service.rounds().book();
    assert_eq!(book.voided().len(), 0);
    assert!(
        book.reference_track().rounds() >= scored + 14,
        "{}",
        book.reference_track().rounds()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_was_down_backfills_prices_and_voids_the_rounds_it_slept_through() {
    let world = World::new().await;
    let mut service = world.validator(NOW).await;
    // The round of 00:30 is under way when it goes down.
    let down = NOW + Millis::minutes(5);
    world.play(&mut service, NOW, down).await;
    drop(service);
    let up = down + Millis::hours(30);
    world.exchanges.silence(NOW + Millis::hours(3));
    let mut service = world.validator(up).await;
    world.play(&mut service, up, up + Millis::minutes(10)).await;

    let book = service.rounds().book();
    assert_eq!(book.reference_track().rounds(), 1, "the round of 00:30");
    assert!(book.voided().len() > 170);
    assert!(
        book.voided()
            .values()
            .all(|why| *why == VoidReason::ValidatorDown)
    );
    let gaps: Vec<UnixMillis> = world
        .priced()
        .iter()
        .filter(|(_, p)| p.is_none())
        .map(|(t, _)| *t)
        .collect();
    assert_eq!(
        gaps,
        [NOW + Millis::hours(3) + MINUTE],
        "the minute in which nobody traded"
    );
    let priced = world.priced().len();
    assert!(priced >= 3 * 1440 + 30 * 60, "{priced}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_values_that_go_below_zero_is_settled_from_its_file() {
    let values = tempfile::tempdir().unwrap();
    let file = values.path().join("values.csv");
    let step = 300_000;
    let rows = (-900..30).filter(|n| *n != 3).map(|n| {
        let start = NOW.0 + 60_000 + n * step;
        format!("{start},{}\n", (n as f64 / 3.0).sin() * 5.0)
    });
    fs::write(
        &file,
        format!("open_time_ms,value\n{}", rows.collect::<String>()),
    )
    .unwrap();
    let prices = format!("[prices]\nkind = \"file\"\npath = {file:?}\n");
    let world = World::with_prices(|_| prices.clone(), false).await;
    let path = world.folder.path().join("validator.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("horizon = 2", "horizon = 2\nunit = \"value\""),
    )
    .unwrap();
    let mut service = world.validator(NOW).await;
    world
        .play(&mut service, NOW, NOW + Millis::minutes(42))
        .await;
    let book = service.rounds().book();
    assert!(book.reference_track().rounds() >= 1, "{:?}", book.voided());
    assert!(
        world
            .priced()
            .iter()
            .any(|(_, price)| price.is_some_and(|p| p < 0.0))
    );
    assert_eq!(world.exchanges.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_values_is_settled_from_an_address() {
    let at = |exchanges: &Exchanges| {
        let host = exchanges.host();
        format!("[prices]\nkind = \"url\"\nurl = \"{host}/values.csv\"\n")
    };
    let world = World::with_prices(at, false).await;
    let path = world.folder.path().join("validator.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("horizon = 2", "horizon = 2\nunit = \"value\""),
    )
    .unwrap();
    let mut service = world.validator(NOW).await;
    world
        .play(&mut service, NOW, NOW + Millis::minutes(62))
        .await;
    let book = service.rounds().book();
    assert_eq!(
        (book.voided().len(), book.reference_track().rounds()),
        (0, 5)
    );
    let priced = world.priced();
    assert!(
        priced
            .iter()
            .any(|(_, value)| value.is_some_and(|value| value < 0.0))
    );
    for (instant, value) in priced {
        assert_eq!(value, Some(value_at(instant.0)), "at {instant}");
    }
}
