//! Where a miner stands in a round.

use serde::{Deserialize, Serialize};

use crate::hash::{Commitment, Hash, Signature};
use crate::miss::MissReason;
use crate::time::UnixMillis;

/// Where a miner stands in a round.
#[derive(Debug, Clone, PartialEq)]
pub enum MinerState {
    /// No answer yet.
    Asked,
    /// Bound to a payload.
    Committed(Receipt),
    /// The payload is stored under this hash.
    Revealed(Hash),
    /// No forecast in this round.
    Missed(MissReason),
}

/// What a miner gets for a commitment in time, and has to show to reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The commitment.
    pub commitment: Commitment,
    /// When it arrived, by the round clock.
    #[serde(rename = "arrival_ms")]
    pub arrival: UnixMillis,
    /// The validator's signature.
    pub signature: Signature,
}
