//! Fit and credit against dense computations, and what copies, names and order must not change.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::credit::credits;
use super::deviations::{Consensus, Deviations, RealisedMoves, levels};
use super::fit::shares;
use super::fit_pool::fit_pool;
use super::fit_state::{DamagedFitState, FitSnapshot, FitState};
use super::forecasters::Forecaster;
use crate::forecast::{POOL_LEVELS, QuantileForecast};
use crate::hotkey::Hotkey;
use crate::outcome::Outcome;
use crate::rules::{FitRules, RulesVersion, ScoreRules};
use crate::score::Reference;
use crate::score::crps::crps;
use crate::time::{Millis, UnixMillis};

const SIGMA: f64 = 10.0;
const TRUE_SCALE: f64 = 0.35;

fn score_rules() -> ScoreRules {
    RulesVersion::V1.rules().score
}

fn fit_rules() -> FitRules {
    RulesVersion::V1.rules().fit
}

fn key(n: u8) -> Hotkey {
    Hotkey([n; 32])
}

fn origin(n: usize) -> UnixMillis {
    UnixMillis(0) + Millis::minutes(30).times(n as i64)
}

/// A logistic variable's quantile: a smooth distribution with a simple inverse.
fn logistic(level: f64) -> f64 {
    libm::log(level / (1.0 - level))
}

/// A logistic fan about `centre`, in units of σ.
fn fan(horizon: usize, centre: f64, scale: f64) -> QuantileForecast {
    let moves = (1..=horizon).flat_map(|i| {
        let unit = SIGMA * f64::sqrt(i as f64);
        levels().map(move |tau| unit * (centre + scale * logistic(tau)))
    });
    QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
}

/// A round's deviations and what happened, `None` at a gap; in units of σ√i.
fn round(
    fans: &[(Hotkey, QuantileForecast)],
    realised: &[Option<f64>],
) -> (Deviations, RealisedMoves) {
    static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::new(&score_rules()));
    let mut deviations = Deviations::new(&REFERENCE, realised.len());
    for (miner, fan) in fans {
        deviations.insert(*miner, fan, SIGMA, &score_rules());
    }
    let moves = realised.iter().zip(1..);
    let outcome = Outcome {
        volatility: SIGMA,
        moves: moves
            .map(|(y, i)| y.map(|y| y * SIGMA * f64::sqrt(f64::from(i))))
            .collect(),
    };
    (deviations, RealisedMoves::new(&outcome, &score_rules()))
}

fn alone(miner: Hotkey, share: f64) -> Forecaster {
    Forecaster {
        share,
        members: BTreeMap::from([(miner, 1.0)]),
    }
}

/// Scaled CRPS on the common levels of the reference plus `theta` times the consensus.
fn score(
    deviations: &Deviations,
    consensus: &Consensus,
    realised: &RealisedMoves,
    theta: f64,
) -> f64 {
    let reference = deviations.reference();
    let steps = consensus.0.chunks_exact(POOL_LEVELS).zip(&realised.0);
    let scores = steps.filter_map(|(own, y)| {
        let row: Vec<f64> = own
            .iter()
            .zip(reference)
            .map(|(d, q)| q + theta * d)
            .collect();
        Some(crps(&row, (*y)?))
    });
    scores.sum::<f64>() / realised.steps() as f64
}

/// A past of `rounds` one-step rounds whose truth is logistic with scale [`TRUE_SCALE`], as its fit sees it.
fn past(
    rounds: usize,
    fans: &[(Hotkey, QuantileForecast)],
    rules: &FitRules,
) -> (FitState, Vec<f64>) {
    let mut state = FitState::default();
    let asked: Vec<Hotkey> = fans.iter().map(|(miner, _)| *miner).collect();
    let mut outcomes = Vec::new();
    for n in 0..rounds {
        // Every level once: the empirical distribution is the true one.
        let y = TRUE_SCALE * logistic((n as f64 + 0.5) / rounds as f64);
        let (deviations, realised) = round(fans, &[Some(y)]);
        let none = deviations.consensus(&[]);
        state.add(origin(n), (&deviations, &none, &realised), &asked, rules);
        outcomes.push(y);
    }
    (state, outcomes)
}

