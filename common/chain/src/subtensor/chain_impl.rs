//! The subnet as a [`Chain`].

use std::net::SocketAddr;

use foretell_core::time::UnixMillis;

use super::calls::{self, Call, WeightsCall};
use super::client::Subtensor;
use super::error::SubtensorError;
use super::preflight::WeightsContext;
use super::runtime::StorageKey;
use super::state::{BlockState, account, number};
use super::subnet::{self, AxonInfo};
use super::transactions::signed_extrinsic;
use super::{epoch, extrinsic, timelock};
use crate::block::Block;
use crate::chain::Chain;
use crate::chain_error::ChainError;
use crate::metagraph::{Hyperparameters, Metagraph};
use crate::refusal::ChainRefusal;
use crate::signer::Signer;
use crate::submission::{PreparedWeights, SubmissionStatus, UidWeights};
use crate::subnet_identity::SubnetIdentity;

/// The version that is published with an axon.
const AXON_VERSION: u32 = 1;

impl Chain for Subtensor {
    async fn identity(&self) -> Result<SubnetIdentity, ChainError> {
        let netuid = self.netuid;
        // Reading any block checks that it is of the chain that is meant.
        self.head().await?;
        let genesis = self.genesis_hash().await.map_err(SubtensorError::from)?;
        Ok(SubnetIdentity::Subtensor { genesis, netuid })
    }

    async fn block(&self) -> Result<Block, ChainError> {
        Ok(self.head().await?.block)
    }

    async fn time(&self) -> Result<Option<UnixMillis>, ChainError> {
        let now = StorageKey::in_pallet("Timestamp", "Now", []);
        let millis: Option<u64> = self.head().await?.read(vec![now]).await?.next_optional()?;
        // Nothing is stored before the first block: the default is 1970.
        let millis = millis.filter(|millis| *millis > 0);
        Ok(millis.and_then(|millis| Some(UnixMillis::saturating(i64::try_from(millis).ok()?))))
    }

    async fn metagraph(&self) -> Result<Metagraph, ChainError> {
        Ok(subnet::metagraph(&self.head().await?, self.netuid).await?)
    }

    async fn hyperparameters(&self) -> Result<Hyperparameters, ChainError> {
        Ok(subnet::hyperparameters(&self.head().await?, self.netuid).await?)
    }

    async fn prepare(
        &self,
        weights: &UidWeights,
        signer: &Signer,
        now: UnixMillis,
    ) -> Result<PreparedWeights, ChainError> {
        let state = self.head().await?;
        let context = WeightsContext::read(&state, self.netuid, signer.account()).await?;
        let weights = context.check(weights)?;
        let (weights_call, call, reveal_round) =
            self.weights_call(&state, &context, &weights, now)?;
        let mut signed = extrinsic::sign_at(&state, &call, signer).await?;
        signed.weights_call = Some(weights_call);
        signed.reveal_round = reveal_round;
        let text = serde_json::to_string(&signed).map_err(ChainError::OtherFormat)?;
        let hash = signed.hash();
        Ok(PreparedWeights { text, hash })
    }

    async fn submit(&self, prepared: &PreparedWeights) -> Result<(), ChainError> {
        self.send(&signed_extrinsic(prepared)?).await
    }

    async fn submission_status(
        &self,
        prepared: &PreparedWeights,
    ) -> Result<SubmissionStatus, ChainError> {
        Ok(self.status_of(&signed_extrinsic(prepared)?).await?)
    }

    /// Does nothing if the chain has it already.
    async fn serve_axon(&self, signer: &Signer, axon: SocketAddr) -> Result<(), ChainError> {
        if axon.port() == 0 || axon.ip().is_unspecified() {
            return Err(ChainRefusal::InvalidAxon(axon).into());
        }
        let hotkey = signer.account();
        let storage_keys = vec![
            StorageKey::new("Uids", [number(self.netuid), account(&hotkey)]),
            StorageKey::new("Axons", [number(self.netuid), account(&hotkey)]),
        ];
        let mut read = self.head().await?.read(storage_keys).await?;
        if read.next_optional::<u16>()?.is_none() {
            return Err(ChainRefusal::NotRegistered(hotkey).into());
        }
        let published: Option<AxonInfo> = read.next_optional()?;
        if published.and_then(|info| info.address()) == Some(axon) {
            return Ok(());
        }
        let call = calls::serve_axon(self.netuid, axon, AXON_VERSION);
        self.submit_and_wait(&call, signer).await.map(drop)
    }
}

impl Subtensor {
    /// The call that sets these weights on this runtime, its form, and the drand round that reveals them, if one does.
    fn weights_call(
        &self,
        state: &BlockState<'_>,
        context: &WeightsContext,
        weights: &UidWeights,
        now: UnixMillis,
    ) -> Result<(WeightsCall, Call, Option<u64>), SubtensorError> {
        let runtime = &state.runtime;
        let weights_call =
            WeightsCall::from_metadata(runtime.metadata(), context.reveal_period.is_some());
        let weights_call =
            weights_call.ok_or(SubtensorError::UnknownWeightsCall(runtime.spec_version()))?;
        let UidWeights { uids, values } = weights;
        let Some(period) = context.reveal_period else {
            let call =
                calls::set_weights(weights_call, self.netuid, uids, values, context.version_key);
            return Ok((weights_call, call, None));
        };
        // The commitment is in the next block at the earliest.
        let next = context.block + 1;
        let reveal = context.epochs.reveal_block(next, period);
        let round = epoch::reveal_round(now, context.block, reveal, runtime.block_time());
        let payload = match weights_call {
            WeightsCall::Crv3 => timelock::payload_v3(uids, values, context.version_key),
            _ => timelock::payload_v4(&context.hotkey, uids, values, context.version_key),
        };
        let commit = timelock::encrypt(&payload, round)?;
        let call = calls::commit_weights(weights_call, self.netuid, &commit, round);
        Ok((weights_call, call, Some(round)))
    }
}
