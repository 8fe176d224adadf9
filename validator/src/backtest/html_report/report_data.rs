//! Data of the plots that no report holds, gathered while the history is read.

use std::collections::BTreeMap;

use foretell_core::forecast::{POOL_LEVELS, QuantileForecast};
use foretell_core::hotkey::Hotkey;
use foretell_core::score::crps::crps;
use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::{PolicyStanding, SettledRound};

use crate::backtest::policy_run::PolicyRun;

/// Times that weights are recorded over the history, about.
const SAMPLES: usize = 80;
/// Quantiles of a drawn fan: their places among the common levels (2.5, 10, 25, 50, 75, 90, 97.5 %).
const PLOTTED_LEVELS: [usize; 7] = [2, 9, 24, 49, 74, 89, 96];

/// Sums and samples for the plots.
#[derive(Debug, Default)]
pub struct ReportData {
    /// Rounds between two recordings of the weights.
    weights_every: usize,
    rounds_seen: usize,
    /// By policy, shares of all miners at some origins.
    pub weights: Vec<Vec<(UnixMillis, BTreeMap<Hotkey, f64>)>>,
    /// Sum of the reference's CRPS in bps, and the number of rounds in it, by step.
    pub reference: Vec<(f64, u64)>,
    /// The same sums of each miner's CRPS.
    pub miners: BTreeMap<Hotkey, Vec<(f64, u64)>>,
    /// The round of the largest mean advantage.
    pub best: Option<Sample>,
    /// The round of the smallest mean advantage.
    pub worst: Option<Sample>,
}

/// A round for a fan chart.
#[derive(Debug)]
pub struct Sample {
    /// Origin of the round.
    pub origin: UnixMillis,
    /// Mean advantage of all miners that answered.
    pub advantage: f64,
    /// Realised move at each step, in bps; `None` where there is a gap.
    pub moves: Vec<Option<f64>>,
    /// The reference's plotted quantiles by step, in bps.
    pub reference: Vec<[f64; 7]>,
    /// The same quantiles of each miner.
    pub fans: BTreeMap<Hotkey, Vec<[f64; 7]>>,
}

impl ReportData {
    /// The data before the first of `rounds` rounds.
    pub fn new(rounds: usize, policies: usize) -> Self {
        Self {
            weights_every: rounds.div_ceil(SAMPLES).max(1),
            weights: vec![Vec::new(); policies],
            ..Self::default()
        }
    }

    /// Adds a round that the policies have been given.
    pub fn add_round(&mut self, round: &SettledRound<'_>, policy_runs: &[PolicyRun]) {
        if self.rounds_seen.is_multiple_of(self.weights_every) {
            self.record_weights(round.origin, policy_runs);
        }
        self.rounds_seen += 1;
        let Ok(scorer) = round.scorer else {
            return;
        };
        let moves = &scorer.outcome.moves;
        add(&mut self.reference, &scorer.reference_forecast(), moves);
        for (key, scored) in round.scored {
            add(
                self.miners.entry(*key).or_default(),
                &scored.quantiles,
                moves,
            );
        }
        let advantages = round.scored.values();
        let advantages =
            advantages.map(|j| scorer.reference_score.scaled_crps - j.score.scaled_crps);
        let advantage = advantages.sum::<f64>() / round.scored.len().max(1) as f64;
        let sample = || Sample {
            origin: round.origin,
            advantage,
            moves: moves.clone(),
            reference: plotted_quantiles(&scorer.reference_forecast()),
            fans: round
                .scored
                .iter()
                .map(|(key, scored)| (*key, plotted_quantiles(&scored.quantiles)))
                .collect(),
        };
        if round.scored.is_empty() {
            return;
        }
        if self
            .best
            .as_ref()
            .is_none_or(|best| advantage > best.advantage)
        {
            self.best = Some(sample());
        }
        if self
            .worst
            .as_ref()
            .is_none_or(|worst| advantage < worst.advantage)
        {
            self.worst = Some(sample());
        }
    }

    /// Records the shares that policies give now.
    pub fn record_weights(&mut self, now: UnixMillis, policy_runs: &[PolicyRun]) {
        for (weights, policy_run) in self.weights.iter_mut().zip(policy_runs) {
            let standings = policy_run.standings().into_iter();
            let shares = standings.map(|(key, PolicyStanding { share, .. })| (key, share));
            weights.push((now, shares.collect()));
        }
    }
}

/// Adds a fan's CRPS at each step that isn't a gap.
fn add(sums: &mut Vec<(f64, u64)>, fan: &QuantileForecast, moves: &[Option<f64>]) {
    sums.resize(moves.len().max(sums.len()), (0.0, 0));
    for ((sum, row), y) in sums.iter_mut().zip(fan.rows()).zip(moves) {
        if let Some(y) = *y {
            sum.0 += crps(row, y);
            sum.1 += 1;
        }
    }
}

/// The quantiles of [`PLOTTED_LEVELS`] at each step.
fn plotted_quantiles(fan: &QuantileForecast) -> Vec<[f64; 7]> {
    let common = fan.resampled();
    debug_assert_eq!(common.k(), POOL_LEVELS);
    common
        .rows()
        .map(|row| PLOTTED_LEVELS.map(|place| row[place]))
        .collect()
}
