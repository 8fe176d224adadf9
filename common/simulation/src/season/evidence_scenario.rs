//! One scenario under `evidence`: a population and one attack, with its own fit, credits and weights.

use std::collections::{BTreeMap, VecDeque};

use foretell_core::coldkey::Coldkey;
use foretell_core::hotkey::Hotkey;
use foretell_core::pool::deviations::Consensus;
use foretell_core::pool::evidence::{EvidenceSums, EvidenceWindow};
use foretell_core::pool::fit_pool::fit_pool;
use foretell_core::pool::fit_state::FitState;
use foretell_core::pool::{Credits, Evidence, Forecaster, PayoutShares, credit};
use foretell_core::rules::Rules;

use super::evidence_records::EvidenceRecords;
use super::participants::Participants;
use super::season_result::{PayoutEvent, SeasonResult};
use super::simulated_round::SimulatedRound;
use crate::attack::{Attack, AttackKind};
use crate::attacker_view::AttackerView;

/// The state of the scenario between rounds.
#[derive(Debug)]
pub struct EvidenceScenario<'a> {
    participants: Participants,
    rules: &'a Rules,
    owners: BTreeMap<Hotkey, Coldkey>,
    fit_state: FitState,
    credits: Credits,
    /// Advantages of the consensus.
    consensus_sums: EvidenceSums,
    /// Pools of the rounds that have not settled, oldest first.
    open_pools: VecDeque<Vec<Forecaster>>,
    copier: Option<ConsensusCopier>,
    eligible: Vec<Hotkey>,
    result: SeasonResult,
}

/// An attacker that sends this scenario's own consensus once it is public.
#[derive(Debug)]
struct ConsensusCopier {
    key: Hotkey,
    sums: EvidenceSums,
    /// Consensuses that the attacker hasn't sent yet, oldest first.
    unsent: VecDeque<Consensus>,
}

impl<'a> EvidenceScenario<'a> {
    /// The scenario before the first round.
    pub fn new(
        attack: &Attack,
        participants: Participants,
        rules: &'a Rules,
        window: EvidenceWindow,
    ) -> Self {
        let attackers = &participants.attackers;
        let owner = |key: &Hotkey| {
            Coldkey::from(if attack.one_coldkey {
                attackers[0]
            } else {
                *key
            })
        };
        Self {
            owners: attackers.iter().map(|key| (*key, owner(key))).collect(),
            copier: (attack.kind == AttackKind::CopyConsensus).then(|| ConsensusCopier {
                key: attackers[0],
                sums: EvidenceSums::new(window),
                unsent: VecDeque::new(),
            }),
            result: SeasonResult::new(),
            participants,
            rules,
            fit_state: FitState::default(),
            credits: Credits::default(),
            consensus_sums: EvidenceSums::new(window),
            open_pools: VecDeque::new(),
            eligible: Vec::new(),
        }
    }

    /// Adds a settled round; `mature`: whether its consensus is compared with the members.
    pub fn settle(&mut self, round: &mut SimulatedRound<'_>, mature: bool) {
        let pool = self.open_pools.pop_front().unwrap_or_default();
        if let Some(copier) = &mut self.copier {
            copier.answer(round, self.open_pools.len(), self.rules);
        }
        let deviations = &round.deviations;
        let consensus = deviations.consensus(&pool);
        let settled = (deviations, &consensus, &round.realised);
        self.fit_state.add(
            round.origin,
            settled,
            &self.participants.asked,
            &self.rules.fit,
        );
        let mut score = round.reference_score;
        if !pool.is_empty() {
            let credits = credit::credits(deviations, &consensus, &pool, &round.realised);
            self.credits
                .add(round.origin, &credits, self.rules.pay.half_life);
            let fan = deviations.fan(&consensus, round.outcome.volatility);
            let advantage = round.advantage(Some(&fan), self.rules);
            self.consensus_sums.add(&advantage);
            score -= advantage.value;
        } else {
            self.credits
                .add(round.origin, &BTreeMap::new(), self.rules.pay.half_life);
        }
        if mature {
            let members = self.participants.honest.iter().map(|key| {
                let advantage = round.advantages.get(key);
                round.reference_score - advantage.map_or(0.0, |a| a.value)
            });
            self.result.add_mature_scores(score, members);
        }
        if let Some(copier) = &mut self.copier {
            copier.unsent.push_back(consensus);
        }
    }

    /// Drops the oldest open round, which is void: it counts for nobody.
    pub fn void(&mut self) {
        self.open_pools.pop_front();
    }

    /// Pays every hotkey by the rounds that have settled.
    pub fn pay(&mut self, records: &EvidenceRecords, payout: &PayoutEvent) {
        let asked = self.participants.asked.iter();
        let evidence_of = |key: &Hotkey| records.evidence(key, &self.rules.evidence);
        let mut evidence: BTreeMap<Hotkey, Evidence> = asked
            .filter_map(|key| Some((*key, evidence_of(key)?)))
            .collect();
        if let Some(copier) = &self.copier {
            evidence.remove(&copier.key);
            let own = copier.sums.evidence(&self.rules.evidence);
            evidence.extend(own.map(|own| (copier.key, own)));
        }
        evidence.retain(|_, evidence| evidence.value > 0.0);
        self.eligible = evidence.keys().copied().collect();
        let consensus = self.consensus_sums.evidence(&self.rules.evidence);
        let shares = PayoutShares::from_credits(
            &evidence,
            &self.credits,
            consensus.as_ref(),
            &self.rules.pay,
        );
        self.result.pay(
            &self.participants,
            payout,
            |key| shares.share(key),
            |key| evidence.contains_key(key),
        );
        self.result.consensus_gain = consensus.map(|consensus| consensus.mean);
    }

    /// Opens a round with the pool of those eligible now.
    pub fn open(&mut self) {
        let rules = &self.rules.fit;
        let pool = fit_pool(&self.eligible, &self.owners, &self.fit_state, rules);
        self.open_pools.push_back(pool);
    }

    /// The result after the last round.
    pub fn into_result(self) -> SeasonResult {
        self.result
    }
}

impl ConsensusCopier {
    fn answer(&mut self, round: &mut SimulatedRound<'_>, still_open: usize, rules: &Rules) {
        let public = (self.unsent.len() > still_open).then(|| self.unsent.pop_front());
        let public = public.flatten();
        let view = AttackerView {
            public_consensus: public.as_ref().map(Consensus::values),
            ..round.attacker_view
        };
        let fan = AttackKind::CopyConsensus.fan(&view, 0);
        round.deviations.remove(&self.key);
        if let Some(fan) = &fan {
            let volatility = round.outcome.volatility;
            round
                .deviations
                .insert(self.key, fan, volatility, &rules.score);
        }
        if fan.is_some() || self.sums.rounds() > 0 {
            let advantage = round.advantage(fan.as_ref(), rules);
            self.sums.add(&advantage);
        }
    }
}
