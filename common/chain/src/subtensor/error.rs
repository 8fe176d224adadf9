//! Why the real chain can't be read or written.

use foretell_core::error_kind::ErrorKind;
use foretell_core::hash::Hash;
use thiserror::Error;

use super::connection::NodeError;
use super::runtime::RuntimeError;
use super::timelock::TimelockError;
use crate::chain_error::ChainError;

/// Why a subnet of the real chain can't be read or written.
#[derive(Debug, Error)]
pub enum SubtensorError {
    /// The node can't be reached, or refuses a request.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The node's runtime isn't one that this program knows.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The chain has no subnet of this number.
    #[error("there is no subnet {0} on this chain: check --netuid")]
    NoSubnet(u16),
    /// The owner's hotkey has no uid, so that there is none to burn to.
    #[error(
        "the hotkey of the owner of subnet {0} has no uid, so that nobody can be given what is to be burned: ask the owner"
    )]
    NoOwner(u16),
    /// The chain's storage lacks a value that every runtime has; holds its name.
    #[error(
        "the chain holds no {0}: name a subtensor node, or upgrade this program if the chain's runtime has a new form"
    )]
    MissingValue(String),
    /// The subnet has more neurons than any has.
    #[error(
        "subnet {netuid} claims {count} neurons, at most {MAX_NEURONS} are read: is it a subtensor node?"
    )]
    TooManyNeurons {
        /// The subnet's number.
        netuid: u16,
        /// How many neurons the node claims.
        count: u16,
    },
    /// A stored value is longer than any such value is.
    #[error(
        "the chain's {entry} has {bytes} bytes, at most {MAX_VALUE_BYTES} are read: is it a subtensor node?"
    )]
    ValueTooLong {
        /// Name of the storage entry.
        entry: &'static str,
        /// Its length as the node gives it.
        bytes: usize,
    },
    /// The runtime of this version takes weights by calls that this program doesn't know.
    #[error("runtime {0} takes weights in no form that this program knows: upgrade")]
    UnknownWeightsCall(u32),
    /// Weights can't be encrypted to a drand round.
    #[error(transparent)]
    Timelock(#[from] TimelockError),
    /// The node belongs to another chain than the one that is meant.
    #[error("{url} is a node of another chain: its first block is {found}")]
    OtherChain {
        /// The node's WebSocket URL.
        url: String,
        /// Hash of the first block of its chain.
        found: Hash,
        /// Hash of the first block of the chain that is meant.
        wanted: Hash,
    },
    /// The extrinsic of this hash is in no block, and never will be.
    #[error("{0} never reached a block: try again")]
    NotIncluded(String),
}

/// Neurons of one subnet: the chain's own limit is 256 on nearly all.
pub(super) const MAX_NEURONS: u16 = 4_096;
/// Bytes of one stored value: the longest that is read are the events of a block.
pub(super) const MAX_VALUE_BYTES: usize = 2 << 20;

impl SubtensorError {
    /// Whether it passes by itself.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Node(error) => error.kind(),
            // It is in no block: signed anew it may be.
            Self::NotIncluded(_) => ErrorKind::Transient,
            Self::Runtime(_)
            | Self::NoSubnet(_)
            | Self::NoOwner(_)
            | Self::MissingValue(_)
            | Self::TooManyNeurons { .. }
            | Self::ValueTooLong { .. }
            | Self::UnknownWeightsCall(_)
            | Self::Timelock(_)
            | Self::OtherChain { .. } => ErrorKind::Permanent,
        }
    }
}

impl From<SubtensorError> for ChainError {
    fn from(error: SubtensorError) -> Self {
        match error {
            SubtensorError::OtherChain { url, found, wanted } => {
                Self::OtherChain { url, found, wanted }
            }
            other => match other.kind() {
                ErrorKind::Transient => Self::Unavailable(Box::new(other)),
                ErrorKind::Permanent => Self::Unusable(Box::new(other)),
            },
        }
    }
}
