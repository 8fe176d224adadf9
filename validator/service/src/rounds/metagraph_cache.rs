//! The subnet's metagraph for rounds, which don't wait for a node that is down.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use foretell_chain::block::{BLOCK_TIME, Block};
use foretell_chain::chain::Chain;
use foretell_chain::metagraph::Metagraph;
use foretell_core::error_kind::ErrorKind;
use foretell_core::hotkey::Hotkey;
use foretell_core::time::{Millis, UnixMillis};

use super::chain_deadline::{ChainDeadline, MAX_STALE_BLOCKS};
use super::error::RoundRunnerError;

/// The same as time.
const MAX_STALE_TIME: Millis = BLOCK_TIME.times(MAX_STALE_BLOCKS);

/// The metagraph when the chain could last be asked.
#[derive(Debug, Default)]
pub(super) struct MetagraphCache {
    /// The metagraph, and when it was read by the round clock.
    last: Option<(Metagraph, UnixMillis)>,
    stale: Option<StaleMetagraph>,
}

/// What rounds go by while the chain can't be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleMetagraph {
    /// The block of the metagraph that rounds go by.
    pub block: Block,
    /// Rounds go by it no longer than this.
    pub until: UnixMillis,
    /// Why it isn't read anew.
    pub why: String,
}

impl MetagraphCache {
    /// The metagraph at `now`; where the node can't be asked for a while, as it was at most [`MAX_STALE_BLOCKS`] ago.
    ///
    /// # Errors
    /// [`RoundRunnerError::Chain`]: the chain never answered, or answers in a way that will stay so.
    /// [`RoundRunnerError::OutdatedMetagraph`]: it hasn't answered for too long.
    pub(super) async fn fetch(
        &mut self,
        chain: &impl Chain,
        deadline: ChainDeadline,
        now: UnixMillis,
    ) -> Result<Metagraph, RoundRunnerError> {
        self.stale = None;
        let error = match deadline.wait(chain.metagraph()).await {
            Ok(metagraph) => {
                self.last = Some((metagraph.clone(), now));
                return Ok(metagraph);
            }
            Err(error) => error,
        };
        if error.kind() == ErrorKind::Permanent {
            // Whatever the chain has become, what was read before isn't it.
            self.last = None;
        }
        let Some((last, read_at)) = &self.last else {
            return Err(error.into());
        };
        let block = last.block;
        let until = *read_at + MAX_STALE_TIME;
        if now > until {
            let source = error;
            return Err(RoundRunnerError::OutdatedMetagraph { block, source });
        }
        let why = error.to_string();
        self.stale = Some(StaleMetagraph { block, until, why });
        Ok(last.clone())
    }

    /// What rounds go by since the chain could last not be asked; `None` if it could.
    pub(super) const fn stale(&self) -> Option<&StaleMetagraph> {
        self.stale.as_ref()
    }
}

/// Where each neuron that serves listens.
pub(super) fn axons_by_hotkey(metagraph: &Metagraph) -> BTreeMap<Hotkey, SocketAddr> {
    let neurons = metagraph.neurons.iter();
    neurons
        .filter_map(|neuron| Some((neuron.hotkey, neuron.axon?)))
        .collect()
}
