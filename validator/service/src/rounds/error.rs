//! Why rounds can't go on.

use foretell_chain::block::Block;
use foretell_chain::chain_error::ChainError;
use foretell_core::error_kind::ErrorKind;
use foretell_core::hotkey::Hotkey;
use foretell_core::state::StateError;
use thiserror::Error;

use super::chain_deadline::MAX_STALE_BLOCKS;
use super::miners::AnswerError;
use crate::store::StoreError;

/// Why rounds can't go on.
#[derive(Debug, Error)]
pub enum RoundRunnerError {
    /// The journal can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain's node gives no usable answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain hasn't been read for so long that rounds don't go by what was read last.
    #[error(
        "the subnet was last read at block {block}, more than {MAX_STALE_BLOCKS} blocks ago, too long to go by it: check the \
         network, and the node or another one"
    )]
    OutdatedMetagraph {
        /// The block of the last metagraph.
        block: Block,
        /// Why the chain can't be read.
        source: ChainError,
    },
    /// A record or event does not follow from the state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A miner broke down in a replay, or the validator is to stop.
    #[error(transparent)]
    Miner(#[from] AnswerError),
    /// The journal's first record is another genesis.
    #[error("the journal in this directory is about other rounds")]
    GenesisMismatch,
    /// The extrinsic of signed weights, read back from the journal, is none.
    #[error("the journal's signed weights can't be read back")]
    Extrinsic(#[from] serde_json::Error),
    /// The validator has no uid.
    #[error("validator {0} is not registered on this subnet: register it first")]
    NotRegistered(Hotkey),
    /// A blocking task of ours panicked.
    #[error("a task of the validator panicked")]
    TaskPanicked(#[from] tokio::task::JoinError),
}

impl RoundRunnerError {
    /// Whether it passes by itself.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Chain(error) | Self::OutdatedMetagraph { source: error, .. } => error.kind(),
            Self::State(_)
            | Self::Miner(_)
            | Self::GenesisMismatch
            | Self::Extrinsic(_)
            | Self::NotRegistered(_)
            | Self::TaskPanicked(_) => ErrorKind::Permanent,
        }
    }
}
