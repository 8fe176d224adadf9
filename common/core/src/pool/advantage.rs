//! How much better than the reference a miner was.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// The reference's score minus the miner's in one round; positive is better than the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Advantage {
    /// The round's origin.
    pub origin: UnixMillis,
    /// S_ref − S, or the rules' constant for a miss.
    pub value: f64,
}
