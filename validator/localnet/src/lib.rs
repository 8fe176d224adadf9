//! The whole network on one machine: local ledger, validator, miners and adversaries.
//!
//! ```text
//!   replay: the event queue (simulated clock)
//!     │ publish ──▶ ReplayVenue ◀──── REST ──── miners, external miners, adversaries (processes)
//!     │ advance ──▶ LocalChain ◀── weights ──┐   ▲ signed HTTP
//!     └ run ──────▶ RoundRunner ─────────────┴───┘
//!                     └──▶ journal (SledStore) ──▶ LocalnetReport
//!
//!   live: ValidatorService by the machine's clock, in place of queue and replay venue; miners read an exchange
//! ```
//!
//! In a replay, time stands still until every request of an instant is answered, so the result depends on plan and prices
//! alone: not on the machine's speed, its threads, or how often the run was killed and started again. Both ways use the
//! rounds, the store and the wire protocol of the service, and real miner programs.
//!
//! What is *not* here: the command line, and how a round goes (`foretell-service`) or is scored (`foretell-core`).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod adversary;
pub mod live;
pub mod replay;

mod args;
mod external_miner;
mod fetch_prices;
mod ledger;
mod manifest;
mod miner_processes;
mod plan;
mod population;
mod price_summary;
mod print;
mod progress;
mod replay_network;
mod replay_venue;
mod report;
mod report_builder;
mod result_file;
mod schedule;

pub use args::LocalnetArgs;
pub use external_miner::ExternalMiner;
pub use miner_processes::ProgramPaths;
pub use print::tables;
pub use progress::LocalnetProgress;
pub use report::LocalnetReport;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::{Hyperparameters, RAO_PER_ALPHA};
use foretell_cli::clock::system_nanos;
use foretell_cli::run_timing::RunTiming;
use foretell_core::bar::Bar;
use foretell_core::journal::{JournalEntry, JournalHead, Record};
use foretell_core::replay::ReplayedPrices;
use foretell_core::series::SeriesId;
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;
use foretell_data::prices::PriceSeries;
use foretell_keys::keypair::Keypair;
use foretell_wire::client::MinerClient;

use foretell_miner::config::{ClockConfig, MinerPricesConfig};

use self::miner_processes::{MinerProcesses, ProcessSettings};
use self::plan::{LocalnetPlan, PRICES_FILE};
use self::population::{Participant, participants};
use self::prices::{FetchedPrices, PriceDataSummary, PriceSource};
use self::replay_venue::ReplayVenue;
use self::report::LocalnetReportInput;
use foretell_service::rounds::miners::AnswerError;
use foretell_service::rounds::replay_miners::ReplayMiners;
use foretell_service::rounds::{RoundPrices, RoundRunner, RoundRunnerError, RoundsDependencies};
use foretell_service::store::{JournalStore, SledStore};

/// An honest miner that is silent for this long fails the run.
const MINER_TIMEOUT: Duration = Duration::from_secs(60);
/// What the validator has at stake: any amount will do, it is alone.
const STAKE: u64 = 1_000 * RAO_PER_ALPHA;
/// File that holds the result of a finished run.
const RESULT_FILE: &str = "result.json";

/// What to run, and how.
#[derive(Debug)]
pub struct LocalnetOptions {
    /// What decides the result.
    pub args: LocalnetArgs,
    /// Price file.
    pub prices: Option<PathBuf>,
    /// Directory of the network; a temporary one if left out.
    pub data: Option<PathBuf>,
    /// Where the replay venue listens.
    pub http: SocketAddr,
    /// How fast simulated time runs at most.
    pub speed: ReplaySpeed,
}

/// How fast simulated time runs at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReplaySpeed {
    /// As fast as everybody answers.
    Max,
    /// This many times as fast as wall time.
    Times(f64),
}

type LocalRoundRunner = RoundRunner<SledStore, LocalChain, ReplayMiners>;

