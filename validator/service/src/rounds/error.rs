//! Why rounds can't go on.

use foretell_chain::chain_error::ChainError;
use foretell_core::hotkey::Hotkey;
use foretell_core::state::StateError;
use thiserror::Error;

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
