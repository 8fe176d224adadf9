//! The live service: prices from exchanges on loopback, rounds by a clock that the test drives, real miners.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use foretell_chain::block::Block;
use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::Hyperparameters;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_cli::clock::system_nanos;
use foretell_core::journal::{JournalEntry, Record};
use foretell_core::price::Price;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::{MINUTE, MinuteInputs, PriceProvenance, VoidReason, settle_minute};
use foretell_core::time::{Millis, UnixMillis};
use foretell_keys::keypair::{Keypair, derived_seed};
use foretell_service::rounds::replay_miners::ReplayMiners;
use foretell_service::rounds::{RoundPrices, RoundRunner, RoundsDependencies};
use foretell_service::run::config::ValidatorConfig;
use foretell_service::run::data_dir_manifest::DataDirManifest;
use foretell_service::run::service::{ServiceDependencies, ValidatorService};
use foretell_service::run::settlement_source::SettlementSource;
use foretell_service::run::venue_monitor::VenueMonitor;
use foretell_service::store::{JournalStore, MemoryStore};
use foretell_testkit::{
    FakeRestExchanges, TestProcess, miner_binary, price_at, store_hotkey, value_at, wait_until,
};
use foretell_wire::client::MinerClient;
use tempfile::TempDir;

/// A minute before half past midnight.
const NOW: UnixMillis = UnixMillis::literal(1_704_241_740_000);
/// Two steps, so that rounds settle soon.
pub const SERIES: &str =
    "[series]\nid = \"BTC/USD\"\nstep_ms = 300000\nhorizon = 2\n[rounds]\nevery_minutes = 10\n";

type TestService = ValidatorService<MemoryStore, LocalChain, ReplayMiners>;

/// Exchanges, a miner process, and what survives a validator.
struct LiveFixture {
    folder: TempDir,
    exchanges: FakeRestExchanges,
    store: MemoryStore,
    chain: Arc<LocalChain>,
    _miner: Option<TestProcess>,
}

pub fn key(role: &str) -> Keypair {
    Keypair::derived(5, role)
}

impl LiveFixture {
    async fn new() -> Self {
        Self::with_prices(FakeRestExchanges::prices_toml, true).await
    }

