//! The subnet's metagraph for rounds, which don't wait for a node that is down.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use foretell_chain::chain::Chain;
use foretell_chain::chain_error::ChainError;
use foretell_chain::metagraph::Metagraph;
use foretell_core::hotkey::Hotkey;

use super::chain_deadline::ChainDeadline;

/// The metagraph when the chain could last be asked.
#[derive(Debug, Default)]
pub(super) struct MetagraphCache {
    last: Option<Metagraph>,
}

impl MetagraphCache {
    /// The metagraph now; where the node can't be asked, as it was when it last could.
    ///
    /// # Errors
    /// The node can't be asked and never could, or what it answered is wrong.
    pub(super) async fn fetch(
        &mut self,
        chain: &impl Chain,
        deadline: ChainDeadline,
    ) -> Result<Metagraph, ChainError> {
        match (deadline.wait(chain.metagraph()).await, &self.last) {
            (Ok(now), _) => {
                self.last = Some(now.clone());
                Ok(now)
            }
            (Err(error @ (ChainError::Node(_) | ChainError::TimedOut(_))), Some(last)) => {
                let block = last.block;
                tracing::warn!(%block, "{error}; the round goes by the subnet as it was at this block");
                Ok(last.clone())
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// Where each neuron that serves listens.
pub(super) fn axons_by_hotkey(metagraph: &Metagraph) -> BTreeMap<Hotkey, SocketAddr> {
    let neurons = metagraph.neurons.iter();
    neurons
        .filter_map(|neuron| Some((neuron.hotkey, neuron.axon?)))
        .collect()
}