/// Rules under which every round weighs the same and nothing is evened.
fn plain() -> FitRules {
    FitRules {
        half_life: Millis::days(1_000_000),
        ridge: 0.0,
        ..fit_rules()
    }
}

/// The naive double sum of the module's page, at a consensus of 0.3 of the second miner.
#[test]
fn the_state_is_the_sum_of_its_definition() {
    let fans = [(key(1), fan(3, 0.1, 0.4)), (key(2), fan(3, -0.2, 0.7))];
    let (deviations, realised) = round(&fans, &[Some(0.3), None, Some(-1.0)]);
    let consensus = deviations.consensus(&[alone(key(2), 0.3)]);
    let mut state = FitState::default();
    let asked = [key(1), key(2)];
    state.add(
        origin(0),
        (&deviations, &consensus, &realised),
        &asked,
        &plain(),
    );
    let (curvature, slope) = state.curvature_and_slope(&[alone(key(1), 0.0), alone(key(2), 0.0)]);

    let q = deviations.reference();
    let lattice: Vec<usize> = (1..POOL_LEVELS).step_by(8).collect();
    assert_eq!((lattice.len(), lattice[6]), (13, POOL_LEVELS / 2));
    let v = 2.0 / 13.0 / 2.0;
    let (mut g, mut c) = ([[0.0; 2]; 2], [0.0; 2]);
    for step in [0, 2] {
        let y = realised.0[step].unwrap();
        let at = |values: &[f64], k: usize| values[step * POOL_LEVELS + k];
        for &k in &lattice {
            let row = |k: usize| q[k] + at(&consensus.0, k);
            let f = 2.0 / POOL_LEVELS as f64 / (row(k + 1) - row(k - 1));
            let tau = (2 * k + 1) as f64 / (2 * POOL_LEVELS) as f64;
            let below = f64::from(u8::from(y < row(k)));
            for m in 0..2 {
                let d = at(deviations.get(&asked[m]).unwrap(), k);
                c[m] += v * d * (tau - below + f * at(&consensus.0, k));
                for j in 0..2 {
                    g[m][j] += v * f * d * at(deviations.get(&asked[j]).unwrap(), k);
                }
            }
        }
    }
    for m in 0..2 {
        assert!((slope[m] - c[m]).abs() < 1e-14);
        for j in 0..2 {
            assert!((curvature[m][j] - g[m][j]).abs() < 1e-14);
        }
    }
}

/// Dense: the share of one miner that minimises the mean score itself, by search. The quadratic, expanded about
/// that very consensus, must find it again.
#[test]
fn the_fit_is_that_of_a_dense_search() {
    // Narrower than the truth: the best of it lies short of all of it.
    let fans = [(key(1), fan(1, 0.0, 0.25))];
    let rules = plain();
    let (_, outcomes) = past(400, &fans, &rules);
    let mean_score = |u: f64| -> f64 {
        let scores = outcomes.iter().map(|y| {
            let (deviations, realised) = round(&fans, &[Some(*y)]);
            let consensus = deviations.consensus(&[alone(key(1), u)]);
            score(&deviations, &consensus, &realised, 1.0)
        });
        scores.sum()
    };
    let grid = (0..=100).map(|i| f64::from(i) / 100.0);
    let dense = grid
        .min_by(|a, b| mean_score(*a).total_cmp(&mean_score(*b)))
        .unwrap();
    assert!(dense > 0.05 && dense < 0.95, "{dense}");
    let mut state = FitState::default();
    for (n, y) in outcomes.iter().enumerate() {
        let (deviations, realised) = round(&fans, &[Some(*y)]);
        let consensus = deviations.consensus(&[alone(key(1), dense)]);
        state.add(
            origin(n),
            (&deviations, &consensus, &realised),
            &[key(1)],
            &rules,
        );
    }
    let (curvature, slope) = state.curvature_and_slope(&[alone(key(1), 0.0)]);
    let fitted = shares(&curvature, &slope, &rules)[0];
    assert!((fitted - dense).abs() < 0.03, "{fitted} {dense}");
}

