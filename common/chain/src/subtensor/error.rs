//! Why the real chain can't be read or written.

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
    #[error("the chain holds no {0}: is it a subtensor node?")]
    MissingValue(String),
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
