//! What Foretell asks of a chain, whichever it is.

use std::net::SocketAddr;

use foretell_core::attest::Hash;
use foretell_core::hotkey::{Hotkey, Uid};
use thiserror::Error;

use crate::ledger::Inclusion;
use crate::local::FileError;
use crate::metagraph::{Block, Hyperparameters, Metagraph};
use crate::refusal::Refusal;
use crate::weights::SignedWeights;

/// One subnet of a chain.
pub trait Chain: Send + Sync {
    /// The current block.
    fn block(&self) -> impl Future<Output = Result<Block, ChainError>> + Send;

    /// The subnet at the current block.
    fn metagraph(&self) -> impl Future<Output = Result<Metagraph, ChainError>> + Send;

    /// The subnet's parameters.
    fn hyperparameters(&self) -> impl Future<Output = Result<Hyperparameters, ChainError>> + Send;

    /// Sets weights; where and under which name they were included. Submitting the same weights again changes
    /// nothing and gives the same answer.
    fn submit(
        &self,
        weights: &SignedWeights,
    ) -> impl Future<Output = Result<Inclusion, ChainError>> + Send;

    /// The block of a recent submission, or `None` if the chain doesn't know it. Ask this before submitting again
    /// what may have been lost.
    fn find(&self, hash: Hash) -> impl Future<Output = Result<Option<Block>, ChainError>> + Send;

    /// Publishes where the hotkey answers requests.
    fn serve_axon(
        &self,
        hotkey: Hotkey,
        axon: SocketAddr,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;

    /// Gives the hotkey a uid; the one that it has, if it is registered.
    fn register(
        &self,
        hotkey: Hotkey,
        coldkey: Hotkey,
    ) -> impl Future<Output = Result<Uid, ChainError>> + Send;
}

/// Why a chain didn't do what it was asked.
#[derive(Debug, Error)]
pub enum ChainError {
    /// It may not be done.
    #[error("the chain refused: {0}")]
    Refused(#[from] Refusal),
    /// The local ledger's file could not be kept.
    #[error(transparent)]
    File(#[from] FileError),
}
