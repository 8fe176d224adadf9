//! When committed weights are revealed: at the first block of the epoch that follows the commitment's by the
//! subnet's reveal period, and a few blocks of safety more.
//!
//! Runtimes count epochs in two ways. Until 2026 a subnet's epochs began wherever `(block + netuid + 1) mod (tempo + 1)`
//! was 0; since then they follow one another, `tempo` blocks after the last (`coinbase/run_coinbase.rs`).

use std::time::Duration;

use foretell_core::time::UnixMillis;

use super::timelock;
use crate::block::Block;

/// Blocks between the epoch's first and the drand round: the pulse must have reached the chain (as in the ecosystem's own clients).
const SAFETY_BLOCKS: u64 = 3;

/// How a runtime counts epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochSchedule {
    /// By the block's number, until 2026.
    Modulo {
        /// The subnet's number, which shifts its epochs.
        netuid: u16,
        /// Blocks of an epoch less one.
        tempo: u64,
    },
    /// From the last epoch on, since 2026.
    Sequence {
        /// The block in which the last epoch ran.
        last: Block,
        /// The block for which the owner requested the next epoch, if it isn't due before.
        requested: Option<Block>,
        /// Blocks of an epoch.
        tempo: u64,
    },
}

impl EpochSchedule {
    /// The first block of the epoch that follows that of `block` by `period`.
    pub fn reveal_block(self, block: Block, period: u64) -> Block {
        match self {
            Self::Modulo { netuid, tempo } => {
                let (length, shift) = (tempo.saturating_add(1), u64::from(netuid) + 1);
                let epoch = (block + shift).get() / length;
                let begins = epoch.saturating_add(period).saturating_mul(length);
                Block::new(begins.saturating_sub(shift))
            }
            Self::Sequence {
                last,
                requested,
                tempo,
            } => {
                let due = requested.map_or(last + tempo, |requested| requested.min(last + tempo));
                // An epoch that is overdue begins with the next block.
                let next = due.max(block + 1);
                next + tempo.saturating_mul(period.saturating_sub(1))
            }
        }
    }
}

/// The drand round whose pulse is out when the chain is at `reveal`, seen `now` from `block`.
pub fn reveal_round(now: UnixMillis, block: Block, reveal: Block, block_time: Duration) -> u64 {
    let blocks = (reveal + SAFETY_BLOCKS).since(block);
    let wait = u64::try_from(block_time.as_millis()).unwrap_or(u64::MAX);
    let since_1970 = u64::try_from(now.get()).unwrap_or(0);
    let at = since_1970.saturating_add(blocks.saturating_mul(wait));
    timelock::round_at(at / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_by_the_block_number() {
        // Epochs of subnet 1 with tempo 10 begin where (block + 2) mod 11 = 0: 9, 20, 31.
        let epochs = EpochSchedule::Modulo {
            netuid: 1,
            tempo: 10,
        };
        assert_eq!(epochs.reveal_block(Block::new(9), 1), Block::new(20));
        assert_eq!(epochs.reveal_block(Block::new(19), 1), Block::new(20));
        assert_eq!(epochs.reveal_block(Block::new(20), 1), Block::new(31));
        assert_eq!(epochs.reveal_block(Block::new(20), 3), Block::new(53));
    }

    #[test]
    fn epochs_one_after_another() {
        let epochs = |requested| EpochSchedule::Sequence {
            last: Block::new(100),
            requested,
            tempo: 360,
        };
        assert_eq!(
            epochs(None).reveal_block(Block::new(200), 1),
            Block::new(460)
        );
        assert_eq!(
            epochs(None).reveal_block(Block::new(200), 2),
            Block::new(820)
        );
        let soon = Some(Block::new(210));
        assert_eq!(
            epochs(soon).reveal_block(Block::new(200), 1),
            Block::new(210)
        );
        assert_eq!(
            epochs(None).reveal_block(Block::new(470), 1),
            Block::new(471)
        );
    }

    #[test]
    fn a_round_is_reached_three_blocks_after_the_epoch_begins() {
        // 13 blocks of 12 s after quicknet's genesis are 156 s: round 53 of 3 s each.
        let now = UnixMillis::literal(1_692_803_367_000);
        let block_time = Duration::from_secs(12);
        assert_eq!(
            reveal_round(now, Block::new(5), Block::new(15), block_time),
            53
        );
    }
}
