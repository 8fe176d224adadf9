//! The moving averages of all miners, round by round.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::time::UnixMillis;

use super::config::TaoshiConfig;
use super::refusal::TaoshiRefusal;
use super::shares::shares;
use super::weighted_rmse::{ForecastErrors, closes};
use crate::policy::interface::{Policy, PolicyStanding, RoundCounts, SettledRound};

/// The policy: the moving average of every miner that ever answered.
#[derive(Debug)]
pub struct TaoshiPolicy {
    config: TaoshiConfig,
    /// In the order in which miners first came, which is the order in which averages are summed.
    miners: Vec<MinerAverage>,
    /// Positions in `miners`.
    indices: BTreeMap<Hotkey, usize>,
    scored: usize,
    refused: Vec<(UnixMillis, TaoshiRefusal)>,
    details: Option<Vec<TaoshiRoundDetail>>,
    errors: ForecastErrors,
}

#[derive(Debug)]
struct MinerAverage {
    key: Hotkey,
    average: f64,
    /// Rounds that were scored before the miner's first forecast.
    scored_before: usize,
    answered: usize,
}

/// The results of one scored round.
#[derive(Debug, Clone, PartialEq)]
pub struct TaoshiRoundDetail {
    /// The round's origin.
    pub origin: UnixMillis,
    /// Weighted RMSE in USD of those who answered.
    pub scores: BTreeMap<Hotkey, f64>,
    /// Share of each of them of the round.
    pub shares: BTreeMap<Hotkey, f64>,
    /// g, the weight of the round in the averages.
    pub volatility_percentile: f64,
    /// Averages of all miners after the round.
    pub ema: BTreeMap<Hotkey, f64>,
}

impl TaoshiPolicy {
    /// The policy without history; `details` says whether to keep the results of every round.
    pub fn new(config: TaoshiConfig, details: bool) -> Self {
        Self {
            errors: ForecastErrors::new(&config, 0),
            config,
            miners: Vec::new(),
            indices: BTreeMap::new(),
            scored: 0,
            refused: Vec::new(),
            details: details.then(Vec::new),
        }
    }

    /// The results of every scored round; empty without `details` in [`new`](Self::new).
    pub fn details(&self) -> &[TaoshiRoundDetail] {
        self.details.as_deref().unwrap_or_default()
    }

    /// Origins of the rounds that counted for nobody, and why.
    pub fn refused(&self) -> &[(UnixMillis, TaoshiRefusal)] {
        &self.refused
    }

    /// Each miner's average and final value; `None` for those below the floor.
    pub fn finals(&self) -> BTreeMap<Hotkey, (f64, Option<f64>)> {
        let averages: Vec<f64> = self.miners.iter().map(|miner| miner.average).collect();
        let finals = self.config.final_scaled(&averages);
        let keyed = self.miners.iter().zip(finals);
        keyed
            .map(|(miner, value)| (miner.key, (miner.average, value)))
            .collect()
    }

    /// Takes in the weighted RMSEs of a round, in order of hotkey; a refused round changes nothing.
    pub fn score(
        &mut self,
        origin: UnixMillis,
        closes: &[f64],
        scores: &[(Hotkey, f64)],
    ) -> Result<(), TaoshiRefusal> {
        if scores.len() < 2 {
            return Err(TaoshiRefusal::TooFewResponses);
        }
        let values: Vec<f64> = scores.iter().map(|(_, score)| *score).collect();
        let shares = shares(&values);
        if shares.iter().any(|share| share.is_nan()) {
            return Err(TaoshiRefusal::NotANumber);
        }
        let g = self.config.volatility_percentile(closes);
        let mean = match self.miners.len() {
            0 => 0.0,
            n => self.miners.iter().map(|miner| miner.average).sum::<f64>() / n as f64,
        };
        let (known, newcomers) = self.split_newcomers(scores, &shares);
        for (miner, share) in self.miners.iter_mut().zip(&known) {
            let previous = miner.average;
            let current = (previous + share.unwrap_or(0.0) * g) / (1.0 + g);
            miner.average = self.config.ema(current, previous);
            miner.answered += usize::from(share.is_some());
        }
        for (key, share) in newcomers {
            let current = (mean + share * g) / (1.0 + g);
            self.indices.insert(key, self.miners.len());
            self.miners.push(MinerAverage {
                key,
                average: self.config.ema(current, mean),
                scored_before: self.scored,
                answered: 1,
            });
        }
        self.scored += 1;
        if let Some(details) = &mut self.details {
            details.push(TaoshiRoundDetail {
                origin,
                scores: scores.iter().copied().collect(),
                shares: scores.iter().map(|(key, _)| *key).zip(shares).collect(),
                volatility_percentile: g,
                ema: self.miners.iter().map(|m| (m.key, m.average)).collect(),
            });
        }
        Ok(())
    }

    /// The shares of known miners by position, and those of newcomers, best first.
    fn split_newcomers(
        &self,
        scores: &[(Hotkey, f64)],
        shares: &[f64],
    ) -> (Vec<Option<f64>>, Vec<(Hotkey, f64)>) {
        let mut known = vec![None; self.miners.len()];
        let mut newcomers = Vec::new();
        let mut indices = self.indices.iter().peekable();
        for ((key, _), share) in scores.iter().zip(shares) {
            while indices.next_if(|(hotkey, _)| *hotkey < key).is_some() {}
            let at = indices.next_if(|(hotkey, _)| *hotkey == key);
            match at {
                Some((_, at)) => known[*at] = Some(*share),
                None => newcomers.push((*key, *share)),
            }
        }
        newcomers.sort_by(|a, b| b.1.total_cmp(&a.1));
        (known, newcomers)
    }

