//! One scenario under an older policy: the same forecasts, paid by its shares.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_evaluation::policy::{
    Policy, SynthIncrementsPolicy, TaoshiPolicy, synth_increments, taoshi,
};

use super::participants::Participants;
use super::season_result::{PayoutEvent, SeasonResult};
use super::simulated_round::SimulatedRound;

/// The state of the scenario between rounds.
#[derive(Debug)]
pub struct LegacyScenario {
    participants: Participants,
    policy: LegacyPolicy,
    result: SeasonResult,
}

#[derive(Debug)]
enum LegacyPolicy {
    Taoshi(TaoshiPolicy),
    Increments(SynthIncrementsPolicy),
}

impl LegacyScenario {
    /// A scenario under `taoshi`.
    pub fn taoshi(participants: Participants) -> Self {
        Self::new(
            participants,
            LegacyPolicy::Taoshi(TaoshiPolicy::new(taoshi::TaoshiConfig::default(), false)),
        )
    }

    /// A scenario under `increments`.
    pub fn increments(participants: Participants) -> Self {
        let policy = SynthIncrementsPolicy::new(synth_increments::SynthIncrementsConfig::default());
        Self::new(participants, LegacyPolicy::Increments(policy))
    }

    fn new(participants: Participants, policy: LegacyPolicy) -> Self {
        Self {
            participants,
            policy,
            result: SeasonResult::new(),
        }
    }

    /// Adds a settled round.
    pub fn settle(&mut self, round: &SimulatedRound<'_>) {
        let Some(legacy_scores) = &round.legacy_scores else {
            return;
        };
        let asked = self.participants.asked.iter();
        match &mut self.policy {
            LegacyPolicy::Taoshi(policy) => {
                let Some(closes) = &legacy_scores.closes else {
                    return;
                };
                let errors: Vec<(Hotkey, f64)> = asked
                    .filter_map(|key| Some((*key, *legacy_scores.errors.get(key)?)))
                    .collect();
                // A refused round counts for nobody.
                let _: Result<(), taoshi::TaoshiRefusal> =
                    policy.score(round.origin, closes, &errors);
            }
            LegacyPolicy::Increments(policy) => {
                let sums: BTreeMap<Hotkey, f64> = asked
                    .filter_map(|key| Some((*key, *legacy_scores.sums.get(key)?)))
                    .collect();
                policy.score(round.origin, sums);
            }
        }
    }

    /// Pays every hotkey by the rounds that have settled.
    pub fn pay(&mut self, payout: &PayoutEvent) {
        let standings = match &self.policy {
            LegacyPolicy::Taoshi(policy) => policy.standings(),
            LegacyPolicy::Increments(policy) => policy.standings(),
        };
        let share = |key: &Hotkey| standings.get(key).map_or(0.0, |standing| standing.share);
        self.result
            .pay(&self.participants, payout, share, |key| share(key) > 0.0);
    }

    /// The result after the last round.
    pub fn into_result(self) -> SeasonResult {
        self.result
    }
}
