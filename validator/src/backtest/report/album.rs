//! What the report's plots need and no document holds: gathered while the history is read.

use std::collections::BTreeMap;

use foretell_core::forecast::{Fan, POOL_LEVELS};
use foretell_core::hotkey::Hotkey;
use foretell_core::policy::{SettledRound, Standing};
use foretell_core::score::crps::crps;
use foretell_core::time::UnixMillis;

use super::super::contender::Contender;

/// Weights are looked at this many times, at most.
const SAMPLES: usize = 80;
/// Quantiles of a drawn fan: their places among the common levels (2.5, 10, 25, 50, 75, 90, 97.5 %).
const DRAWN: [usize; 7] = [2, 9, 24, 49, 74, 89, 96];

/// Gathered for the plots.
#[derive(Debug, Default)]
pub struct Album {
    /// Rounds between two looks at the weights.
    every: usize,
    seen: usize,
    /// By policy, shares at some origins.
    pub weights: Vec<Vec<(UnixMillis, BTreeMap<Hotkey, f64>)>>,
    /// Σ of the CRPS in bps, and how many, by step.
    pub reference: Vec<(f64, u64)>,
    /// The same by miner.
    pub miners: BTreeMap<Hotkey, Vec<(f64, u64)>>,
    /// The round in which miners beat the reference by most, on average.
    pub best: Option<Scene>,
    /// The round in which they fell behind by most.
    pub worst: Option<Scene>,
}

/// A round to be drawn.
#[derive(Debug)]
pub struct Scene {
    /// The round.
    pub origin: UnixMillis,
    /// Mean advantage over all miners.
    pub advantage: f64,
    /// What happened.
    pub moves: Vec<Option<f64>>,
    /// Quantiles by step.
    pub reference: Vec<[f64; 7]>,
    /// The same by miner.
    pub fans: BTreeMap<Hotkey, Vec<[f64; 7]>>,
}

impl Album {
    /// An album of a history of `rounds`, under so many policies.
    pub fn new(rounds: usize, policies: usize) -> Self {
        Self {
            every: rounds.div_ceil(SAMPLES).max(1),
            weights: vec![Vec::new(); policies],
            ..Self::default()
        }
    }

    /// Takes in a round, after the policies did.
    pub fn take(&mut self, round: &SettledRound<'_>, contenders: &[Contender]) {
        if self.seen.is_multiple_of(self.every) {
            self.look(round.origin, contenders);
        }
        self.seen += 1;
        let Ok(yardstick) = round.yardstick else {
            return;
        };
        let moves = &yardstick.outcome.moves;
        add(&mut self.reference, &yardstick.reference_fan(), moves);
        for (key, judged) in round.judged {
            add(self.miners.entry(*key).or_default(), &judged.fan, moves);
        }
        let advantages = round.judged.values();
        let advantages = advantages.map(|j| yardstick.reference.scaled_crps - j.score.scaled_crps);
        let advantage = advantages.sum::<f64>() / round.judged.len().max(1) as f64;
        let scene = || Scene {
            origin: round.origin,
            advantage,
            moves: moves.clone(),
            reference: drawn(&yardstick.reference_fan()),
            fans: round
                .judged
                .iter()
                .map(|(key, judged)| (*key, drawn(&judged.fan)))
                .collect(),
        };
        if round.judged.is_empty() {
            return;
        }
        if self
            .best
            .as_ref()
            .is_none_or(|best| advantage > best.advantage)
        {
            self.best = Some(scene());
        }
        if self
            .worst
            .as_ref()
            .is_none_or(|worst| advantage < worst.advantage)
        {
            self.worst = Some(scene());
        }
    }

    /// Looks at the weights as they are.
    pub fn look(&mut self, now: UnixMillis, contenders: &[Contender]) {
        for (weights, contender) in self.weights.iter_mut().zip(contenders) {
            let standings = contender.standings().into_iter();
            let shares = standings.map(|(key, Standing { share, .. })| (key, share));
            weights.push((now, shares.collect()));
        }
    }
}

fn add(sums: &mut Vec<(f64, u64)>, fan: &Fan, moves: &[Option<f64>]) {
    sums.resize(moves.len().max(sums.len()), (0.0, 0));
    for ((sum, row), y) in sums.iter_mut().zip(fan.rows()).zip(moves) {
        if let Some(y) = *y {
            sum.0 += crps(row, y);
            sum.1 += 1;
        }
    }
}

fn drawn(fan: &Fan) -> Vec<[f64; 7]> {
    let common = fan.resampled();
    debug_assert_eq!(common.k(), POOL_LEVELS);
    common
        .rows()
        .map(|row| DRAWN.map(|place| row[place]))
        .collect()
}
