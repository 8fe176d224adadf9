//! Setting weights: scored by hotkey, mapped to uids only now, signed and stored before they are sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use foretell_chain::block::Block;
use foretell_chain::chain::Chain;
use foretell_chain::metagraph::Metagraph;
use foretell_chain::refusal::ChainRefusal;
use foretell_chain::signer::Signer;
use foretell_chain::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use foretell_chain::weights::weights_to_u16;
use foretell_core::hotkey::Uid;
use foretell_core::journal::Record;
use foretell_core::time::UnixMillis;

use super::error::RoundRunnerError;
use super::miners::Miners;
use super::runner::RoundRunner;
use crate::store::JournalStore;

/// After weights that the chain included in a block and refused there, nothing is sent for so many blocks.
const RETRY_AFTER_BLOCKS: u64 = 10;

/// Where the setting of weights stands, and until which block it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightsStatus {
    /// Set, and not due again before this block.
    DueAt(Block),
    /// Sent, and not seen on the chain yet.
    Sent {
        /// Sent again until this block; signed anew after it.
        until: Block,
    },
    /// Refused in a block.
    Refused {
        /// The error that the chain dispatched the extrinsic with.
        refusal: ChainRefusal,
        /// The block from which they are tried again.
        again: Block,
    },
    /// No weight is positive, so there is no extrinsic to sign.
    NothingToSet,
}

impl<S: JournalStore, C: Chain, M: Miners> RoundRunner<S, C, M> {
    /// Sets weights if at least `interval` blocks have passed at `block` since they were last set.
    ///
    /// Weights that were signed before are looked for first, and sent again only while the chain may still include them;
    /// others are signed only once it can't any more. So no weights are set twice.
    ///
    /// # Errors
    /// The chain gives no answer, the validator has no uid, or the journal can't be written.
    pub async fn set_weights(
        &mut self,
        now: UnixMillis,
        block: Block,
        interval: u64,
    ) -> Result<WeightsStatus, RoundRunnerError> {
        if let Some(status) = self.confirm_signed_weights(now, block).await? {
            return Ok(status);
        }
        let metagraph = self.chain_deadline.wait(self.chain.metagraph()).await?;
        let own = self.key.hotkey();
        let Some(neuron) = metagraph.neuron(own) else {
            return Err(RoundRunnerError::NotRegistered(own));
        };
        let due = neuron.last_update + interval;
        if block < due {
            return Ok(WeightsStatus::DueAt(due));
        }
        let (uids, shares) = self.shares_by_uid(&metagraph);
        let Ok(values) = weights_to_u16(&shares) else {
            return Ok(WeightsStatus::NothingToSet);
        };
        let weights = UidWeights { uids, values };
        let signer = self.signer();
        let preparing = self.chain.prepare(&weights, &signer, now);
        let prepared = self.chain_deadline.wait(preparing).await?;
        let UidWeights { uids, values } = weights;
        let record = Record::WeightsSigned {
            uids,
            values,
            extrinsic: prepared.text,
            hash: prepared.hash,
        };
        self.append_records(now, vec![record], Vec::new()).await?;
        let status = self.confirm_signed_weights(now, block).await?;
        let due = block + interval;
        Ok(status.unwrap_or(WeightsStatus::DueAt(due)))
    }

    /// Submits the signed weights that the journal holds unconfirmed, and journals their inclusion; `None` if there is nothing
    /// to wait for.
    async fn confirm_signed_weights(
        &mut self,
        now: UnixMillis,
        block: Block,
    ) -> Result<Option<WeightsStatus>, RoundRunnerError> {
        let Some(unconfirmed) = self.state.unconfirmed_weights() else {
            return Ok(None);
        };
        let prepared = PreparedWeights {
            text: unconfirmed.extrinsic.clone(),
            hash: unconfirmed.hash,
        };
        let (chain, chain_deadline) = (Arc::clone(&self.chain), self.chain_deadline);
        let mut status = chain_deadline
            .wait(chain.submission_status(&prepared))
            .await?;
        if let SubmissionStatus::Pending { .. } = status {
            chain_deadline.wait(chain.submit(&prepared)).await?;
            status = chain_deadline
                .wait(chain.submission_status(&prepared))
                .await?;
        }
        match status {
            SubmissionStatus::Succeeded(block) => {
                let record = Record::WeightsIncluded {
                    hash: prepared.hash,
                    block: block.get(),
                };
                self.append_records(now, vec![record], Vec::new()).await?;
                Ok(None)
            }
            SubmissionStatus::Pending { until } => Ok(Some(WeightsStatus::Sent { until })),
            SubmissionStatus::Expired { why } => {
                // This is found at every call until others are signed, which may be long: it is logged once.
                if self.expired_weights.replace(prepared.hash) != Some(prepared.hash) {
                    tracing::warn!(hash = %prepared.hash, "signed weights never reached the chain ({why}): others are signed");
                }
                Ok(None)
            }
            SubmissionStatus::Failed { block: at, refusal } => {
                let again = at + RETRY_AFTER_BLOCKS;
                Ok((block < again).then_some(WeightsStatus::Refused { refusal, again }))
            }
        }
    }

    fn signer(&self) -> Signer {
        let key = self.key.clone();
        Signer::new(key.hotkey(), move |bytes| key.sign(bytes).0)
    }

    /// Shares of the miners that are registered now, and of the owner, whose share is burned; in uid order.
    fn shares_by_uid(&self, metagraph: &Metagraph) -> (Vec<Uid>, Vec<f64>) {
        let weights = self.state.weights();
        let mut shares = BTreeMap::from([(metagraph.owner, weights.burn)]);
        for (miner, share) in &weights.miners {
            // A miner that has left the subnet is not paid: its uid may be another neuron's by now.
            let neuron = metagraph.neuron(*miner);
            let uid = neuron.map_or(metagraph.owner, |neuron| neuron.uid);
            *shares.entry(uid).or_default() += share;
        }
        shares.retain(|_, share| *share > 0.0);
        shares.into_iter().unzip()
    }
}

impl WeightsStatus {
    /// Whether it may change with every block.
    pub const fn is_urgent(&self) -> bool {
        matches!(self, Self::Sent { .. } | Self::Refused { .. })
    }
}

impl fmt::Display for WeightsStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DueAt(due) => write!(f, "due again at block {due}"),
            Self::Sent { until } => write!(
                f,
                "sent and not seen on the chain yet: sent again until block {until}, then signed anew"
            ),
            Self::Refused { refusal, again } => {
                write!(f, "refused ({refusal}): tried again at block {again}")
            }
            Self::NothingToSet => f.write_str("no weight is positive: nothing is set"),
        }
    }
}
