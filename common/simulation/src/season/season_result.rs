//! What became of a season in one scenario.

use foretell_core::hotkey::Hotkey;

use super::participants::Participants;
use crate::forecasters::HONEST_FORECASTERS;

/// An instant at which everybody is paid.
#[derive(Debug, Clone, Copy)]
pub struct PayoutEvent {
    /// Rounds' emissions that are paid.
    pub rounds: f64,
    /// Whether it is looked at how things stand.
    pub checkpoint: bool,
}

/// How a season ended in one scenario.
#[derive(Debug, Clone)]
pub struct SeasonResult {
    /// Shares of the emission by forecaster of the population, at the checkpoints.
    pub weights: Vec<Vec<f64>>,
    /// The attacker's, at the checkpoints.
    pub attacker_weights: Vec<f64>,
    /// What burned, at the checkpoints.
    pub burned: Vec<f64>,
    /// Who of the population was eligible, at the checkpoints.
    pub eligible: Vec<Vec<bool>>,
    /// All that was paid to each of the population over the season, in rounds' emissions.
    pub paid: Vec<f64>,
    /// All that was paid to the attacker.
    pub attacker_paid: f64,
    /// Mean gain of the consensus over the reference, where there is one.
    pub consensus_gain: Option<f64>,
    /// Of the season's last part: sums of the scores of the consensus, and of each of the population.
    pub mature_scores: Option<(f64, Vec<f64>)>,
}

impl SeasonResult {
    /// Of a season that has not begun.
    pub fn empty() -> Self {
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

    /// Pays everybody its share.
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
        if payout.checkpoint {
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
        let nobody = || (0.0, vec![0.0; HONEST_FORECASTERS.len()]);
        let (sum, sums) = self.mature_scores.get_or_insert_with(nobody);
        *sum += consensus;
        for (sum, member) in sums.iter_mut().zip(members) {
            *sum += member;
        }
    }
}
