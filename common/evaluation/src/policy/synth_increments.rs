//! Policy `increments`: the family that scores the CRPS of increments, as the best-known path subnet does.
//!
//! Per round and miner: the CRPS of returns over non-overlapping blocks of several lengths, and of the last price,
//! summed. Scores are capped at a multiple of the median; a miss counts as a bad but not the worst score; the best is
//! subtracted. Over rounds: a rolling sum L, and shares by softmax(β·L).
//!
//! A forecast's column k is taken as path k, whatever its kind: only paths say how steps hang together, and quantiles
//! read as paths that never cross are penalised for it.
//!
//! Known weaknesses (tests: `policy/weaknesses.rs`):
//! - k clones take k shares, since softmax ignores similarity;
//! - a miss costs the 95th percentile, so a forecaster worse than that gains by not answering;
//! - scores have no reference: all is paid out even if no miner has skill;
//! - the score is in bps, so rounds of high volatility count more.

use std::collections::{BTreeMap, VecDeque};

use foretell_core::forecast::Forecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::price::Price;
use foretell_core::score::crps::crps;
use foretell_core::settle::Settlement;
use foretell_core::time::{Millis, UnixMillis};

use super::interface::{Policy, PolicyStanding, RoundCounts, SettledRound};

/// The constants of the policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SynthIncrementsConfig {
    /// Lengths of the blocks, in steps; those beyond the horizon are left out.
    pub blocks: &'static [usize],
    /// Scores are capped at this many times the round's median.
    pub cap_medians: f64,
    /// A miss counts as this quantile of the round's uncapped scores.
    pub miss_quantile: f64,
    /// Time over which scores are summed.
    pub window: Millis,
    /// Coefficient of the softmax; negative, since low sums are good.
    pub beta: f64,
}

impl Default for SynthIncrementsConfig {
    /// Blocks of 5 minutes, half an hour and three hours on a grid of 5 minutes.
    fn default() -> Self {
        Self {
            blocks: &[1, 6, 36],
            cap_medians: 10.0,
            miss_quantile: 0.95,
            window: Millis::days(10),
            beta: -0.15,
        }
    }
}

/// The policy: the scores of the rounds in its window.
#[derive(Debug)]
pub struct SynthIncrementsPolicy {
    config: SynthIncrementsConfig,
    window: VecDeque<ScoredPrompt>,
    miners: BTreeMap<Hotkey, Participation>,
    scored: usize,
    voided: Vec<UnixMillis>,
}

/// A round in the rolling sum.
#[derive(Debug)]
struct ScoredPrompt {
    origin: UnixMillis,
    /// Score that a miss counts as.
    miss: f64,
    scores: BTreeMap<Hotkey, f64>,
}

#[derive(Debug)]
struct Participation {
    /// Rounds that were scored before the miner's first forecast.
    scored_before: usize,
    answered: usize,
}

impl SynthIncrementsPolicy {
    /// The policy without history.
    pub fn new(config: SynthIncrementsConfig) -> Self {
        Self {
            config,
            window: VecDeque::new(),
            miners: BTreeMap::new(),
            scored: 0,
            voided: Vec::new(),
        }
    }

    /// Rounds without an anchor, a last price or a forecast.
    pub fn voided(&self) -> &[UnixMillis] {
        &self.voided
    }

    /// Takes in the [`sum_of_crps`] of every forecast of a round.
    pub fn score(&mut self, origin: UnixMillis, mut raw: BTreeMap<Hotkey, f64>) {
        raw.retain(|_, sum| sum.is_finite());
        if raw.is_empty() {
            self.voided.push(origin);
            return;
        }
        for key in raw.keys() {
            let newcomer = Participation {
                scored_before: self.scored,
                answered: 0,
            };
            self.miners.entry(*key).or_insert(newcomer).answered += 1;
        }
        self.scored += 1;
        self.window
            .push_back(scored_prompt(origin, raw, &self.config));
        let oldest = origin - self.config.window;
        while self
            .window
            .pop_front_if(|old| old.origin <= oldest)
            .is_some()
        {}
    }

