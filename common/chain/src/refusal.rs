//! Why the chain takes no part in something, in words that say what to do about it.

use std::net::SocketAddr;

use foretell_core::hotkey::{Hotkey, Uid};
use thiserror::Error;

use crate::block::BLOCK_TIME;

/// What the chain refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainRefusal {
    /// The hotkey has no uid.
    #[error("hotkey {0} is not registered on the subnet: register it first")]
    NotRegistered(Hotkey),
    /// Every uid is taken by somebody who can't be replaced.
    #[error("every uid of the subnet is its owner's: no hotkey can be registered")]
    SubnetFull,
    /// Nobody could connect to the address.
    #[error("{0} can't be an axon: give the address and port under which others reach this miner")]
    InvalidAxon(SocketAddr),
    /// The signature is not the hotkey's own over these weights.
    #[error("the weights are not signed by {0}: sign them with the hotkey they name")]
    BadSignature(Hotkey),
    /// Uids and values don't pair up.
    #[error("{uids} uids came with {values} values: give one value for each uid")]
    UnequalLengths {
        /// Number of uids.
        uids: usize,
        /// Number of values.
        values: usize,
    },
    /// Made by a program that the subnet no longer accepts.
    #[error(
        "the weights have version key {found}, the subnet asks for {required} or later: upgrade"
    )]
    OutdatedVersionKey {
        /// The key of the weights.
        found: u64,
        /// The least key accepted.
        required: u64,
    },
    /// A nonce that isn't above the last one: a repetition of old weights, or a clock set back.
    #[error(
        "nonce {found} is not above this hotkey's last nonce {last}: sign again with a higher one"
    )]
    StaleNonce {
        /// The nonce of the weights.
        found: u64,
        /// The last nonce included.
        last: u64,
    },
    /// The rate limit.
    #[error(
        "this hotkey set weights too recently: submit again in {blocks_left} blocks ({} s)",
        blocks_left.saturating_mul(BLOCK_TIME.0.unsigned_abs() / 1_000)
    )]
    RateLimited {
        /// Blocks until weights are accepted again.
        blocks_left: u64,
    },
    /// Stake too small to validate.
    #[error("uid {} has no validator permit: only the {max_validators} largest stakes have one, so stake more", uid.0)]
    NoPermit {
        /// Who submitted.
        uid: Uid,
        /// How many permits there are.
        max_validators: u16,
    },
    /// One uid with two weights.
    #[error("uid {} is given two weights: name each uid once", .0.0)]
    DuplicateUid(Uid),
    /// A uid that nobody holds.
    #[error("uid {} is not on the subnet: map hotkeys to uids again and resubmit", .0.0)]
    UnknownUid(Uid),
    /// What the real chain says, by the name of its error.
    #[error("{name}: {message}")]
    Runtime {
        /// The chain's name for it.
        name: String,
        /// What to do.
        message: String,
    },
    /// Nothing to pay by.
    #[error("all weights are zero: to pay nobody, put the weight on the subnet owner's uid")]
    AllZero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        assert_eq!(
            ChainRefusal::RateLimited { blocks_left: 5 }.to_string(),
            "this hotkey set weights too recently: submit again in 5 blocks (60 s)"
        );
        assert_eq!(
            ChainRefusal::UnknownUid(Uid(7)).to_string(),
            "uid 7 is not on the subnet: map hotkeys to uids again and resubmit"
        );
        assert_eq!(
            ChainRefusal::SubnetFull.to_string(),
            "every uid of the subnet is its owner's: no hotkey can be registered"
        );
    }
}
