//! The evidence of every hotkey, and the scoring of a round, which is the same for all scenarios.

use std::collections::{BTreeMap, VecDeque};

use foretell_core::forecast::QuantileForecast;
use foretell_core::hotkey::Hotkey;
use foretell_core::outcome::Outcome;
use foretell_core::pool::deviations::{Consensus, Deviations, RealisedMoves};
use foretell_core::pool::evidence::{EvidenceSums, EvidenceWindow};
use foretell_core::pool::{Evidence, Forecaster};
use foretell_core::rules::{EvidenceRules, Rules};
use foretell_core::settle::Settlement;
use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::taoshi;

use super::legacy_round_scores::LegacyRoundScores;
use super::schaake_shuffle::SchaakeShuffle;
use super::simulated_round::SimulatedRound;
use crate::attacker_view::AttackerView;
use crate::population::Population;

/// The advantages of every hotkey so far, and what of past rounds is still needed.
#[derive(Debug)]
pub struct EvidenceRecords {
    window: EvidenceWindow,
    shuffle: SchaakeShuffle,
    sums: BTreeMap<Hotkey, EvidenceSums>,
    /// The mean of the population's fans in each round that isn't public yet.
    mean_consensuses: VecDeque<Consensus>,
}

/// What all rounds of a season are scored by.
#[derive(Debug, Clone, Copy)]
pub struct ScoringContext<'a> {
    /// Rules of score and evidence.
    pub rules: &'a Rules,
    /// Every hotkey, and what it does.
    pub population: &'a Population,
    /// Whether scores for older policies are needed.
    pub with_legacy_scores: bool,
    /// Rounds between an origin and the first one that opens with its prices settled.
    pub settlement_lag: usize,
}

impl EvidenceRecords {
    /// The records before the first round.
    pub fn new(window: EvidenceWindow, shuffle: SchaakeShuffle) -> Self {
        Self {
            window,
            shuffle,
            sums: BTreeMap::new(),
            mean_consensuses: VecDeque::new(),
        }
    }

    /// The evidence of one hotkey; `None` before its first answer.
    pub fn evidence(&self, key: &Hotkey, rules: &EvidenceRules) -> Option<Evidence> {
        self.sums.get(key)?.evidence(rules)
    }

    /// Scores a round: `honest` are the population's fans, in its order; `attacker_view` lacks the public consensus,
    /// which is filled in here. `empty` are the deviations of a round without fans.
    pub fn score_round<'a>(
        &mut self,
        context: &ScoringContext<'_>,
        (origin, outcome, settlement): (UnixMillis, &'a Outcome, &Settlement),
        reference_score: f64,
        honest: &[QuantileForecast],
        attacker_view: AttackerView<'a>,
        empty: &Deviations,
    ) -> SimulatedRound<'a> {
        let ScoringContext {
            rules, population, ..
        } = context;
        let mut round = SimulatedRound {
            origin,
            outcome,
            reference_score,
            realised: RealisedMoves::new(outcome, &rules.score),
            deviations: empty.clone(),
            advantages: BTreeMap::new(),
            attacker_view,
            honest_sender: None,
            legacy_scores: context.with_legacy_scores.then(|| LegacyRoundScores {
                closes: taoshi::closes(settlement).ok(),
                errors: BTreeMap::new(),
                sums: BTreeMap::new(),
            }),
        };
        for (key, fan) in population.honest.iter().zip(honest) {
            self.add_forecast(&mut round, *key, Some(fan), settlement, rules);
        }
        // What was public when this round was asked: the means of rounds that had settled by then.
        let public = (self.mean_consensuses.len() >= context.settlement_lag)
            .then(|| self.mean_consensuses.pop_front());
        let public = public.flatten();
        let view = AttackerView {
            public_consensus: public.as_ref().map(Consensus::values),
            ..round.attacker_view
        };
        for (key, kind, hotkey) in &population.attackers {
            let fan = kind.fan(&view, *hotkey);
            self.add_forecast(&mut round, *key, fan.as_ref(), settlement, rules);
        }
        self.mean_consensuses.push_back(
            round
                .deviations
                .consensus(&equal_weight_pool(&population.honest)),
        );
        round
    }

    fn add_forecast(
        &mut self,
        round: &mut SimulatedRound<'_>,
        key: Hotkey,
        fan: Option<&QuantileForecast>,
        settlement: &Settlement,
        rules: &Rules,
    ) {
        let (origin, outcome) = (round.origin, round.outcome);
        if let Some(fan) = fan {
            round
                .deviations
                .insert(key, fan, outcome.volatility, &rules.score);
            if let Some(legacy_scores) = &mut round.legacy_scores {
                let same_fan = round
                    .honest_sender
                    .filter(|_| fan == round.attacker_view.honest);
                legacy_scores.add(key, fan, same_fan, settlement, &self.shuffle);
                if fan == round.attacker_view.honest {
                    round.honest_sender = Some(key);
                }
            }
        }
        // A record begins at the first answer; from then on no answer is a miss.
        if fan.is_some() || self.sums.contains_key(&key) {
            let advantage = round.advantage(fan, rules);
            debug_assert_eq!(advantage.origin, origin);
            round.advantages.insert(key, advantage);
            let sums = self.sums.entry(key);
            sums.or_insert_with(|| EvidenceSums::new(self.window))
                .add(&advantage);
        }
    }
}

/// A pool in which all hotkeys have the same share.
fn equal_weight_pool(keys: &[Hotkey]) -> Vec<Forecaster> {
    let share = 1.0 / keys.len().max(1) as f64;
    let forecaster = |key: &Hotkey| Forecaster {
        share,
        members: BTreeMap::from([(*key, 1.0)]),
    };
    keys.iter().map(forecaster).collect()
}
