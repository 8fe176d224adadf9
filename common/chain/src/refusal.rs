//! Why a chain refuses a call, in words that say what to do about it.

use std::net::SocketAddr;

use foretell_core::error_kind::ErrorKind;
use foretell_core::hotkey::{Hotkey, Uid};
use thiserror::Error;

use crate::block::BLOCK_TIME;

/// Why a chain refused a call. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainRefusal {
    /// The hotkey that signs, or that is meant, has no uid on the subnet.
    #[error("hotkey {0} is not registered on the subnet: register it first")]
    NotRegistered(Hotkey),
    /// Every uid is taken by a neuron that can't be replaced.
    #[error("every uid of the subnet is its owner's: no hotkey can be registered")]
    SubnetFull,
    /// An address or port to which nobody could connect.
    #[error("{0} can't be an axon: give the address and port under which others reach this miner")]
    InvalidAxon(SocketAddr),
    /// The signature is not the hotkey's own over these weights.
    #[error("the weights are not signed by {0}: sign them with the hotkey they name")]
    BadSignature(Hotkey),
    /// There are more uids than values, or fewer.
    #[error("{uids} uids came with {values} values: give one value for each uid")]
    UnequalLengths {
        /// How many uids came.
        uids: usize,
        /// How many values came.
        values: usize,
    },
    /// The weights carry a version key below the subnet's.
    #[error(
        "the weights have version key {found}, the subnet asks for {required} or later: upgrade"
    )]
    OutdatedVersionKey {
        /// The version key of the weights.
        found: u64,
        /// The least version key that the subnet accepts.
        required: u64,
    },
    /// The nonce isn't above the last one: these are old weights again, or a clock was set back.
    #[error(
        "nonce {found} is not above this hotkey's last nonce {last}: sign again with a higher one"
    )]
    StaleNonce {
        /// The nonce of the weights.
        found: u64,
        /// The nonce of the last weights of this hotkey on the chain.
        last: u64,
    },
    /// The hotkey set weights within the subnet's rate limit.
    #[error(
        "this hotkey set weights too recently: submit again in {blocks_left} blocks ({} s)",
        blocks_left.saturating_mul(BLOCK_TIME.get().unsigned_abs() / 1_000)
    )]
    RateLimited {
        /// Blocks until weights are accepted again.
        blocks_left: u64,
    },
    /// The hotkey has no validator permit.
    #[error("uid {} has no validator permit: only the {max_validators} largest stakes have one, so stake more", uid.0)]
    NoPermit {
        /// The uid that set the weights.
        uid: Uid,
        /// The number of permits of the subnet.
        max_validators: u16,
    },
    /// This uid is named twice.
    #[error("uid {} is given two weights: name each uid once", .0.0)]
    DuplicateUid(Uid),
    /// Nobody holds this uid.
    #[error("uid {} is not on the subnet: map hotkeys to uids again and resubmit", .0.0)]
    UnknownUid(Uid),
    /// An error of the real chain's runtime.
    #[error("{name}: {message}")]
    Runtime {
        /// The runtime's name of the error, such as `NeuronNoValidatorPermit`.
        name: String,
        /// What to do about it, or else the runtime's own text.
        message: String,
        /// Whether the same may be taken later.
        kind: ErrorKind,
    },
    /// No weight is above 0.
    #[error("all weights are zero: to pay nobody, put the weight on the subnet owner's uid")]
    AllZero,
}

impl ChainRefusal {
    /// Whether the chain may take the same later.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::RateLimited { .. } => ErrorKind::Transient,
            Self::Runtime { kind, .. } => *kind,
            Self::NotRegistered(_)
            | Self::SubnetFull
            | Self::InvalidAxon(_)
            | Self::BadSignature(_)
            | Self::UnequalLengths { .. }
            | Self::OutdatedVersionKey { .. }
            | Self::StaleNonce { .. }
            | Self::NoPermit { .. }
            | Self::DuplicateUid(_)
            | Self::UnknownUid(_)
            | Self::AllZero => ErrorKind::Permanent,
        }
    }
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
