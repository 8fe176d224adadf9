//! A policy of a backtest: fed round by round, then asked for its part of the report.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::Genesis;
use foretell_core::time::UnixMillis;
use foretell_evaluation::leaderboard::{
    LeaderboardInput, LeaderboardRow, leaderboard, leaderboard_rows,
};
use foretell_evaluation::policy::{
    EvidencePolicy, Policy, PolicyName, PolicyStanding, RoundCounts, SettledRound,
    SynthIncrementsPolicy, TaoshiPolicy, synth_increments, taoshi,
};

use super::hotkey_names::HotkeyNames;
use super::report::{ConsensusComparison, TaoshiMinerScores, TaoshiRoundReport, VoidRound};
use super::scoreboard::Scoreboard;

/// A policy with the rounds that it has been given so far.
#[derive(Debug)]
pub enum PolicyRun {
    /// The policy that pays live.
    Evidence(Box<EvidencePolicy>),
    /// The first generation's policy: weighted RMSE and moving averages.
    Taoshi(TaoshiPolicy),
    /// The policy that scores the CRPS of increments.
    Increments(SynthIncrementsPolicy),
}

impl PolicyRun {
    /// The policy of this name; `details` says whether `taoshi` remembers every round.
    pub fn new(name: PolicyName, genesis: &Genesis, details: bool) -> Self {
        match name {
            PolicyName::Evidence => Self::Evidence(Box::new(EvidencePolicy::new(genesis.clone()))),
            PolicyName::Taoshi => {
                Self::Taoshi(TaoshiPolicy::new(taoshi::TaoshiConfig::default(), details))
            }
            PolicyName::Increments => Self::Increments(SynthIncrementsPolicy::new(
                synth_increments::SynthIncrementsConfig::default(),
            )),
        }
    }

    /// Name that selects it on the command line.
    pub const fn name(&self) -> PolicyName {
        match self {
            Self::Evidence(_) => PolicyName::Evidence,
            Self::Taoshi(_) => PolicyName::Taoshi,
            Self::Increments(_) => PolicyName::Increments,
        }
    }

    /// Adds the next round, in order of origin.
    pub fn add_round(&mut self, round: &SettledRound<'_>) {
        match self {
            Self::Evidence(policy) => policy.add_round(round),
            Self::Taoshi(policy) => policy.add_round(round),
            Self::Increments(policy) => policy.add_round(round),
        }
    }

    /// Ends the history; fails if `evidence` refused a round.
    pub fn finish(&mut self) -> Result<()> {
        match self {
            Self::Evidence(policy) => {
                policy.finish();
                let failure = policy
                    .failure()
                    .map(|error| anyhow!("the policy refused a round: {error}"));
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

    /// Number of rounds so far, scored and void.
    pub fn rounds(&self) -> RoundCounts {
        self.policy().round_counts()
    }

    /// Share and number of rounds of each miner so far.
    pub fn standings(&self) -> BTreeMap<Hotkey, PolicyStanding> {
        self.policy().standings()
    }

    /// The leaderboard: from the series' state under `evidence`, otherwise from the scoreboard with this policy's shares.
    pub fn rows(
        &self,
        genesis: &Genesis,
        scoreboard: &Scoreboard,
        names: &HotkeyNames,
    ) -> Vec<LeaderboardRow> {
        if let Self::Evidence(policy) = self {
            return leaderboard(policy.state(), names.by_key());
        }
        let standings = self.standings();
        let input = LeaderboardInput {
            genesis,
            reference: &scoreboard.reference,
            consensus: None,
            miners: &scoreboard.miners,
        };
        let share = |key: &Hotkey| standings.get(key).map_or(0.0, |standing| standing.share);
        let mut rows = leaderboard_rows(&input, names.by_key(), share);
        let by_name: BTreeMap<String, PolicyStanding> = standings
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

    /// The consensus beside its best member; only under `evidence`.
    pub fn consensus_comparison(&self, names: &HotkeyNames) -> Option<ConsensusComparison> {
        let Self::Evidence(policy) = self else {
            return None;
        };
        let comparison = policy.best_member_comparison()?;
        Some(ConsensusComparison {
            rounds: comparison.rounds,
            recalibrated: comparison.recalibrated,
            crps_bps: comparison.crps_bps,
            best: names.name(&comparison.best),
            best_crps_bps: comparison.best_crps_bps,
            ratio: comparison.crps_bps / comparison.best_crps_bps,
            scaled_ratio: comparison.scaled_ratio,
        })
    }

    /// Moving average and final value of each miner by name; only under `taoshi`.
    pub fn taoshi_scores(
        &self,
        names: &HotkeyNames,
    ) -> Option<BTreeMap<String, TaoshiMinerScores>> {
        let Self::Taoshi(policy) = self else {
            return None;
        };
        let finals = policy.finals().into_iter();
        let scores = |(ema, final_scaled)| TaoshiMinerScores {
            ema: Some(ema),
            final_scaled,
        };
        Some(
            finals
                .map(|(key, value)| (names.name(&key), scores(value)))
                .collect(),
        )
    }

    /// Scores, shares and moving averages of each round; only under `taoshi`, and empty unless it keeps details.
    pub fn rounds_detail(&self, names: &HotkeyNames) -> Option<Vec<TaoshiRoundReport>> {
        let Self::Taoshi(policy) = self else {
            return None;
        };
        let named = |values: &BTreeMap<Hotkey, f64>| {
            values
                .iter()
                .map(|(key, value)| (names.name(key), *value))
                .collect()
        };
        let details = policy.details().iter().map(|detail| TaoshiRoundReport {
            origin_ms: detail.origin,
            scores: named(&detail.scores),
            shares: named(&detail.shares),
            volatility_percentile: detail.volatility_percentile,
            ema: named(&detail.ema),
        });
        Some(details.collect())
    }

    /// Rounds that counted for nobody under this policy; `rules` are those that are void by the rules of `evidence`.
    pub fn voids(&self, rules: &[VoidRound]) -> Vec<VoidRound> {
        let refused = |origin: &UnixMillis, why: &dyn ToString| VoidRound {
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
