//! A local network by the machine's clock, on prices that are settled from exchanges while it runs.
//!
//! The validator is the very service of [`validator run`](foretell_service::run); beside it are the ledger, and miners that
//! read an exchange by themselves. It goes on until it is stopped, or until its last round is over.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use foretell_chain::block::Block;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_cli::clock::{system_nanos, system_now};
use foretell_cli::config_file::Configuration;
use foretell_cli::run_timing::RunTiming;
use foretell_core::settle::{MINUTE, QuoteCurrency};
use foretell_core::state::SeriesState;
use foretell_core::time::{Millis, UnixMillis};
use foretell_keys::keypair::Keypair;
use foretell_miner::config::{ClockConfig, MinerPricesConfig};
use foretell_service::rounds::live_miners::LiveMiners;
use foretell_service::rounds::{RoundPrices, RoundRunner, RoundsDependencies};
use foretell_service::run::clock_guard::ClockGuard;
use foretell_service::run::clock_sources::ClockSources;
use foretell_service::run::config::{PriceSourceConfig, ValidatorConfig};
use foretell_service::run::data_dir_manifest::DataDirManifest;
use foretell_service::run::serve;
use foretell_service::run::service::{ServiceDependencies, ValidatorService};
use foretell_service::run::settlement_source::SettlementSource;
use foretell_service::run::status_file::StatusFile;
use foretell_service::run::status_server::StatusServer;
use foretell_service::run::venue_monitor::VenueMonitor;
use foretell_service::store::SledStore;
use foretell_wire::address_policy::AddressPolicy;
use foretell_wire::client::MinerClient;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::args::LocalnetArgs;
use crate::ledger;
use crate::miner_processes::{MinerProcesses, ProcessSettings, ProgramPaths};
use crate::plan::LocalnetPlan;
use crate::population::participants;
use crate::price_summary::PriceDataSummary;
use crate::progress::LocalnetProgress;
use crate::report::LocalnetReport;
use crate::report_builder::CompletedRun;

/// Exchanges that serve months of 5-minute candles, which models are fitted on; best first.
const LONG_HISTORY_VENUES: [&str; 3] = ["bitstamp", "coinbase_exchange", "bitfinex"];

/// What to run live.
#[derive(Debug)]
pub struct LiveLocalnetOptions {
    /// Series, horizon, interval, miners, seed; days until the last round, if they are given.
    pub args: LocalnetArgs,
    /// Programs of miners and adversaries.
    pub programs: ProgramPaths,
    /// Configuration file whose `[prices]` say which exchanges are asked; the usual ones if left out.
    pub config: Option<PathBuf>,
    /// Directory of the network; a temporary one if left out.
    pub data: Option<PathBuf>,
}

