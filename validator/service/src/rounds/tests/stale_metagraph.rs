//! How long rounds go by a metagraph that can't be read anew, and by what error.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foretell_chain::block::{BLOCK_TIME, Block};
use foretell_chain::chain::Chain;
use foretell_chain::chain_error::ChainError;
use foretell_chain::ledger::Ledger;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::{Hyperparameters, Metagraph};
use foretell_chain::signer::Signer;
use foretell_chain::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_core::error_kind::ErrorKind;
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::miss::MissReason;
use foretell_core::rules::RulesVersion;
use foretell_core::settle::VoidReason;
use foretell_core::testing::{MONDAY, btc_usd, replay_genesis};
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};
use tempfile::TempDir;

use super::super::chain_deadline::MAX_STALE_BLOCKS;
use super::super::error::RoundRunnerError;
use super::super::miners::{AnswerError, Miners, TimedAnswer};
use super::super::prices::RoundPrices;
use super::super::runner::{RoundRunner, RoundsDependencies};
use super::test_network::{hotkey, key};
use crate::store::MemoryStore;

const EVERY: Millis = Millis::minutes(30);

/// A local chain whose metagraph can't be read while it has a fault.
#[derive(Debug)]
struct FaultyChain {
    chain: LocalChain,
    fault: Mutex<Option<ErrorKind>>,
    _folder: TempDir,
}

/// Miners that never answer; whom was asked is kept.
#[derive(Debug, Clone, Default)]
struct SilentMiners(Arc<Mutex<BTreeSet<Hotkey>>>);

struct Scenario {
    chain: Arc<FaultyChain>,
    miners: SilentMiners,
    runner: RoundRunner<MemoryStore, FaultyChain, SilentMiners>,
    rounds: i64,
}

impl Scenario {
    /// A validator before its first round, on a chain with this one miner.
    async fn new(miner: &str) -> Self {
        let own = hotkey("validator");
        let folder = tempfile::tempdir().unwrap();
        let ledger = || Ledger::genesis(Hyperparameters::default(), own, own.into());
        let local = LocalChain::open_or_create(folder.path().join("ledger.json"), ledger).unwrap();
        let chain = Arc::new(FaultyChain {
            chain: local,
            fault: Mutex::default(),
            _folder: folder,
        });
        let genesis = Genesis {
            rules: RulesVersion::V1,
            validator: own,
            prices: PriceOrigin::Source { since: MONDAY },
            ..replay_genesis(btc_usd(2), MONDAY, 1_000, EVERY)
        };
        let miners = SilentMiners::default();
        let dependencies = RoundsDependencies {
            key: key("validator"),
            store: Arc::new(MemoryStore::default()),
            chain: Arc::clone(&chain),
            miners: miners.clone(),
            prices: RoundPrices::Journal,
        };
        let mut scenario = Self {
            chain,
            miners,
            runner: RoundRunner::resume(genesis, dependencies).await.unwrap(),
            rounds: 0,
        };
        scenario.register(miner);
        scenario
    }

    fn register(&mut self, miner: &str) {
        let axon = SocketAddr::from(([127, 0, 0, 1], 9));
        let chain = &self.chain.chain;
        chain.register(hotkey(miner), hotkey(miner).into()).unwrap();
        chain.serve(hotkey(miner), axon).unwrap();
    }

    fn break_chain(&self, fault: impl Into<Option<ErrorKind>>) {
        *self.chain.fault.lock().unwrap() = fault.into();
    }

    /// The next round as a service takes it to its end: who was asked, and the error if there was one.
    async fn round(&mut self) -> (BTreeSet<Hotkey>, Option<RoundRunnerError>) {
        let origin = MONDAY + EVERY.times(self.rounds);
        self.rounds += 1;
        let asked_at = origin - Millis::seconds(15);
        self.runner.void_missed_rounds(asked_at).await.unwrap();
        let error = self.runner.run_due_actions(asked_at).await.err();
        let window_over = origin - Millis::seconds(1);
        self.runner.void_missed_rounds(window_over).await.unwrap();
        (std::mem::take(&mut *self.miners.0.lock().unwrap()), error)
    }

    fn voided(&self, round: i64) -> Option<&VoidReason> {
        let origin = MONDAY + EVERY.times(round);
        self.runner.state().voided().reason_from(origin)
    }
}

fn these(miners: &[&str]) -> BTreeSet<Hotkey> {
    miners.iter().map(|miner| hotkey(miner)).collect()
}

