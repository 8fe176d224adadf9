//! Why the real chain can't be read or written.

use foretell_core::hash::Hash;
use thiserror::Error;

use super::connection::NodeError;
use super::runtime::RuntimeError;
use super::timelock::TimelockError;
use crate::chain_error::ChainError;

/// Why the chain can't be read or written.
#[derive(Debug, Error)]
pub enum SubtensorError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its runtime.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// No such subnet.
    #[error("there is no subnet {0} on this chain: check --netuid")]
    NoSubnet(u16),
    /// Nobody to burn to.
    #[error(
        "the hotkey of the owner of subnet {0} has no uid, so that nobody can be given what is to be burned: ask the owner"
    )]
    NoOwner(u16),
    /// A value that has to be there isn't.
    #[error("the chain holds no {0}: is it a subtensor node?")]
    MissingValue(String),
    /// Weights must be committed in a way that we don't know.
    #[error("runtime {0} takes weights in no form that this program knows: upgrade")]
    UnknownWeightsCall(u32),
    /// The ciphertext.
    #[error(transparent)]
    Timelock(#[from] TimelockError),
    /// A node of another chain than the one that is meant.
    #[error("{url} is a node of another chain: its first block is {found}")]
    OtherChain {
        /// The node.
        url: String,
        /// The chain's first block.
        found: Hash,
        /// The one that is meant.
        wanted: Hash,
    },
    /// An extrinsic that is in no block.
    #[error("{0} never reached a block: try again")]
    NotIncluded(String),
}

impl From<SubtensorError> for ChainError {
    fn from(error: SubtensorError) -> Self {
        match error {
            SubtensorError::OtherChain { url, found, wanted } => {
                Self::OtherChain { url, found, wanted }
            }
            other => Self::Node(Box::new(other)),
        }
    }
}
