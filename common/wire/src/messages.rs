//! What travels between a validator and a miner, as JSON.

use foretell_core::attest::{Commitment, Nonce, Signature};
use foretell_core::round::Receipt;
use foretell_core::series::{RoundId, Series, SeriesId};
use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Route on which a miner is asked for a commitment.
pub const COMMIT_ROUTE: &str = "/v1/commit";

/// Route on which a miner is asked to reveal.
pub const REVEAL_ROUTE: &str = "/v1/reveal";

/// Response header by which an adversary declares how late it answers, in ms or `never`.
///
/// Only a replay reads it: there, wall time means nothing.
pub const DELAY_HEADER: &str = "x-foretell-delay";

/// Asks for a commitment to a forecast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRequest {
    /// The round.
    pub round: RoundId,
    /// Its series, once more.
    pub series: SeriesId,
    /// Step of the grid in seconds.
    pub step_s: u64,
    /// Number of steps H.
    pub horizon: usize,
    /// Until when the answer counts, by the round clock.
    pub deadline_ms: UnixMillis,
    /// The round clock now; in a replay the only time that a miner may know.
    pub round_time_ms: UnixMillis,
}

impl CommitRequest {
    /// The request for the round of `series` at `origin`.
    pub fn new(series: &Series, origin: UnixMillis, deadline: UnixMillis, now: UnixMillis) -> Self {
        Self {
            round: series.round(origin),
            series: series.id.clone(),
            step_s: series.grid.step.0.unsigned_abs() / 1000,
            horizon: series.grid.horizon,
            deadline_ms: deadline,
            round_time_ms: now,
        }
    }
}

/// Binds the miner to a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitAnswer {
    /// See [`foretell_core::attest::commitment`].
    pub commitment: Commitment,
    /// Under [`foretell_core::attest::answer_text`].
    pub signature: Signature,
}

/// Asks for the payload behind a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevealRequest {
    /// The round.
    pub round: RoundId,
    /// The validator's receipt for the commitment.
    pub receipt: Receipt,
}

/// The payload behind a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevealAnswer {
    /// The nonce of the commitment.
    pub nonce: Nonce,
    /// The forecast's JSON as one string, never re-serialised.
    pub payload: String,
    /// Under [`foretell_core::attest::reveal_text`].
    pub signature: Signature,
}