/// Runs a network to its end, or on to its end, and gives its result.
pub async fn run(
    options: &LocalnetOptions,
    now: UnixMillis,
    progress: &mut LocalnetProgress,
) -> Result<LocalnetReport> {
    let started = Instant::now();
    let temporary = match options.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("can't create a temporary directory")?),
    };
    let folder: &Path = match (&options.data, &temporary) {
        (Some(data), _) => data,
        (None, Some(temporary)) => temporary.path(),
        (None, None) => bail!("no directory"),
    };
    let (plan, prices) = match LocalnetPlan::read_from(folder)? {
        Some(plan) => {
            let prices = resume(&plan, options, folder)?;
            (plan, prices)
        }
        None => begin(options, folder, now, progress).await?,
    };
    if let Some(mut report) = finished(folder)? {
        progress.println("this run had finished: its result again");
        let loaded = started.elapsed().as_secs_f64();
        report.timing = Some(RunTiming {
            load_s: loaded,
            score_s: 0.0,
            total_s: loaded,
        });
        return Ok(report);
    }
    progress.println(&format!("prices: {}", plan.prices.words()));
    for warning in prices::warnings(&prices) {
        progress.println(&format!("warning: {warning}"));
    }
    let mut network = LocalNetwork::start(&plan, &prices, options.http, folder).await?;
    let loaded = started.elapsed();
    let ran = network.run_to_end(&plan, options.speed, progress).await;
    let played = started.elapsed();
    let report = match ran {
        Ok(()) => network.report(&plan).await,
        Err(error) => Err(error),
    };
    network.stop().await?;
    let mut report = report?;
    keep_result(&report, folder)?;
    report.timing = Some(RunTiming {
        load_s: loaded.as_secs_f64(),
        score_s: (played - loaded).as_secs_f64(),
        total_s: started.elapsed().as_secs_f64(),
    });
    Ok(report)
}

/// A new directory: finds prices, keeps them there, and stamps it with the plan.
async fn begin(
    options: &LocalnetOptions,
    folder: &Path,
    now: UnixMillis,
    progress: &LocalnetProgress,
) -> Result<(LocalnetPlan, PriceSeries)> {
    let args = &options.args;
    let (prices, source) = match &options.prices {
        Some(file) => (prices::from_file(file)?, PriceSource::File),
        None => {
            let series = args.series.clone().unwrap_or_else(SeriesId::btc_usd);
            progress.println("no --prices: asking exchanges for the newest candles");
            let seed = args.seed.unwrap_or(0);
            let FetchedPrices {
                prices,
                source,
                fallback_reason,
            } = prices::newest_or_simulated(&series, seed, now).await?;
            if let Some(fallback_reason) = fallback_reason {
                progress.println(&format!(
                    "no real prices ({fallback_reason}): using the SIMULATED series"
                ));
            }
            (prices, source)
        }
    };
    let note = PriceDataSummary::new(&prices, source);
    let plan = LocalnetPlan::new(args, &prices, note)?;
    fs::create_dir_all(folder)
        .with_context(|| format!("can't create directory {}: check --data", folder.display()))?;
    foretell_data::prices::write_csv(&folder.join(PRICES_FILE), &prices)?;
    plan.write_manifest(folder)?;
    Ok((plan, prices))
}

/// A directory begun before: its prices, if arguments and file are still the same.
fn resume(plan: &LocalnetPlan, options: &LocalnetOptions, folder: &Path) -> Result<PriceSeries> {
    let file = folder.join(PRICES_FILE);
    let kept = prices::from_file(&file)?;
    if kept.sha256() != plan.prices.sha256 {
        bail!(
            "{} is not what this run was begun with: choose another --data",
            file.display()
        );
    }
    let given = options
        .prices
        .as_deref()
        .map(prices::from_file)
        .transpose()?;
    plan.check_unchanged(&options.args, given.as_ref().unwrap_or(&kept), folder)?;
    Ok(kept)
}

fn finished(folder: &Path) -> Result<Option<LocalnetReport>> {
    let path = folder.join(RESULT_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let bytes = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
    let report = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is damaged: delete it, and run again", path.display()))?;
    Ok(Some(report))
}

fn keep_result(report: &LocalnetReport, folder: &Path) -> Result<()> {
    let path = folder.join(RESULT_FILE);
    let write = || -> Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, report)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().with_context(|| format!("can't write {}", path.display()))
}

