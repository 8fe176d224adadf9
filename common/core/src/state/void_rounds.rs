//! The rounds that count for nobody, as few entries as there were causes: a year without a validator is one.

use std::collections::BTreeMap;

use crate::settle::VoidReason;
use crate::time::UnixMillis;

/// Void rounds by origin, a stretch of rounds that nobody opened as one entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VoidRounds {
    by_first: BTreeMap<UnixMillis, (u64, VoidReason)>,
    rounds: u64,
}

impl VoidRounds {
    /// Adds `rounds` rounds, the first at `origin`.
    pub(super) fn insert(&mut self, origin: UnixMillis, rounds: u64, why: VoidReason) {
        if let Some((before, _)) = self.by_first.insert(origin, (rounds, why)) {
            self.rounds -= before;
        }
        self.rounds += rounds;
    }

    /// How many rounds are void.
    pub fn len(&self) -> usize {
        usize::try_from(self.rounds).unwrap_or(usize::MAX)
    }

    /// Whether none is.
    pub const fn is_empty(&self) -> bool {
        self.rounds == 0
    }

    /// The rule by which the rounds of the entry that begins at `origin` are void.
    pub fn reason_from(&self, origin: UnixMillis) -> Option<&VoidReason> {
        self.by_first.get(&origin).map(|(_, why)| why)
    }

    /// The rule of each entry, oldest first.
    pub fn values(&self) -> impl Iterator<Item = &VoidReason> {
        self.by_first.values().map(|(_, why)| why)
    }
}
