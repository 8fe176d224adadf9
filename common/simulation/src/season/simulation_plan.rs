//! What is simulated: how long, which attacks, and by which policies it is paid.

use foretell_core::rules::{EvidenceRules, FitRules, PayRules, Rules};
use foretell_core::time::Millis;

use crate::attack::Attack;

/// Days after which shares are looked at.
pub const CHECKPOINTS: [usize; 4] = [5, 10, 20, 30];

/// Days after which the consensus is held against its best member.
pub const MATURE_DAYS: usize = 20;

/// What all seasons have in common.
#[derive(Debug)]
pub struct SimulationPlan {
    /// Rules of everything but what the variants vary.
    pub rules: Rules,
    /// Interval between rounds.
    pub round_every: Millis,
    /// Length of a season.
    pub days: usize,
    /// What is tried.
    pub attacks: Vec<Attack>,
    /// How it is paid, side by side.
    pub variants: Vec<PolicyVariant>,
}

/// A way to pay, under a name.
#[derive(Debug, Clone)]
pub struct PolicyVariant {
    /// Its name.
    pub name: String,
    /// How it pays.
    pub policy: PayPolicy,
}

/// A policy, and the numbers that may vary.
#[derive(Debug, Clone, Copy)]
pub enum PayPolicy {
    /// The live one: who is eligible, how the consensus is made, and how much is paid.
    Evidence(EvidenceRules, FitRules, PayRules),
    /// The first generation's, paid once a day.
    Taoshi,
    /// CRPS of increments, paid once a day.
    Increments,
}

impl PolicyVariant {
    pub(super) fn rules(&self, rules: &Rules) -> Rules {
        match self.policy {
            PayPolicy::Evidence(evidence, fit, pay) => Rules {
                evidence,
                fit,
                pay,
                ..*rules
            },
            PayPolicy::Taoshi | PayPolicy::Increments => *rules,
        }
    }
}