/// Everything that runs.
struct LocalNetwork {
    folder: PathBuf,
    seed: u64,
    runner: LocalRoundRunner,
    chain: Arc<LocalChain>,
    store: Arc<SledStore>,
    venue: ReplayVenue,
    processes: MinerProcesses,
    participants: Vec<Participant>,
}

impl LocalNetwork {
    async fn start(
        plan: &LocalnetPlan,
        prices: &PriceSeries,
        http: SocketAddr,
        folder: &Path,
    ) -> Result<Self> {
        let participants = participants(plan.miners, &plan.external_miners, plan.adversaries);
        let validator = Keypair::derived(plan.seed, "validator");
        let store = Arc::new(SledStore::open(&folder.join("journal"))?);
        let ledger = genesis_ledger(plan.seed, &participants)?;
        let chain = LocalChain::open_or_create(folder.join("ledger.json"), || ledger)?;
        let chain = Arc::new(chain);
        let bars: Vec<Bar> = prices.bars().to_vec();
        let rules = plan.genesis(validator.hotkey()).rules.rules();
        let settled = ReplayedPrices::new(plan.series.clone(), &bars, &rules.score);
        let venue = ReplayVenue::open(http, plan.series.clone(), bars)
            .await
            .with_context(|| {
                format!("can't serve prices on {http}: is the port in use? choose another --http")
            })?;
        let settings = ProcessSettings {
            folder,
            series: &plan.series,
            prices: MinerPricesConfig {
                venue: "replay".to_owned(),
                host: Some(format!("http://{}", venue.address())),
                symbol: plan.series.id.to_string(),
                files: Vec::new(),
            },
            clock: ClockConfig::Request,
            validator: validator.hotkey(),
            seed: plan.seed,
        };
        let processes = MinerProcesses::start(&participants, &settings).await?;
        for participant in &participants {
            if let Some(axon) = processes.axons().get(&participant.name) {
                let hotkey = participant.hotkey(plan.seed);
                chain.serve(hotkey, *axon)?;
            }
        }
        let client = MinerClient::new(validator.clone(), system_nanos)
            .context("can't set up the HTTP client")?;
        let runner = RoundRunner::resume(
            plan.genesis(validator.hotkey()),
            RoundsDependencies {
                key: validator,
                store: Arc::clone(&store),
                chain: Arc::clone(&chain),
                miners: ReplayMiners::new(client, MINER_TIMEOUT),
                prices: RoundPrices::Replay(settled),
            },
        )
        .await?;
        Ok(Self {
            folder: folder.to_owned(),
            seed: plan.seed,
            runner,
            chain,
            store,
            venue,
            processes,
            participants,
        })
    }

    /// Plays every instant that is not done yet, then lets the chain reach the end of an epoch.
    async fn run_to_end(
        &mut self,
        plan: &LocalnetPlan,
        speed: ReplaySpeed,
        progress: &mut LocalnetProgress,
    ) -> Result<()> {
        let hyperparameters = self.chain.hyperparameters().await?;
        let tempo = u64::from(hyperparameters.tempo.get());
        let resume_at = self.runner.last_at();
        let instants = schedule::instants(self.runner.state().genesis(), self.last_close(plan));
        let block = self.chain.block().await?;
        let in_step = schedule::blocks(&instants, plan.first, resume_at, tempo);
        if !in_step.contains(&block) {
            bail!(
                "ledger.json is at block {block}, but the journal at block {}: one of them was lost; put it back, or \
                 choose another --data",
                in_step.start()
            );
        }
        let done = instants.range(..resume_at).count();
        progress.begin(instants.len(), done);
        let wall = Instant::now();
        for instant in instants.range(resume_at..) {
            if let ReplaySpeed::Times(times) = speed {
                let simulated = Duration::from_millis((*instant - resume_at).0.unsigned_abs());
                let due = wall + simulated.div_f64(times);
                tokio::time::sleep_until(due.into()).await;
            }
            let block = Block::at(plan.first, *instant);
            self.venue.publish(*instant);
            self.chain.advance_to(block)?;
            let worked = self.runner.run_due_actions(*instant).await;
            worked.map_err(|error| self.with_miner_log(error))?;
            self.runner.set_weights(*instant, block, tempo).await?;
            progress.advance(*instant, self.runner.state());
        }
        if let Some(last) = instants.last() {
            let block = Block::at(plan.first, *last);
            let limit = hyperparameters.weights_rate_limit;
            self.runner.set_weights(*last, block, limit).await?;
            self.chain.advance_to(schedule::next_epoch(block, tempo))?;
        }
        progress.end();
        Ok(())
    }

