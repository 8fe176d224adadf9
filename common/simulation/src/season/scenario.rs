//! One attack under one policy.

use foretell_core::pool::evidence::EvidenceWindow;
use foretell_core::rules::Rules;

use super::evidence_scenario::EvidenceScenario;
use super::legacy_scenario::LegacyScenario;
use super::participants::Participants;
use super::season_result::SeasonResult;
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

    pub(super) fn settle(&mut self, simulated_round: &mut SimulatedRound<'_>, mature: bool) {
        match self {
            Self::Evidence(scenario) => scenario.settle(simulated_round, mature),
            Self::Legacy(scenario) => scenario.settle(simulated_round),
        }
    }

    pub(super) fn void(&mut self) {
        if let Self::Evidence(scenario) = self {
            scenario.void();
        }
    }

    pub(super) fn into_result(self) -> SeasonResult {
        match self {
            Self::Evidence(scenario) => scenario.into_result(),
            Self::Legacy(scenario) => scenario.into_result(),
        }
    }
}
