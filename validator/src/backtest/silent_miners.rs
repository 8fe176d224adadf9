//! Miners without a single valid forecast: they have missed every round since their first.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_evaluation::policy::PolicyName;

use super::policy_run::PolicyRun;

/// Miners whose forecasts have all been invalid so far. Policies don't know them.
#[derive(Debug, Default)]
pub struct SilentMiners {
    /// What was counted before the first forecast of each.
    before: BTreeMap<Hotkey, CountsBefore>,
    /// Rounds that were scored by the rules of `evidence`.
    scored: usize,
}

/// Numbers of scored rounds at one point of the history.
#[derive(Debug)]
struct CountsBefore {
    scored: usize,
    by_policy: BTreeMap<PolicyName, usize>,
}

impl SilentMiners {
    /// Notes that a miner has sent an invalid forecast, in a round that isn't counted yet.
    pub fn add(&mut self, key: Hotkey, policy_runs: &[PolicyRun]) {
        let scored = self.scored;
        self.before.entry(key).or_insert_with(|| CountsBefore {
            scored,
            by_policy: policy_runs
                .iter()
                .map(|run| (run.name(), run.rounds().scored))
                .collect(),
        });
    }

    /// Notes that a miner has sent a valid one: from now on policies know it.
    pub fn remove(&mut self, key: &Hotkey) {
        self.before.remove(key);
    }

    /// Counts a round that was scored by the rules of `evidence`.
    pub const fn add_scored_round(&mut self) {
        self.scored += 1;
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = &Hotkey> {
        self.before.keys()
    }

    /// The rounds that a policy has scored since the first forecast of this miner; `None` if it isn't one of them.
    pub fn missed(&self, key: &Hotkey, policy_run: &PolicyRun) -> Option<usize> {
        let before = self.before.get(key)?;
        // This policy counts a round when its last step is over.
        if policy_run.name() == PolicyName::Evidence {
            return Some(self.scored - before.scored);
        }
        let then = before.by_policy.get(&policy_run.name()).copied();
        Some(policy_run.rounds().scored - then.unwrap_or_default())
    }
}
