//! When a round's windows open and close.

use crate::time::Millis;

/// A round's windows, as spans before or after its origin T.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTiming {
    /// Commitments are requested from T − this on.
    pub commit_opens_before: Millis,
    /// Commitments that arrive after T − this are misses.
    pub commit_closes_before: Millis,
    /// Reveals are requested from T + this on.
    pub reveal_opens_after: Millis,
    /// Reveals that arrive after T + this are misses.
    pub reveal_closes_after: Millis,
    /// The round settles this long after its last target.
    pub settles_after: Millis,
}