    async fn with_prices(prices: impl Fn(&FakeRestExchanges) -> String, with_miner: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let exchanges = FakeRestExchanges::start(NOW).await;
        let data = folder.path().join("data");
        let config = format!("data = {data:?}\n{SERIES}{}", prices(&exchanges));
        fs::write(folder.path().join("validator.toml"), config).unwrap();
        let validator = key("validator").hotkey();
        let mut ledger = Ledger::genesis(Hyperparameters::default(), validator, validator.into());
        ledger.stake(validator, 1_000).unwrap();
        let path = folder.path().join("ledger.json");
        let chain = Arc::new(LocalChain::open_or_create(path, || ledger).unwrap());
        let mut miner = None;
        if with_miner {
            let (running, axon) = start_miner(folder.path(), &exchanges);
            let hotkey = key("miner").hotkey();
            chain.register(hotkey, hotkey.into()).unwrap();
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

    fn config(&self) -> ValidatorConfig {
        ValidatorConfig::read(&self.folder.path().join("validator.toml")).unwrap()
    }

    /// A validator that resumes the journal, or begins it.
    async fn validator(&self, now: UnixMillis) -> TestService {
        let (config, key) = (self.config(), key("validator"));
        let genesis =
            DataDirManifest::begin_or_resume(&config, key.hotkey(), SubnetIdentity::Local, now)
                .unwrap();
        let client = MinerClient::new(key.clone(), system_nanos).unwrap();
        let dependencies = RoundsDependencies {
            key,
            store: Arc::new(self.store.clone()),
            chain: Arc::clone(&self.chain),
            miners: ReplayMiners::new(client, Duration::from_secs(60)),
            prices: RoundPrices::Journal,
        };
        ValidatorService::new(ServiceDependencies {
            runner: RoundRunner::resume(genesis, dependencies).await.unwrap(),
            source: Arc::new(SettlementSource::from_config(&config).unwrap()),
            chain: Arc::clone(&self.chain),
            venue_monitor: VenueMonitor::default(),
        })
    }

    /// Runs the service from `from` until `to`, each time at the instant that it named before.
    async fn run(&self, service: &mut TestService, from: UnixMillis, to: UnixMillis) {
        let mut now = from;
        while now < to {
            self.exchanges.set_now(now);
            self.chain
                .advance_to(Block::at(NOW - Millis::days(1), now))
                .unwrap();
            let mut next = service.run_once(now).await.unwrap();
            while service.is_asking() {
                let attempt = service.attempt_finished().await.unwrap();
                service.apply_attempt(now, attempt).await.unwrap();
                next = service.run_once(now).await.unwrap();
            }
            assert!(next > now, "the service named {next} when it was {now}");
            now = next;
        }
    }

    fn records(&self) -> Vec<Record> {
        let entries = self.store.entries().unwrap();
        let entry = |bytes: &Vec<u8>| serde_json::from_slice::<JournalEntry>(bytes).unwrap();
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

fn start_miner(folder: &Path, exchanges: &FakeRestExchanges) -> (TestProcess, SocketAddr) {
    let wallet = store_hotkey(folder, "miner", &derived_seed(5, "miner"));
    let config = folder.join("miner.toml");
    let (data, host) = (folder.join("answers"), exchanges.base_url());
    let validator = key("validator").hotkey();
    let text = format!(
        "[series]\nid = \"BTC/USD\"\nstep_ms = 300000\nhorizon = 2\n\
         [prices]\nvenue = \"bitstamp\"\nhost = {host:?}\nsymbol = \"btcusd\"\n\
         [model]\nname = \"gaussian\"\nhistory_days = 2\n\
         [serve]\nlisten = \"127.0.0.1:0\"\ndata = {data:?}\nclock = \"request\"\nvalidators = [\"{validator}\"]\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(miner_binary());
    command
        .arg("serve")
        .arg("--config")
        .arg(&config)
        .arg("--until-stdin-closes");
    command
        .arg("--wallet-path")
        .arg(&wallet.path)
        .args(["--wallet", "miner", "--hotkey", "default"]);
    let running = TestProcess::spawn(command.env("NO_PROXY", "127.0.0.1"));
    wait_until("the miner to listen", || {
        running.stdout().contains("listening")
    });
    let ready: serde_json::Value = serde_json::from_str(running.stdout().trim()).unwrap();
    let axon = ready["listening"].as_str().unwrap().parse().unwrap();
    (running, axon)
}

/// Checks that no price is a gap, and that each is what the exchanges traded at: three agree to the cent, and the one in USDT
/// is off by a fraction of a cent.
fn assert_honest(priced: &[(UnixMillis, Option<f64>)]) {
    for (instant, price) in priced {
        let price = price.unwrap_or_else(|| panic!("a gap at {instant}"));
        let off_bps = 1e4 * (price / price_at(instant.get()) - 1.0);
        assert!(
            off_bps.abs() < 0.01,
            "{price} at {instant} is {off_bps} bps off"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_run_on_settled_prices_and_everything_can_be_computed_again() {
    let fixture = LiveFixture::new().await;
    let mut service = fixture.validator(NOW).await;
    fixture
        .run(&mut service, NOW, NOW + Millis::minutes(62))
        .await;

    let state = service.runner().state();
    // Origins at 00:30, 00:40, …; those of 01:20 on are not over, or not priced yet.
    assert_eq!(state.voided().len(), 0, "{:?}", state.voided());
    assert_eq!(state.reference_track().rounds(), 5);
    let track = &state.tracks()[&key("miner").hotkey()];
    assert_eq!((track.rounds(), track.misses()), (5, 0));
    assert!(state.times_weights_set() >= 1);

    // Three days of minutes before the first round, and all since.
    let priced = fixture.priced();
    assert_eq!(priced.len(), 3 * 1440 + 59, "{:?}", priced.last());
    assert_honest(&priced);

    // Anybody who has the journal comes to the same prices.
    let rules = RulesVersion::V1.rules().minute;
    let mut computed = 0;
    for record in fixture.records() {
        let Record::Priced {
            instant,
            price,
            provenance: PriceProvenance::Venues { inputs, .. },
        } = record
        else {
            continue;
        };
        let bytes = fixture.store.payload(&inputs).unwrap();
        let kept: MinuteInputs = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((kept.hash(), kept.minute), (inputs, instant - MINUTE));
        let decision = settle_minute(&kept, &rules);
        assert_eq!(decision.price.ok().map(|settled| settled.price), price);
        computed += 1;
    }
    assert_eq!(computed, priced.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_exchanges_is_backfilled_and_rounds_wait_for_it() {
    let fixture = LiveFixture::new().await;
    let mut service = fixture.validator(NOW).await;
    fixture
        .run(&mut service, NOW, NOW + Millis::minutes(15))
        .await;
    let before = fixture.priced().len();
    // One exchange alone is no quorum.
    fixture
        .exchanges
        .set_down(&["coinbase_exchange", "kraken", "binance"]);
    let during = NOW + Millis::minutes(50);
    fixture
        .run(&mut service, NOW + Millis::minutes(15), during)
        .await;
    assert_eq!(fixture.priced().len(), before);
    let scored = service.runner().state().reference_track().rounds();

    fixture.exchanges.set_down(&[]);
    let after = NOW + Millis::minutes(180);
    fixture.run(&mut service, during, after).await;
    let mut priced = fixture.priced();
    priced.sort_by_key(|(instant, _)| *instant);
    assert_honest(&priced);
    assert!(
        priced
            .windows(2)
            .all(|pair| pair[0].0 + MINUTE == pair[1].0),
        "none is left out"
    );
    let state = service.runner().state();
    assert_eq!(state.voided().len(), 0);
    assert!(
        state.reference_track().rounds() >= scored + 14,
        "{}",
        state.reference_track().rounds()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_was_down_backfills_prices_and_voids_the_rounds_it_slept_through() {
    let fixture = LiveFixture::new().await;
    let mut service = fixture.validator(NOW).await;
    // The round of 00:30 is under way when it goes down.
    let down = NOW + Millis::minutes(5);
    fixture.run(&mut service, NOW, down).await;
    drop(service);
    let up = down + Millis::hours(30);
    fixture.exchanges.skip_trades_in(NOW + Millis::hours(3));
    let mut service = fixture.validator(up).await;
    fixture
        .run(&mut service, up, up + Millis::minutes(10))
        .await;

    let state = service.runner().state();
    assert_eq!(state.reference_track().rounds(), 1, "the round of 00:30");
    assert!(state.voided().len() > 170);
    assert!(
        state
            .voided()
            .values()
            .all(|why| *why == VoidReason::ValidatorDown)
    );
    let gaps: Vec<UnixMillis> = fixture
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
    let priced = fixture.priced().len();
    assert!(priced >= 3 * 1440 + 30 * 60, "{priced}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_values_that_go_below_zero_is_settled_from_its_file() {
    let values = tempfile::tempdir().unwrap();
    let file = values.path().join("values.csv");
    let step = 300_000;
    let rows = (-900..30).filter(|n| *n != 3).map(|n| {
        let start = NOW.get() + 60_000 + n * step;
        format!("{start},{}\n", (n as f64 / 3.0).sin() * 5.0)
    });
    fs::write(
        &file,
        format!("open_time_ms,value\n{}", rows.collect::<String>()),
    )
    .unwrap();
    let prices = format!("[prices]\nkind = \"file\"\npath = {file:?}\n");
    let fixture = LiveFixture::with_prices(|_| prices.clone(), false).await;
    let path = fixture.folder.path().join("validator.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("horizon = 2", "horizon = 2\nunit = \"value\""),
    )
    .unwrap();
    let mut service = fixture.validator(NOW).await;
    fixture
        .run(&mut service, NOW, NOW + Millis::minutes(42))
        .await;
    let state = service.runner().state();
    assert!(
        state.reference_track().rounds() >= 1,
        "{:?}",
        state.voided()
    );
    assert!(
        fixture
            .priced()
            .iter()
            .any(|(_, price)| price.is_some_and(|p| p < 0.0))
    );
    assert_eq!(fixture.exchanges.request_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_values_is_settled_from_an_address() {
    let at = |exchanges: &FakeRestExchanges| {
        let host = exchanges.base_url();
        format!("[prices]\nkind = \"url\"\nurl = \"{host}/values.csv\"\n")
    };
    let fixture = LiveFixture::with_prices(at, false).await;
    let path = fixture.folder.path().join("validator.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replace("horizon = 2", "horizon = 2\nunit = \"value\""),
    )
    .unwrap();
    let mut service = fixture.validator(NOW).await;
    fixture
        .run(&mut service, NOW, NOW + Millis::minutes(62))
        .await;
    let state = service.runner().state();
    assert_eq!(
        (state.voided().len(), state.reference_track().rounds()),
        (0, 5)
    );
    let priced = fixture.priced();
    assert!(
        priced
            .iter()
            .any(|(_, value)| value.is_some_and(|value| value < 0.0))
    );
    for (instant, value) in priced {
        assert_eq!(value, Some(value_at(instant.get())), "at {instant}");
    }
}
