//! Which neuron has to leave for a newcomer when all uids are taken.
//!
//! The one with the lowest emission: those past their immunity first, then the oldest, then the lowest uid. The owner
//! stays. Source: `subnets/registration.rs` of subtensor's pallet; its newest runtimes keep a floor of neurons that are
//! not immune.

use std::cmp::Reverse;

use foretell_core::hotkey::Uid;

use crate::block::Block;

/// A neuron that may lose its uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneCandidate {
    /// The uid that would be free.
    pub uid: Uid,
    /// Rao that the last epoch paid it.
    pub emission: u64,
    /// The block of its registration, from which its immunity counts.
    pub registered: Block,
}

/// The uid that is freed at `block`; `None` without candidates. A neuron is immune for `immunity_period` blocks.
pub fn pruned_uid(
    candidates: impl IntoIterator<Item = PruneCandidate>,
    block: Block,
    immunity_period: u64,
) -> Option<Uid> {
    candidates
        .into_iter()
        .min_by_key(|candidate| {
            let prunable = block.since(candidate.registered) >= immunity_period;
            (
                Reverse(prunable),
                candidate.emission,
                candidate.registered,
                candidate.uid,
            )
        })
        .map(|candidate| candidate.uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_paid_leaves_unless_it_is_new() {
        let neuron = |uid, emission, registered| PruneCandidate {
            uid: Uid(uid),
            emission,
            registered: Block::new(registered),
        };
        let at = |block, candidates: &[PruneCandidate]| {
            pruned_uid(candidates.to_vec(), Block::new(block), 100)
        };
        let (old, rich, new) = (neuron(1, 5, 0), neuron(2, 9, 0), neuron(3, 0, 150));
        assert_eq!(at(200, &[old, rich, new]), Some(Uid(1)));
        assert_eq!(at(250, &[old, rich, new]), Some(Uid(3)));
        // Nobody past immunity: the least paid of the new, the oldest of those, the lowest uid of those.
        assert_eq!(
            at(160, &[neuron(4, 1, 140), neuron(5, 1, 130), new]),
            Some(Uid(3))
        );
        assert_eq!(
            at(160, &[neuron(5, 1, 130), neuron(4, 1, 130)]),
            Some(Uid(4))
        );
        assert_eq!(
            at(160, &[neuron(4, 1, 140), neuron(5, 1, 130)]),
            Some(Uid(5))
        );
        assert_eq!(at(160, &[]), None);
    }
}
