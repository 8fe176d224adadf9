//! Who is paid and who ranks where: by what was forecast, never by name.

use std::collections::BTreeMap;

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};
use foretell_core::hotkey::Hotkey;
use foretell_core::outcome::Outcome;
use foretell_core::rules::{RulesVersion, ScoreRules};
use foretell_core::score::{Reference, Score};
use foretell_core::series::Unit;
use foretell_core::testing::{MONDAY, STEP, hotkey};
use foretell_evaluation::leaderboard::{LeaderboardRow, leaderboard};
use proptest::prelude::*;

use crate::market::{HORIZON, SIGMA, SyntheticMarket};
use crate::miners::{AdversaryAction, MinerBehaviour};
use crate::validator::{InMemoryValidator, TestNetwork};

const SILENT: AdversaryAction = AdversaryAction::Silence;

fn rules() -> ScoreRules {
    RulesVersion::V1Replay.rules().score
}

/// The reference's forecast, K = 1000.
fn reference() -> QuantileForecast {
    Reference::new(&rules()).forecast(SIGMA, HORIZON)
}

/// The leaderboard of `behaviours`, each under its name here, miner i having the i-th of `keys`.
fn rows(
    market: SyntheticMarket,
    behaviours: &[(&str, MinerBehaviour)],
    keys: &[u8],
) -> Vec<LeaderboardRow> {
    let keys = keys.iter().map(|n| hotkey(*n));
    let named = keys.clone().zip(behaviours);
    let names = named
        .clone()
        .map(|(key, (name, _))| (key, (*name).to_owned()));
    let names: BTreeMap<Hotkey, String> = names.collect();
    let miners = named
        .map(|(key, (_, behaviour))| (key, behaviour.clone()))
        .collect();
    let network = TestNetwork { market, miners };
    leaderboard(&network.run_to_end().state, &names)
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
        let behaviours = [
            ("informed", MinerBehaviour::Informed(0.5)),
            ("better informed", MinerBehaviour::Informed(0.8)),
            ("point", MinerBehaviour::Fixed(QuantileForecast::from_moves(1, vec![0.0; HORIZON]))),
            ("adversary", MinerBehaviour::Adversary(vec![AdversaryAction::Huge, SILENT])),
        ];
        let market = || SyntheticMarket::new(Unit::LogPrice, seed, 250);
        let straight = rows(market(), &behaviours, &[1, 2, 3, 4]);
        let permuted = rows(market(), &behaviours, &keys);
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
        let [fine, pooled, gone] = [1, 2, 3].map(hotkey);
        let sent = MinerBehaviour::Fixed(reference());
        let leaves = (MinerBehaviour::Informed(0.9), MinerBehaviour::Adversary(vec![SILENT]));
        let network = TestNetwork {
            market: SyntheticMarket::new(unit, seed, 250),
            miners: BTreeMap::from([
                (fine, sent),
                (pooled, MinerBehaviour::Fixed(reference().resampled().into_owned())),
                (gone, MinerBehaviour::SwitchAt(MONDAY + STEP, Box::new(leaves))),
            ]),
        };
        let mut validator = InMemoryValidator::new(&network);
        while validator.step() {
            if validator.state.reference_track().rounds() >= 240 {
                let evidence = validator.state.evidence();
                prop_assert!(evidence.values().all(|e| e.value == 0.0), "{:?}", evidence);
            }
        }
        prop_assert_eq!(validator.state.tracks()[&gone].misses(), 249);
        let names = [(fine, "fine"), (pooled, "pooled"), (gone, "gone")];
        let names = names.map(|(key, name)| (key, name.to_owned())).into();
        let rows = leaderboard(&validator.state, &names);
        prop_assert_eq!(&rows[4].miner, "gone");
    }
}

proptest! {
    /// Wherever the price goes, so no history can make it pay: the rules' margin covers what K is worth.
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
            let score = |fan| Score::from_forecast(fan, &outcome, &rules()).unwrap().scaled_crps;
            let advantage = score(&fine) - score(&pooled);
            prop_assert!(advantage < margin, "{}", advantage);
        }
    }
}