#[tokio::test]
async fn no_round_goes_by_the_last_metagraph_after_an_error_that_stays() {
    let mut scenario = Scenario::new("old").await;
    assert_eq!(scenario.round().await.0, these(&["old"]));

    // The runtime is upgraded to one that this program doesn't know; then another miner registers.
    scenario.break_chain(ErrorKind::Permanent);
    scenario.register("new");
    for _ in 0..3 {
        let (asked, error) = scenario.round().await;
        assert_eq!(asked, these(&[]));
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Permanent);
        assert!(error.to_string().contains("upgrade"), "{error}");
        assert_eq!(scenario.runner.stale_metagraph(), None);
    }
    // What was read before the upgrade is worth nothing either when the node is away for a moment.
    scenario.break_chain(ErrorKind::Transient);
    let (asked, error) = scenario.round().await;
    assert_eq!((asked, error.is_some()), (these(&[]), true));

    scenario.break_chain(None);
    let (asked, error) = scenario.round().await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(asked, these(&["old", "new"]));
    assert_eq!(scenario.voided(0), None);
    for round in 1..=4 {
        assert_eq!(scenario.voided(round), Some(&VoidReason::ValidatorDown));
    }
    assert_eq!(scenario.voided(5), None);
}

#[tokio::test]
async fn rounds_go_by_the_last_metagraph_for_a_tempo_while_the_node_is_away() {
    let mut scenario = Scenario::new("old").await;
    scenario.round().await;
    scenario.break_chain(ErrorKind::Transient);
    scenario.register("new");
    let longest = BLOCK_TIME.times(MAX_STALE_BLOCKS);
    let rounds = longest.whole(EVERY);
    assert_eq!(rounds, 2);
    for _ in 0..rounds {
        let (asked, error) = scenario.round().await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(asked, these(&["old"]));
        let stale = scenario.runner.stale_metagraph().unwrap();
        assert_eq!(stale.until, MONDAY - Millis::seconds(15) + longest);
        assert_eq!(stale.block, Block::FIRST);
        assert!(stale.why.contains("no answer"), "{}", stale.why);
    }
    for _ in 0..3 {
        let (asked, error) = scenario.round().await;
        assert_eq!(asked, these(&[]));
        let error = error.unwrap();
        assert!(
            matches!(error, RoundRunnerError::OutdatedMetagraph { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("360 blocks ago"), "{error}");
        assert_eq!(scenario.runner.stale_metagraph(), None);
    }
    scenario.break_chain(None);
    assert_eq!(scenario.round().await.0, these(&["old", "new"]));
    let voided: Vec<i64> = (0..7).filter(|n| scenario.voided(*n).is_some()).collect();
    assert_eq!(voided, [3, 4, 5]);
}

impl Chain for FaultyChain {
    async fn identity(&self) -> Result<SubnetIdentity, ChainError> {
        self.chain.identity().await
    }

    async fn block(&self) -> Result<Block, ChainError> {
        self.chain.block().await
    }

    async fn metagraph(&self) -> Result<Metagraph, ChainError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some(ErrorKind::Transient) => Err(ChainError::Unavailable("no answer".into())),
            Some(ErrorKind::Permanent) => Err(ChainError::Unusable(
                "the chain holds no Axons: upgrade".into(),
            )),
            None => self.chain.metagraph().await,
        }
    }

    async fn hyperparameters(&self) -> Result<Hyperparameters, ChainError> {
        self.chain.hyperparameters().await
    }

    async fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> Result<PreparedWeights, ChainError> {
        self.chain.prepare(weights, signer, now).await
    }

    async fn submit(&self, prepared: &PreparedWeights) -> Result<(), ChainError> {
        self.chain.submit(prepared).await
    }

    async fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        self.chain.submission_status(prepared).await
    }

    async fn serve_axon(&self, signer: &Signer, axon: SocketAddr) -> Result<(), ChainError> {
        self.chain.serve_axon(signer, axon).await
    }
}

impl Miners for SilentMiners {
    async fn commitment(
        &self,
        miner: &Hotkey,
        _axon: SocketAddr,
        _request: &CommitRequest,
    ) -> Result<TimedAnswer<CommitResponse>, AnswerError> {
        self.0.lock().unwrap().insert(*miner);
        Err(AnswerError::Miss(MissReason::Silent))
    }

    async fn reveal(
        &self,
        _miner: &Hotkey,
        _axon: SocketAddr,
        _request: &RevealRequest,
        _deadline: UnixMillis,
        _now: UnixMillis,
    ) -> Result<TimedAnswer<RevealResponse>, AnswerError> {
        Err(AnswerError::Miss(MissReason::Silent))
    }

    async fn notify(
        &self,
        _miner: &Hotkey,
        _axon: SocketAddr,
        _notices: &[OutcomeNotice],
        _timeout: Duration,
    ) {
    }
}