/// The more is made of a deviation, the smaller its share: the consensus is the same.
#[test]
fn exaggeration_is_undone_and_nothing_is_stretched() {
    let honest = fan(1, 0.0, TRUE_SCALE);
    let (none, _) = round(&[(key(1), honest.clone())], &[None]);
    let times = |by: f64| {
        let points = none.get(&key(1)).unwrap().iter().zip(none.reference());
        let moves = points.map(|(d, q)| SIGMA * (q + by * d));
        QuantileForecast::from_moves(POOL_LEVELS, moves.collect())
    };
    let share = |by: f64| {
        let (state, _) = past(400, &[(key(1), times(by))], &plain());
        let (curvature, slope) = state.curvature_and_slope(&[alone(key(1), 0.0)]);
        shares(&curvature, &slope, &fit_rules())[0]
    };
    // What a share takes of the honest deviation; where so wide a fan crosses, it is sorted.
    let (some, more) = (1.5 * share(1.5), 1.8 * share(1.8));
    assert!(some > 0.5, "{some}");
    assert!((some - more).abs() < 0.01 * some, "{some} {more}");
    assert_eq!(share(0.25), 1.0);
    // What only does harm has no share.
    assert_eq!(share(-1.0), 0.0);
}

/// The integral by 20,000 midpoints.
#[test]
fn credit_is_the_integral_along_the_ray() {
    let fans = [(key(1), fan(2, 0.3, 0.6)), (key(2), fan(2, -0.1, 0.4))];
    let (deviations, realised) = round(&fans, &[Some(0.25), Some(-0.4)]);
    let pool = [alone(key(1), 0.3), alone(key(2), 0.5)];
    let consensus = deviations.consensus(&pool);
    let credit = credits(&deviations, &consensus, &pool, &realised);
    let q = deviations.reference();
    let v = 2.0 / POOL_LEVELS as f64 / 2.0;
    let steps = 20_000;
    for forecaster in &pool {
        let miner = forecaster.members.keys().next().unwrap();
        let d = deviations.get(miner).unwrap();
        let mut integral = 0.0;
        for i in 0..steps {
            let theta = (f64::from(i) + 0.5) / f64::from(steps);
            for (step, y) in realised.0.iter().enumerate() {
                for (k, tau) in levels().enumerate() {
                    let at = step * POOL_LEVELS + k;
                    let below = y.unwrap() < q[k] + theta * consensus.0[at];
                    let slope = tau - f64::from(u8::from(below));
                    integral += v * forecaster.share * d[at] * slope / f64::from(steps);
                }
            }
        }
        assert!(
            (credit[miner] - integral).abs() < 1e-6,
            "{credit:?} {integral}"
        );
    }
}

fn any_fan(horizon: usize) -> impl Strategy<Value = QuantileForecast> {
    let row = prop::collection::vec(-3e2..3e2f64, 5 * horizon);
    row.prop_map(|moves| QuantileForecast::from_moves(5, moves))
}