/// Runs a live network until `stop` is cancelled, or until its last round is over, and gives its result.
///
/// Fails at once if no exchange can be reached.
pub async fn run(
    options: &LiveLocalnetOptions,
    stop: CancellationToken,
    progress: &LocalnetProgress,
) -> Result<LocalnetReport> {
    let started = Instant::now();
    let temporary = tempfile::tempdir().context("can't create a temporary directory")?;
    let folder = options.data.as_deref().unwrap_or(temporary.path());
    let config = config(options, folder)?;
    let source = SettlementSource::from_config(&config)?;
    progress.println(&format!("live prices of {source}"));
    probe(&source, &config, system_now()).await?;

    let args = &options.args;
    let seed = args.seed.unwrap_or(0);
    let miners = args.miner_count();
    let participants = participants(miners, &args.external_miners, args.adversaries);
    let key = Keypair::derived(seed, "validator");
    let genesis = DataDirManifest::begin_or_resume(
        &config,
        key.hotkey(),
        SubnetIdentity::Local,
        system_now(),
    )?;
    let store = Arc::new(SledStore::open(&folder.join("journal"))?);
    let chain = ledger::open_chain(folder, seed, &participants)?;
    let settings = ProcessSettings {
        programs: &options.programs,
        folder,
        series: &config.series,
        prices: miner_prices(&config)?,
        clock: ClockConfig::System,
        validator: key.hotkey(),
        seed,
    };
    let processes = MinerProcesses::start(&participants, &settings).await?;
    ledger::publish_axons(&chain, seed, &participants, processes.axons())?;
    let last = args
        .days
        .map(|days| genesis.first_origin + Millis::days(i64::from(days)));
    let plan = LocalnetPlan::live(&genesis, args, last.unwrap_or(genesis.end_origin));
    let client =
        MinerClient::new(key.clone(), system_nanos).context("can't set up the HTTP client")?;
    let dependencies = RoundsDependencies {
        key,
        store: Arc::clone(&store),
        chain: Arc::clone(&chain),
        miners: LiveMiners::new(client, AddressPolicy::Any, stop.clone()),
        prices: RoundPrices::Journal,
    };
    let mut service = ValidatorService::new(ServiceDependencies {
        runner: RoundRunner::resume(genesis, dependencies).await?,
        source: Arc::new(source),
        chain: Arc::clone(&chain),
        venue_monitor: VenueMonitor::start(config.monitored_venues()?)?,
    })
    .with_clock_guard(ClockGuard::new(ClockSources::from_config(&config, None)?));
    let loaded = started.elapsed();
    let names: Vec<&str> = participants.iter().map(|p| p.name.as_str()).collect();
    let next = service
        .runner()
        .state()
        .next_origin()
        .map(foretell_cli::time_text::format_time);
    progress.println(&format!(
        "{} miners: {}; first round at {}; ctrl-c ends it with the leaderboard",
        names.len(),
        names.join(", "),
        next.unwrap_or_default()
    ));
    let tick = |now| Ok(chain.advance_to(Block::at(plan.first, now))?);
    let over = |state: &SeriesState, now| is_over(state, last, now);
    let (status_sender, status_receiver) = watch::channel(None);
    let status_server = StatusServer::start(config.http.as_ref(), status_receiver).await?;
    let status = StatusFile::new(folder, status_sender);
    let served = serve(&mut service, &status, tick, over, &stop).await;
    status_server.stop().await;
    let played = started.elapsed();
    processes.stop().await.context("can't end the miners")?;
    served?;

    let (state, head) = (service.runner().state(), service.runner().head());
    let plan = plan.ended_at(
        PriceDataSummary::from_settled(state, &service.source_text()),
        system_now(),
    );
    let run = CompletedRun {
        plan: &plan,
        state,
        head,
        store: &store,
        chain: &chain,
        participants: &participants,
    };
    let mut report = run.report().await?;
    report.timing = Some(RunTiming {
        load_s: loaded.as_secs_f64(),
        score_s: (played - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
    });
    Ok(report)
}

/// The validator's configuration: that of the file, with what the arguments say instead.
fn config(options: &LiveLocalnetOptions, folder: &Path) -> Result<ValidatorConfig> {
    let mut config = match &options.config {
        Some(file) => ValidatorConfig::read(file)?,
        None => ValidatorConfig::with_data_dir(folder),
    };
    folder.clone_into(&mut config.data);
    let args = &options.args;
    if let Some(series) = &args.series {
        config.series.id = series.clone();
    }
    if let Some(horizon) = args.horizon {
        config.series.grid.horizon = horizon;
    }
    if let Some(every) = args.round_every {
        config.rounds.every_minutes = u32::try_from(every.get() / MINUTE.get()).unwrap_or(u32::MAX);
    }
    config.wallet = None;
    config.check()?;
    Ok(config)
}

/// Fails if no exchange can be reached: no round of such a network would ever settle.
async fn probe(source: &SettlementSource, config: &ValidatorConfig, now: UnixMillis) -> Result<()> {
    let last_minute = now.floor(MINUTE) - MINUTE;
    let rules = config.rules().rules().minute;
    let response = source.ask(&[last_minute], now).await;
    if let Err(offline) = response.decide(&[last_minute], |_| false, &rules) {
        bail!(
            "{offline}; without --speed live, a network runs on a price file or on simulated prices"
        );
    }
    Ok(())
}

/// The exchange that miners read: of those that quote in USD, the one with the longest history.
fn miner_prices(config: &ValidatorConfig) -> Result<MinerPricesConfig> {
    if !matches!(config.prices, PriceSourceConfig::Venues(_)) {
        bail!(
            "--speed live needs `[prices] kind = \"venues\"`: replay other series from their file"
        );
    }
    let markets = config.markets()?.venues;
    let in_usd = || {
        markets
            .iter()
            .filter(|(_, quote)| *quote == QuoteCurrency::Usd)
            .map(|(m, _)| m)
    };
    let by_history = |name: &&str| in_usd().find(|market| market.venue.name() == *name);
    let market = LONG_HISTORY_VENUES
        .iter()
        .find_map(by_history)
        .or_else(|| in_usd().next());
    let market = market.context("no venue quotes in USD: enable one for the miners")?;
    Ok(MinerPricesConfig {
        venue: market.venue.name().to_owned(),
        host: Some(market.host.clone()),
        symbol: market.symbol.clone(),
        files: Vec::new(),
    })
}

/// Whether `now` is past `last` and every round with an origin before it is closed; never without a `last`.
fn is_over(state: &SeriesState, last: Option<UnixMillis>, now: UnixMillis) -> bool {
    let Some(last) = last else { return false };
    let before = |origin: &UnixMillis| *origin < last;
    now >= last && !state.open_rounds().keys().any(before)
}
