//! A node that misbehaves: weights are set as soon as the chain allows, and never twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::Hyperparameters;
use foretell_chain::subnet_identity::SubnetIdentity;
use foretell_chain::subtensor::Subtensor;
use foretell_chain::subtensor::connection::NodeConnection;
use foretell_cli::clock::system_nanos;
use foretell_core::hash::Hex;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::{Genesis, PriceOrigin};
use foretell_core::rules::RulesVersion;
use foretell_core::testing::{MONDAY, btc_usd};
use foretell_core::time::Millis;
use foretell_keys::keypair::Keypair;
use foretell_service::rounds::chain_deadline::ChainDeadline;
use foretell_service::rounds::replay_miners::ReplayMiners;
use foretell_service::rounds::weights::WeightsStatus;
use foretell_service::rounds::{RoundPrices, RoundRunner, RoundRunnerError, RoundsDependencies};
use foretell_service::store::{JournalStore, MemoryStore};
use foretell_testkit::{
    CapturedLog, FakeNode, NETUID, ProxyFault, RelayedRequests, shared_runtime, start_proxy,
};
use foretell_wire::client::MinerClient;

/// Weights are due at block 100.
const TEMPO: u16 = 100;
/// A question that is not answered in this time is given up: long, since this machine may be busy, but where a node stalls.
const TIMEOUT: Duration = Duration::from_secs(30);
const SHORT_TIMEOUT: Duration = Duration::from_secs(2);
/// The client's rest after a failure. Live, a block lasts longer than that.
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// Scenarios that run at once.
const MAX_CONCURRENT: usize = 4;
/// No scenario takes more blocks.
const MAX_BLOCKS: usize = 120;

type TestRunner = RoundRunner<MemoryStore, Subtensor, ReplayMiners>;

fn key(role: &str) -> Keypair {
    Keypair::derived(9, role)
}

/// A node, a proxy before it, and a validator whose journal survives it.
struct NodeScenario {
    node: FakeNode,
    address: SocketAddr,
    relayed: RelayedRequests,
    store: MemoryStore,
    deadline: Duration,
}

impl NodeScenario {
    async fn new(fault: ProxyFault, at: usize) -> Option<Self> {
        let rules = Hyperparameters {
            tempo: TEMPO.try_into().unwrap(),
            weights_rate_limit: 50,
            ..Hyperparameters::default()
        };
        let hotkey = |role: &str| key(role).hotkey();
        let mut ledger = Ledger::genesis(rules, hotkey("owner"), hotkey("owner").into());
        let validator: Hotkey = hotkey("validator");
        ledger.register(validator, validator.into()).unwrap();
        ledger.stake(validator, 1_000).unwrap();
        let spec = shared_runtime(293)?;
        let (node, behind) = FakeNode::start(ledger, key("validator"), spec).await;
        let (address, relayed) = start_proxy(behind, fault, at).await;
        for _ in 0..TEMPO {
            node.make_block();
        }
        Some(Self {
            node,
            address,
            relayed,
            store: MemoryStore::default(),
            deadline: match fault {
                ProxyFault::Stall => SHORT_TIMEOUT,
                _ => TIMEOUT,
            },
        })
    }

    /// A validator that resumes the journal.
    async fn validator(&self) -> TestRunner {
        let genesis = Genesis {
            series: btc_usd(2),
            rules: RulesVersion::V1,
            validator: key("validator").hotkey(),
            first_origin: MONDAY,
            end_origin: MONDAY + Millis::days(1),
            round_every: Millis::minutes(30),
            prices: PriceOrigin::Source { since: MONDAY },
        };
        let url = format!("ws://{}", self.address);
        let connection = NodeConnection::new(url).with_timeouts(self.deadline, RETRY_DELAY);
        let dependencies = RoundsDependencies {
            key: key("validator"),
            store: Arc::new(self.store.clone()),
            chain: Arc::new(Subtensor::new(connection, NETUID)),
            miners: ReplayMiners::new(
                MinerClient::new(key("validator"), system_nanos).unwrap(),
                TIMEOUT,
            ),
            prices: RoundPrices::Journal,
        };
        RoundRunner::resume(genesis, dependencies).await.unwrap()
    }

