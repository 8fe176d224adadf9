//! Setting weights: scored by hotkey, mapped to uids only now, signed and stored before they are sent.

use std::collections::BTreeMap;

use foretell_chain::chain::Chain;
use foretell_chain::metagraph::{Block, Metagraph};
use foretell_chain::weights::{SignedWeights, weights_to_u16};
use foretell_core::hotkey::Uid;
use foretell_core::journal::Record;
use foretell_core::time::UnixMillis;

use super::miners::Miners;
use super::{Rounds, RoundsError};
use crate::store::Store;

impl<S: Store, C: Chain, M: Miners> Rounds<S, C, M> {
    /// Sets weights if at least `interval` blocks have passed at `block` since they were last set.
    ///
    /// Weights that were signed before a crash are looked for by their hash, and sent only if the chain does
    /// not know them: never twice.
    pub async fn set_weights(
        &mut self,
        now: UnixMillis,
        block: Block,
        interval: u64,
    ) -> Result<(), RoundsError> {
        self.confirm_weights(now).await?;
        let metagraph = self.chain.metagraph().await?;
        let own = self.key.hotkey();
        let Some(neuron) = metagraph.neuron(own) else {
            return Err(RoundsError::NotRegistered(own));
        };
        if block.since(neuron.last_update) < interval {
            return Ok(());
        }
        let version_key = self.chain.hyperparameters().await?.version_key;
        let (uids, shares) = self.shares_by_uid(&metagraph);
        let Ok(values) = weights_to_u16(&shares) else {
            tracing::warn!("weights are all zero: nothing is set");
            return Ok(());
        };
        let nonce = now.0.unsigned_abs();
        let sign = |text: &[u8]| self.key.sign(text).0;
        let signed =
            SignedWeights::sign(own, uids.clone(), values.clone(), version_key, nonce, sign);
        let record = Record::WeightsSigned {
            uids,
            values,
            extrinsic: serde_json::to_string(&signed)?,
            hash: signed.hash(),
        };
        self.journal(now, vec![record], Vec::new()).await?;
        self.confirm_weights(now).await
    }

    /// Sees signed weights onto the chain, if any are still waiting for it.
    async fn confirm_weights(&mut self, now: UnixMillis) -> Result<(), RoundsError> {
        let Some(waiting) = self.book.unconfirmed() else {
            return Ok(());
        };
        let hash = waiting.hash;
        let block = match self.chain.find(hash).await? {
            Some(block) => block,
            None => {
                let signed: SignedWeights = serde_json::from_str(&waiting.extrinsic)?;
                self.chain.submit(&signed).await?.block
            }
        };
        let record = Record::WeightsIncluded {
            hash,
            block: block.0,
        };
        self.journal(now, vec![record], Vec::new()).await
    }

    /// Shares of the miners that are registered now, and of the owner, whose share is burned; in uid order.
    fn shares_by_uid(&self, metagraph: &Metagraph) -> (Vec<Uid>, Vec<f64>) {
        let weights = self.book.weights();
        let mut shares = BTreeMap::from([(metagraph.owner, weights.burn)]);
        for (miner, share) in &weights.miners {
            // Whoever has left the subnet is not paid; the uid may be somebody else's by now.
            let neuron = metagraph.neuron(*miner);
            let uid = neuron.map_or(metagraph.owner, |neuron| neuron.uid);
            *shares.entry(uid).or_default() += share;
        }
        shares.retain(|_, share| *share > 0.0);
        shares.into_iter().unzip()
    }
}