proptest! {
    #[test]
    fn credits_sum_to_the_gain(
        fans in prop::collection::vec(any_fan(4), 1..5),
        cuts in prop::collection::vec(0.0..1.0f64, 5),
        mut moves in prop::collection::vec(prop::option::of(-30.0..30.0f64), 4),
    ) {
        moves[3] = Some(moves[3].unwrap_or(0.5));
        let fans: Vec<(Hotkey, QuantileForecast)> = (1..).map(key).zip(fans).collect();
        let (deviations, realised) = round(&fans, &moves);
        let total: f64 = cuts.iter().sum::<f64>().max(1.0);
        // One more, who has no fan.
        let shares = (1..).map(key).zip(&cuts).take(fans.len() + 1);
        let pool: Vec<Forecaster> = shares.map(|(miner, cut)| alone(miner, cut / total)).collect();
        let consensus = deviations.consensus(&pool);
        let gain = score(&deviations, &consensus, &realised, 0.0)
            - score(&deviations, &consensus, &realised, 1.0);
        let credit = credits(&deviations, &consensus, &pool, &realised);
        prop_assert!((credit.values().sum::<f64>() - gain).abs() < 1e-9);
        let absent = pool.last().map(|forecaster| forecaster.members.keys().next().copied().unwrap());
        prop_assert_eq!(credit[&absent.unwrap()], 0.0);
    }

    #[test]
    fn a_state_survives_its_bytes_and_damage_is_noticed(at in 0usize..1000, bit in 0u8..8) {
        let fans = [(key(3), fan(1, 0.2, 0.5)), (key(1), fan(1, 0.0, 0.4))];
        let (state, _) = past(3, &fans, &fit_rules());
        let snapshot = FitSnapshot::new(state.clone());
        let mut bytes = state.to_bytes();
        prop_assert_eq!(FitState::from_bytes(&bytes), Ok(state.clone()));
        let restored = snapshot.restored(&bytes).unwrap();
        prop_assert_eq!(restored.state(), Some(&state));
        let at = at % bytes.len();
        prop_assert_eq!(FitState::from_bytes(&bytes[..at]), Err(DamagedFitState));
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(snapshot.restored(&bytes).err(), Some(DamagedFitState));
    }
}

/// Entries and shares of a past in which the miners of `names` sent these fans; by hotkey.
fn fitted(names: &[(Hotkey, Hotkey, QuantileForecast)]) -> BTreeMap<Hotkey, f64> {
    let fans: Vec<(Hotkey, QuantileForecast)> =
        names.iter().map(|(k, _, fan)| (*k, fan.clone())).collect();
    let owners = names.iter().map(|(k, owner, _)| (*k, *owner)).collect();
    let (state, _) = past(50, &fans, &fit_rules());
    let eligible: Vec<Hotkey> = state_order(&fans);
    let pool = fit_pool(&eligible, &owners, &state, &fit_rules());
    pool.iter().flat_map(Forecaster::hotkey_shares).collect()
}

fn state_order(fans: &[(Hotkey, QuantileForecast)]) -> Vec<Hotkey> {
    let mut keys: Vec<Hotkey> = fans.iter().map(|(miner, _)| *miner).collect();
    keys.sort_unstable();
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn exact_copies_gain_nothing_and_cost_nobody(
        scales in prop::collection::vec(0.3..0.6f64, 3),
        copies in 1u8..4,
        one_coldkey: bool,
    ) {
        let honest: Vec<(Hotkey, Hotkey, QuantileForecast)> = scales
            .iter()
            .zip([10, 20, 30])
            .map(|(scale, n)| (key(n), key(100 + n), fan(1, 0.01 * f64::from(n), *scale)))
            .collect();
        let copied = honest.iter().cloned().chain((0..copies).map(|n| {
            let owner = if one_coldkey { honest[1].1 } else { key(200 + n) };
            (key(n + 1), owner, honest[1].2.clone())
        }));
        let copied: Vec<_> = copied.collect();
        let (before, after) = (fitted(&honest), fitted(&copied));
        for n in [10, 30] {
            prop_assert!((before[&key(n)] - after[&key(n)]).abs() < 1e-9);
        }
        let together: f64 = (0..copies).map(|n| after[&key(n + 1)]).sum::<f64>() + after[&key(20)];
        prop_assert!((before[&key(20)] - together).abs() < 1e-9);
    }

    #[test]
    fn names_and_order_change_nothing(
        scales in prop::collection::vec(0.3..0.6f64, 4),
        turn in 0usize..4,
    ) {
        let named = |names: [u8; 4]| -> Vec<(Hotkey, Hotkey, QuantileForecast)> {
            let fans = scales.iter().zip([0.0, 0.1, -0.1, 0.05]);
            let fans = fans.map(|(scale, centre)| fan(1, centre, *scale));
            names.into_iter().zip(fans).map(|(n, fan)| (key(n), key(n), fan)).collect()
        };
        let mut names = [1, 2, 3, 4];
        let straight = fitted(&named(names));
        names.rotate_left(turn);
        let renamed = fitted(&named(names));
        for (n, other) in (1..).zip(names) {
            prop_assert!((straight[&key(n)] - renamed[&key(other)]).abs() < 1e-9);
        }
        let mut listed = named([1, 2, 3, 4]);
        listed.rotate_left(turn);
        prop_assert_eq!(fitted(&listed), straight);
    }
}

