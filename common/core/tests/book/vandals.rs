//! What one miner does changes nobody else's record.

use std::collections::BTreeMap;

use foretell_core::forecast::Fan;
use foretell_core::hotkey::Hotkey;
use foretell_core::leaderboard::{Row, leaderboard};
use foretell_core::series::Unit;
use proptest::prelude::*;

use crate::market::{FIRST, HORIZON, Market, STEP};
use crate::miners::{Style, Vandalism};
use crate::validator::World;

const VANDAL: Hotkey = Hotkey([2; 32]);

/// A season of three honest miners, with one more between them.
fn world(unit: Unit, seed: u64, rounds: usize, vandal: Option<Style>) -> World {
    let point = Fan::from_moves(1, vec![0.0; HORIZON]);
    let honest = [
        (1, Style::Seer(0.5)),
        (3, Style::Seer(0.9)),
        (4, Style::Fixed(point)),
    ];
    let honest = honest.map(|(n, style)| (Hotkey([n; 32]), style));
    World {
        market: Market::new(unit, seed, rounds),
        miners: honest
            .into_iter()
            .chain(vandal.map(|style| (VANDAL, style)))
            .collect(),
    }
}

/// Asserts that everybody else's record is the same with and without the vandal; returns in how many rounds
/// the vandal had a forecast.
fn assert_harmless(unit: Unit, seed: u64, rounds: usize, vandal: Style) -> usize {
    let alone = world(unit, seed, rounds, None);
    let beset = world(unit, seed, rounds, Some(vandal));
    let (alone, beset) = (alone.played().book, beset.played().book);
    let mut others = beset.tracks().clone();
    let track = others.remove(&VANDAL);
    assert_eq!(&others, alone.tracks());
    assert_eq!(beset.reference_track(), alone.reference_track());
    assert_eq!(beset.reference_track().rounds(), rounds);
    track.map_or(0, |track| track.rounds() - track.misses())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn vandalism_changes_nobody_elses_record(
        seed: u64,
        acts in prop::collection::vec(prop::sample::select(&Vandalism::ALL[..]), 1..6),
    ) {
        for unit in [Unit::LogPrice, Unit::Value] {
            assert_harmless(unit, seed, 6, Style::Vandal(acts.clone()));
        }
    }
}

#[test]
fn only_what_is_a_forecast_is_scored() {
    let scored = |unit, act| assert_harmless(unit, 1, 2, Style::Vandal(vec![act]));
    for act in Vandalism::ALL {
        let (as_prices, as_values) = match act {
            Vandalism::Huge | Vandalism::Tiny => (2, 2),
            Vandalism::Negative => (0, 2),
            _ => (0, 0),
        };
        assert_eq!(scored(Unit::LogPrice, act), as_prices, "{act:?}");
        assert_eq!(scored(Unit::Value, act), as_values, "{act:?}");
    }
}

/// 240 rounds of skill bring it into the consensus, then it sends 1e300.
#[test]
fn a_trusted_miner_that_turns_vandal_hurts_itself_and_leaves_every_number_finite() {
    let turn = FIRST + STEP.times(2 * 245);
    let styles = (Style::Seer(0.7), Style::Vandal(vec![Vandalism::Huge]));
    let vandal = Style::Turns(turn, Box::new(styles));
    let beset = world(Unit::LogPrice, 1, 255, Some(vandal));
    let alone = world(Unit::LogPrice, 1, 255, None);
    let (alone, beset) = (alone.played().book, beset.played().book);

    let mut others = beset.tracks().clone();
    let track = others.remove(&VANDAL).unwrap();
    assert_eq!(&others, alone.tracks());
    assert_ne!(
        beset.consensus_track(),
        alone.consensus_track(),
        "it was never trusted"
    );
    assert!(track.advantages().last().unwrap().value < -1.0);
    assert_eq!(beset.weights().share(&VANDAL), 0.0);

    let rows = leaderboard(&beset, &BTreeMap::new());
    let json = serde_json::to_string(&rows).unwrap();
    let read: Vec<Row> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, rows, "an infinity would have become null");
}
