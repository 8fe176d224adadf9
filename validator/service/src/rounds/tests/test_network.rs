//! A small network in one process: a ledger file, prices, and a validator that can be killed.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::chain_error::ChainError;
use foretell_chain::ledger::Ledger;
use foretell_chain::ledger_file::LedgerFileError;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::{Hyperparameters, Metagraph};
use foretell_chain::signer::Signer;
use foretell_chain::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_core::hash::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::Genesis;
use foretell_core::replay::ReplayedPrices;
use foretell_core::testing::{MONDAY, STEP, bars, btc_usd, replay_genesis};
use foretell_core::time::{Millis, UnixMillis};
use foretell_keys::keypair::Keypair;
use foretell_wire::messages::OutcomeNotice;
use serde_json::Value;
use tempfile::TempDir;

use super::super::error::RoundRunnerError;
use super::super::prices::RoundPrices;
use super::super::runner::{RoundRunner, RoundsDependencies};
use super::scripted_miners::ScriptedMiners;
use crate::store::{JournalBatch, JournalStore, MemoryStore, StoreError};

pub const HORIZON: usize = 4;
/// Two rounds are always under way.
pub const ROUND_EVERY: Millis = STEP.times(2);
const ROUNDS: usize = 6;
/// 20 minutes.
pub const TEMPO: u16 = 100;
/// 10 minutes.
const RATE_LIMIT: u64 = 50;

pub type KillableRunner =
    RoundRunner<Killable<MemoryStore>, Killable<LocalChain>, Killable<ScriptedMiners>>;

/// Kills a validator at one of the points where something reaches its store, its chain or its miners.
///
/// A killed validator does nothing more: every later point fails, too.
#[derive(Debug, Clone)]
pub struct FailPoint {
    reached: Arc<AtomicUsize>,
    allowed: usize,
}

/// A store, chain or miners that a killed validator no longer reaches.
#[derive(Debug)]
pub struct Killable<T> {
    part: T,
    pub fail_point: FailPoint,
    pub durable: Arc<DurableState>,
}

/// What survives a validator.
#[derive(Debug)]
pub struct DurableState {
    pub store: MemoryStore,
    folder: TempDir,
    /// Number of entries and the ledger file as they were before each write.
    history: Mutex<Vec<(usize, Vec<u8>)>>,
    /// What miners were notified of, in order.
    pub notices: Mutex<Vec<(Hotkey, OutcomeNotice)>>,
}

/// The network that a validator, killed or not, runs in.
pub struct CrashTestNetwork(pub Arc<DurableState>);

pub fn key(role: &str) -> Keypair {
    Keypair::derived(1, role)
}

pub fn hotkey(role: &str) -> Hotkey {
    key(role).hotkey()
}

pub fn genesis(rounds: usize) -> Genesis {
    Genesis {
        validator: hotkey("validator"),
        ..replay_genesis(btc_usd(HORIZON), MONDAY, rounds, ROUND_EVERY)
    }
}

/// Prices from well before the first round on; the last round's last step is a gap.
pub fn prices() -> ReplayedPrices {
    let Genesis { series, rules, .. } = genesis(ROUNDS);
    let last = (ROUNDS as i64 - 1) * 2 + HORIZON as i64;
    let value = |i: i64| 100.0 + f64::sin(i as f64 / 1.7) + f64::sin(i as f64 / 5.3);
    let bars = bars(MONDAY + STEP.times(-30), (-30..last - 1).map(value));
    ReplayedPrices::new(series, &bars, &rules.rules().score)
}

/// Owner, validator and two miners that serve, and one that doesn't.
fn genesis_ledger() -> Ledger {
    let rules = Hyperparameters {
        tempo: TEMPO.try_into().unwrap(),
        weights_rate_limit: RATE_LIMIT,
        ..Hyperparameters::default()
    };
    let mut ledger = Ledger::genesis(rules, hotkey("owner"), hotkey("owner").into());
    for role in ["validator", "steady", "moody", "idle"] {
        ledger.register(hotkey(role), hotkey(role).into()).unwrap();
    }
    ledger.stake(hotkey("validator"), 1_000).unwrap();
    for role in ["steady", "moody"] {
        let axon = SocketAddr::from(([127, 0, 0, 1], 9));
        ledger.serve_axon(hotkey(role), axon).unwrap();
    }
    ledger
}

impl FailPoint {
    pub fn never() -> Self {
        Self::after(usize::MAX)
    }

    /// Kills the validator after `allowed` points.
    pub fn after(allowed: usize) -> Self {
        Self {
            reached: Arc::default(),
            allowed,
        }
    }

    /// How many points were reached.
    pub fn points(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    /// Reaches a point; an error once the validator is dead.
    pub fn pass(&self) -> Result<(), std::io::Error> {
        if self.reached.fetch_add(1, Ordering::SeqCst) < self.allowed {
            Ok(())
        } else {
            Err(std::io::Error::other("killed"))
        }
    }
}

impl CrashTestNetwork {
    pub fn new() -> Self {
        Self::resumed(MemoryStore::default(), None)
    }

    /// A network with this journal and this ledger file.
    pub fn resumed(store: MemoryStore, ledger: Option<&[u8]>) -> Self {
        let durable = DurableState {
            store,
            folder: tempfile::tempdir().unwrap(),
            history: Mutex::default(),
            notices: Mutex::default(),
        };
        if let Some(ledger) = ledger {
            fs::write(durable.ledger_path(), ledger).unwrap();
        }
        Self(Arc::new(durable))
    }

    /// The ledger file.
    pub fn ledger(&self) -> Vec<u8> {
        self.0.ledger()
    }

