//! The state of a miner in a round.

use serde::{Deserialize, Serialize};

use crate::hash::{Commitment, Hash, Signature};
use crate::miss::MissReason;
use crate::time::UnixMillis;

/// The state of a miner in a round.
#[derive(Debug, Clone, PartialEq)]
pub enum MinerState {
    /// The miner is asked and has not answered yet.
    Asked,
    /// A commitment binds the miner to a payload that it has not revealed yet.
    Committed(Receipt),
    /// The miner has a forecast, whose payload is stored under this hash.
    Revealed(Hash),
    /// The miner has no forecast in this round.
    Missed(MissReason),
}

/// What a miner gets for a commitment in time, and checks when it is asked to reveal.
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
