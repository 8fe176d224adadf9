//! The running network of a replay: its event queue goes from instant to instant once everybody has answered.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::local_chain::LocalChain;
use foretell_cli::clock::system_nanos;
use foretell_core::bar::Bar;
use foretell_core::replay::ReplayedPrices;
use foretell_core::time::UnixMillis;
use foretell_data::prices::PriceSeries;
use foretell_keys::keypair::Keypair;
use foretell_miner::config::{ClockConfig, MinerPricesConfig};
use foretell_service::rounds::miners::AnswerError;
use foretell_service::rounds::replay_miners::ReplayMiners;
use foretell_service::rounds::{RoundPrices, RoundRunner, RoundRunnerError, RoundsDependencies};
use foretell_service::store::SledStore;
use foretell_wire::client::MinerClient;

use crate::ledger;
use crate::miner_processes::{MinerProcesses, ProcessSettings, ProgramPaths, log_file};
use crate::plan::LocalnetPlan;
use crate::population::{Participant, participants};
use crate::progress::LocalnetProgress;
use crate::replay_venue::ReplayVenue;
use crate::report::LocalnetReport;
use crate::report_builder::CompletedRun;
use crate::schedule;

/// An honest miner that is silent for this long fails the run.
const MINER_TIMEOUT: Duration = Duration::from_secs(60);

/// The highest speed of simulated time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReplaySpeed {
    /// No limit: the next instant comes as soon as every request of this one is answered.
    Max,
    /// This many times as fast as wall time; above 0 and finite.
    Times(f64),
}

type LocalRoundRunner = RoundRunner<SledStore, LocalChain, ReplayMiners>;

/// A network whose miners run: rounds, ledger and replay venue are in this process, miners in their own.
pub struct ReplayNetwork {
    folder: PathBuf,
    seed: u64,
    runner: LocalRoundRunner,
    chain: Arc<LocalChain>,
    store: Arc<SledStore>,
    venue: ReplayVenue,
    processes: MinerProcesses,
    participants: Vec<Participant>,
}

impl ReplayNetwork {
    /// Opens store, ledger and venue in `folder`, starts all miners, and resumes where the journal ends.
    pub async fn start(
        plan: &LocalnetPlan,
        prices: &PriceSeries,
        programs: &ProgramPaths,
        http: SocketAddr,
        folder: &Path,
    ) -> Result<Self> {
        let participants = participants(plan.miners, &plan.external_miners, plan.adversaries);
        let validator = Keypair::derived(plan.seed, "validator");
        let store = Arc::new(SledStore::open(&folder.join("journal"))?);
        let chain = ledger::open_chain(folder, plan.seed, &participants)?;
        let bars: Vec<Bar> = prices.bars().to_vec();
        let rules = plan.genesis(validator.hotkey()).rules.rules();
        let settled = ReplayedPrices::new(plan.series.clone(), &bars, &rules.score);
        let venue = ReplayVenue::open(http, plan.series.clone(), bars)
            .await
            .with_context(|| {
                format!("can't serve prices on {http}: is the port in use? choose another --http")
            })?;
        let settings = ProcessSettings {
            programs,
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
        ledger::publish_axons(&chain, plan.seed, &participants, processes.axons())?;
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

    /// Carries out every instant that is not done yet, then lets the chain reach the end of an epoch.
    ///
    /// Fails if the ledger is not where the journal is, or if an honest miner fails.
    pub async fn run_to_end(
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
        let expected_blocks = schedule::possible_blocks(&instants, plan.first, resume_at, tempo);
        if !expected_blocks.contains(&block) {
            bail!(
                "ledger.json is at block {block}, but the journal at block {}: one of them was lost; put it back, or \
                 choose another --data",
                expected_blocks.start()
            );
        }
        let done = instants.range(..resume_at).count();
        progress.begin(instants.len(), done);
        let wall = Instant::now();
        for instant in instants.range(resume_at..) {
            if let ReplaySpeed::Times(times) = speed {
                let simulated = Duration::from_millis((*instant - resume_at).get().unsigned_abs());
                let due = wall + simulated.div_f64(times);
                tokio::time::sleep_until(due.into()).await;
            }
            let block = Block::at(plan.first, *instant);
            self.venue.publish(*instant);
            self.chain.advance_to(block)?;
            let ran = self.runner.run_due_actions(*instant).await;
            ran.map_err(|error| self.with_miner_log(error))?;
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

    /// The error, with the name and the log of the miner that caused it, if one did.
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
        let log = log_file(&self.folder, name);
        let context = format!("miner {name} failed the run; its log is {}", log.display());
        anyhow::Error::from(error).context(context)
    }

    fn last_close(&self, plan: &LocalnetPlan) -> UnixMillis {
        self.venue.last_close().unwrap_or(plan.first)
    }

    /// The result, once every instant is done.
    pub async fn report(&self, plan: &LocalnetPlan) -> Result<LocalnetReport> {
        let run = CompletedRun {
            plan,
            state: self.runner.state(),
            head: self.runner.head(),
            store: &self.store,
            chain: &self.chain,
            participants: &self.participants,
        };
        run.report().await
    }

    /// Ends the miners, then the venue that they read.
    pub async fn stop(self) -> Result<()> {
        self.processes
            .stop()
            .await
            .context("can't end the miners")?;
        self.venue.close().await.context("the replay venue broke")
    }
}
