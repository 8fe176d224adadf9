//! Who is paid and who ranks where: by what was forecast, never by name.

use std::collections::BTreeMap;

use foretell_core::forecast::{Fan, POOL_LEVELS};
use foretell_core::hotkey::Hotkey;
use foretell_core::leaderboard::{Row, leaderboard};
use foretell_core::rules::{RulesVersion, ScoreRules};
use foretell_core::score::{Outcome, Reference, Score};
use foretell_core::series::Unit;
use proptest::prelude::*;

use crate::market::{FIRST, HORIZON, Market, SIGMA, STEP};
use crate::miners::{Style, Vandalism};
use crate::validator::{Validator, World};

const SILENT: Vandalism = Vandalism::Silence;

fn rules() -> ScoreRules {
    RulesVersion::V1Replay.rules().score
}

/// The reference's fan of moves, K = 1000.
fn reference() -> Fan {
    Reference::new(&rules()).fan(SIGMA, HORIZON)
}

/// The leaderboard of `styles`, each under its name here, miner i having the i-th of `keys`.
fn rows(market: Market, styles: &[(&str, Style)], keys: &[u8]) -> Vec<Row> {
    let keys = keys.iter().map(|n| Hotkey([*n; 32]));
    let named = keys.clone().zip(styles);
    let names = named
        .clone()
        .map(|(key, (name, _))| (key, (*name).to_owned()));
    let names: BTreeMap<Hotkey, String> = names.collect();
    let miners = named
        .map(|(key, (_, style))| (key, style.clone()))
        .collect();
    let world = World { market, miners };
    leaderboard(&world.played().book, &names)
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn permuting_the_hotkeys_permutes_weights_and_leaderboard(
        seed: u64,
        keys in Just(vec![1, 2, 3, 4]).prop_shuffle(),
    ) {
        let styles = [
            ("seer", Style::Seer(0.5)),
            ("better seer", Style::Seer(0.8)),
            ("point", Style::Fixed(Fan::from_moves(1, vec![0.0; HORIZON]))),
            ("vandal", Style::Vandal(vec![Vandalism::Huge, SILENT])),
        ];
        let market = || Market::new(Unit::LogPrice, seed, 250);
        let straight = rows(market(), &styles, &[1, 2, 3, 4]);
        let permuted = rows(market(), &styles, &keys);
        prop_assert!(straight[2].weight > Some(0.0), "nobody is paid: {:?}", straight[2]);
        for (a, b) in straight.iter().zip(&permuted) {
            prop_assert_eq!(&a.miner, &b.miner);
            // Fans of the consensus are added in the order of hotkeys, which may change the last bit.
            prop_assert!(close(a.weight, b.weight), "{:?} {:?}", a, b);
            prop_assert!(close(a.score, b.score), "{:?} {:?}", a, b);
            prop_assert!(close(a.advantage, b.advantage), "{:?} {:?}", a, b);
            prop_assert_eq!((a.rank, a.rounds, a.missed), (b.rank, b.rounds, b.missed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1))]

    #[test]
    fn the_reference_sent_back_is_never_eligible_and_ranks_above_who_left(
        seed: u64,
        unit in prop::sample::select(vec![Unit::LogPrice, Unit::Value]),
    ) {
        let [fine, pooled, gone] = [1, 2, 3].map(|n| Hotkey([n; 32]));
        let sent = Style::Fixed(reference());
        let leaves = (Style::Seer(0.9), Style::Vandal(vec![SILENT]));
        let world = World {
            market: Market::new(unit, seed, 250),
            miners: BTreeMap::from([
                (fine, sent),
                (pooled, Style::Fixed(reference().resampled().into_owned())),
                (gone, Style::Turns(FIRST + STEP, Box::new(leaves))),
            ]),
        };
        let mut validator = Validator::new(&world);
        while validator.step() {
            if validator.book.reference_track().rounds() >= 240 {
                let evidence = validator.book.evidence();
                prop_assert!(evidence.values().all(|e| e.value == 0.0), "{:?}", evidence);
            }
        }
        prop_assert_eq!(validator.book.tracks()[&gone].misses(), 249);
        let names = [(fine, "fine"), (pooled, "pooled"), (gone, "gone")];
        let names = names.map(|(key, name)| (key, name.to_owned())).into();
        let rows = leaderboard(&validator.book, &names);
        prop_assert_eq!(&rows[4].miner, "gone");
    }
}

proptest! {
    /// Wherever the price goes, so no season can make it pay: the rules' margin covers what K is worth.
    #[test]
    fn no_price_path_lets_the_reference_at_another_k_beat_its_margin(
        moves in prop::collection::vec(-30.0..30.0f64, HORIZON),
        near in prop::collection::vec(-1.0..1.0f64, HORIZON),
    ) {
        let margin = RulesVersion::V1Replay.rules().evidence.margin;
        let fine = reference();
        let pooled = fine.resampled().into_owned();
        prop_assert_eq!(pooled.k(), POOL_LEVELS);
        for moves in [moves, near] {
            let outcome = Outcome {
                volatility: SIGMA,
                moves: moves.iter().map(|m| Some(m * SIGMA)).collect(),
            };
            let score = |fan| Score::of(fan, &outcome, &rules()).unwrap().scaled_crps;
            let advantage = score(&fine) - score(&pooled);
            prop_assert!(advantage < margin, "{}", advantage);
        }
    }
}
