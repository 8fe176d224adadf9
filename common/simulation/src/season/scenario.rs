//! One attack under one policy.

use foretell_core::pool::evidence::EvidenceWindow;
use foretell_core::rules::Rules;

use super::evidence_records::EvidenceRecords;
use super::evidence_scenario::EvidenceScenario;
use super::legacy_scenario::LegacyScenario;
use super::participants::Participants;
use super::season_result::{PayoutEvent, SeasonResult};
use super::simulated_round::SimulatedRound;
use super::simulation_plan::PayPolicy;
use crate::attack::Attack;
use crate::population::Population;

/// One attack under one policy, by the kind of policy.
pub(super) enum Scenario<'a> {
    Evidence(Box<EvidenceScenario<'a>>),
    Legacy(Box<LegacyScenario>),
}

impl<'a> Scenario<'a> {
    /// The scenario before the first round.
    pub(super) fn new(
        policy: PayPolicy,
        attack: &Attack,
        population: &Population,
        rules: &'a Rules,
        window: EvidenceWindow,
    ) -> Self {
        let participants = Participants::new(attack, population);
        match policy {
            PayPolicy::Evidence(..) => Self::Evidence(Box::new(EvidenceScenario::new(
                attack,
                participants,
                rules,
                window,
            ))),
            PayPolicy::Taoshi => Self::Legacy(Box::new(LegacyScenario::taoshi(participants))),
            PayPolicy::Increments => {
                Self::Legacy(Box::new(LegacyScenario::increments(participants)))
            }
        }
    }

    /// Adds a settled round; `mature`: whether the consensus is compared with the members.
    pub(super) fn settle(&mut self, round: &mut SimulatedRound<'_>, mature: bool) {
        match self {
            Self::Evidence(scenario) => scenario.settle(round, mature),
            Self::Legacy(scenario) => scenario.settle(round),
        }
    }

    /// Drops a void round.
    pub(super) fn void(&mut self) {
        if let Self::Evidence(scenario) = self {
            scenario.void();
        }
    }

    /// Pays at the end of interval number `n` between rounds: every time under the live policy, once a day under others.
    pub(super) fn pay(
        &mut self,
        records: &EvidenceRecords,
        n: usize,
        rounds_per_day: usize,
        is_report_day: bool,
    ) {
        match self {
            Self::Evidence(scenario) => {
                let rounds = 1.0;
                scenario.pay(
                    records,
                    &PayoutEvent {
                        rounds,
                        is_report_day,
                    },
                );
            }
            Self::Legacy(scenario) if (n + 1).is_multiple_of(rounds_per_day) => {
                let rounds = rounds_per_day as f64;
                scenario.pay(&PayoutEvent {
                    rounds,
                    is_report_day,
                });
            }
            Self::Legacy(_) => {}
        }
    }

    /// Opens a round; only the live policy has a pool to fit.
    pub(super) fn open(&mut self) {
        if let Self::Evidence(scenario) = self {
            scenario.open();
        }
    }

    /// The result after the last round.
    pub(super) fn into_result(self) -> SeasonResult {
        match self {
            Self::Evidence(scenario) => scenario.into_result(),
            Self::Legacy(scenario) => scenario.into_result(),
        }
    }
}
