//! Which uids get weights, and that no weights are set twice.

use std::collections::BTreeMap;

use foretell_chain::block::Block;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_core::journal::{JournalHead, Record};
use foretell_core::pool::FitSnapshot;
use foretell_core::score::{MetricSums, Score};
use foretell_core::testing::MONDAY;

use super::super::error::RoundRunnerError;
use super::super::weights::WeightsStatus;
use super::store_with;
use super::test_network::{
    CrashTestNetwork, FailPoint, KillableRunner, TEMPO, genesis, hotkey, key,
};
use crate::store::JournalStore;

/// Enough rounds to have evidence.
const ROUNDS: usize = 250;

fn score(scaled_crps: f64) -> Score {
    Score {
        scaled_crps,
        metric_sums: MetricSums::default(),
    }
}

/// A network whose validator has scored many rounds, in which `skilled` did equally well.
fn with_scored_rounds(skilled: &[&str]) -> CrashTestNetwork {
    let genesis = genesis(ROUNDS);
    let good: BTreeMap<Hotkey, Score> = skilled
        .iter()
        .map(|role| (hotkey(role), score(0.4)))
        .collect();
    let rounds = (0..ROUNDS as i64).flat_map(|n| {
        let round = MONDAY + genesis.round_every.times(n);
        let opened = Record::Opened {
            round,
            asked: good.keys().copied().collect(),
            owners: BTreeMap::new(),
            pool: Vec::new(),
        };
        let scored = Record::Scored {
            round,
            reference: score(0.5),
            consensus: Some(score(0.4)),
            trials: None,
            miners: good.clone(),
            missed: Vec::new(),
            credits: good.keys().map(|miner| (*miner, 0.01)).collect(),
            fit: FitSnapshot::default(),
        };
        [opened, scored]
    });
    let mut head = JournalHead::EMPTY;
    let records = [Record::Genesis(genesis.clone())].into_iter().chain(rounds);
    let entries = records.map(|record| head.append(genesis.end_origin, record));
    CrashTestNetwork::resumed(store_with(entries.collect()), None)
}

/// A validator in this network, at the first block of the second epoch.
async fn resumed(network: &CrashTestNetwork, fail_point: &FailPoint) -> KillableRunner {
    let runner = network
        .validator(genesis(ROUNDS), fail_point)
        .await
        .unwrap();
    runner.chain.advance_to(Block::new(TEMPO.into()));
    runner
}

async fn set_weights(runner: &mut KillableRunner) -> Result<WeightsStatus, RoundRunnerError> {
    let (now, tempo) = (genesis(ROUNDS).end_origin, u64::from(TEMPO));
    runner.set_weights(now, Block::new(tempo), tempo).await
}

/// The weights on chain of a validator that has seen `skilled`.
async fn weights(skilled: &[&str]) -> Vec<(Uid, u16)> {
    let network = with_scored_rounds(skilled);
    let mut runner = resumed(&network, &FailPoint::never()).await;
    set_weights(&mut runner).await.unwrap();
    assert_eq!(runner.state().times_weights_set(), 1);
    network.weights()
}

/// Uids: owner 0, validator 1, steady 2, moody 3, idle 4.
#[tokio::test]
async fn the_skilled_are_paid_by_the_uid_that_they_have_now() {
    // Equal shares: only ratios count, and the chain's scale gives the largest all of it.
    let half = u16::MAX;
    assert_eq!(weights(&[]).await, [(Uid(0), half)]);
    assert_eq!(weights(&["steady"]).await, [(Uid(2), half)]);
    let both = [(Uid(2), half), (Uid(4), half)];
    assert_eq!(weights(&["idle", "steady"]).await, both);
}

#[tokio::test]
async fn the_share_of_a_miner_that_has_left_burns() {
    let half = u16::MAX;
    let burnt = [(Uid(0), half), (Uid(2), half)];
    assert_eq!(weights(&["steady", "gone"]).await, burnt);
    assert_eq!(weights(&["gone"]).await, [(Uid(0), half)]);
}

/// The chain refuses weights that name a uid twice.
#[tokio::test]
async fn an_owner_that_mines_has_one_weight_for_what_it_earns_and_what_burns() {
    let half = u16::MAX;
    let expected = [(Uid(0), half), (Uid(2), half)];
    assert_eq!(weights(&["owner", "steady"]).await, expected);
    // Two thirds and one third; the chain's scale gives the largest all of it.
    let expected = [(Uid(0), u16::MAX), (Uid(2), u16::MAX.div_ceil(2))];
    assert_eq!(weights(&["owner", "steady", "gone"]).await, expected);
}

#[tokio::test]
async fn weights_wait_for_their_interval() {
    let network = with_scored_rounds(&["steady"]);
    let mut runner = resumed(&network, &FailPoint::never()).await;
    let (now, tempo) = (genesis(ROUNDS).end_origin, u64::from(TEMPO));
    let head = *runner.head();
    let early = Block::new(tempo - 1);
    let status = runner.set_weights(now, early, tempo).await.unwrap();
    assert_eq!(status, WeightsStatus::DueAt(Block::new(tempo)));
    assert_eq!(status.to_string(), "due again at block 100");
    assert_eq!((*runner.head(), network.inclusions()), (head, 0));
    set_weights(&mut runner).await.unwrap();
    let head = *runner.head();
    set_weights(&mut runner).await.unwrap();
    assert_eq!((*runner.head(), network.inclusions()), (head, 1));
}

#[tokio::test]
async fn a_validator_without_a_uid_is_told_to_register() {
    let network = with_scored_rounds(&["steady"]);
    let mut runner = resumed(&network, &FailPoint::never()).await;
    runner.key = key("unregistered");
    let unregistered = hotkey("unregistered");
    let error = set_weights(&mut runner).await.unwrap_err();
    assert!(matches!(error, RoundRunnerError::NotRegistered(who) if who == unregistered));
    assert_eq!(
        error.to_string(),
        format!("validator {unregistered} is not registered on this subnet: register it first")
    );
    assert_eq!(network.inclusions(), 0);
}

#[tokio::test]
async fn signed_weights_are_looked_for_before_they_are_sent() {
    let network = with_scored_rounds(&["steady"]);
    let fresh = FailPoint::never();
    let mut runner = resumed(&network, &fresh).await;
    let before = network.ledger();
    set_weights(&mut runner).await.unwrap();
    // Two points for each of two records and a submission.
    assert_eq!(fresh.points(), 6);

    let signed = network.0.store.entries().unwrap().len() - 1;
    let after = network.ledger();
    for (ledger, points) in [(&after, 2), (&before, 4)] {
        let network = CrashTestNetwork::resumed(network.0.store.truncated_to(signed), Some(ledger));
        let fail_point = FailPoint::never();
        let mut again = resumed(&network, &fail_point).await;
        assert!(again.state().unconfirmed_weights().is_some());
        set_weights(&mut again).await.unwrap();
        assert_eq!(fail_point.points(), points);
        assert_eq!(again.head(), runner.head());
        assert_eq!(network.inclusions(), 1);
        assert_eq!(network.ledger(), after);
    }
}