    /// Rolling sums of all miners with a forecast in the window; rounds without one, also those before a miner came,
    /// count as misses.
    pub fn sums(&self) -> BTreeMap<Hotkey, f64> {
        let mut sums: BTreeMap<Hotkey, f64> = BTreeMap::new();
        for prompt in &self.window {
            for key in prompt.scores.keys() {
                sums.insert(*key, 0.0);
            }
        }
        for prompt in &self.window {
            for (key, sum) in &mut sums {
                *sum += prompt.scores.get(key).copied().unwrap_or(prompt.miss);
            }
        }
        sums
    }
}

impl Policy for SynthIncrementsPolicy {
    fn add_round(&mut self, round: &SettledRound<'_>) {
        let sums = round.forecasts.iter().filter_map(|(key, forecast)| {
            Some((*key, sum_of_crps(forecast, round.settlement, &self.config)?))
        });
        let raw = sums.collect();
        self.score(round.origin, raw);
    }

    fn round_counts(&self) -> RoundCounts {
        RoundCounts {
            scored: self.scored,
            void: self.voided.len(),
        }
    }

    fn standings(&self) -> BTreeMap<Hotkey, PolicyStanding> {
        let shares = softmax(&self.sums(), self.config.beta);
        let miners = self.miners.iter();
        miners
            .map(|(key, participation)| {
                let rounds = self.scored - participation.scored_before;
                let standing = PolicyStanding {
                    share: shares.get(key).copied().unwrap_or(0.0),
                    rounds,
                    missed: rounds - participation.answered,
                };
                (*key, standing)
            })
            .collect()
    }
}

/// Σ of the CRPS over all blocks of returns, in bps, and over the last price relative to the realised one; blocks that
/// touch a gap are left out. `None` without an anchor or a last price. NaN or infinite where prices overflow or the series
/// crosses 0, which counts as a miss.
pub fn sum_of_crps(
    forecast: &Forecast,
    settlement: &Settlement,
    config: &SynthIncrementsConfig,
) -> Option<f64> {
    let anchor = settlement.anchor?.get();
    let horizon = settlement.closes.len();
    let realised = |step: usize| match step {
        0 => Some(anchor),
        step => settlement.closes[step - 1].map(Price::get),
    };
    let (k, values) = (forecast.k(), forecast.values());
    let forecast_at = |step: usize, path: usize| match step {
        0 => anchor,
        step => values[(step - 1) * k + path],
    };
    let mut sample = vec![0.0; k];
    let mut sum = 0.0;
    for &block in config.blocks.iter().filter(|block| **block <= horizon) {
        for from in (0..=horizon - block).step_by(block) {
            let to = from + block;
            let (Some(before), Some(after)) = (realised(from), realised(to)) else {
                continue;
            };
            for (path, change) in sample.iter_mut().enumerate() {
                *change = 1e4 * (forecast_at(to, path) / forecast_at(from, path) - 1.0);
            }
            sample.sort_unstable_by(f64::total_cmp);
            sum += crps(&sample, 1e4 * (after / before - 1.0));
        }
    }
    let last = realised(horizon)?;
    for (path, price) in sample.iter_mut().enumerate() {
        *price = 1e4 * (forecast_at(horizon, path) / last);
    }
    sample.sort_unstable_by(f64::total_cmp);
    Some(sum + crps(&sample, 1e4))
}

/// The scores of a round: sums, capped, less the best.
fn scored_prompt(
    origin: UnixMillis,
    raw: BTreeMap<Hotkey, f64>,
    config: &SynthIncrementsConfig,
) -> ScoredPrompt {
    let mut ascending: Vec<f64> = raw.values().copied().collect();
    ascending.sort_unstable_by(f64::total_cmp);
    let best = ascending[0];
    let cap = config.cap_medians * linear_quantile(&ascending, 0.5);
    ScoredPrompt {
        origin,
        miss: linear_quantile(&ascending, config.miss_quantile) - best,
        scores: raw
            .into_iter()
            .map(|(key, score)| (key, score.min(cap) - best))
            .collect(),
    }
}