    fn score_round(&mut self, round: &SettledRound<'_>) -> Result<(), TaoshiRefusal> {
        let closes = closes(round.settlement)?;
        if self.errors.horizon() != closes.len() {
            self.errors = ForecastErrors::new(&self.config, closes.len());
        }
        let forecasts = round.forecasts.iter();
        // Roots are taken afterwards, because each would wait for its sum.
        let mut scores: Vec<(Hotkey, f64)> = forecasts
            .map(|(key, forecast)| (*key, self.errors.squares(forecast, &closes)))
            .collect();
        for (_, score) in &mut scores {
            *score = self.errors.root(*score);
        }
        self.score(round.origin, &closes, &scores)
    }
}

impl Policy for TaoshiPolicy {
    fn add_round(&mut self, round: &SettledRound<'_>) {
        if let Err(why) = self.score_round(round) {
            self.refused.push((round.origin, why));
        }
    }

    fn round_counts(&self) -> RoundCounts {
        RoundCounts {
            scored: self.scored,
            void: self.refused.len(),
        }
    }

    fn standings(&self) -> BTreeMap<Hotkey, PolicyStanding> {
        let finals = self.finals();
        let total: f64 = finals.values().filter_map(|(_, value)| *value).sum();
        let standing = |miner: &MinerAverage| {
            let value = finals.get(&miner.key).and_then(|(_, value)| *value);
            let rounds = self.scored - miner.scored_before;
            PolicyStanding {
                share: if total > 0.0 {
                    value.unwrap_or(0.0) / total
                } else {
                    0.0
                },
                rounds,
                missed: rounds - miner.answered,
            }
        };
        self.miners
            .iter()
            .map(|miner| (miner.key, standing(miner)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;

    use super::*;

    fn averages(policy: &TaoshiPolicy) -> Vec<f64> {
        policy.miners.iter().map(|miner| miner.average).collect()
    }

    const CLOSES: [f64; 4] = [30_000.0, 30_100.0, 30_150.0, 30_200.0];

    /// Scores whose shares are 0.1, 0.2, 0.3, 0.4 don't exist (the worst has 0), so the published vector enters below
    /// the shares: the same averages as four newcomers'.
    #[test]
    fn the_published_vector() {
        let config = TaoshiConfig::default();
        let g = config.volatility_percentile(&CLOSES);
        let after = |share: f64| config.ema((0.0 + share * g) / (1.0 + g), 0.0);
        let expected = [
            0.000_411_923_797_411_541_5,
            0.000_823_847_594_823_083,
            0.001_235_771_392_234_624_2,
            0.001_647_695_189_646_166,
        ];
        assert_eq!([0.1, 0.2, 0.3, 0.4].map(after), expected);
    }

    #[test]
    fn newcomers_start_at_the_mean_and_the_absent_fade() {
        let config = TaoshiConfig::default();
        let mut policy = TaoshiPolicy::new(config, true);
        let round = |n: i64| UnixMillis::literal(n);
        policy
            .score(round(0), &CLOSES, &[(hotkey(1), 1.0), (hotkey(2), 3.0)])
            .unwrap();
        let first = averages(&policy);
        let g = config.volatility_percentile(&CLOSES);
        assert_eq!(first, [config.ema(g / (1.0 + g), 0.0), 0.0]);
        policy
            .score(round(1), &CLOSES, &[(hotkey(2), 1.0), (hotkey(3), 3.0)])
            .unwrap();
        let mean = (first[0] + first[1]) / 2.0;
        let second = averages(&policy);
        assert_eq!(second[0], config.ema(first[0] / (1.0 + g), first[0]));
        assert_eq!(second[1], config.ema((first[1] + g) / (1.0 + g), first[1]));
        assert_eq!(second[2], config.ema((mean + 0.0 * g) / (1.0 + g), mean));
        let standing = policy.standings()[&hotkey(1)];
        assert_eq!((standing.rounds, standing.missed), (2, 1));
        assert_eq!(policy.standings()[&hotkey(3)].rounds, 1);
        assert_eq!(policy.details()[1].ema.len(), 3);
        assert_eq!(policy.details()[1].scores.len(), 2);
    }

    #[test]
    fn equal_forecasts_have_equal_shares() {
        let mut policy = TaoshiPolicy::new(TaoshiConfig::default(), true);
        let scores = [(hotkey(1), 2.0), (hotkey(2), 2.0), (hotkey(3), 2.0)];
        policy.score(UnixMillis::EPOCH, &CLOSES, &scores).unwrap();
        let shares: Vec<f64> = policy.details()[0].shares.values().copied().collect();
        assert_eq!(shares, [1.0 / 3.0; 3]);
        assert!(policy.standings().values().all(|s| s.share == 0.0));
    }

    #[test]
    fn one_response_and_an_overflow_are_refused_and_change_nothing() {
        let mut policy = TaoshiPolicy::new(TaoshiConfig::default(), false);
        policy
            .score(
                UnixMillis::EPOCH,
                &CLOSES,
                &[(hotkey(1), 1.0), (hotkey(2), 3.0)],
            )
            .unwrap();
        let before = averages(&policy);
        let alone = policy.score(UnixMillis::literal(1), &CLOSES, &[(hotkey(1), 1.0)]);
        assert_eq!(alone, Err(TaoshiRefusal::TooFewResponses));
        let spoilt = [(hotkey(1), 1.0), (hotkey(2), f64::INFINITY)];
        assert_eq!(
            policy.score(UnixMillis::literal(2), &CLOSES, &spoilt),
            Err(TaoshiRefusal::NotANumber)
        );
        assert_eq!(averages(&policy), before);
    }
}
