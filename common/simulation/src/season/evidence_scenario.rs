//! One scenario under `evidence`: a population and one attack, with its own fit, credits and weights.

use std::collections::{BTreeMap, VecDeque};

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
    owners: BTreeMap<Hotkey, Hotkey>,
    fit_state: FitState,
    credits: Credits,
    /// Advantages of the consensus.
    consensus: EvidenceSums,
    /// Pools of the rounds that have not settled, oldest first.
    open: VecDeque<Vec<Forecaster>>,
    copier: Option<ConsensusCopier>,
    eligible: Vec<Hotkey>,
    result: SeasonResult,
}

/// An attacker that sends this scenario's own consensus once it is public.
#[derive(Debug)]
struct ConsensusCopier {
    key: Hotkey,
    record: EvidenceSums,
    /// Consensuses that the attacker hasn't sent yet, oldest first.
    public: VecDeque<Consensus>,
}

impl<'a> EvidenceScenario<'a> {
    /// The scenario before the first round.
    pub fn new(
        attack: &Attack,
        participants: Participants,
        rules: &'a Rules,
        window: EvidenceWindow,
    ) -> Self {
        let own = &participants.attackers;
        let owner = |key: &Hotkey| if attack.one_coldkey { own[0] } else { *key };
        Self {
            owners: own.iter().map(|key| (*key, owner(key))).collect(),
            copier: (attack.kind == AttackKind::CopyConsensus).then(|| ConsensusCopier {
                key: own[0],
                record: EvidenceSums::new(window),
                public: VecDeque::new(),
            }),
            result: SeasonResult::empty(),
            participants,
            rules,
            fit_state: FitState::default(),
            credits: Credits::default(),
            consensus: EvidenceSums::new(window),
            open: VecDeque::new(),
            eligible: Vec::new(),
        }
    }

    /// Adds a settled round; `mature`: whether its consensus is compared with the members.
    pub fn settle(&mut self, simulated_round: &mut SimulatedRound<'_>, mature: bool) {
        let pool = self.open.pop_front().unwrap_or_default();
        if let Some(copier) = &mut self.copier {
            copier.answer(simulated_round, self.open.len(), self.rules);
        }
        let deviations = &simulated_round.deviations;
        let consensus = deviations.consensus(&pool);
        let settled = (deviations, &consensus, &simulated_round.realised);
        self.fit_state.add(
            simulated_round.origin,
            settled,
            &self.participants.asked,
            &self.rules.fit,
        );
        let mut score = simulated_round.reference_score;
        if !pool.is_empty() {
            let credits = credit::credits(deviations, &consensus, &pool, &simulated_round.realised);
            self.credits
                .add(simulated_round.origin, &credits, self.rules.pay.half_life);
            let fan = deviations.fan(&consensus, simulated_round.outcome.volatility);
            let gained = simulated_round.advantage(Some(&fan), self.rules);
            self.consensus.add(&gained);
            score -= gained.value;
        } else {
            self.credits.add(
                simulated_round.origin,
                &BTreeMap::new(),
                self.rules.pay.half_life,
            );
        }
        if mature {
            let members = self.participants.honest.iter().map(|key| {
                let advantage = simulated_round.advantages.get(key);
                simulated_round.reference_score - advantage.map_or(0.0, |a| a.value)
            });
            self.result.add_mature_scores(score, members);
        }
        if let Some(copier) = &mut self.copier {
            copier.public.push_back(consensus);
        }
    }

    /// Drops the oldest open round, which is void: it counts for nobody.
    pub fn void(&mut self) {
        self.open.pop_front();
    }

    /// Pays every hotkey by the rounds that have settled.
    pub fn pay(&mut self, records: &EvidenceRecords, payout: &PayoutEvent) {
        let asked = self.participants.asked.iter();
        let of = |key: &Hotkey| records.evidence(key, &self.rules.evidence);
        let mut evidence: BTreeMap<Hotkey, Evidence> =
            asked.filter_map(|key| Some((*key, of(key)?))).collect();
        if let Some(copier) = &self.copier {
            evidence.remove(&copier.key);
            let own = copier.record.evidence(&self.rules.evidence);
            evidence.extend(own.map(|own| (copier.key, own)));
        }
        evidence.retain(|_, evidence| evidence.value > 0.0);
        self.eligible = evidence.keys().copied().collect();
        let consensus = self.consensus.evidence(&self.rules.evidence);
        let weights = PayoutShares::from_credits(
            &evidence,
            &self.credits,
            consensus.as_ref(),
            &self.rules.pay,
        );
        self.result.pay(
            &self.participants,
            payout,
            |key| weights.share(key),
            |key| evidence.contains_key(key),
        );
        self.result.consensus_gain = consensus.map(|consensus| consensus.mean);
    }

    /// Opens a round with the pool of those eligible now.
    pub fn open(&mut self) {
        let rules = &self.rules.fit;
        let pool = fit_pool(&self.eligible, &self.owners, &self.fit_state, rules);
        self.open.push_back(pool);
    }

    /// The result after the last round.
    pub fn into_result(self) -> SeasonResult {
        self.result
    }
}

impl ConsensusCopier {
    fn answer(
        &mut self,
        simulated_round: &mut SimulatedRound<'_>,
        still_open: usize,
        rules: &Rules,
    ) {
        let public = (self.public.len() > still_open).then(|| self.public.pop_front());
        let public = public.flatten();
        let attacker_view = AttackerView {
            public_consensus: public.as_ref().map(Consensus::values),
            ..simulated_round.attacker_view
        };
        let fan = AttackKind::CopyConsensus.fan(&attacker_view, 0);
        simulated_round.deviations.remove(&self.key);
        if let Some(fan) = &fan {
            let volatility = simulated_round.outcome.volatility;
            simulated_round
                .deviations
                .insert(self.key, fan, volatility, &rules.score);
        }
        if fan.is_some() || self.record.rounds() > 0 {
            let advantage = simulated_round.advantage(fan.as_ref(), rules);
            self.record.add(&advantage);
        }
    }
}
