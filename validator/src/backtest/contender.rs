//! The policies of a backtest, and what each says at the end.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Charter;
use foretell_core::leaderboard::{Records, Row, leaderboard, rows};
use foretell_core::policy::{
    Counts, Evidence, Increments, Policy, PolicyName, SettledRound, Standing, Taoshi, increments,
    taoshi,
};
use foretell_core::time::UnixMillis;

use super::document::{ConsensusAgainstBest, RoundDetail, TaoshiPlace, Void};
use super::names::Names;
use super::scoreboard::Scoreboard;

/// A policy at work.
#[derive(Debug)]
pub enum Contender {
    /// The live one.
    Evidence(Box<Evidence>),
    /// The first generation's.
    Taoshi(Taoshi),
    /// CRPS of increments.
    Increments(Increments),
}

impl Contender {
    /// The policy of this name; `details` says whether `taoshi` remembers every round.
    pub fn new(name: PolicyName, charter: &Charter, details: bool) -> Self {
        match name {
            PolicyName::Evidence => Self::Evidence(Box::new(Evidence::new(charter.clone()))),
            PolicyName::Taoshi => {
                Self::Taoshi(Taoshi::new(taoshi::Configuration::default(), details))
            }
            PolicyName::Increments => {
                Self::Increments(Increments::new(increments::Configuration::default()))
            }
        }
    }

    /// Its name.
    pub const fn name(&self) -> PolicyName {
        match self {
            Self::Evidence(_) => PolicyName::Evidence,
            Self::Taoshi(_) => PolicyName::Taoshi,
            Self::Increments(_) => PolicyName::Increments,
        }
    }

    /// Takes in the next round.
    pub fn take(&mut self, round: &SettledRound<'_>) {
        match self {
            Self::Evidence(policy) => policy.take(round),
            Self::Taoshi(policy) => policy.take(round),
            Self::Increments(policy) => policy.take(round),
        }
    }

    /// Ends the history.
    pub fn finish(&mut self) -> Result<()> {
        match self {
            Self::Evidence(policy) => {
                policy.finish();
                let failure = policy
                    .failure()
                    .map(|error| anyhow!("the book refused a round: {error}"));
                failure.map_or(Ok(()), Err)
            }
            Self::Taoshi(policy) => {
                policy.finish();
                Ok(())
            }
            Self::Increments(policy) => {
                policy.finish();
                Ok(())
            }
        }
    }

    /// Rounds so far.
    pub fn rounds(&self) -> Counts {
        self.policy().rounds()
    }

    /// Everybody's place so far.
    pub fn standings(&self) -> BTreeMap<Hotkey, Standing> {
        self.policy().standings()
    }

    /// The leaderboard: the book's own where there is one, otherwise everybody's records paid by this policy.
    pub fn rows(&self, charter: &Charter, board: &Scoreboard, names: &Names) -> Vec<Row> {
        if let Self::Evidence(policy) = self {
            return leaderboard(policy.book(), names.by_key());
        }
        let standings = self.standings();
        let records = Records {
            charter,
            reference: &board.reference,
            consensus: None,
            miners: &board.miners,
        };
        let share = |key: &Hotkey| standings.get(key).map_or(0.0, |standing| standing.share);
        let mut rows = rows(&records, names.by_key(), share);
        let by_name: BTreeMap<String, Standing> = standings
            .iter()
            .map(|(key, standing)| (names.name(key), *standing))
            .collect();
        for row in &mut rows {
            // The policy scores rounds that have no volatility too.
            match by_name.get(&row.miner) {
                _ if row.rank == 0 => row.rounds = self.rounds().scored,
                Some(standing) => (row.rounds, row.missed) = (standing.rounds, standing.missed),
                None => (row.rounds, row.missed) = (0, 0),
            }
        }
        rows
    }

    /// The consensus beside its best member.
    pub fn against_best(&self, names: &Names) -> Option<ConsensusAgainstBest> {
        let Self::Evidence(policy) = self else {
            return None;
        };
        let found = policy.against_best()?;
        Some(ConsensusAgainstBest {
            rounds: found.rounds,
            recalibrated: found.recalibrated,
            crps_bps: found.crps_bps,
            best: names.name(&found.best),
            best_crps_bps: found.best_crps_bps,
            ratio: found.crps_bps / found.best_crps_bps,
            scaled_ratio: found.scaled_ratio,
        })
    }

    /// What `taoshi` knows of each miner.
    pub fn taoshi_places(&self, names: &Names) -> Option<BTreeMap<String, TaoshiPlace>> {
        let Self::Taoshi(policy) = self else {
            return None;
        };
        let finals = policy.finals().into_iter();
        let place = |(ema, final_scaled)| TaoshiPlace {
            ema: Some(ema),
            final_scaled,
        };
        Some(
            finals
                .map(|(key, value)| (names.name(&key), place(value)))
                .collect(),
        )
    }

    /// What `taoshi` did in each round.
    pub fn rounds_detail(&self, names: &Names) -> Option<Vec<RoundDetail>> {
        let Self::Taoshi(policy) = self else {
            return None;
        };
        let named = |values: &BTreeMap<Hotkey, f64>| {
            values
                .iter()
                .map(|(key, value)| (names.name(key), *value))
                .collect()
        };
        let details = policy.details().iter().map(|detail| RoundDetail {
            origin_ms: detail.origin,
            scores: named(&detail.scores),
            shares: named(&detail.shares),
            volatility_percentile: detail.volatility_percentile,
            ema: named(&detail.ema),
        });
        Some(details.collect())
    }

    /// Rounds that counted for nobody; `rules` are those that are void by the rules of `evidence`.
    pub fn voids(&self, rules: &[Void]) -> Vec<Void> {
        let refused = |origin: &UnixMillis, why: &dyn ToString| Void {
            origin_ms: *origin,
            reason: why.to_string(),
        };
        match self {
            Self::Evidence(_) => rules.to_vec(),
            Self::Taoshi(policy) => policy
                .refused()
                .iter()
                .map(|(origin, why)| refused(origin, why))
                .collect(),
            Self::Increments(policy) => policy
                .voided()
                .iter()
                .map(|origin| refused(origin, &"no anchor, no last price, or no forecast"))
                .collect(),
        }
    }

    fn policy(&self) -> &dyn Policy {
        match self {
            Self::Evidence(policy) => policy.as_ref(),
            Self::Taoshi(policy) => policy,
            Self::Increments(policy) => policy,
        }
    }
}