    /// Number of entries and the ledger file as they were before each write.
    pub fn history(&self) -> Vec<(usize, Vec<u8>)> {
        self.0.history.lock().unwrap().clone()
    }

    /// What the ledger holds of the validator.
    fn account(&self) -> Value {
        let file: Value = serde_json::from_slice(&self.ledger()).unwrap();
        let accounts = file["ledger"]["accounts"].as_array().unwrap();
        let own = hotkey("validator").to_string();
        let found = accounts.iter().find(|account| account["hotkey"] == own);
        found.unwrap().clone()
    }

    /// How many weights of the validator the chain has taken.
    pub fn inclusions(&self) -> usize {
        self.account()["inclusions"].as_array().unwrap().len()
    }

    /// The validator's weights on chain.
    pub fn weights(&self) -> Vec<(Uid, u16)> {
        serde_json::from_value(self.account()["weights"].clone()).unwrap()
    }

    /// A validator that goes on from the journal.
    pub async fn validator(
        &self,
        genesis: Genesis,
        fail_point: &FailPoint,
    ) -> Result<KillableRunner, RoundRunnerError> {
        let chain = LocalChain::open_or_create(self.0.ledger_path(), genesis_ledger).unwrap();
        let dependencies = RoundsDependencies {
            key: key("validator"),
            store: Arc::new(self.killable(self.0.store.clone(), fail_point)),
            chain: Arc::new(self.killable(chain, fail_point)),
            miners: self.killable(ScriptedMiners, fail_point),
            prices: RoundPrices::Replay(prices()),
        };
        RoundRunner::resume(genesis, dependencies).await
    }

    fn killable<T>(&self, part: T, fail_point: &FailPoint) -> Killable<T> {
        Killable {
            part,
            fail_point: fail_point.clone(),
            durable: Arc::clone(&self.0),
        }
    }

    /// Runs every instant that is not done yet, as a local network does.
    pub async fn play(&self, fail_point: &FailPoint) -> Result<KillableRunner, RoundRunnerError> {
        let mut runner = self.validator(genesis(ROUNDS), fail_point).await?;
        let origins = (0..ROUNDS as i64).map(|n| MONDAY + ROUND_EVERY.times(n));
        let span = runner.state.genesis().series.grid.span();
        let instants: BTreeSet<UnixMillis> = origins.flat_map(|t| [t, t + span]).collect();
        let resume_at = runner.last_at();
        for instant in instants.range(resume_at..) {
            let block = Block::at(MONDAY, *instant);
            runner.chain.advance_to(block);
            runner.run_due_actions(*instant).await?;
            runner.set_weights(*instant, block, TEMPO.into()).await?;
        }
        let last = *instants.last().unwrap();
        let block = Block::at(MONDAY, last);
        runner.set_weights(last, block, RATE_LIMIT).await?;
        Ok(runner)
    }
}

impl DurableState {
    fn ledger_path(&self) -> PathBuf {
        self.folder.path().join("ledger.json")
    }

    fn ledger(&self) -> Vec<u8> {
        fs::read(self.ledger_path()).unwrap()
    }

    /// Whether some record contains this text.
    pub fn journalled(&self, what: &str) -> bool {
        let entries = self.store.entries().unwrap();
        let mut texts = entries.iter().map(|entry| String::from_utf8_lossy(entry));
        texts.any(|text| text.contains(what))
    }
}

impl Killable<LocalChain> {
    pub fn advance_to(&self, block: Block) {
        self.part.advance_to(block).unwrap();
    }
}

impl JournalStore for Killable<MemoryStore> {
    /// The validator dies before the write, or after it without learning of it.
    fn append(&self, batch: &JournalBatch) -> Result<(), StoreError> {
        let killed = |source| StoreError::Io {
            path: "killed".into(),
            source,
        };
        let before = (self.part.entries()?.len(), self.durable.ledger());
        self.durable.history.lock().unwrap().push(before);
        self.fail_point.pass().map_err(killed)?;
        self.part.append(batch)?;
        self.fail_point.pass().map_err(killed)
    }

    fn for_each_entry(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.part.for_each_entry(visit)
    }

    fn payload(&self, hash: &Hash) -> Result<Vec<u8>, StoreError> {
        self.part.payload(hash)
    }
}

impl Chain for Killable<LocalChain> {
    async fn identity(&self) -> Result<SubnetIdentity, ChainError> {
        self.part.identity().await
    }

    async fn block(&self) -> Result<Block, ChainError> {
        self.part.block().await
    }

    async fn metagraph(&self) -> Result<Metagraph, ChainError> {
        self.part.metagraph().await
    }

    async fn hyperparameters(&self) -> Result<Hyperparameters, ChainError> {
        self.part.hyperparameters().await
    }

    async fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> Result<PreparedWeights, ChainError> {
        self.part.prepare(weights, signer, now).await
    }

    /// The validator dies before the submission, or after it without learning of it.
    async fn submit(&self, prepared: &PreparedWeights) -> Result<(), ChainError> {
        let killed = |source| {
            ChainError::File(LedgerFileError::Io {
                action: "write",
                path: "killed".into(),
                source,
            })
        };
        self.fail_point.pass().map_err(killed)?;
        assert!(self.durable.journalled(&prepared.hash.to_string()));
        self.part.submit(prepared).await?;
        self.fail_point.pass().map_err(killed)
    }

    async fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        self.part.submission_status(prepared).await
    }

    async fn serve_axon(&self, signer: &Signer, axon: SocketAddr) -> Result<(), ChainError> {
        self.part.serve_axon(signer, axon).await
    }
}
