//! What happens to a round.

use crate::hash::{Commitment, Nonce, Signature};
use crate::hotkey::Hotkey;
use crate::miss::MissReason;
use crate::settle::Settlement;
use crate::time::UnixMillis;

/// Something that happened to a round. Its signatures are verified beforehand.
#[derive(Debug, Clone, PartialEq)]
pub enum RoundEvent<'a> {
    /// A miner answered the request for a commitment.
    Commitment {
        /// The miner that answered.
        miner: Hotkey,
        /// The hash that binds it to its payload.
        commitment: Commitment,
        /// When the commitment arrived, by the round clock.
        arrival: UnixMillis,
        /// The miner's signature under its answer.
        signature: Signature,
        /// The validator's signature under a receipt that is not handed out yet.
        receipt: Signature,
    },
    /// A miner answered the request to reveal.
    Reveal {
        /// The miner that answered.
        miner: Hotkey,
        /// When the payload arrived, by the round clock.
        arrival: UnixMillis,
        /// The nonce that the commitment was made with.
        nonce: Nonce,
        /// The payload, verbatim.
        payload: &'a [u8],
        /// The miner's signature under its payload.
        signature: Signature,
    },
    /// A miner did not answer, or not usably.
    Failed {
        /// The miner without a usable answer.
        miner: Hotkey,
        /// What went wrong.
        miss: MissReason,
    },
    /// The prices of anchor and steps are final.
    Settled(Settlement),
}
