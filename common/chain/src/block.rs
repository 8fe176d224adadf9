//! A block's number, and the time between two blocks.

use std::fmt;

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

/// The time between two blocks of every chain that Foretell knows.
pub const BLOCK_TIME: Millis = Millis::seconds(12);

/// A block's number, counted from the chain's first block, 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Block(pub u64);

impl Block {
    /// The last block at `now` of a chain whose block 0 was made at `genesis`; block 0 for any instant before.
    pub fn at(genesis: UnixMillis, now: UnixMillis) -> Self {
        Self(u64::try_from((now - genesis).0 / BLOCK_TIME.0).unwrap_or(0))
    }

    /// The number of blocks from `earlier` to this one; 0 if `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_lasts_twelve_seconds() {
        let genesis = UnixMillis(1_700_000_000_000);
        let at = |elapsed| Block::at(genesis, genesis + elapsed);
        assert_eq!(at(Millis(11_999)), Block(0));
        assert_eq!(at(Millis::seconds(12)), Block(1));
        assert_eq!(at(Millis::days(1)), Block(7_200));
        assert_eq!(at(Millis::days(-1)), Block(0));
    }
}
