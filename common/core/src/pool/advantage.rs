//! How much better than the reference a miner was in one round.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// The reference's score minus the miner's in one round; positive is better than the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Advantage {
    /// Origin T of the round.
    pub origin: UnixMillis,
    /// S_ref − S, in units of the scaled CRPS; the rules' constant for a miss.
    pub value: f64,
}
