//! Extrinsics sent and followed to the final block that holds them.

use std::time::Duration;

use foretell_core::hotkey::{Hotkey, Uid};
use subxt::rpcs::rpc_params;
use subxt::utils::H256;

use super::calls::{self, Call};
use super::client::Subtensor;
use super::error::SubtensorError;
use super::extrinsic::{self, ExtrinsicStatus, SignedExtrinsic};
use super::preflight::WeightsContext;
use super::runtime_errors::{self, TransactionPoolError};
use crate::block::Block;
use crate::chain_error::ChainError;
use crate::signer::Signer;
use crate::submission::{PreparedWeights, SubmissionStatus};

/// Time between two looks for an extrinsic that is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
impl Subtensor {
    /// Registers `hotkey` with TAO of the signing coldkey; a registered one keeps its uid and pays nothing.
    pub async fn register(&self, coldkey: &Signer, hotkey: Hotkey) -> Result<Uid, ChainError> {
        if let Some(uid) = self.uid(hotkey).await? {
            return Ok(uid);
        }
        self.submit_and_wait(&calls::burned_register(self.netuid, &hotkey), coldkey)
            .await?;
        let uid = self.uid(hotkey).await?;
        uid.ok_or_else(|| SubtensorError::MissingValue("uid after a registration".into()).into())
    }

    /// Stakes `rao` of the signing coldkey's TAO on `hotkey` in this subnet.
    pub async fn stake(
        &self,
        coldkey: &Signer,
        hotkey: Hotkey,
        rao: u64,
    ) -> Result<(), ChainError> {
        let call = calls::add_stake(self.netuid, &hotkey, rao);
        self.submit_and_wait(&call, coldkey).await.map(drop)
    }

    /// Signs a call, sends it, and waits for the final block that holds it; [`ChainError::Refused`] if the chain refuses
    /// it there.
    pub async fn submit_and_wait(&self, call: &Call, signer: &Signer) -> Result<Block, ChainError> {
        let signed = extrinsic::sign_at(&self.head().await?, call, signer).await?;
        self.send(&signed).await?;
        match self.wait_until_final(&signed).await? {
            SubmissionStatus::Succeeded(block) => Ok(block),
            SubmissionStatus::Failed { refusal, .. } => Err(refusal.into()),
            SubmissionStatus::Pending { .. } | SubmissionStatus::Expired { .. } => {
                Err(SubtensorError::NotIncluded(signed.hash().to_string()).into())
            }
        }
    }

    /// Waits until a final block holds weights that were sent, or none ever will.
    pub async fn wait_for(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        Ok(self.wait_until_final(&signed_extrinsic(prepared)?).await?)
    }

    async fn wait_until_final(
        &self,
        signed: &SignedExtrinsic,
    ) -> Result<SubmissionStatus, SubtensorError> {
        loop {
            match self.status_of(signed).await? {
                SubmissionStatus::Pending { .. } => tokio::time::sleep(POLL_INTERVAL).await,
                final_status => return Ok(final_status),
            }
        }
    }

    pub(super) async fn status_of(
        &self,
        signed: &SignedExtrinsic,
    ) -> Result<SubmissionStatus, SubtensorError> {
        let last = self.finalized_head().await?;
        Ok(match signed.status(&last).await? {
            ExtrinsicStatus::Pending => SubmissionStatus::Pending {
                until: signed.until,
            },
            ExtrinsicStatus::Expired(why) => SubmissionStatus::Expired { why },
            ExtrinsicStatus::InBlock {
                block,
                outcome: Err(refusal),
                ..
            } => SubmissionStatus::Failed { block, refusal },
            ExtrinsicStatus::InBlock { block, hash, .. } => {
                if signed.weights_call.is_some() {
                    self.read_back(signed, block, hash).await?;
                }
                SubmissionStatus::Succeeded(block)
            }
        })
    }

    pub(super) async fn send(&self, signed: &SignedExtrinsic) -> Result<(), ChainError> {
        let parameters = rpc_params![&signed.encoded];
        let sent: Result<serde_json::Value, _> =
            self.request("author_submitExtrinsic", parameters).await;
        let refused = match sent {
            Ok(_) => return Ok(()),
            Err(error) => runtime_errors::from_pool_error(error),
        };
        refused.map_err(|error| match error {
            TransactionPoolError::Refused(refusal) => refusal.into(),
            TransactionPoolError::Node(error) => SubtensorError::from(error).into(),
        })
    }

    /// Logs what the chain holds of weights after the block that took them.
    async fn read_back(
        &self,
        signed: &SignedExtrinsic,
        block: Block,
        hash: H256,
    ) -> Result<(), SubtensorError> {
        let state = self.state_at(hash).await?;
        let context = WeightsContext::read(&state, self.netuid, signed.account).await?;
        let Some(uid) = context.uid else {
            return Ok(());
        };
        let updated = context.last_update;
        match signed.reveal_round {
            Some(round) => tracing::info!(
                %block, %updated, round,
                "weights are committed; they reveal themselves once drand has published the round"
            ),
            None => {
                let weights = self.weights_at(&state, uid).await?.len();
                tracing::info!(%block, %updated, weights, "weights are on chain, and were read back");
            }
        }
        Ok(())
    }
}

/// The extrinsic that was kept as text; an error if it was kept for another kind of chain.
pub(super) fn signed_extrinsic(prepared: &PreparedWeights) -> Result<SignedExtrinsic, ChainError> {
    serde_json::from_str(&prepared.text).map_err(ChainError::OtherFormat)
}