    /// The error, with the name and the log of the miner whose it is.
    fn with_miner_log(&self, error: RoundRunnerError) -> anyhow::Error {
        let RoundRunnerError::Miner(AnswerError::Broken { miner, .. }) = &error else {
            return error.into();
        };
        let broken = self
            .participants
            .iter()
            .find(|p| p.hotkey(self.seed) == *miner);
        let Some(Participant { name, .. }) = broken else {
            return error.into();
        };
        let log = miner_processes::log_file(&self.folder, name);
        let context = format!("miner {name} failed the run; its log is {}", log.display());
        anyhow::Error::from(error).context(context)
    }

    fn last_close(&self, plan: &LocalnetPlan) -> UnixMillis {
        self.venue.last_close().unwrap_or(plan.first)
    }

    async fn report(&self, plan: &LocalnetPlan) -> Result<LocalnetReport> {
        let (state, head) = (self.runner.state(), self.runner.head());
        result_of(
            plan,
            state,
            head,
            &self.store,
            &self.chain,
            &self.participants,
        )
        .await
    }

    async fn stop(self) -> Result<()> {
        self.processes
            .stop()
            .await
            .context("can't end the miners")?;
        self.venue.close().await.context("the replay venue broke")
    }
}

/// The result that journal and ledger tell.
async fn result_of(
    plan: &LocalnetPlan,
    state: &SeriesState,
    head: &JournalHead,
    store: &Arc<SledStore>,
    chain: &LocalChain,
    participants: &[Participant],
) -> Result<LocalnetReport> {
    let store = Arc::clone(store);
    let entries = tokio::task::spawn_blocking(move || store.entries()).await??;
    let records: Vec<Record> = entries
        .iter()
        .map(|bytes| serde_json::from_slice(bytes).map(|entry: JournalEntry| entry.record))
        .collect::<Result<_, _>>()?;
    let names = participants.iter();
    let names = names.map(|p| (p.hotkey(plan.seed), p.name.clone()));
    // Everybody with a uid who is not on the leaderboard.
    let others = ["owner", "validator"];
    let others = others.map(|role| (Keypair::derived(plan.seed, role).hotkey(), role.to_owned()));
    Ok(LocalnetReport::of(&LocalnetReportInput {
        plan,
        state,
        head,
        records: &records,
        metagraph: &chain.metagraph().await?,
        supply: chain.supply(),
        names: &names.collect(),
        others: &BTreeMap::from(others),
    }))
}

/// The subnet at block 0: the owner, the validator with its stake, the participants in order.
fn genesis_ledger(seed: u64, participants: &[Participant]) -> Result<Ledger> {
    let key = |role: &str| Keypair::derived(seed, role).hotkey();
    let default = Hyperparameters::default();
    // The owner, the validator and all participants have a place.
    let uids = u16::try_from(participants.len() + 2).unwrap_or(u16::MAX);
    let rules = Hyperparameters {
        max_uids: default.max_uids.max(uids),
        ..default
    };
    let mut ledger = Ledger::genesis(rules, key("owner"), key("owner/coldkey"));
    ledger.register(key("validator"), key("validator/coldkey"))?;
    ledger.stake(key("validator"), STAKE)?;
    for participant in participants {
        let coldkey = participant.coldkey(seed);
        ledger.register(participant.hotkey(seed), coldkey)?;
    }
    Ok(ledger)
}
