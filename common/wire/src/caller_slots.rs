//! Requests under way by caller: each has slots of its own, and takes none of another's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foretell_core::hotkey::Hotkey;

/// Requests of one caller at once. A validator has one commitment, reveal or outcome under way at a miner.
const MAX_REQUESTS_PER_CALLER: usize = 16;

/// Counts the requests under way of verified callers.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerSlots(Arc<Mutex<BTreeMap<Hotkey, usize>>>);

/// A request under way; it counts until it is dropped.
#[derive(Debug)]
pub(crate) struct CallerSlot {
    slots: CallerSlots,
    caller: Hotkey,
}

impl CallerSlots {
    /// A slot for one more request of `caller`; `None` if it has as many under way as it may.
    pub(crate) fn take(&self, caller: Hotkey) -> Option<CallerSlot> {
        let mut counts = self.lock();
        let count = counts.entry(caller).or_insert(0);
        if *count >= MAX_REQUESTS_PER_CALLER {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(CallerSlot {
            slots: self.clone(),
            caller,
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Hotkey, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CallerSlot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock();
        match counts.get_mut(&self.caller) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;

    use super::*;

    #[test]
    fn a_caller_fills_its_own_slots_only() {
        let slots = CallerSlots::default();
        let taken: Vec<_> = (0..MAX_REQUESTS_PER_CALLER)
            .map(|_| slots.take(hotkey(1)).unwrap())
            .collect();
        assert!(slots.take(hotkey(1)).is_none());
        let other = slots.take(hotkey(2));
        assert!(other.is_some());
        drop(taken);
        assert!(slots.take(hotkey(1)).is_some());
        drop(other);
        assert!(slots.lock().is_empty());
    }
}
