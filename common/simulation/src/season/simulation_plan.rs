//! What is simulated: how long, which attacks, and by which policies it is paid.

use foretell_core::rules::{EvidenceRules, FitRules, PayRules, Rules};
use foretell_core::time::Millis;

use crate::attack::Attack;

/// Days after which weights and eligibility are recorded.
pub const REPORT_DAYS: [usize; 4] = [5, 10, 20, 30];

/// Days after which the consensus is compared with its members.
pub const MATURE_DAYS: usize = 20;

/// What all seasons have in common.
#[derive(Debug)]
pub struct SimulationPlan {
    /// All rules; a variant replaces those of its policy.
    pub rules: Rules,
    /// Interval between two origins.
    pub round_every: Millis,
    /// Length of a season in days.
    pub days: usize,
    /// Attacks, each in a scenario of its own.
    pub attacks: Vec<Attack>,
    /// Policies, under each of which every attack is played.
    pub variants: Vec<PolicyVariant>,
}

/// A policy under a name of its own.
#[derive(Debug, Clone)]
pub struct PolicyVariant {
    /// The name in the results.
    pub name: String,
    /// The policy and its numbers.
    pub policy: PayPolicy,
}

/// A policy, and the numbers that may vary.
#[derive(Debug, Clone, Copy)]
pub enum PayPolicy {
    /// The live policy, with the rules of eligibility, of the consensus and of pay.
    Evidence(EvidenceRules, FitRules, PayRules),
    /// Policy `taoshi`, paid once a day.
    Taoshi,
    /// Policy `increments`, paid once a day.
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
