//! A node that misbehaves: weights are set as soon as the chain allows, and never twice.

mod double;
mod log;
mod proxy;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use foretell_chain::chain::Chain;
use foretell_chain::identity::Identity;
use foretell_chain::ledger::Ledger;
use foretell_chain::metagraph::{Block, Hyperparameters};
use foretell_chain::subtensor::Subtensor;
use foretell_chain::subtensor::connection::Connection;
use foretell_core::attest::Hex;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::Charter;
use foretell_core::journal::PriceOrigin;
use foretell_core::rules::RulesVersion;
use foretell_core::series::{Grid, Series, Unit};
use foretell_core::time::{Millis, UnixMillis};
use foretell_validator::rounds::miners::ReplayedMiners;
use foretell_validator::rounds::patience::Patience;
use foretell_validator::rounds::weights::Standing;
use foretell_validator::rounds::{Prices, Rounds, RoundsError, Surroundings};
use foretell_validator::store::{MemoryStore, Store};
use foretell_wire::client::MinerClient;
use foretell_wire::keypair::Keypair;

pub use self::double::Node;

use self::double::NETUID;
use self::proxy::{Fault, Passed, proxy};

/// Weights are due at block 100.
const TEMPO: u16 = 100;
const FIRST: UnixMillis = UnixMillis(1_704_067_200_000);
/// A question that is not answered in this time is given up: long, since this machine may be busy, but where a node stalls.
const DEADLINE: Duration = Duration::from_secs(30);
const IMPATIENT: Duration = Duration::from_secs(2);
/// The client's rest after a failure. Live, a block lasts longer than that.
const REST: Duration = Duration::from_millis(20);
/// Scenes that are played at once.
const AT_ONCE: usize = 4;
/// No scene takes more blocks.
const ENOUGH: usize = 120;

type TestRounds = Rounds<MemoryStore, Subtensor, ReplayedMiners>;

fn key(role: &str) -> Keypair {
    Keypair::derived(9, role)
}

/// A runtime's number and metadata, if they are there.
pub fn spec(version: u32, file: &str) -> Option<(u32, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("../shared/bittensor/metadata").join(file);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!(
            "SKIPPED: no runtime metadata at {}: the misbehaving node was not played",
            path.display()
        );
    }
    Some((version, bytes?))
}

/// A node, a proxy before it, and a validator whose journal survives it.
struct Scene {
    node: Node,
    address: SocketAddr,
    passed: Passed,
    store: MemoryStore,
    deadline: Duration,
}

impl Scene {
    async fn new(fault: Fault, at: usize) -> Option<Self> {
        let rules = Hyperparameters {
            tempo: TEMPO.try_into().unwrap(),
            weights_rate_limit: 50,
            ..Hyperparameters::default()
        };
        let hotkey = |role: &str| key(role).hotkey();
        let mut ledger = Ledger::genesis(rules, hotkey("owner"), hotkey("owner"));
        let validator: Hotkey = hotkey("validator");
        ledger.register(validator, validator).unwrap();
        ledger.stake(validator, 1_000).unwrap();
        let spec = spec(293, "spec293_v14.scale")?;
        let (node, behind) = Node::start(ledger, key("validator"), spec).await;
        let (address, passed) = proxy(behind, fault, at).await;
        for _ in 0..TEMPO {
            node.make_block();
        }
        Some(Self {
            node,
            address,
            passed,
            store: MemoryStore::default(),
            deadline: match fault {
                Fault::Stall => IMPATIENT,
                _ => DEADLINE,
            },
        })
    }