/// The quantile of ascending values, linear between order statistics (Hyndman & Fan's type 7, numpy's default).
fn linear_quantile(ascending: &[f64], level: f64) -> f64 {
    let position = level * (ascending.len() - 1) as f64;
    let below = position as usize;
    let above = (below + 1).min(ascending.len() - 1);
    ascending[below] + (position - below as f64) * (ascending[above] - ascending[below])
}

fn softmax(sums: &BTreeMap<Hotkey, f64>, beta: f64) -> BTreeMap<Hotkey, f64> {
    let largest = sums
        .values()
        .map(|sum| beta * sum)
        .fold(f64::NEG_INFINITY, f64::max);
    let powers: BTreeMap<Hotkey, f64> = sums
        .iter()
        .map(|(key, sum)| (*key, libm::exp(beta * sum - largest)))
        .collect();
    let total: f64 = powers.values().sum();
    powers
        .into_iter()
        .map(|(key, power)| (key, power / total))
        .collect()
}

#[cfg(test)]
mod tests {
    use foretell_core::forecast::ForecastKind;
    use foretell_core::series::Unit;
    use foretell_core::testing::hotkey;

    use super::*;

    fn settled(closes: &[Option<f64>]) -> Settlement {
        Settlement {
            anchor: Price::new(100.0).ok(),
            volatility: None,
            closes: closes
                .iter()
                .map(|c| c.and_then(|c| Price::new(c).ok()))
                .collect(),
        }
    }

    /// Blocks of 1: |100 − 0| + |0 − 0| bps; of 2: |100 − 0|; the last price 101 against 100: 100. A gap at the first step
    /// leaves the block of 2 and the last price.
    #[test]
    fn worked_by_hand() {
        let config = SynthIncrementsConfig {
            blocks: &[1, 2, 36],
            ..SynthIncrementsConfig::default()
        };
        let point = Forecast::new(
            ForecastKind::Paths,
            Unit::LogPrice,
            2,
            1,
            vec![101.0, 101.0],
        )
        .unwrap();
        let sum = |closes: &[Option<f64>]| sum_of_crps(&point, &settled(closes), &config);
        assert!((sum(&[Some(100.0), Some(100.0)]).unwrap() - 300.0).abs() < 1e-9);
        assert!((sum(&[None, Some(100.0)]).unwrap() - 200.0).abs() < 1e-9);
        assert_eq!(sum(&[Some(100.0), None]), None);
    }

    /// Scores 1, 2, 3, 1000: median 2.5, cap 25; the miss costs the uncapped 95th percentile, 3 + 0.85·997, less the best.
    #[test]
    fn scores_are_capped_and_counted_from_the_best() {
        let raw = (1..).map(hotkey).zip([1.0, 2.0, 3.0, 1000.0]).collect();
        let prompt = scored_prompt(UnixMillis::EPOCH, raw, &SynthIncrementsConfig::default());
        let scores: Vec<f64> = prompt.scores.values().copied().collect();
        assert_eq!(scores, [0.0, 1.0, 2.0, 24.0]);
        assert!((prompt.miss - (3.0 + 0.85 * 997.0 - 1.0)).abs() < 1e-9);
    }

    #[test]
    fn softmax_sums_to_one() {
        let sums = BTreeMap::from([(hotkey(1), 1e6), (hotkey(2), 1e6 + 10.0)]);
        let shares = softmax(&sums, -0.1);
        assert!((shares.values().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((shares[&hotkey(1)] / shares[&hotkey(2)] - f64::exp(1.0)).abs() < 1e-9);
    }
}
