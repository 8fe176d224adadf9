//! Why a chain didn't do what it was asked, whichever chain it is.

use std::time::Duration;

use foretell_core::hash::Hash;
use thiserror::Error;

use crate::ledger_file::LedgerFileError;
use crate::refusal::ChainRefusal;

/// Why a chain didn't do what it was asked.
#[derive(Debug, Error)]
pub enum ChainError {
    /// It may not be done.
    #[error("the chain refused: {0}")]
    Refused(#[from] ChainRefusal),
    /// The local ledger's file could not be kept.
    #[error(transparent)]
    File(#[from] LedgerFileError),
    /// What was prepared was prepared for another kind of chain.
    #[error("these weights were signed for another kind of chain: begin another data directory")]
    OtherFormat(#[source] serde_json::Error),
    /// A node of another chain.
    #[error(
        "{url} is a node of another chain, whose first block is {found} and not {wanted}: name the network that this data \
         directory was begun on, or configure another `data` directory"
    )]
    OtherChain {
        /// The node.
        url: String,
        /// Its chain's first block.
        found: Hash,
        /// That of the chain that is meant.
        wanted: Hash,
    },
    /// A node's answers took too long, all together.
    #[error("the node's answers took longer than {} s in all: it is asked again", .0.as_secs_f32())]
    TimedOut(Duration),
    /// A node can't be asked, or its answer can't be used.
    #[error(transparent)]
    Node(#[from] Box<dyn std::error::Error + Send + Sync>),
}