    /// One attempt of a validator to set weights, then a block. The status of its weights, or the error.
    async fn block(&self, runner: &mut TestRunner) -> Result<WeightsStatus, String> {
        let turn = self.turn(runner).await;
        self.node.make_block();
        turn
    }

    async fn turn(&self, runner: &mut TestRunner) -> Result<WeightsStatus, String> {
        let block = self.node.block();
        match runner.set_weights(MONDAY, block, TEMPO.into()).await {
            Ok(status) => Ok(status),
            Err(RoundRunnerError::Chain(error)) => {
                tokio::time::sleep(2 * RETRY_DELAY).await;
                Err(error.to_string())
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Runs until weights are on the chain and that is journalled; statuses and errors meanwhile.
    async fn run_until_set(&self, runner: &mut TestRunner) -> Vec<String> {
        let mut statuses = Vec::new();
        for _ in 0..MAX_BLOCKS {
            if runner.state().times_weights_set() == 1 {
                break;
            }
            let words = self.block(runner).await;
            statuses.push(words.map_or_else(|error| error, |status| status.to_string()));
        }
        assert_eq!(runner.state().times_weights_set(), 1, "{statuses:#?}");
        statuses
    }

    fn assert_set_once(&self, what: &str) {
        assert_eq!(self.node.included_extrinsics(), 1, "{what}");
        assert_eq!(self.node.weights(), [(Uid(0), u16::MAX)], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_node_sets_weights_at_once() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let mut runner = scenario.validator().await;
    let statuses = scenario.run_until_set(&mut runner).await;
    let sent = "sent and not seen on the chain yet: sent again until block 131, then signed anew";
    assert_eq!(statuses, [sent, "due again at block 201"]);
    scenario.assert_set_once("an honest node");
    // It is not sent again while it isn't due.
    for _ in 0..10 {
        assert_eq!(
            scenario.block(&mut runner).await,
            Ok(WeightsStatus::DueAt(Block::new(201)))
        );
    }
    assert_eq!(
        (
            scenario.node.included_extrinsics(),
            scenario.node.received_extrinsics()
        ),
        (1, 1)
    );
}

/// Every fault at every question of a whole conversation.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_at_whichever_question_weights_are_set_once() {
    let Some(honest) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    honest.run_until_set(&mut honest.validator().await).await;
    let questions = honest.relayed.count();
    assert!(questions > 15, "{questions}");
    let mut running = tokio::task::JoinSet::new();
    for fault in ProxyFault::ALL {
        for at in 0..questions {
            if running.len() == MAX_CONCURRENT {
                running.join_next().await.unwrap().unwrap();
            }
            running.spawn(async move {
                let what = format!("{fault:?} at question {at}");
                let scenario = NodeScenario::new(fault, at).await.unwrap();
                let statuses = scenario
                    .run_until_set(&mut scenario.validator().await)
                    .await;
                scenario.assert_set_once(&what);
                // A fault costs the turn that it happens in, and no other.
                assert!(statuses.len() <= 3, "{what}: {statuses:#?}");
                if fault == ProxyFault::Delay {
                    assert_eq!(statuses.len(), 2, "{what}: {statuses:#?}");
                }
            });
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lost_its_pool_is_sent_the_same_bytes_again() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let mut runner = scenario.validator().await;
    for _ in 0..3 {
        let status = scenario.turn(&mut runner).await.unwrap();
        assert!(matches!(status, WeightsStatus::Sent { until } if until == Block::new(131)));
        scenario.node.clear_pool();
        scenario.node.make_block();
    }
    scenario.run_until_set(&mut runner).await;
    scenario.assert_set_once("a node that forgot");
    assert_eq!(scenario.node.received_extrinsics(), 4);
    // One signature, one inclusion.
    let records = scenario.store.entries().unwrap();
    let kinds = |kind: &str| {
        let named = format!("\"{kind}\"");
        let texts = records.iter().map(|bytes| String::from_utf8_lossy(bytes));
        texts.filter(|text| text.contains(&named)).count()
    };
    assert_eq!((kinds("weights_signed"), kinds("weights_included")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_reaches_the_chain_is_signed_anew_once_it_no_longer_can() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let mut runner = scenario.validator().await;
    // The node takes everything and includes nothing, for longer than an extrinsic is valid.
    for _ in 0..40 {
        scenario.turn(&mut runner).await.unwrap();
        scenario.node.clear_pool();
        scenario.node.make_block();
    }
    assert_eq!(scenario.node.included_extrinsics(), 0);
    scenario.run_until_set(&mut runner).await;
    scenario.assert_set_once("a node that included nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_is_killed_between_sending_and_learning_sets_nothing_twice() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let mut killed = scenario.validator().await;
    scenario.turn(&mut killed).await.unwrap();
    drop(killed);
    scenario.node.make_block();
    let mut again = scenario.validator().await;
    assert!(again.state().unconfirmed_weights().is_some());
    scenario.run_until_set(&mut again).await;
    scenario.assert_set_once("a killed validator");
    assert_eq!(scenario.node.received_extrinsics(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_is_upgraded_midway_takes_weights_in_its_own_form() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let Some(newer) = shared_runtime(393) else {
        return;
    };
    let mut runner = scenario.validator().await;
    scenario.turn(&mut runner).await.unwrap();
    // What was signed for the runtime before is worth nothing on this one: the node loses it, and refuses it from now on.
    scenario.node.clear_pool();
    scenario.node.upgrade_runtime(newer);
    scenario.node.make_block();
    scenario.run_until_set(&mut runner).await;
    scenario.assert_set_once("an upgraded runtime");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_every_answer_is_late_is_not_waited_for_all_turn_long() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DelayAll, 0).await else {
        return;
    };
    let mut runner = scenario.validator().await;
    // Time for a few of the twenty answers and more that weights take, none of which is late by itself.
    runner.set_chain_deadline(ChainDeadline::after(Duration::from_millis(500)));
    let error = scenario.turn(&mut runner).await.unwrap_err();
    assert!(error.contains("longer than 0.5 s in all"), "{error}");
    assert!(
        scenario.relayed.count() < 15,
        "{}",
        scenario.relayed.count()
    );
    // Nothing is half done: with more time, weights are set, once.
    runner.set_chain_deadline(ChainDeadline::default());
    scenario.run_until_set(&mut runner).await;
    scenario.assert_set_once("a slow node");
}

#[tokio::test]
async fn weights_that_another_program_set_are_logged_once() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let log = CapturedLog::start();
    let mut runner = scenario.validator().await;
    scenario.turn(&mut runner).await.unwrap();
    scenario.node.include_foreign_weights();
    for _ in 0..5 {
        let status = scenario.block(&mut runner).await;
        assert_eq!(status, Ok(WeightsStatus::DueAt(Block::new(201))));
    }
    let warnings = log.lines_containing("another program signs with this hotkey");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_refused() {
    let Some(scenario) = NodeScenario::new(ProxyFault::DropBeforeRequest, usize::MAX).await else {
        return;
    };
    let chain = |genesis| {
        let connection = NodeConnection::new(format!("ws://{}", scenario.address));
        Subtensor::new(connection, NETUID).with_genesis(genesis)
    };
    let SubnetIdentity::Subtensor { genesis, netuid } =
        chain(Hex([0; 32])).identity().await.unwrap()
    else {
        panic!("a ledger");
    };
    assert_eq!((genesis, netuid), (Hex([0; 32]), NETUID));
    let other = chain(Hex([1; 32]));
    for error in [
        other.identity().await.unwrap_err(),
        other.metagraph().await.unwrap_err(),
        other.block().await.unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(
            message.contains("is a node of another chain, whose first block is 0000"),
            "{message}"
        );
        assert!(
            message.contains("configure another `data` directory"),
            "{message}"
        );
    }
}