/// Two that differ by a hair, of which the past prefers one; and a third that is unlike both.
#[test]
fn those_alike_share_alike_and_who_is_alone_keeps_its_share() {
    let alike = [(key(1), fan(1, 0.0, 0.35)), (key(2), fan(1, 0.002, 0.345))];
    let with = |fans: &[(Hotkey, QuantileForecast)], similarity_penalty: f64| {
        let rules = FitRules {
            similarity_penalty,
            ..fit_rules()
        };
        let (state, _) = past(200, fans, &rules);
        let pool: Vec<Forecaster> = fans.iter().map(|(miner, _)| alone(*miner, 0.0)).collect();
        let (curvature, slope) = state.curvature_and_slope(&pool);
        shares(&curvature, &slope, &rules)
    };
    let apart = |shares: &[f64]| (shares[0] / shares[1] - 1.0).abs();
    let (loose, penalised) = (with(&alike, 0.0), with(&alike, 3.0));
    assert!(
        apart(&penalised) < 0.5 * apart(&loose),
        "{loose:?} {penalised:?}"
    );
    assert!((penalised.iter().sum::<f64>() - loose.iter().sum::<f64>()).abs() < 0.05);
    assert_eq!(with(&alike[..1], 3.0), with(&alike[..1], 0.0));
}

#[test]
fn who_is_no_longer_asked_is_forgotten() {
    let fans = [(key(1), fan(1, 0.0, 0.4)), (key(2), fan(1, 0.1, 0.4))];
    let (mut state, _) = past(3, &fans, &fit_rules());
    let (deviations, realised) = round(&fans[..1], &[Some(0.1)]);
    let none = deviations.consensus(&[]);
    let settled = (&deviations, &none, &realised);
    let curvature = |state: &FitState| state.curvature_and_slope(&[alone(key(2), 0.0)]).0[0][0];
    state.add(origin(3), settled, &[key(1), key(2)], &fit_rules());
    assert!(curvature(&state) > 0.0, "asked and silent is still known");
    state.add(origin(4), settled, &[key(1)], &fit_rules());
    assert_eq!(curvature(&state), 0.0);
}

#[test]
fn an_older_round_settled_late_weighs_what_it_would_have() {
    let fans = [(key(1), fan(1, 0.0, 0.4))];
    let (deviations, realised) = round(&fans, &[Some(0.1)]);
    let none = deviations.consensus(&[]);
    let of_order = |order: [usize; 3]| {
        let mut state = FitState::default();
        for n in order {
            let settled = (&deviations, &none, &realised);
            state.add(origin(480 * n), settled, &[key(1)], &fit_rules());
        }
        state.curvature_and_slope(&[alone(key(1), 0.0)]).1[0]
    };
    assert!((of_order([0, 1, 2]) - of_order([2, 0, 1])).abs() < 1e-15);
}
