//! A block's number, and the time between two blocks.

use std::fmt;
use std::ops::Add;

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

/// The time between two blocks of every chain that Foretell knows.
pub const BLOCK_TIME: Millis = Millis::seconds(12);

/// A block's number, counted from the chain's first block, 0. A number that would leave the range stays at its end.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Block(u64);

impl Block {
    /// The first block of a chain.
    pub const FIRST: Self = Self(0);
    /// No chain gets this far.
    pub const MAX: Self = Self(u64::MAX);

    /// The block of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The last block at `now` of a chain whose block 0 was made at `genesis`; block 0 for any instant before.
    pub fn at(genesis: UnixMillis, now: UnixMillis) -> Self {
        Self(u64::try_from((now - genesis).whole(BLOCK_TIME)).unwrap_or(0))
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of blocks from `earlier` to this one; 0 if `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The first block after this one whose number is a multiple of `every`, which is no number of blocks if it is 0:
    /// then the next one.
    #[must_use]
    pub fn next_multiple_of(self, every: u64) -> Self {
        let next = self.0.saturating_add(1);
        Self(
            next.checked_next_multiple_of(every.max(1))
                .unwrap_or(u64::MAX),
        )
    }
}

/// The block this many blocks on.
impl Add<u64> for Block {
    type Output = Self;
    fn add(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_block_lasts_twelve_seconds() {
        let genesis = UnixMillis::literal(1_700_000_000_000);
        let at = |elapsed| Block::at(genesis, genesis + elapsed);
        assert_eq!(at(Millis::literal(11_999)), Block::FIRST);
        assert_eq!(at(Millis::seconds(12)), Block::new(1));
        assert_eq!(at(Millis::days(1)), Block::new(7_200));
        assert_eq!(at(Millis::days(-1)), Block::FIRST);
    }

    proptest! {
        #[test]
        fn no_number_of_blocks_panics_and_later_is_never_less(
            a in prop_oneof![any::<u64>(), Just(u64::MAX)], b in prop_oneof![any::<u64>(), Just(u64::MAX), Just(0)],
        ) {
            let (block, later) = (Block::new(a), Block::new(a) + b);
            prop_assert!(later >= block);
            prop_assert_eq!(later.since(block), b.min(u64::MAX - a));
            let multiple = block.next_multiple_of(b);
            prop_assert!(multiple > block || block == Block::MAX);
            prop_assert!(multiple == Block::MAX || multiple.get() % b.max(1) == 0);
        }
    }
}
