//! What one miner does changes nobody else's record.

use std::collections::BTreeMap;

use foretell_core::forecast::QuantileForecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::series::Unit;
use foretell_core::testing::{MONDAY, STEP, hotkey};
use foretell_evaluation::leaderboard::{LeaderboardRow, leaderboard};
use proptest::prelude::*;

use crate::market::{HORIZON, SyntheticMarket};
use crate::miners::{AdversaryAction, MinerBehaviour};
use crate::validator::TestNetwork;

const ADVERSARY: Hotkey = hotkey(2);

/// A network of three honest miners, with one more between them.
fn network(unit: Unit, seed: u64, rounds: usize, adversary: Option<MinerBehaviour>) -> TestNetwork {
    let point = QuantileForecast::from_moves(1, vec![0.0; HORIZON]);
    let honest = [
        (1, MinerBehaviour::Informed(0.5)),
        (3, MinerBehaviour::Informed(0.9)),
        (4, MinerBehaviour::Fixed(point)),
    ];
    let honest = honest.map(|(n, behaviour)| (hotkey(n), behaviour));
    TestNetwork {
        market: SyntheticMarket::new(unit, seed, rounds),
        miners: honest
            .into_iter()
            .chain(adversary.map(|behaviour| (ADVERSARY, behaviour)))
            .collect(),
    }
}

/// Asserts that everybody else's record is the same with and without the adversary; returns in how many rounds
/// the adversary had a forecast.
fn assert_harmless(unit: Unit, seed: u64, rounds: usize, adversary: MinerBehaviour) -> usize {
    let alone = network(unit, seed, rounds, None);
    let attacked = network(unit, seed, rounds, Some(adversary));
    let (alone, attacked) = (alone.run_to_end().state, attacked.run_to_end().state);
    let mut others = attacked.tracks().clone();
    let track = others.remove(&ADVERSARY);
    assert_eq!(&others, alone.tracks());
    assert_eq!(attacked.reference_track(), alone.reference_track());
    assert_eq!(attacked.reference_track().rounds(), rounds);
    track.map_or(0, |track| track.rounds() - track.misses())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_adversary_changes_nobody_elses_record(
        seed: u64,
        actions in prop::collection::vec(prop::sample::select(&AdversaryAction::ALL[..]), 1..6),
    ) {
        for unit in [Unit::LogPrice, Unit::Value] {
            assert_harmless(unit, seed, 6, MinerBehaviour::Adversary(actions.clone()));
        }
    }
}

#[test]
fn only_what_is_a_forecast_is_scored() {
    let scored =
        |unit, action| assert_harmless(unit, 1, 2, MinerBehaviour::Adversary(vec![action]));
    for action in AdversaryAction::ALL {
        let (as_prices, as_values) = match action {
            AdversaryAction::Huge | AdversaryAction::Tiny => (2, 2),
            AdversaryAction::Negative => (0, 2),
            _ => (0, 0),
        };
        assert_eq!(scored(Unit::LogPrice, action), as_prices, "{action:?}");
        assert_eq!(scored(Unit::Value, action), as_values, "{action:?}");
    }
}

/// 240 rounds of skill bring it into the consensus, then it sends 1e300.
#[test]
fn an_eligible_miner_that_turns_adversary_hurts_itself_and_leaves_every_number_finite() {
    let turn = MONDAY + STEP.times(2 * 245);
    let behaviours = (
        MinerBehaviour::Informed(0.7),
        MinerBehaviour::Adversary(vec![AdversaryAction::Huge]),
    );
    let adversary = MinerBehaviour::SwitchAt(turn, Box::new(behaviours));
    let attacked = network(Unit::LogPrice, 1, 255, Some(adversary));
    let alone = network(Unit::LogPrice, 1, 255, None);
    let (alone, attacked) = (alone.run_to_end().state, attacked.run_to_end().state);

    let mut others = attacked.tracks().clone();
    let track = others.remove(&ADVERSARY).unwrap();
    assert_eq!(&others, alone.tracks());
    assert_ne!(
        attacked.consensus_track(),
        alone.consensus_track(),
        "it was never trusted"
    );
    assert!(track.advantages().last().unwrap().value < -1.0);
    assert_eq!(attacked.weights().share(&ADVERSARY), 0.0);

    let rows = leaderboard(&attacked, &BTreeMap::new());
    let json = serde_json::to_string(&rows).unwrap();
    let read: Vec<LeaderboardRow> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, rows, "an infinity would have become null");
}
