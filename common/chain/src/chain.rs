//! What Foretell needs of a chain, whichever it is.

use std::net::SocketAddr;

use foretell_core::time::UnixMillis;

use crate::block::Block;
use crate::chain_error::ChainError;
use crate::metagraph::{Hyperparameters, Metagraph};
use crate::signer::Signer;
use crate::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use crate::subnet_identity::SubnetIdentity;

/// One subnet of a chain.
pub trait Chain: Send + Sync {
    /// Which subnet of which chain this is; it never changes.
    fn identity(&self) -> impl Future<Output = Result<SubnetIdentity, ChainError>> + Send;

    /// The newest block.
    fn block(&self) -> impl Future<Output = Result<Block, ChainError>> + Send;

    /// When the newest block was made, by the chain's own clock; `None` of a chain that has none.
    fn time(&self) -> impl Future<Output = Result<Option<UnixMillis>, ChainError>> + Send {
        async { Ok(None) }
    }

    /// The subnet after the newest block.
    fn metagraph(&self) -> impl Future<Output = Result<Metagraph, ChainError>> + Send;

    /// The subnet's parameters after the newest block.
    fn hyperparameters(&self) -> impl Future<Output = Result<Hyperparameters, ChainError>> + Send;

    /// Signs weights for the chain as it is now, and sends nothing: keep what comes of it, then
    /// [submit](Self::submit) it. Weights that the chain would refuse already are refused here. `now` is the round clock.
    fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> impl Future<Output = Result<PreparedWeights, ChainError>> + Send;

    /// Sends what was prepared. Once it is on the chain, sending it again changes nothing.
    fn submit(
        &self,
        prepared: &PreparedWeights,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;

    /// Where what was prepared is now. Look here before sending again what may have been lost.
    fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> impl Future<Output = Result<SubmissionStatus, ChainError>> + Send;

    /// Publishes where the signer's hotkey answers requests.
    fn serve_axon(
        &self,
        signer: &Signer,
        axon: SocketAddr,
    ) -> impl Future<Output = Result<(), ChainError>> + Send;
}
