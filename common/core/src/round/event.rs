//! What happens to a round.

use crate::hash::{Commitment, Nonce, Signature};
use crate::hotkey::Hotkey;
use crate::miss::MissReason;
use crate::settle::Settlement;
use crate::time::UnixMillis;

/// What the world tells a round. Signatures have been verified before.
#[derive(Debug, Clone, PartialEq)]
pub enum RoundEvent<'a> {
    /// A miner answered the request.
    Commitment {
        /// Who.
        miner: Hotkey,
        /// With what.
        commitment: Commitment,
        /// When, by the round clock.
        arrival: UnixMillis,
        /// The miner's signature.
        signature: Signature,
        /// The validator's signature for a receipt, not yet handed out.
        receipt: Signature,
    },
    /// A miner revealed.
    Reveal {
        /// Who.
        miner: Hotkey,
        /// When, by the round clock.
        arrival: UnixMillis,
        /// The nonce of its commitment.
        nonce: Nonce,
        /// The payload's bytes.
        payload: &'a [u8],
        /// The miner's signature.
        signature: Signature,
    },
    /// A miner did not answer, or not usably.
    Failed {
        /// Who.
        miner: Hotkey,
        /// How.
        miss: MissReason,
    },
    /// The round's prices are final.
    Settled(Settlement),
}
