//! Fit and credit against dense computations, and what copies, names and order must not change.

mod credit;
mod fit;
mod fit_pool;
mod fit_state;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::credit::credits;
use super::deviations::{Consensus, Deviations, RealisedMoves, levels};
use super::fit::shares;
use super::fit_pool::fit_pool;
use super::fit_snapshot::FitSnapshot;
use super::fit_state::FitState;
use super::fit_state_bytes::DamagedFitState;
use super::forecaster::Forecaster;
use crate::forecast::{POOL_LEVELS, QuantileForecast};
use crate::hotkey::Hotkey;
use crate::outcome::Outcome;
use crate::rules::{FitRules, RulesVersion, ScoreRules};
use crate::score::Reference;
use crate::score::crps::crps;
use crate::testing::hotkey;
use crate::time::{Millis, UnixMillis};

const SIGMA: f64 = 10.0;
const TRUE_SCALE: f64 = 0.35;

fn score_rules() -> ScoreRules {
    RulesVersion::V1.rules().score
}

fn fit_rules() -> FitRules {
    RulesVersion::V1.rules().fit
}

fn origin(n: usize) -> UnixMillis {
    UnixMillis::EPOCH + Millis::minutes(30).times(n as i64)
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
