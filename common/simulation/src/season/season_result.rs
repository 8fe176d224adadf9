//! The pay of a season in one scenario.

use foretell_core::hotkey::Hotkey;

use super::participants::Participants;
use crate::forecasters::HONEST_FORECASTERS;

/// An instant at which all hotkeys are paid.
#[derive(Debug, Clone, Copy)]
pub struct PayoutEvent {
    /// What is paid out, in emissions of one round.
    pub rounds: f64,
    /// Whether weights and eligibility are recorded.
    pub is_report_day: bool,
}

/// Weights at the report days, and all pay of a season, in one scenario.
#[derive(Debug, Clone)]
pub struct SeasonResult {
    /// At each report day, the weight of each forecaster of the population, in its order.
    pub weights: Vec<Vec<f64>>,
    /// At each report day, the weight of all the attacker's hotkeys together.
    pub attacker_weights: Vec<f64>,
    /// At each report day, the share that is burned.
    pub burned: Vec<f64>,
    /// At each report day, whether each forecaster of the population is eligible.
    pub eligible: Vec<Vec<bool>>,
    /// Total pay of each forecaster of the population, in emissions of one round.
    pub paid: Vec<f64>,
    /// Total pay of the attacker, in emissions of one round.
    pub attacker_paid: f64,
    /// Mean advantage of the consensus over the reference; `None` where a policy has no consensus.
    pub consensus_gain: Option<f64>,
    /// From [`MATURE_DAYS`](super::MATURE_DAYS) on: sums of the scores of the consensus, and of each of the population.
    pub mature_scores: Option<(f64, Vec<f64>)>,
}

impl SeasonResult {
    /// The result before the first round.
    pub(super) fn new() -> Self {
        Self {
            weights: Vec::new(),
            attacker_weights: Vec::new(),
            burned: Vec::new(),
            eligible: Vec::new(),
            paid: vec![0.0; HONEST_FORECASTERS.len()],
            attacker_paid: 0.0,
            consensus_gain: None,
            mature_scores: None,
        }
    }

    /// Pays each hotkey its `share` of the emission.
    pub fn pay(
        &mut self,
        participants: &Participants,
        payout: &PayoutEvent,
        share: impl Fn(&Hotkey) -> f64,
        eligible: impl Fn(&Hotkey) -> bool,
    ) {
        let honest: Vec<f64> = participants.honest.iter().map(&share).collect();
        let attacker: f64 = participants.attackers.iter().map(&share).sum();
        for (paid, share) in self.paid.iter_mut().zip(&honest) {
            *paid += payout.rounds * share;
        }
        self.attacker_paid += payout.rounds * attacker;
        if payout.is_report_day {
            self.burned
                .push(1.0 - attacker - honest.iter().sum::<f64>());
            self.eligible
                .push(participants.honest.iter().map(eligible).collect());
            self.weights.push(honest);
            self.attacker_weights.push(attacker);
        }
    }

    /// Adds a round to the comparison of the consensus with the members.
    pub fn add_mature_scores(&mut self, consensus: f64, members: impl Iterator<Item = f64>) {
        let zeros = || (0.0, vec![0.0; HONEST_FORECASTERS.len()]);
        let (sum, sums) = self.mature_scores.get_or_insert_with(zeros);
        *sum += consensus;
        for (sum, member) in sums.iter_mut().zip(members) {
            *sum += member;
        }
    }
}