    /// A validator that takes up the journal.
    async fn validator(&self) -> TestRounds {
        let charter = Charter {
            series: Series {
                id: "BTC/USD".parse().unwrap(),
                grid: Grid {
                    step: Millis::minutes(5),
                    horizon: 2,
                },
                unit: Unit::LogPrice,
            },
            rules: RulesVersion::V1,
            validator: key("validator").hotkey(),
            first: FIRST,
            end: FIRST + Millis::days(1),
            round_every: Millis::minutes(30),
            prices: PriceOrigin::Source { since: FIRST },
        };
        let url = format!("ws://{}", self.address);
        let connection = Connection::new(url).with_limits(self.deadline, REST);
        let surroundings = Surroundings {
            key: key("validator"),
            store: Arc::new(self.store.clone()),
            chain: Arc::new(Subtensor::new(connection, NETUID)),
            miners: ReplayedMiners::new(MinerClient::new(key("validator")).unwrap(), DEADLINE),
            prices: Prices::Journal,
        };
        Rounds::resume(charter, surroundings).await.unwrap()
    }

    /// One block of a validator's life: its turn, then the block. What it says, or what its trouble is.
    async fn block(&self, rounds: &mut TestRounds) -> Result<Standing, String> {
        let turn = self.turn(rounds).await;
        self.node.make_block();
        turn
    }

    async fn turn(&self, rounds: &mut TestRounds) -> Result<Standing, String> {
        let block = self.node.block();
        match rounds.set_weights(FIRST, block, TEMPO.into()).await {
            Ok(standing) => Ok(standing),
            Err(RoundsError::Chain(error)) => {
                tokio::time::sleep(2 * REST).await;
                Err(error.to_string())
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Lives until weights are on the chain and that is journalled; what was said meanwhile.
    async fn until_set(&self, rounds: &mut TestRounds) -> Vec<String> {
        let mut said = Vec::new();
        for _ in 0..ENOUGH {
            if rounds.book().times_weighed() == 1 {
                break;
            }
            let words = self.block(rounds).await;
            said.push(words.map_or_else(|trouble| trouble, |standing| standing.to_string()));
        }
        assert_eq!(rounds.book().times_weighed(), 1, "{said:#?}");
        said
    }

    fn assert_set_once(&self, what: &str) {
        assert_eq!(self.node.included(), 1, "{what}");
        assert_eq!(self.node.weights(), [(Uid(0), u16::MAX)], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_node_sets_weights_at_once() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let mut rounds = scene.validator().await;
    let said = scene.until_set(&mut rounds).await;
    let sent = "sent and not seen on the chain yet: sent again until block 131, then signed anew";
    assert_eq!(said, [sent, "due again at block 201"]);
    scene.assert_set_once("an honest node");
    // It is not sent again while it isn't due.
    for _ in 0..10 {
        assert_eq!(
            scene.block(&mut rounds).await,
            Ok(Standing::DueAt(Block(201)))
        );
    }
    assert_eq!((scene.node.included(), scene.node.received()), (1, 1));
}

/// Every fault at every question of a whole conversation.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_at_whichever_question_weights_are_set_once() {
    let Some(honest) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    honest.until_set(&mut honest.validator().await).await;
    let questions = honest.passed.count();
    assert!(questions > 15, "{questions}");
    let mut playing = tokio::task::JoinSet::new();
    for fault in Fault::ALL {
        for at in 0..questions {
            if playing.len() == AT_ONCE {
                playing.join_next().await.unwrap().unwrap();
            }
            playing.spawn(async move {
                let what = format!("{fault:?} at question {at}");
                let scene = Scene::new(fault, at).await.unwrap();
                let said = scene.until_set(&mut scene.validator().await).await;
                scene.assert_set_once(&what);
                // A fault costs the turn that it happens in, and no other.
                assert!(said.len() <= 3, "{what}: {said:#?}");
                if fault == Fault::Delay {
                    assert_eq!(said.len(), 2, "{what}: {said:#?}");
                }
            });
        }
    }
    while let Some(played) = playing.join_next().await {
        played.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_forgets_is_sent_the_same_bytes_again() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let mut rounds = scene.validator().await;
    for _ in 0..3 {
        let standing = scene.turn(&mut rounds).await.unwrap();
        assert!(matches!(standing, Standing::Sent { until: Block(131) }));
        scene.node.forget();
        scene.node.make_block();
    }
    scene.until_set(&mut rounds).await;
    scene.assert_set_once("a node that forgot");
    assert_eq!(scene.node.received(), 4);
    // One signature, one inclusion.
    let records = scene.store.entries().unwrap();
    let kinds = |kind: &str| {
        let named = format!("\"{kind}\"");
        let texts = records.iter().map(|bytes| String::from_utf8_lossy(bytes));
        texts.filter(|text| text.contains(&named)).count()
    };
    assert_eq!((kinds("weights_signed"), kinds("weights_included")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_reaches_the_chain_is_signed_anew_once_it_no_longer_can() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let mut rounds = scene.validator().await;
    // The node takes everything and includes nothing, for longer than an extrinsic is valid.
    for _ in 0..40 {
        scene.turn(&mut rounds).await.unwrap();
        scene.node.forget();
        scene.node.make_block();
    }
    assert_eq!(scene.node.included(), 0);
    scene.until_set(&mut rounds).await;
    scene.assert_set_once("a node that included nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_is_killed_between_sending_and_learning_sets_nothing_twice() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let mut killed = scene.validator().await;
    scene.turn(&mut killed).await.unwrap();
    drop(killed);
    scene.node.make_block();
    let mut again = scene.validator().await;
    assert!(again.book().unconfirmed().is_some());
    scene.until_set(&mut again).await;
    scene.assert_set_once("a killed validator");
    assert_eq!(scene.node.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_is_upgraded_midway_takes_weights_in_its_own_form() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let Some(newer) = spec(393, "spec393_v16.scale") else {
        return;
    };
    let mut rounds = scene.validator().await;
    scene.turn(&mut rounds).await.unwrap();
    // What was signed for the runtime before is worth nothing on this one: the node loses it, and refuses it from now on.
    scene.node.forget();
    scene.node.upgrade(newer);
    scene.node.make_block();
    scene.until_set(&mut rounds).await;
    scene.assert_set_once("an upgraded runtime");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_every_answer_is_late_is_not_waited_for_all_turn_long() {
    let Some(scene) = Scene::new(Fault::Drag, 0).await else {
        return;
    };
    let mut rounds = scene.validator().await;
    // Time for a few of the twenty answers and more that weights take, none of which is late by itself.
    rounds.wait_for_chain(Patience::of(Duration::from_millis(500)));
    let error = scene.turn(&mut rounds).await.unwrap_err();
    assert!(error.contains("longer than 0.5 s in all"), "{error}");
    assert!(scene.passed.count() < 15, "{}", scene.passed.count());
    // Nothing is half done: with more time, weights are set, once.
    rounds.wait_for_chain(Patience::default());
    scene.until_set(&mut rounds).await;
    scene.assert_set_once("a slow node");
}

#[tokio::test]
async fn weights_that_another_program_overtook_are_told_of_once() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let log = log::Log::listen();
    let mut rounds = scene.validator().await;
    scene.turn(&mut rounds).await.unwrap();
    scene.node.overtake();
    for _ in 0..5 {
        let standing = scene.block(&mut rounds).await;
        assert_eq!(standing, Ok(Standing::DueAt(Block(201))));
    }
    let said = log.lines_with("another program signs with this hotkey");
    assert_eq!(said.len(), 1, "{said:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_is_not_believed() {
    let Some(scene) = Scene::new(Fault::Cut, usize::MAX).await else {
        return;
    };
    let chain = |genesis| {
        let connection = Connection::new(format!("ws://{}", scene.address));
        Subtensor::new(connection, NETUID).beginning_with(genesis)
    };
    let Identity::Subtensor { genesis, netuid } = chain(Hex([0; 32])).identity().await.unwrap()
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
        let said = error.to_string();
        assert!(
            said.contains("is a node of another chain, whose first block is 0000"),
            "{said}"
        );
        assert!(
            said.contains("configure another `data` directory"),
            "{said}"
        );
    }
}
